"""kro, installed by its own Helm chart, with profiling on and the chart's resource limits."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed import build, containerd, shell
from testbed.api import ApiClient
from testbed.errors import SetupError
from testbed.paths import Cache, State
from testbed.settings import KRO_NAMESPACE, KRO_RELEASE, KRO_REPOSITORY, KroSettings
from testbed.steps import say, step

_LEASE = "controller.kro.run"
_PODS = f"/api/v1/namespaces/{KRO_NAMESPACE}/pods?labelSelector=app.kubernetes.io/name%3Dkro"
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{KRO_NAMESPACE}/deployments/{KRO_RELEASE}"
_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{KRO_NAMESPACE}/leases"
_READY_SECONDS = 180
_POLL_SECONDS = 0.25
_COLD_SECONDS = 15


@dataclass(frozen=True)
class KroPod:
    """One pod of kro."""

    name: str
    phase: str
    ready: bool
    restarts: int
    address: str


@dataclass(frozen=True)
class InstalledKro:
    """What was last installed, and with which settings."""

    version: str
    fingerprint: str

    @classmethod
    def load(cls, path: Path) -> "InstalledKro | None":
        """Read the record; None where kro is not, or not completely, installed."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        """Write the record."""
        path.write_text(json.dumps(asdict(self)))


def ensure(cache: Cache, state: State, settings: KroSettings) -> None:
    """Install kro, or upgrade it where its version or values differ; else do nothing."""
    wanted = InstalledKro(settings.source.version, settings.fingerprint())
    if InstalledKro.load(state.kro) == wanted and serves(ApiClient(state.kubeconfig)):
        return
    # A version that can't be built leaves the installed one as it is.
    build.kro(settings.source).ensure(cache)
    state.kro.unlink(missing_ok=True)
    with step(f"install kro {wanted.version}", _COLD_SECONDS):
        _install(cache, state, settings)
    wanted.save(state.kro)


def remove(cache: Cache, state: State) -> None:
    """Uninstall kro where it is installed; its CRDs stay, as Helm leaves them."""
    if not ApiClient(state.kubeconfig).get(_DEPLOYMENT).ok:
        return
    state.kro.unlink(missing_ok=True)
    with step("uninstall kro", cold_seconds=5):
        _helm(cache, state, ["uninstall", KRO_RELEASE, "--namespace", KRO_NAMESPACE, "--wait"])
        _wait_until_gone(ApiClient(state.kubeconfig))


def pods(api: ApiClient) -> list[KroPod]:
    """kro's pods, the ones that are ending included."""
    answer = api.get(_PODS)
    return [_pod(item) for item in answer.json()["items"]] if answer.ok else []


def serves(api: ApiClient) -> bool:
    """Whether kro is rolled out, alone, and leads where it elects leaders."""
    answer = api.get(_DEPLOYMENT)
    if not answer.ok:
        return False
    deployment = answer.json()
    present = pods(api)
    if len(present) != deployment["spec"]["replicas"] or not all(pod.ready for pod in present):
        return False
    if not _is_observed(deployment):
        return False
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return "--leader-elect" not in arguments or _leads(api, present)


def default_values(version: str) -> dict[str, Any]:
    """The chart's values that the test bed sets; all else is the chart's own."""
    return {
        "image": {"repository": KRO_REPOSITORY, "tag": version},
        "debug": {"pprof": {"enabled": True}},
    }


def user_values(settings: KroSettings) -> list[str]:
    """The user's values as Helm's arguments."""
    files = [f"--values={path}" for path in settings.values_files]
    return [*files, *(f"--set={override}" for override in settings.value_overrides)]


def _install(cache: Cache, state: State, settings: KroSettings) -> None:
    built = build.kro(settings.source).ensure(cache)
    containerd.import_image(build.CONTAINERD.ensure(cache), built / build.IMAGE_ARCHIVE)
    _apply_crds(cache, state, built / "chart" / "crds")
    values = state.config / "kro-values.json"
    values.write_text(json.dumps(default_values(settings.source.version), indent=1))
    upgrade = ("upgrade", "--install", KRO_RELEASE, built / "chart", "--skip-crds")
    options = (f"--namespace={KRO_NAMESPACE}", "--create-namespace", f"--values={values}")
    _helm(cache, state, [*upgrade, *options, *user_values(settings)])
    _wait_until_serving(ApiClient(state.kubeconfig))


def _apply_crds(cache: Cache, state: State, directory: Path) -> None:
    """Helm would install a chart's CRDs once and never upgrade them."""
    kubectl = build.KUBERNETES.ensure(cache) / "kubectl"
    options = ("--server-side", "--force-conflicts", "--filename", directory)
    shell.run([kubectl, "apply", *options], env=_environment(state))


def _helm(cache: Cache, state: State, arguments: shell.Words) -> None:
    shell.run([build.HELM.ensure(cache) / "helm", *arguments], env=_environment(state))


def _wait_until_serving(api: ApiClient) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not serves(api):
        _release_lease(api)
        if time.monotonic() > deadline:
            raise SetupError(
                f"kro was not ready after {_READY_SECONDS} s; its pods: {_describe(pods(api))}"
            )
        time.sleep(_POLL_SECONDS)
    for pod in pods(api):
        say(f"    {pod.name} is ready at {pod.address}")


def _wait_until_gone(api: ApiClient) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while pods(api):
        if time.monotonic() > deadline:
            raise SetupError(f"kro's pods did not terminate: {_describe(pods(api))}")
        time.sleep(_POLL_SECONDS)


def _is_observed(deployment: dict[str, Any]) -> bool:
    """Whether the pods are those of the present template, and no older ones."""
    status, replicas = deployment.get("status", {}), deployment["spec"]["replicas"]
    generation = deployment["metadata"]["generation"]
    return bool(
        status.get("observedGeneration") == generation
        and status.get("updatedReplicas", 0) == replicas
        and status.get("readyReplicas", 0) == replicas
    )


def _release_lease(api: ApiClient) -> None:
    """Delete a lease whose holder is gone.

    A kro that ends does not release it, so the next one would wait until it has expired: 15 s.
    """
    present = pods(api)
    if present and _leader(api) and not _leads(api, present):
        api.delete(f"{_LEASES}/{_LEASE}")


def _leads(api: ApiClient, present: Sequence[KroPod]) -> bool:
    leader = _leader(api)
    return any(leader.startswith(pod.name) for pod in present)


def _leader(api: ApiClient) -> str:
    """Who holds the lease; empty where nobody does."""
    answer = api.get(f"{_LEASES}/{_LEASE}")
    return (answer.json()["spec"].get("holderIdentity") or "") if answer.ok else ""


def _pod(item: dict[str, Any]) -> KroPod:
    status = item["status"]
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    return KroPod(
        name=item["metadata"]["name"],
        phase="Terminating" if "deletionTimestamp" in item["metadata"] else status["phase"],
        ready=conditions.get("Ready") == "True",
        restarts=sum(each["restartCount"] for each in status.get("containerStatuses", [])),
        address=status.get("podIP", ""),
    )


def _describe(present: Sequence[KroPod]) -> str:
    texts = (f"{pod.name} {pod.phase}, {pod.restarts} restarts" for pod in present)
    return "; ".join(texts) or "none"


def _environment(state: State) -> dict[str, str]:
    return {"KUBECONFIG": str(state.kubeconfig)}
