"""What an Event says of a test that succeeded."""

from krobench.api.status import KroBenchmarkStatus, TestStatus
from krobench.report.events import events_of


def messages(**test: object) -> list[str]:
    new = KroBenchmarkStatus(
        tests=[TestStatus(name="a", phase="Succeeded", iterations="2/2", **test)]
    )
    return [event.message for event in events_of(KroBenchmarkStatus(), new)]


def test_a_test_of_instances_tells_their_median() -> None:
    assert messages(instance_ready_p50_seconds=1.5) == [
        "test a: instances became ready in 1.5 s (median)"
    ]


def test_a_test_of_expressions_tells_what_they_cost() -> None:
    assert messages(cel="3 expressions: 6 µs to 9 µs") == ["test a: 3 expressions: 6 µs to 9 µs"]
