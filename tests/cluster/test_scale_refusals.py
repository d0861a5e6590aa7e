"""What is wrong with a KroScaleTest is said at once, by its field: nothing is created for it."""

import pytest
import yaml
from cluster.kubectl import Cluster, Manifest, condition
from cluster.test_scale import scale_test

pytestmark = pytest.mark.untimed

BY_THE_API_SERVER: dict[str, tuple[Manifest, str]] = {
    "axis-unknown": ({"axis": "pods"}, 'Unsupported value: "pods"'),
    "axis-rate": ({"axis": "arrivalRate"}, "must be constant or poisson with axis arrivalRate"),
    "axis-closed": ({"axis": "concurrency"}, "must be closed with axis concurrency"),
    "axis-generator": (
        {"axis": "celExpressions"},
        "must be set with this axis",
    ),
    "sizes-open": ({"sizes": {"from": 5}}, "set either values, or from and a larger to"),
    "sizes-small": ({"sizes": {"from": 0.001, "to": 5}}, "spec.sizes.from: Invalid value"),
    "sizes-zero": (
        {"sizes": {"from": 0, "to": 5}},
        "spec.sizes.from in body should be greater than 0",
    ),
    "sizes-soak": (
        {"sizes": {"values": [4], "soak": "2h"}},
        "must be between 0s and 1h",
    ),
    "sizes-soak-until": (
        {"sizes": {"values": [4], "soakUntil": "Stable"}},
        'spec.sizes.soakUntil: Unsupported value: "Stable"',
    ),
    "sizes-soak-none": (
        {"sizes": {"values": [4], "soakUntil": "Steady"}},
        "is too short for soakUntil Steady",
    ),
    "sizes-soak-brief": (
        {"sizes": {"values": [4], "soak": "25s", "soakUntil": "Steady"}, "collect": {}},
        "is too short for soakUntil Steady",
    ),
    "sizes-cumulative": (
        {
            "axis": "concurrency",
            "load": {"arrival": "closed"},
            "sizes": {"values": [4], "cumulative": True},
        },
        "requires axis instances or rgds",
    ),
    "sizes-shares": (
        {
            "axis": "rgds",
            "workload": {"scenario": "single", "instances": 3, "rgds": 2},
            "sizes": {"values": [4], "cumulative": True},
            "search": {"refine": False},
        },
        "must be a multiple of workload.rgds if sizes.cumulative is set",
    ),
    "sizes-search": (
        {"sizes": {"values": [4], "cumulative": True}},
        "must be false if sizes.cumulative is set with axis rgds",
    ),
    "slo-none": ({"slo": []}, "spec.slo: Invalid value"),
    "budget-short": ({"budget": {"duration": "30s"}}, "must be between 1m and 24h"),
    "workload-cel": ({"workload": {"cel": {}}}, "has no size to grow"),
    "renamed-steps": (
        {"sizes": None, "steps": {"from": 5, "to": 50}},
        "steps was renamed: use sizes",
    ),
    "renamed-hold": (
        {"sizes": {"values": [4], "hold": "1m"}},
        "hold was renamed: use soak",
    ),
    "renamed-repeats": ({"repeats": 3}, "repeats was renamed: use iterations"),
    "field-unknown": ({"steeps": {"values": [4]}}, 'unknown field "spec.steeps"'),
}
BY_THE_OPERATOR: dict[str, tuple[Manifest, str, str]] = {
    "slo-metric": (
        {"slo": ["latency.p99 < 1.0"]},
        "UnknownMetric",
        "spec.slo[0]: latency.p99 ",
    ),
    "slo-syntax": (
        {"slo": ["latency.instanceReady.max <"]},
        "InvalidThreshold",
        "spec.slo[0]: ",
    ),
    "slo-samples": (
        {"slo": ["latency.instanceReady.p99 < 1.0"]},
        "TooFewSamples",
        "spec.slo[0]: ",
    ),
    "sizes-order": (
        {"sizes": {"values": [60, 4]}},
        "InvalidSpec",
        "spec.sizes.values: ",
    ),
    "sizes-many": (
        {"sizes": {"from": 1, "to": 100, "growth": "linear", "increment": 1}},
        "InvalidSpec",
        "spec.sizes: more than 32 ",
    ),
    "sizes-vast": (
        {"sizes": {"values": [60000]}},
        "InvalidSpec",
        "spec.workload.instances: ",
    ),
}


def named(name: str, spec: Manifest) -> Manifest:
    manifest = scale_test(**spec)
    manifest["metadata"]["name"] = name
    manifest["spec"] = {key: value for key, value in manifest["spec"].items() if value is not None}
    return manifest


def test_the_api_server_refuses_it_and_names_the_field(cluster: Cluster) -> None:
    manifests = [named(name, spec) for name, (spec, _) in BY_THE_API_SERVER.items()]
    applied = cluster.run("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests), check=False)
    assert applied.stdout == "", "something was taken"
    for name, (_, words) in BY_THE_API_SERVER.items():
        assert words in applied.stderr, name
    assert applied.stderr.count("for soakUntil Steady") == 2, "each is reported once"
    assert cluster.names("kroscaletests") == []


def test_the_operator_refuses_it_and_starts_no_load(cluster: Cluster) -> None:
    cluster.apply(*(named(name, spec) for name, (spec, _, _) in BY_THE_OPERATOR.items()))
    finished = "--for=condition=Finished"
    cluster.run("wait", "kroscaletests", "--all", finished, "--timeout=180s")
    found = cluster.get("kroscaletests")["items"]
    statuses = {item["metadata"]["name"]: item["status"] for item in found}
    for name, (_, reason, words) in BY_THE_OPERATOR.items():
        status = statuses[name]
        assert (status["phase"], status["verdict"]) == ("Failed", "Error"), status
        assert condition(status, "Failed")["reason"] == reason
        assert words in status["message"]
    uids = [item["metadata"]["uid"] for item in found]
    jobs = f"--selector=bench.kro.run/run in ({','.join(uids)})"
    assert cluster.names("--namespace=krobench-system", "jobs", jobs) == []
