"""Bottlenecks, each planted in a real run, of which the right one must be named first."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cluster.conftest import provider
from cluster.disturbances import slow_etcd
from cluster.kubectl import KRO, WAIT_SECONDS, Cluster, Manifest, benchmark, scenario, wait_until
from cluster.repetition import twice_at_most

WORKERS = "--dynamic-controller-concurrent-reconciles"
SLOW_ADMISSION, REFUSED = "planted-admission", "planted-refused"
PLANTED = "krobench-planted"
BROKEN, BROKEN_AT_ONCE = "planted-broken", "planted-broken-at-once"
WEBHOOK = "planted.krobench.example.com"
STUCK = "planted.example.com/v1alpha1/stucks"
IDLE = scenario("idle", instances=4, load={"arrival": "constant", "rate": 1})
IDLE_ATTEMPTS = 3
# What is rightly found where others have the processors, and was planted nowhere.
SLOW_MACHINE = {"APIServer", "Etcd", "KroCPU"}


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def slow_webhook(port: int) -> Manifest:
    """Return a webhook that the children of one namespace wait for, for a second and in vain."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": PLANTED},
        "webhooks": [
            {
                "name": WEBHOOK,
                "clientConfig": {"url": f"https://127.0.0.1:{port}/"},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["configmaps"],
                    }
                ],
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": SLOW_ADMISSION}
                },
                "objectSelector": {"matchLabels": {"kro.run/owned": "true"}},
                "failurePolicy": "Ignore",
                "timeoutSeconds": 1,
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


