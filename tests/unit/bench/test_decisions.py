from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.decisions.kros import Planted
from bench.decisions.outcomes import Metric, Outcome, exact, row
from krobench.findings.comparison import MetricVerdict
from testbed.krosource import Release

CONTROLLER = "pkg/dynamiccontroller/dynamic_controller.go"
CALL = "\terr = handler(ctx, ctrl.Request{NamespacedName: oi.NamespacedName})\n"


@dataclass(frozen=True)
class Unpacked(Release):
    """A release whose source is a directory."""

    directory: Path = Path()

    @contextmanager
    def checkout(self) -> Iterator[Path]:
        yield self.directory


@pytest.fixture
def release(tmp_path: Path) -> Unpacked:
    for name, text in {
        CONTROLLER: f"package dynamiccontroller\n{CALL}",
        "cmd/controller/main.go": "package main\n",
        "helm/Chart.yaml": "name: kro\n",
    }.items():
        file = tmp_path / "kro" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o444)
    return Unpacked(directory=tmp_path / "kro")


def test_each_share_is_another_kro(release: Unpacked, tmp_path: Path) -> None:
    kros = [Planted(sleeps=0.1), Planted(sleeps=0.3), Planted(allocates=0.1)]
    versions = {each.source(release, tmp_path / "patched").version for each in kros}
    assert len(versions) == len(kros)


def test_the_patch_surrounds_the_call_of_the_handler(release: Unpacked, tmp_path: Path) -> None:
    source = Planted(sleeps=0.1).source(release, tmp_path / "patched")
    lines = (source.directory / CONTROLLER).read_text().split("\n")
    at = lines.index(CALL.rstrip())
    assert [lines[at - 1].strip(), lines[at + 1].strip()] == ["planted := plant()", "planted()"]


def test_a_release_without_that_line_is_refused(release: Unpacked, tmp_path: Path) -> None:
    controller = release.directory / CONTROLLER
    controller.chmod(0o644)
    controller.write_text("package dynamiccontroller\n")
    with pytest.raises(LookupError, match=r"dynamic_controller\.go has not one line"):
        Planted(sleeps=0.1).source(release, tmp_path / "patched")


@pytest.mark.parametrize(
    ("yes", "of", "low", "high"),
    # From R: binom.test(yes, of)$conf.int
    [(0, 20, 0.0, 0.1684), (1, 20, 0.0013, 0.2487), (18, 20, 0.6830, 0.9877), (20, 20, 0.8316, 1)],
)
def test_intervals_of_shares_are_exact(yes: int, of: int, low: float, high: float) -> None:
    assert exact(yes, of) == pytest.approx((low, high), abs=5e-5)


def made(verdict: MetricVerdict | None, minutes: float, problem: str | None = None) -> Outcome:
    metric = Metric(name="throughput.instancesPerSecond", verdict=verdict, ratio=1, low=1, high=1)
    return Outcome(
        planted="nothing",
        krobench="krobench:1",
        began="2026-11-30T00:00:00Z",
        minutes=minutes,
        blocks=8,
        verdict=verdict,
        problem=problem,
        metrics=(metric,),
    )


def test_invalid_decisions_count_for_themselves() -> None:
    outcomes = [
        made(MetricVerdict.NO_SLOWDOWN, 10),
        made(MetricVerdict.WORSE, 20),
        made(None, 99, problem="APIServerBusy"),
    ]
    planted, count, worse, better, none, inconclusive, invalid, mean, most, blocks = row(
        "nothing", outcomes
    )
    assert (planted, count, invalid) == ("nothing", "3", "1")
    shares = (worse, better, none, inconclusive)
    assert [each.split()[0] for each in shares] == ["1", "0", "1", "0"]
    assert (mean, most, blocks) == ("15.0", "20.0", "8.0")


def test_without_a_decision_nothing_is_available() -> None:
    assert row("nothing", [])[2:6] == ("not available",) * 4
