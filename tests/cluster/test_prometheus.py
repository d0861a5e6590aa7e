"""An existing Prometheus, played by a server on the node that speaks its HTTP API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from cluster.conftest import provider
from cluster.kubectl import Cluster, benchmark, scenario

from krobench.record.run import RunRecord

# The node's end of the pods' bridge.
NODE = "10.87.0.1"
PORT = 19090
"""scripts/deploy.sh allows it."""
HANG_SECONDS = 5

pytestmark = pytest.mark.skipif(
    provider() != "testbed", reason="pods of other clusters do not reach this machine"
)


class Handler(BaseHTTPRequestHandler):
    """Answers `ramp` with a value a second, 0, 1, 2 and so on; to `hang` it is silent."""

    asked: ClassVar[list[dict[str, str]]] = []
    over = threading.Event()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(asked | {"path": url.path})
        if asked["query"] == "hang":
            self.over.wait(HANG_SECONDS)
        error = {"status": "error", "errorType": "bad_data", "error": "unknown query"}
        answers = {"ramp": _matrix(asked), "nothing": _success([])}
        body = json.dumps(answers.get(asked["query"], error)).encode()
        self.send_response(200 if asked["query"] in answers else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _matrix(asked: dict[str, str]) -> dict[str, object]:
    start, end = float(asked["start"]), float(asked["end"])
    values = [[start + second, str(second)] for second in range(int(end - start) + 1)]
    return _success([{"metric": {}, "values": values}])


def _success(result: list[dict[str, object]]) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer((NODE, PORT), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{NODE}:{server.server_port}"
    Handler.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_prometheus_adds_metrics_and_what_it_lacks_is_said(cluster: Cluster, url: str) -> None:
    queries = [{"name": n, "query": n} for n in ("ramp", "nothing", "hang", "wrong")]
    prometheus = {"url": url, "timeout": "2s", "queries": queries}
    threshold = "prometheus.ramp.max >= 0.0"
    status = cluster.finish(
        benchmark(
            "prometheus",
            scenario("a", instances=10, thresholds=[threshold]),
            collect={"prometheus": prometheus},
        )
    )
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed")
    check_metrics(cluster)
    check_warnings(status["warnings"])


def check_metrics(cluster: Cluster) -> None:
    [test] = RunRecord.model_validate(cluster.run_record("prometheus")).tests
    [iteration] = test.iterations
    assert iteration.run_seconds is not None
    seconds = int(iteration.run_seconds)
    assert iteration.figures.root["prometheus.ramp.max"] == pytest.approx(seconds, abs=1)
    assert iteration.figures.root["prometheus.ramp.mean"] == pytest.approx(seconds / 2, abs=0.5)
    for name in ("nothing", "hang", "wrong"):
        assert f"prometheus.{name}.mean" not in iteration.figures.root
        assert f"prometheus.{name}.mean" in iteration.unavailable
    assert {item["path"] for item in Handler.asked} == {"/api/v1/query_range"}
    for item in Handler.asked:
        asked_seconds = float(item["end"]) - float(item["start"])
        assert asked_seconds == pytest.approx(iteration.run_seconds, abs=0.01)


def check_warnings(warnings: list[str]) -> None:
    text = "\n".join(warnings)
    assert all(f"query {name} " in text for name in ("nothing", "hang", "wrong"))
    assert "unknown query" in text, "Prometheus' own words"
    assert "query ramp" not in text
