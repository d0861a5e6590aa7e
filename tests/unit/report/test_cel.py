from krobench.api.common import ErrorInfo
from krobench.api.specs.cel import CelFamily, CelLevel
from krobench.figures.cel import (
    CelExpressionResult,
    CelPattern,
    CelRestartResults,
    CelResults,
    CelState,
    Estimate,
)
from krobench.report.cel import cel_line, cel_section


def expression(name: str, state: CelState = CelState.MEASURED, **fields: object) -> object:
    return CelExpressionResult.model_validate(
        {
            "name": name,
            "family": CelFamily.TERNARY,
            "level": CelLevel.SIMPLE,
            "expression": "a",
            "state": state,
            "expected": "x",
            "crossCheck": "agrees",
            "copies": 50,
        }
        | fields
    )


RESULTS = CelResults.model_validate(
    {
        "iterations": 3,
        "expressions": [
            expression(
                "ternary", evaluationSeconds=Estimate(value=2.5e-6, low=2e-6, high=3e-6, n=3)
            ),
            expression(
                "broken",
                CelState.FAILED,
                error=ErrorInfo(reason="RejectedByKro", message="undeclared reference to 'x'"),
            ),
        ],
        "constantSeconds": Estimate(value=450e-9, n=1),
        "patterns": [CelPattern(name="second-rgd-build", ratio=Estimate(value=1.02, n=1))],
        "unavailable": {"compiledBytes": "kro has no pprof"},
    }
)


def test_an_expression_has_a_line_with_its_interval() -> None:
    text = cel_section(RESULTS)
    assert "| ternary | ternary | simple | 2.5 µs (2 µs to 3 µs) |" in text
    assert "| 450 ns |" in text


def test_one_that_failed_is_named_with_kros_words() -> None:
    assert "- **broken**: RejectedByKro: undeclared reference to 'x'" in cel_section(RESULTS)


def test_what_is_not_available_has_its_reason() -> None:
    assert "- compiledBytes: kro has no pprof" in cel_section(RESULTS)


def test_a_line_tells_how_many_and_how_much() -> None:
    assert cel_line(RESULTS) == "2 expressions, 1 failed: 2.5 µs to 2.5 µs an evaluation"


def test_a_restart_has_a_table_of_its_own_with_what_it_lacks() -> None:
    restart = CelRestartResults(
        restarts=2,
        leading_seconds=Estimate(value=1.5, n=1),
        unavailable={"compileSecondsPerRgd": "kro compiled 7 revisions of others' RGDs"},
    )
    text = cel_section(RESULTS.model_copy(update={"restart": restart}))
    assert "| from deleting kro's pod until a new leader | 1.5 s |" in text
    assert "| compiling all revisions of one RGD | not available |" in text
    assert "- compileSecondsPerRgd: kro compiled 7 revisions of others' RGDs" in text
    assert "restart" not in cel_section(RESULTS)


def test_two_iterations_are_too_few_for_an_interval() -> None:
    two = Estimate(value=2.5e-6, low=1e-9, high=3.0, n=2)
    results = RESULTS.model_copy(deep=True)
    results.expressions[0].evaluation_seconds = two
    assert "| 2.5 µs |" in cel_section(results)
