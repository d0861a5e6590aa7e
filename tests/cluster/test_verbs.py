"""The verbs that krobench's accounts are granted, next to those that they used.

The API server's audit log has each request of all tests so far, so this is the last of them. Run
alone, it only checks that a run of its own uses nothing that our roles do not grant.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cluster.conftest import BEGAN, STARTED, provider
from cluster.kubectl import Cluster, Manifest, benchmark, scenario

PREFIX = "system:serviceaccount:krobench-system:"
OPERATOR, LOAD = "krobench", "krobench-load"
FEW_TESTS = 40
"""Fewer tests than this do not use every right."""

# Granted though these tests may not use it, and why.
UNUSED = {
    (OPERATOR, "list", "/events"): "why a pod that a Job asked for is not created",
    (LOAD, "get", "/nodes/metrics"): "kubelets ask for it; the load Job reads them directly",
    (LOAD, "get", "/pods/proxy"): "the way to kro's metrics if the pod network is out of reach",
    (LOAD, "get", "kro.run/resourcegraphdefinitions"): "a creation whose answer was lost",
    (LOAD, "get", "load.bench.kro.run/*"): "a creation whose answer was lost",
    (LOAD, "list", "kro.run/graphrevisions"): "older releases of kro have them in this group",
    (LOAD, "watch", "kro.run/graphrevisions"): "older releases of kro have them in this group",
    (LOAD, "get", "/version"): "the same right comes with system:public-info-viewer",
}


@dataclass(frozen=True)
class Use:
    """An account, a verb, and a group with a resource, or a path."""

    account: str
    verb: str
    what: str

    def __str__(self) -> str:
        return f"{self.account} {self.verb} {self.what}"


def used(log: Path) -> Iterator[tuple[Use, int]]:
    """Yield each request of krobench's accounts since these tests began, with its status."""
    began = STARTED.isoformat()
    files = sorted(log.parent.glob(f"{log.stem}-*{log.suffix}"))
    for file in (*files, log):
        with file.open() as lines:
            for line in lines:
                if PREFIX not in line:
                    continue
                entry = json.loads(line)
                name = entry["user"]["username"]
                is_ours = name.startswith(PREFIX) and "impersonatedUser" not in entry
                if is_ours and entry["requestReceivedTimestamp"] >= began:
                    use = Use(name.removeprefix(PREFIX), entry["verb"], _what(entry))
                    yield use, entry.get("responseStatus", {}).get("code", 0)


def _what(entry: Manifest) -> str:
    reference = entry.get("objectRef")
    if reference is None:
        return str(entry["requestURI"].partition("?")[0])
    subresource = f"/{reference['subresource']}" if "subresource" in reference else ""
    return f"{reference.get('apiGroup', '')}/{reference['resource']}{subresource}"


def granted(cluster: Cluster) -> set[Use]:
    """Return what the roles that are bound to krobench's accounts grant."""
    found: set[Use] = set()
    roles = {
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"]): role
        for role in cluster.get("clusterroles,roles", "--all-namespaces")["items"]
    }
    for binding in cluster.get("clusterrolebindings,rolebindings", "--all-namespaces")["items"]:
        for subject in binding.get("subjects") or []:
            if subject["kind"] != "ServiceAccount" or subject["namespace"] != "krobench-system":
                continue
            reference = binding["roleRef"]
            is_role = reference["kind"] == "Role"
            namespace = binding["metadata"].get("namespace") if is_role else None
            role = roles[reference["kind"], namespace, reference["name"]]
            found |= set(_of_rules(subject["name"], role["rules"] or []))
    return found


def _of_rules(account: str, rules: list[Manifest]) -> Iterator[Use]:
    for rule in rules:
        for verb in rule["verbs"]:
            for path in rule.get("nonResourceURLs", []):
                yield Use(account, verb, path)
            for group in rule.get("apiGroups", []):
                for resource in rule["resources"]:
                    yield Use(account, verb, f"{group}/{resource}")


def _as_granted(use: Use, rights: set[Use]) -> Use:
    """Return a use as the rights name it: kinds of runs have one rule for all resources."""
    group, _, resource = use.what.partition("/")
    _, has_sub, sub = resource.partition("/")
    of_subresource = replace(use, what=f"{group}/*/{sub}")
    if has_sub and of_subresource in rights:
        return of_subresource
    of_all = replace(use, what=f"{group}/*")
    return of_all if of_all in rights else use


@pytest.fixture
def log(cluster: Cluster) -> Path:
    file = Path(cluster.kubeconfig).parent / "log" / "audit.log"
    if provider() != "testbed" or not file.exists():
        pytest.skip("only the embedded test bed writes an audit log")
    return file


def test_verbs_granted_are_verbs_used(
    cluster: Cluster, log: Path, request: pytest.FixtureRequest
) -> None:
    few = not BEGAN and len(request.session.items) < FEW_TESTS
    if few:
        cluster.finish(benchmark("verbs", scenario("a")))
    rights = granted(cluster)
    requests = {(_as_granted(use, rights), code) for use, code in used(log)}
    succeeded = {use for use, code in requests if code < 400 or code == 404}
    beyond = {use for use in succeeded if use not in rights} - for_everybody(succeeded)
    assert not beyond, f"used and not granted by our roles: {_lines(beyond)}"

    if few:
        return
    unused = rights - succeeded - {Use(*key) for key in UNUSED}
    assert not unused, f"granted and never used: {_lines(unused)}"


def for_everybody(uses: set[Use]) -> set[Use]:
    """Return what Kubernetes grants to all accounts: discovery, and questions about oneself."""
    paths = ("/api", "/openapi", "/readyz", "/version", "/livez", "/healthz")
    return {
        use for use in uses if use.what.startswith(("authorization.k8s.io/selfsubject", *paths))
    }


def _lines(uses: set[Use]) -> str:
    return "; ".join(sorted(map(str, uses)))
