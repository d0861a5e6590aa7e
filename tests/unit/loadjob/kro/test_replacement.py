"""Restarts and upgrades of kro while instances exist, by what the cluster and kro show."""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from doubles.cluster import MemoryApi
from hypothesis import given
from hypothesis import strategies as st
from unit.collect.servers import closed_port, serve
from unit.loadjob.kro.cluster import KroCluster, variants_of
from unit.loadjob.kro.test_rollout import LEASE, PODS, pod

from krobench.api.specs.kro import Target
from krobench.figures.reasons.load import InstancesNotReconciled, KroNotBack, NoLeaderElection
from krobench.figures.reasons.sources import NotReadable
from krobench.kube.client import JsonObject
from krobench.kube.timing import Timing
from krobench.load.driver import EndedEarlyError
from krobench.load.lifecycle import Kind
from krobench.load.loops import RunClock
from krobench.load.operations import KindCount
from krobench.loadjob.kro.replacement import KroReplacement, peak_rate

SINGLES = Kind("singles.x", "rgd", "load.bench.kro.run", "v1alpha1", "Single", "singles", True)
GVR = "load.bench.kro.run/v1alpha1, Resource=singles"
TIMING = Timing(replacement_poll=0.0, replacement_unseen=0.5, restart_timeout=1.5)


class RestartedKro(MemoryApi):
    """A kro whose pod is replaced as soon as it is deleted, and leads some looks later."""

    def __init__(self, *, elects: bool = True) -> None:
        lease = {"metadata": {"name": "controller.kro.run"}, "spec": {"holderIdentity": "kro-a_1"}}
        super().__init__({f"{PODS}/kro-a": self._pod("kro-a", elects), LEASE: lease})
        self.elects = elects
        self.looks_until_it_leads = 4
        self.leads_at_all = True
        self.scrapes = 0
        self.queued = 3
        """Instances that the new process has still to look at; one less at each scrape."""
        self.updates: list[str] = []

    def _pod(self, name: str, elects: bool) -> dict[str, Any]:
        made = pod(name)
        made["metadata"]["finalizers"] = []
        made["spec"]["containers"][0]["args"] = ["--leader-elect"] if elects else []
        ready = {"type": "Ready", "status": "True"}
        made["status"] |= {"podIP": "127.0.0.1", "conditions": [ready]}
        return made

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if verb == "update":
            self.updates.append(path)
        if (verb, path) == ("get", LEASE):
            self.looks_until_it_leads -= 1
            if self.looks_until_it_leads == 0 and self.leads_at_all:
                lease = self.objects[LEASE]
                self.put(LEASE, lease | {"spec": {"holderIdentity": "kro-b_2"}})

    def react(self, verb: str, path: str) -> None:
        if (verb, path) == ("delete", f"{PODS}/kro-a"):
            self.put(f"{PODS}/kro-b", self._pod("kro-b", self.elects))

    async def metrics(self, request: web.Request) -> web.Response:
        leads = not self.elects or self.looks_until_it_leads <= 0
        self.scrapes += 1
        done = 0
        if leads and self.scrapes > 2:
            self.queued = max(0, self.queued - 1)
            done = 3 - self.queued
        lines = [
            f"process_resident_memory_bytes {90e6 if self.scrapes == 3 else 60e6}",
            "process_cpu_seconds_total 1.5",
            f'rest_client_requests_total{{code="200"}} {10 * self.scrapes}',
            f'workqueue_depth{{name="dynamic-controller-queue"}} {self.queued if leads else 0}',
        ]
        if done:
            lines.append(f'instance_reconcile_total{{gvr="{GVR}"}} {done}')
            lines.append('instance_reconcile_total{gvr="other"} 7')
        return web.Response(text="\n".join(lines) + "\n")


async def restart(
    cluster: RestartedKro, living: int = 3, port: int | None = None
) -> KroReplacement:
    async with serve(cluster.metrics) as served:
        target = Target(metrics_port=port or served)
        count = KindCount(SINGLES, living)
        async with KroReplacement(
            cluster, RunClock(), target, TIMING, "restart", [count]
        ) as measurement:
            try:
                await measurement.restart()
            except EndedEarlyError:
                assert not cluster.leads_at_all
            return measurement


async def test_a_restart_ends_when_kro_has_reconciled_every_instance() -> None:
    cluster = RestartedKro()
    measurement = await restart(cluster)
    figures, unavailable = measurement.results()
    ready, leads, reconciled = (
        figures[f"kro.restart.{each}Seconds"] for each in ("ready", "leads", "reconciled")
    )
    assert ready is not None
    assert leads is not None
    assert reconciled is not None
    assert 0 < ready < leads < reconciled
    assert figures["kro.restart.residentMaxBytes"] == 90e6
    assert figures["kro.restart.reconciles"] == 10
    assert figures["kro.restart.requests"] == 10 * cluster.scrapes
    assert set(unavailable) == {"kro.restart.requestsMaxPerSecond"}, "it took less than a second"
    assert measurement.replacement.pods == {"kro-b"}


