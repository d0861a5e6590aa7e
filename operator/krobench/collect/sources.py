"""Which sources a run has."""

from collections.abc import Callable
from dataclasses import dataclass

from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.collect.apiserver import ApiServerSource
from krobench.collect.etcd import EtcdSource
from krobench.collect.kro import KroSource
from krobench.collect.kubelet import KubeletSource
from krobench.collect.source import Scrape, Source, SourceUnavailableError
from krobench.collect.tracker import KroTracker
from krobench.kube.client import KubeClient
from krobench.kube.cluster import find_control_plane
from krobench.kube.kro import KroPod

__all__ = ["Scope", "Scrape", "Source", "SourceUnavailableError", "open_sources"]


@dataclass(frozen=True)
class Scope:
    """What to sample."""

    target: Target
    kro: KroPod
    collect: Collect
    instance_groups: frozenset[str]
    """API groups of the instances' kinds."""
    now: Callable[[], float]
    """The run's clock."""
    own_namespaces: frozenset[str] = frozenset()
    """Where the pods are that this run makes, or consists of."""


async def open_sources(client: KubeClient, scope: Scope) -> tuple[list[Source], KroTracker]:
    """Return the sources that a run has, and what knows which pod is kro."""
    tracker = KroTracker(client, scope.target, scope.kro, scope.now)
    sources: list[Source] = [
        KroSource(client, tracker, scope.instance_groups),
        ApiServerSource(client, scope.instance_groups),
        KubeletSource(client, tracker, await find_control_plane(client), scope.own_namespaces),
    ]
    if scope.collect.etcd is not None:
        sources.append(EtcdSource(scope.collect.etcd.url, client.config))
    return sources, tracker
