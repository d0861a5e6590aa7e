"""Expressions, measured in a real kro."""

from cluster.kubectl import Cluster, Manifest, benchmark

OWN = [
    {"name": "mine", "expression": "schema.spec.n * 2", "values": {"n": 21}, "expected": 42},
    {"name": "unknown", "expression": "schema.spec.m", "values": {"n": 21}, "expected": "x"},
    {
        "name": "mistaken",
        "expression": 'quantity(schema.spec.q).isGreaterThan(quantity("1Gi")) ? "big" : "small"',
        "values": {"q": "2Gi"},
        "expected": "small",
    },
]
CEL = {
    "families": ["field-access", "list-comprehension"],
    "levels": ["simple", "complex"],
    "expressions": OWN,
}
# Cheap enough to fail no run that is in order, and far from what no measurement would show.
LEAST_FACTOR = 20.0


def test_expressions_are_measured_in_kro_and_one_that_it_rejects_is_named(cluster: Cluster) -> None:
    test: Manifest = {"name": "cel", "workload": {"cel": CEL}, "timeout": "150s"}
    status = cluster.finish(benchmark("cel", test, defaults={"iterations": 3}))
    [record] = cluster.run_record("cel")["tests"]
    results = {item["name"]: item for item in record["cel"]["expressions"]}

    long, field = results["list-of-1000"], results["field-access"]
    assert long["actual"] == long["expected"] == "999000"
    assert long["relativeToFieldAccess"]["low"] > LEAST_FACTOR
    assert long["overConstantSeconds"]["low"] > 0.0
    assert field["evaluations"] >= 3 * 50
    assert field["evaluationsPerReconcile"] == field["copies"]
    assert field["compileSeconds"]["value"] > 0.0
    assert results["list-of-10"]["compiledBytes"]["value"] > 0.0

    mine = results["mine"]
    assert (mine["state"], mine["actual"], mine["expected"]) == ("Measured", "42", "42")

    rejected = results["unknown"]
    assert rejected["state"] == "Failed"
    assert rejected["error"]["reason"] == "RejectedByKro"
    assert "undefined field 'm'" in rejected["error"]["message"]
    assert "evaluationSeconds" in rejected["unavailable"]

    mistaken = results["mistaken"]
    assert mistaken["error"]["message"] == "expected 'small', and kro made 'big'"

    [line] = status["tests"]
    assert line["verdict"] == "Failed"
    assert line["cel"].startswith("7 expressions, 2 failed: ")
    assert line["iterations"] == "3/3"
    report = cluster.krobench("report", "cel").stdout
    assert "| list-of-1000 | list-comprehension | complex |" in report
    assert "**unknown**: RejectedByKro: " in report
