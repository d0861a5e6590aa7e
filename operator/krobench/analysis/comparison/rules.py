"""The rules of a comparison: which differences are allowed, which metrics get a verdict.

Users write them as words; those are checked here too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from krobench.analysis.figurenames import known_names
from krobench.api.common import ErrorInfo
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.results import DifferenceKind
from krobench.figures.catalogue import OF_NAME, PRIMARY
from krobench.figures.renamed import new_name
from krobench.findings.comparison import Better

DEFAULT_MINIMUM_EFFECT = 0.05
MIN_REPLICATES = 4
"""With fewer a side, the exact test cannot go below 0.05, and a spread is not known."""
_NEAREST = 3
# Percentiles that an iteration of few instances does not have: their absence is not a finding.
WHERE_AVAILABLE = frozenset({"latency.instanceReady.p90", "latency.instanceReady.p99"})


@dataclass(frozen=True)
class Rules:
    """How to compare."""

    allowed: frozenset[DifferenceKind] = frozenset()
    minimum_effect: float = DEFAULT_MINIMUM_EFFECT
    primary: dict[str, Better] = field(default_factory=dict)
    """Names of primary metrics and which way each is better; the default ones when empty."""
    slowdown: float | None = None
    """The slow-down, as a share, that a comparison of blocks must rule out; by default the minimum
    effect."""

    @property
    def excluded(self) -> float:
        return self.minimum_effect if self.slowdown is None else self.slowdown

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        return tuple(self.primary) or PRIMARY

    def is_primary(self, metric: str) -> bool:
        return metric in self.primary_metrics

    def better(self, metric: str) -> Better:
        return self.primary.get(metric) or default_direction(metric)


def default_direction(metric: str) -> Better:
    """Return which way a metric is better if nobody says otherwise."""
    figure = OF_NAME.get(metric)
    return Better.HIGHER if figure is not None and figure.higher_is_better else Better.LOWER


def rules_of(
    allowed: Iterable[str] = (), minimum_effect: str | None = None, primary: Iterable[str] = ()
) -> Rules:
    """Return the rules that users asked for.

    ``allowed`` are kinds of differences, ``minimum_effect`` is a percentage such as ``5%``, and
    ``primary`` are names as in thresholds, with ``:Lower`` or ``:Higher`` to say what is better.

    Raises:
        ValueError: if one is unknown; the message lists the known ones.
    """
    return Rules(
        allowed=frozenset(_kind(word) for word in allowed),
        minimum_effect=DEFAULT_MINIMUM_EFFECT if minimum_effect is None else share(minimum_effect),
        primary=dict(_metric(word) for word in primary),
    )


def primary_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the primary metrics of a run, by its spec as it was stored."""
    try:
        return rules_of(primary=(spec.get("baseline") or {}).get("primary") or ()).primary_metrics
    except ValueError:  # names of an older version
        return PRIMARY


def share(text: str) -> float:
    """Return a percentage such as ``5%`` as a ratio.

    Raises:
        ValueError: if it is not above 0 % and below 100 %.
    """
    try:
        value = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        value = 0.0
    if not 0 < value < 1 or not text.strip().endswith("%"):
        raise ValueError(f"invalid percentage {text!r}: use one between 0% and 100%, such as 5%")
    return value


def _kind(word: str) -> DifferenceKind:
    kinds = {kind.lower(): kind for kind in DifferenceKind}
    if word.lower() not in kinds:
        raise ValueError(
            f"unknown kind of difference {word!r}: use one of {', '.join(kinds.values())}"
        )
    return kinds[word.lower()]


def _metric(word: str) -> tuple[str, Better]:
    name, _, direction = word.partition(":")
    if name not in known_names():
        renamed = new_name(name)
        if renamed is not None:
            raise ValueError(f"{name} is now called {renamed}: use that name")
        last = name.rpartition(".")[2].lower()
        usual_first = sorted(known_names(), key=lambda known: known not in PRIMARY)
        near = [known for known in usual_first if last in known.lower()][:_NEAREST]
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise ValueError(f"{name} is not a metric of a test{hint} Names are those of thresholds")
    if not direction:
        return name, default_direction(name)
    try:
        return name, Better(direction.capitalize())
    except ValueError as error:
        raise ValueError(f"{word}: use :Lower or :Higher instead of {direction!r}") from error


def check_baseline(spec: KroBenchmarkSpec) -> list[ErrorInfo]:
    """Return what is wrong with the metrics that a spec's baseline names; all else of it is known
    to be right."""
    source = spec.baseline
    if source is None:
        return []
    try:
        rules_of(primary=source.primary)
    except ValueError as error:
        return [ErrorInfo(reason="InvalidBaseline", message=f"spec.baseline.primary: {error}")]
    return []