async def test_the_lease_of_the_old_pod_is_left_to_expire() -> None:
    cluster = RestartedKro()
    await restart(cluster)
    assert cluster.updates == []


async def test_a_kro_without_election_leads_at_once_and_that_is_not_a_time() -> None:
    figures, unavailable = (await restart(RestartedKro(elects=False))).results()
    assert figures["kro.restart.reconciledSeconds"] is not None
    assert unavailable["kro.restart.leadsSeconds"] == NoLeaderElection()


async def test_instances_that_kro_does_not_reconcile_are_counted() -> None:
    _, unavailable = (await restart(RestartedKro(), living=5)).results()
    assert unavailable["kro.restart.reconciledSeconds"] == InstancesNotReconciled(
        reconciled=3, total=5
    )


async def test_without_metrics_only_what_the_api_server_shows_is_measured() -> None:
    figures, unavailable = (await restart(RestartedKro(), port=closed_port())).results()
    assert figures["kro.restart.leadsSeconds"] is not None
    for quantity in ("reconciledSeconds", "residentMaxBytes", "requests"):
        assert isinstance(unavailable[f"kro.restart.{quantity}"], NotReadable)


async def test_a_kro_that_never_leads_ends_the_phase() -> None:
    cluster = RestartedKro()
    cluster.leads_at_all = False
    figures, unavailable = (await restart(cluster)).results()
    assert figures["kro.restart.readySeconds"] is not None
    assert unavailable["kro.restart.leadsSeconds"] == KroNotBack()


@pytest.mark.parametrize("seconds", [0.0, 0.9])
def test_a_peak_rate_takes_a_second(seconds: float) -> None:
    assert peak_rate([(0.0, 0.0), (seconds, 100.0)]) is None


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), min_size=12, max_size=40))
def test_a_peak_rate_lies_between_the_mean_and_the_fastest_step(
    steps: list[tuple[int, int]],
) -> None:
    counts, at, count = [(0.0, 0.0)], 0, 0
    for tenths, more in steps:
        at, count = at + tenths, count + more
        counts.append((at / 10, float(count)))
    peak = peak_rate(counts)
    assert peak is not None
    assert peak <= max(more / (tenths / 10) for tenths, more in steps) + 1e-6
    slowest = min(more / (tenths / 10) for tenths, more in steps)
    assert peak >= slowest - 1e-6


class UpgradedKro(KroCluster):
    """A kro whose new pods are ready at once, and lead once the old Lease has expired."""

    def _pod(self, name: str, template: dict[str, Any]) -> dict[str, Any]:
        made = super()._pod(name, template)
        made["metadata"]["uid"] = f"uid-of-{name}"
        made["spec"] = template["spec"] | {"nodeName": "node"}
        ready = {"type": "Ready", "status": "True"}
        made["status"] |= {"podIP": "127.0.0.1", "conditions": [ready]}
        return made

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if (verb, path) == ("get", LEASE):
            name = self.pods[-1]["metadata"]["name"]
            self.objects[LEASE]["spec"]["holderIdentity"] = f"{name}_2"


async def test_an_upgrade_keeps_kros_own_probe_and_is_taken_back() -> None:
    cluster = UpgradedKro()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "new", "image": "kro:2"}, quick=False)
    await variants.find()
    target = Target(metrics_port=closed_port())
    async with KroReplacement(
        cluster, RunClock(), target, TIMING, "upgrade", [KindCount(SINGLES, 3)]
    ) as measurement:
        await measurement.upgrade(variants, "new")
    assert cluster.container["image"] == "kro:2"
    assert cluster.container["readinessProbe"] == {"initialDelaySeconds": 10}
    figures, _ = measurement.results()
    assert figures["kro.upgrade.readySeconds"] is not None
    assert figures["kro.upgrade.leadsSeconds"] is not None
    assert measurement.replacement.changed
    assert await variants.leave() == []
    await variants.settle()
    assert cluster.settled() == before


async def test_an_upgrade_that_does_not_start_is_explained_in_kros_words() -> None:
    cluster = UpgradedKro()
    bad = {"name": "bad", "image": "kro:2", "args": ["--nope=1"]}
    variants = variants_of(cluster, bad, quick=False)
    await variants.find()
    # The pod fails while it leads: on a busy machine, it must not be given up before it is seen to.
    timing = replace(TIMING, rollout_failing=0.01, replacement_unseen=60.0)
    async with KroReplacement(
        cluster, RunClock(), Target(metrics_port=closed_port()), timing, "upgrade", []
    ) as measurement:
        with pytest.raises(EndedEarlyError, match="flag provided but not defined") as raised:
            await measurement.upgrade(variants, "bad")
    assert raised.value.info.reason == "KroNotStarted"
