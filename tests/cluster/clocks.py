"""A wall clock that leaps, given to the load of one run; no clock of the machine is touched."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import yaml
from cluster.disturbances import pod_of
from cluster.kubectl import KROBENCH, Cluster, wait_until

LEAP_SECONDS = 30.0
_NAME = "leaping-clock"
_PLANTED = "/planted"
_SIGNAL = "/tmp/leap"
# krobench reads the wall clock by time.time alone, but for what is only shown.
_MODULE = f"""
import os, time

def leaping(read=time.time):
    return read() + ({LEAP_SECONDS} if os.path.exists("{_SIGNAL}") else 0.0)

time.time = leaping
"""
# Where krobench is in the Dockerfile's image and in the test bed's; what is planted comes first.
_PYTHON_PATH = f"{_PLANTED}:/app:/opt/krobench/code:/opt/krobench/dependencies"
_POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    objectSelector: {matchLabels: {bench.kro.run/component: load}}
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
  - name: of-the-run
    expression: object.metadata.annotations['bench.kro.run/name'] == 'RUN'
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >
        Object{spec: Object.spec{
          volumes: [Object.spec.volumes{
            name: 'planted', configMap: Object.spec.volumes.configMap{name: 'NAME'}
          }],
          containers: [Object.spec.containers{
            name: 'load',
            env: [Object.spec.containers.env{name: 'PYTHONPATH', value: 'PYTHON_PATH'}],
            volumeMounts: [Object.spec.containers.volumeMounts{
              name: 'planted', mountPath: 'PLANTED'
            }]
          }]
        }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME}
"""


def can_be_planted(cluster: Cluster) -> bool:
    """Whether the API server knows MutatingAdmissionPolicies, as from Kubernetes 1.36 on."""
    served = cluster.run("api-resources", "--api-group=admissionregistration.k8s.io").stdout
    return "mutatingadmissionpolicies " in served


@contextmanager
def leaping_clock(cluster: Cluster, run: str) -> Iterator[Callable[[], None]]:
    """Have the load of a run that is yet to begin read a clock that leaps ahead by 30 s when the
    function is called, as libfaketime would."""
    metadata = {"name": _NAME, "namespace": "krobench-system"}
    module = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    words = {"NAME": _NAME, "RUN": run, "PYTHON_PATH": _PYTHON_PATH, "PLANTED": _PLANTED}
    policy = _POLICY
    for word, value in words.items():
        policy = policy.replace(word, value)
    try:
        cluster.apply(module | {"data": {"sitecustomize.py": _MODULE}}, *yaml.safe_load_all(policy))
        wait_until(lambda: _is_planted(cluster, run), "pods are given the clock")
        yield lambda: _leap(cluster)
    finally:
        kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings"
        cluster.run("delete", kinds, _NAME, "--ignore-not-found")
        cluster.run(*KROBENCH, "delete", "configmap", _NAME, "--ignore-not-found")


def _is_planted(cluster: Cluster, run: str) -> bool:
    metadata = {
        "name": "asked-for",
        "namespace": "krobench-system",
        "labels": {"bench.kro.run/component": "load"},
        "annotations": {"bench.kro.run/name": run},
    }
    pod = yaml.safe_dump(pod_of(cluster, {"name": "load"}, metadata))
    asked = ("create", "--dry-run=server", "--output=yaml", "--filename=-")
    return _PLANTED in cluster.run(*asked, stdin=pod).stdout


def _leap(cluster: Cluster) -> None:
    load = ("--selector=bench.kro.run/component=load", "--field-selector=status.phase=Running")
    [pod] = cluster.names(*KROBENCH, "pods", *load)
    cluster.run(*KROBENCH, "exec", pod, "--", "touch", _SIGNAL)