def few_seats(account: str) -> list[Manifest]:
    """Return what leaves kro, in one namespace, few requests at once, and refuses the others."""
    flow = "flowcontrol.apiserver.k8s.io/v1"
    limited = {
        "nominalConcurrencyShares": 1,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    rule = {
        "subjects": [
            {
                "kind": "ServiceAccount",
                "serviceAccount": {"name": account, "namespace": "kro-system"},
            }
        ],
        "resourceRules": [
            {
                "verbs": ["*"],
                "apiGroups": [""],
                "resources": ["configmaps"],
                "namespaces": [REFUSED],
            }
        ],
    }
    return [
        {
            "apiVersion": flow,
            "kind": "PriorityLevelConfiguration",
            "metadata": {"name": PLANTED},
            "spec": {"type": "Limited", "limited": limited},
        },
        {
            "apiVersion": flow,
            "kind": "FlowSchema",
            "metadata": {"name": PLANTED},
            "spec": {
                "priorityLevelConfiguration": {"name": PLANTED},
                "matchingPrecedence": 100,
                "rules": [rule],
            },
        },
    ]


def stuck_rgd() -> Manifest:
    """Return an RGD whose child cannot be watched: kro waits 30 s for that, each time."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "LocalSubjectAccessReview",
        "metadata": {"name": "${schema.metadata.name}"},
        "spec": {
            "user": "nobody",
            "resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"},
        },
    }
    return {
        "apiVersion": "kro.run/v1alpha1",
        "kind": "ResourceGraphDefinition",
        "metadata": {"name": PLANTED},
        "spec": {
            "schema": {
                "apiVersion": "v1alpha1",
                "kind": "Stuck",
                "group": "planted.example.com",
                "spec": {"value": "string"},
            },
            "resources": [{"id": "review", "template": review}],
        },
    }


def broken_rgd(name: str, *, keys: int, depth: int) -> Manifest:
    """Return an RGD whose status cannot be built, which kro finds out when it has checked the types
    of all else: that of 200 lists in 36 lists after a second, that of one within a
    millisecond."""
    value = "[" * depth + "{}" + "]" * depth
    data = {f"key{key}": f"${{string({value.format(key)}.size())}}" for key in range(keys)}
    template = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "${schema.metadata.name}"},
        "data": data,
    }
    return {
        "apiVersion": "kro.run/v1alpha1",
        "kind": "ResourceGraphDefinition",
        "metadata": {"name": name},
        "spec": {
            "schema": {
                "apiVersion": "v1alpha1",
                "kind": name.title().replace("-", ""),
                "group": "planted.example.com",
                "spec": {"value": "string"},
                "status": {"sum": "${config.data.key0 + 1}"},
            },
            "resources": [{"id": "config", "template": template}],
        },
    }


STUCK_INSTANCE = {
    "apiVersion": "planted.example.com/v1alpha1",
    "kind": "Stuck",
    "metadata": {"name": "stuck", "namespace": "default"},
    "spec": {"value": "x"},
}


@pytest.fixture
def plants(cluster: Cluster) -> Iterator[None]:
    """Plant what each takes effect in one test alone, and weed all of it out."""
    account = cluster.get(*KRO, "deployment", "kro")["spec"]["template"]["spec"]
    with silent_server() as port:
        try:
            cluster.apply(
                namespace(SLOW_ADMISSION),
                namespace(REFUSED),
                slow_webhook(port),
                *few_seats(account["serviceAccountName"]),
                stuck_rgd(),
            )
            cluster.run("wait", "rgd", PLANTED, "--for=condition=Ready", "--timeout=300s")
            yield
        finally:
            weed(cluster)


def weed(cluster: Cluster) -> None:
    gone = ("--ignore-not-found", "--timeout=300s")
    cluster.run("delete", "validatingwebhookconfiguration,flowschema", PLANTED, *gone)
    cluster.run("delete", "prioritylevelconfiguration", PLANTED, *gone)
    cluster.run("delete", "namespace", SLOW_ADMISSION, REFUSED, *gone, "--wait=false")
    weed_stuck_instance(cluster)
    weed_broken_rgds(cluster)
    cluster.run("delete", "rgd", PLANTED, *gone)
    cluster.run("delete", "crd", "stucks.planted.example.com", *gone)


def weed_broken_rgds(cluster: Cluster) -> None:
    cluster.run("delete", "rgd", BROKEN, BROKEN_AT_ONCE, "--ignore-not-found", "--timeout=300s")


def weed_stuck_instance(cluster: Cluster) -> None:
    """Delete it for kro, which cannot list such children, and so would never let go of it."""
    drop = '--patch={"metadata":{"finalizers":null}}'
    stuck = ("stucks.planted.example.com", "stuck", "--namespace=default")

    def is_gone() -> bool:
        cluster.run("delete", *stuck, "--wait=false", check=False)
        cluster.run("patch", *stuck, "--type=merge", drop, check=False)
        return cluster.run("get", *stuck, check=False).returncode != 0

    wait_until(is_gone, "the stuck instance is gone")


@contextmanager
def silent_server() -> Iterator[int]:
    """Listen, where the API server runs on this machine, and never say a word."""
    over, open_ = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def accept() -> None:
            while not over.is_set():
                try:
                    open_.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()
            for connection in open_:
                connection.close()


@pytest.mark.chart_defaults
@twice_at_most
def test_what_is_planted_in_kro_itself_is_named_first(cluster: Cluster) -> None:
    many = f"{WORKERS}=8"
    variants = [
        {"name": "one-worker", "args": [f"{WORKERS}=1"]},
        {
            "name": "starved",
            "args": [many],
            "resources": {"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}},
        },
        {"name": "crowded", "args": [many], "env": {"GOMEMLIMIT": "12MiB"}},
    ]
    test = scenario("a", "wide", instances=30, concurrency=30)
    cluster.finish(benchmark("inside", test, variants=variants))
    found = ranked(cluster, "inside")
    assert firsts(found, "kind") == {
        "a.one-worker": "KroWorkers",
        "a.starved": "KroCPU",
        "a.crowded": "KroMemory",
    }, found


@pytest.mark.chart_defaults
@pytest.mark.skipif(provider() != "testbed", reason="the API server must run on this machine")
@pytest.mark.usefixtures("plants")
@twice_at_most
def test_what_is_planted_around_kro_is_named_first(cluster: Cluster) -> None:
    late = {"arrival": "constant", "rate": 1000, "maxInFlight": 1, "maxSendLag": "10ms"}
    side_by_side = {"seed": 1, "complexity": "custom", "resources": 8}
    tests = [
        IDLE,
        scenario("generator", instances=30, load=late),
        scenario("requeue", "chain", phases=[{"operation": "create"}, {"operation": "delete"}]),
        scenario("admission", instances=4, concurrency=4, namespace=SLOW_ADMISSION),
        {
            "name": "refused",
            "workload": {"generator": side_by_side, "instances": 4},
            "concurrency": 4,
            "namespace": REFUSED,
        },
        {"name": "kinds", "workload": {"scenario": "single", "rgds": 8, "instances": 8}},
        {"name": "broken", "workload": {"scenario": "single", "rgds": 5, "instances": 5}},
        scenario("slow-etcd", instances=4, concurrency=2),
        scenario("poisoned"),
    ]
    cluster.apply(benchmark("around", *tests))
    wait_for_set_up(cluster, "kinds")
    cluster.apply(broken_rgd(BROKEN_AT_ONCE, keys=1, depth=1))
    wait_for_set_up(cluster, "broken")
    cluster.apply(broken_rgd(BROKEN, keys=200, depth=36))
    cluster.wait_for_iteration("around", "broken")
    weed_broken_rgds(cluster)
    cluster.wait_for_rgd("slow-etcd")
    with slow_etcd():
        cluster.wait_for_iteration("around", "slow-etcd")
    wait_for_set_up(cluster, "poisoned")
    cluster.apply(STUCK_INSTANCE)
    cluster.wait_for_iteration("around", "poisoned")
    # It would hold up the tear-down as well.
    weed_stuck_instance(cluster)
    cluster.wait("around", "Finished")
    found = ranked(cluster, "around")
    # Its five new kinds cost a second each as well, which may rightly be more.
    broken = {cause["kind"]: cause["subject"] for cause in found.pop("broken")}
    assert broken.get("PoisonedRGD") == {"kind": "RGD", "name": BROKEN}, broken
    assert firsts(found, "kind") | {"idle": cause_in_idle(cluster, found)} == {
        "idle": None,
        "generator": "Generator",
        "requeue": "RequeueWait",
        "admission": "Admission",
        "refused": "APIServer",
        "kinds": "WatchReinitialisation",
        "slow-etcd": "Etcd",
        "poisoned": "PoisonedRGD",
    }, found
    subjects = firsts(found, "subject")
    assert subjects["admission"] == {"kind": "Webhook", "name": WEBHOOK}
    assert subjects["refused"] == {"kind": "FlowSchema", "name": PLANTED}
    # This graph was built anew and anew as well, and held nobody up.
    assert failed_builds(cluster, "kinds")[BROKEN_AT_ONCE] > 1
    assert "PoisonedRGD" not in {cause["kind"] for cause in found["kinds"]}
    assert subjects["poisoned"] == {"kind": "Resource", "name": STUCK}


def wait_for_set_up(cluster: Cluster, test: str) -> None:
    """Wait until a test has an RGD: what the run says of itself comes up to 3 s late, and such a
    test takes no longer."""
    wait_until(lambda: bool(cluster.rgds(test)), f"the set-up of {test} has begun", WAIT_SECONDS)


def failed_builds(cluster: Cluster, test: str) -> dict[str, float]:
    """Return how often kro built graphs in vain during the set-up of a test, by RGD."""
    record = next(each for each in cluster.run_record("around")["tests"] if each["name"] == test)
    failed = record["summary"]["parts"]["setUp.kro.failedBuilds"]
    return {part["name"]: part["value"] for part in failed}


def cause_in_idle(cluster: Cluster, found: dict[str, list[Manifest]]) -> str | None:
    """Return the first cause in the idle test, which is measured anew where the machine is slow."""
    kinds: dict[str, str | None] = firsts(found, "kind")
    for number in range(IDLE_ATTEMPTS - 1):
        if kinds["idle"] in SLOW_MACHINE:
            cluster.finish(benchmark(f"idle-{number}", IDLE))
            kinds = firsts(ranked(cluster, f"idle-{number}"), "kind")
    return kinds["idle"]


def ranked(cluster: Cluster, name: str) -> dict[str, list[Manifest]]:
    """Return what was found in each test, the weightiest first."""
    tests = cluster.run_record(name)["tests"]
    return {test["name"]: test["attribution"]["bottlenecks"] for test in tests}


def firsts(found: dict[str, list[Manifest]], figure: str) -> dict[str, Any]:
    """Return the kind, or another figure, of what is first in each test; None where nothing is."""
    return {test: causes[0][figure] if causes else None for test, causes in found.items()}
