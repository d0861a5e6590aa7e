from unit.workload.plans import suite

from krobench.workload.testplan import longest_run_seconds, plan_tests


def test_a_test_overrides_the_defaults_field_by_field() -> None:
    plans = plan_tests(
        suite(
            defaults={"iterations": 7, "timeout": "2m", "concurrency": 3},
            test={"iterations": 2, "namespace": "mine"},
        )
    )
    assert (plans[0].iterations, plans[0].timeout_seconds) == (2, 120.0)
    assert (plans[0].concurrency, plans[0].namespace) == (3, "mine")


def test_warm_up_of_zero_overrides_a_default_of_one() -> None:
    assert plan_tests(suite(test={"warmup": 0}))[0].warmup == 0


def test_a_run_is_given_more_time_than_its_timeouts() -> None:
    spec = suite(defaults={"iterations": 2, "warmup": 1, "timeout": "1m"})
    assert longest_run_seconds(spec) > 3 * 60
