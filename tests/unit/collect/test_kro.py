from krobench.collect.exposition import Reading
from krobench.collect.kro import with_present_names
from krobench.collect.source import Scrape


def names(*keys: str) -> dict[str, float]:
    readings = [Reading(key, float(number), None) for number, key in enumerate(keys)]
    return {r.key: r.value for r in with_present_names(Scrape(readings)).readings}


def test_an_older_kros_metrics_stand_under_the_present_names() -> None:
    assert names("dynamic_controller_reconcile_total", "dynamic_controller_gvr_count") == {
        "instance_reconcile_total": 0.0,
        "dynamic_controller_watch_count": 1.0,
    }


def test_where_both_names_are_there_the_present_one_counts() -> None:
    assert names("dynamic_controller_reconcile_total", "instance_reconcile_total") == {
        "instance_reconcile_total": 1.0
    }
