"""The sentences of scale tests, one a finding, in ``scaling.txt``."""

from pathlib import Path
from typing import get_args

from krobench.api.common import ErrorInfo
from krobench.api.specs.scaletest import Axis
from krobench.api.specs.validity import Cause
from krobench.findings.finding import Quoted
from krobench.findings.scaling import (
    AnyBreach,
    AnyDoubt,
    AnyStop,
    BeyondBudget,
    BudgetUsedUp,
    Curve,
    CurveFit,
    CurvePoint,
    InvalidIteration,
    KroKilled,
    Limit,
    LimitState,
    NextStep,
    NextToTry,
    NoInterval,
    NotReadyInTime,
    Parameter,
    Prediction,
    RunAborted,
    SizeInvalid,
    SizeNotMeasured,
    SizesLeftOut,
    SloMissed,
    SloUndecided,
    Trend,
)
from krobench.findings.steady import (
    AnyUnsteady,
    CpuChanging,
    MemoryChanging,
    NotSampled,
    QueueNotEmpty,
    TooFewCollections,
    WindowTooShort,
)
from krobench.findings.validity import QuotedCause
from krobench.report.words.curves import curve_line, prediction_line
from krobench.report.words.scaling import (
    breach_line,
    doubt_line,
    limit_line,
    next_line,
    stop_line,
    unsteady_line,
)

P99 = "latency.instanceReady.p99"
SLO = f"{P99} < 2.0"
BUSY = QuotedCause(reason=Cause.NODE_BUSY, text="the node was busy")
ERROR = ErrorInfo(reason="KroNotFound", message="no kro pod")
LEFT_OUT = SizesLeftOut(sizes=[50, 80], why=BeyondBudget(instances=50, most=40))
DOUBT = InvalidIteration(causes=[BUSY])
BREACHES: list[AnyBreach] = [
    SloMissed(slo=SLO, measured={P99: 3.123}),
    SloMissed(slo=f"{SLO} && errors.total == 0", measured={P99: 3.1}),
    KroKilled(cause=BUSY),
    NotReadyInTime(error=ErrorInfo(reason="Timeout", message="the timeout of 60s expired")),
    Quoted(text="as it was stored"),
]
DOUBTS: list[AnyDoubt] = [
    DOUBT,
    SloUndecided(missing={P99: "30 observations, 100 needed"}),
    BudgetUsedUp(duration="1h"),
    Quoted(text="as it was stored"),
]
STOPS: list[AnyStop] = [
    BudgetUsedUp(duration="1h"),
    LEFT_OUT,
    SizeNotMeasured(test="instances-5", error=ERROR),
    SizeInvalid(test="instances-5", iterations=3, last=DOUBT),
    RunAborted(error=ERROR),
    Quoted(text="as it was stored."),
]
BRACKET = Limit(
    state=LimitState.FOUND,
    size=20,
    low=20,
    high=40,
    method="bracket",
    last_met=20,
    first_breach=40,
    breached=SLO,
    figure=P99,
)
CROSSING = BRACKET.model_copy(
    update={
        "size": 31.0,
        "low": 25.5,
        "high": 36.2,
        "method": "crossing",
        "fitted_from": 20.0,
        "fitted_to": 40.0,
    }
)
LIMITS: list[tuple[Limit, AnyStop | None]] = [
    (Limit(state=LimitState.UNDECIDED), BudgetUsedUp(duration="1h")),
    (Limit(state=LimitState.UNDECIDED, last_met=10), LEFT_OUT),
    (Limit(state=LimitState.NOT_REACHED, size=200, last_met=200), None),
    (Limit(state=LimitState.BELOW_FIRST, first_breach=10, breached=SLO), None),
    (Limit(state=LimitState.BELOW_FIRST, first_breach=10, breach=BREACHES[3]), None),
    *((BRACKET.model_copy(update={"no_interval": reason}), None) for reason in NoInterval),
    (CROSSING, None),
    (CROSSING.model_copy(update={"low": 15.0, "met_again": 80.0}), None),
    (CROSSING.model_copy(update={"size": 18.0, "low": 17.0}), None),
    (CROSSING.model_copy(update={"text": "As it was stored."}), None),
]
NEXT = NextToTry(
    step=NextStep.GO_FURTHER, size=200, low=20, high=40, iterations=3, text="as it was stored"
)
NEXTS = [
    NEXT.model_copy(update={"figure": P99, "predicted": 1000.0}),
    *(NEXT.model_copy(update={"step": step}) for step in NextStep),
]
UNSTEADY: list[AnyUnsteady] = [
    MemoryChanging(bytes_per_second=3.1 * 2**20 / 60),
    MemoryChanging(bytes_per_second=-1024),
    CpuChanging(cores=-0.749),
    QueueNotEmpty(instances=7),
    NotSampled(metric="process_cpu_seconds_total"),
    WindowTooShort(samples=3, seconds=10, needed_samples=6, needed_seconds=30),
    TooFewCollections(collections=1),
    Quoted(text="as it was stored"),
]


