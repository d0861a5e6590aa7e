"""Names of version 1 lead to names that are there."""

import pytest

from krobench.analysis.figurenames import known_names
from krobench.figures.renamed import RENAMED, new_name, with_new_names

OF_CURVES = {"kro.requests.perSecond", "apiServer.requests.perSecond"}


def test_every_old_name_leads_to_one_that_is_known() -> None:
    assert set(RENAMED.values()) <= {*known_names(), *OF_CURVES}
    assert not set(RENAMED) & set(known_names())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("memory.residentMaxBytes < 3 * 2.0", "kro.memory.residentBytes.max < 3 * 2.0"),
        ("metrics['kro_watch_count_max'] > 1", "kro.watchedKinds.max > 1"),
        ('metrics["kro_cel_evaluations"] > 1', "kro.cel.evaluations > 1"),
        ("cpu.kroSeconds < duration.seconds", "kro.cpu.seconds < duration.seconds"),
        ("metrics.prometheus_max_db_bytes < 1", "prometheus.db_bytes.max < 1"),
        ("kro.cpu.throttledPeriodsRatio < 1", "kro.cpu.throttledPeriodsRatio < 1"),
        ("latency.instanceReady.p99 < 1", "latency.instanceReady.p99 < 1"),
        ("metrics.other < 1", "metrics.other < 1"),
    ],
)
def test_expressions_are_rewritten(old: str, new: str) -> None:
    assert with_new_names(old) == new


def test_a_name_that_never_was_one_has_no_successor() -> None:
    assert new_name("usage.kro.nope") is None
