from typing import Any

import pytest
from pydantic import ValidationError

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.suite.load import Load

BURST = {"size": 5, "interval": "1s"}
RAMP = {"arrival": "ramp", "rate": 1, "toRate": 10, "rampDuration": "1m"}


@pytest.mark.parametrize(
    "load",
    [
        {},
        {"arrival": "constant", "rate": 0.5},
        {"arrival": "poisson", "rate": 10, "seed": 7},
        {"arrival": "burst", "burst": BURST},
        RAMP,
    ],
)
def test_each_arrival_is_taken_with_what_it_needs(load: dict[str, Any]) -> None:
    assert Load.model_validate(load).max_send_lag_seconds == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ({"arrival": "constant"}, "rate is to be set"),
        ({"rate": 5}, "rate is to be set"),
        ({"arrival": "constant", "rate": 0}, "greater than or equal to 0.01"),
        ({"arrival": "constant", "rate": 1, "toRate": 2}, "toRate and rampDuration"),
        (RAMP | {"rampDuration": None}, "toRate and rampDuration"),
        (RAMP | {"rampDuration": "48h"}, "between 1ms and 24h"),
        ({"arrival": "burst"}, "burst is to be set"),
        ({"arrival": "burst", "burst": BURST | {"interval": "0s"}}, "between 1ms and 24h"),
        ({"burst": BURST}, "burst is to be set"),
        ({"maxSendLag": "2m"}, "between 1ms and 1m"),
        ({"arrival": "sometimes"}, "'closed', 'constant'"),
    ],
)
def test_what_does_not_go_together_is_refused_in_words(load: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Load.model_validate(load)


def test_concurrency_is_for_the_closed_loop_only() -> None:
    workload = {"scenario": "single", "instances": 1}
    test = {"name": "a", "workload": workload, "concurrency": 3}
    KroBenchmarkSpec.model_validate({"tests": [test]})
    with pytest.raises(ValidationError, match="concurrency applies to load"):
        KroBenchmarkSpec.model_validate(
            {"tests": [test | {"load": {"arrival": "constant", "rate": 1}}]}
        )