def curve(trend: Trend, model: str, low: float | None = None, **parameters: float) -> Curve:
    points = [CurvePoint(size=size, value=1.0) for size in (4, 64)]
    made = [
        Parameter(
            name=name,
            value=value,
            low=None if low is None else value * 0.9,
            high=None if low is None else value * 1.1,
        )
        for name, value in parameters.items()
    ]
    fit = CurveFit.model_validate({"model": model, "parameters": made})
    unit = "per_second" if model == "usl" else "bytes"
    figure = "throughput.instancesPerSecond" if model == "usl" else "kro.memory.residentBytes.max"
    axis = Axis.CONCURRENCY if model == "usl" else Axis.INSTANCES
    peak = Parameter(name="peak", value=30.8, low=28, high=None) if trend is Trend.PEAK else None
    return Curve(
        figure=figure, unit=unit, axis=axis, points=points, fits=[fit], trend=trend, peak=peak
    )


LAW = {"one": 20.0, "contention": 0.05, "coherency": 0.001}
CURVES = [
    curve(Trend.TOO_FEW_SIZES, "linear", slope=1),
    curve(Trend.UNCHANGED, "linear", slope=0),
    curve(Trend.LINEAR, "linear", 0.9, intercept=1, slope=2.0**16),
    curve(Trend.LINEAR, "linear", intercept=1, slope=-(2.0**16)),
    curve(Trend.POWER, "power", 0.9, factor=1, exponent=1.7),
    curve(Trend.KNEE, "knee", 0.9, level=2.0**20, knee=12.1, exponent=2),
    curve(Trend.PEAK, "usl", **LAW),
    curve(Trend.PEAK_BEYOND, "usl", **LAW),
    curve(Trend.FALLING, "usl", **LAW),
]
PREDICTION = Prediction(
    figure=P99, bound=2.0, model="linear", largest_used=400, size=1003, extrapolated=True
)
MEASURED = PREDICTION.model_copy(
    update={"model": "power", "low": 950, "high": 1100, "measured": 980, "error_ratio": 0.0235}
)


def test_each_finding_has_a_line() -> None:
    lines = [
        *map(breach_line, BREACHES),
        *map(doubt_line, DOUBTS),
        *map(stop_line, STOPS),
        *(limit_line(limit, Axis.INSTANCES, stop) for limit, stop in LIMITS),
        *(next_line(found, Axis.INSTANCES) for found in NEXTS),
        *(unsteady_line([found], 0.0) for found in UNSTEADY),
        *map(curve_line, CURVES),
        *(prediction_line(found, Axis.INSTANCES, "2 s") for found in (PREDICTION, MEASURED)),
    ]
    expected = (Path(__file__).parent / "scaling.txt").read_text().splitlines()
    assert lines == expected


def test_no_finding_is_without_a_line() -> None:
    for union, found in (
        (AnyBreach, BREACHES),
        (AnyDoubt, DOUBTS),
        (AnyStop, STOPS),
        (AnyUnsteady, UNSTEADY),
    ):
        assert {type(each) for each in found} == set(get_args(get_args(union)[0]))
    assert {each.step for each in NEXTS} == set(NextStep)
    assert {each.trend for each in CURVES} == set(Trend)


def test_why_sizes_were_left_out_is_quoted_from_an_older_record() -> None:
    stored = {"code": "SizesLeftOut", "sizes": [50], "why": "it has too many objects"}
    assert stop_line(SizesLeftOut.model_validate(stored)) == (
        "size 50 was left out: it has too many objects"
    )
