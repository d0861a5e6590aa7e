"""``krobench run``, as a CI pipeline uses it."""

from pathlib import Path
from xml.etree import ElementTree as ET

import yaml
from cluster.kubectl import Cluster, benchmark, scenario


def test_a_pipeline_gets_a_verdict_and_files(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "benchmark.yaml"
    tests = [
        scenario("good", thresholds=["errors.total == 0"]),
        scenario("strict", thresholds=["latency.instanceReady.max < 0.001"]),
    ]
    path.write_text(yaml.safe_dump(benchmark("pipeline", *tests)))
    junit, markdown = tmp_path / "out.xml", tmp_path / "out.md"
    done = cluster.krobench_process(
        "run", f"--file={path}", f"--junit={junit}", f"--markdown={markdown}", "--timeout=15m"
    )
    assert done.returncode == 1, done.stderr
    assert "Running" in done.stderr
    root = ET.fromstring(junit.read_text())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert "strict" in markdown.read_text()
    again = cluster.krobench_process("run", f"--file={path}")
    assert again.returncode == 4
    assert "pipeline" in again.stderr
