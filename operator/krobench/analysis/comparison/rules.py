"""What a comparison looks at, and how far it goes."""

from dataclasses import dataclass, field

from krobench.api.specs.results import DifferenceKind
from krobench.figures.catalogue import OF_NAME, PRIMARY
from krobench.findings.comparison import Better

DEFAULT_MINIMUM_EFFECT = 0.05
# Percentiles that an iteration of few instances does not have: their absence is not a finding.
WHERE_AVAILABLE = frozenset({"latency.instanceReady.p90", "latency.instanceReady.p99"})


@dataclass(frozen=True)
class Rules:
    """How to compare."""

    allowed: frozenset[DifferenceKind] = frozenset()
    minimum_effect: float = DEFAULT_MINIMUM_EFFECT
    primary: dict[str, Better] = field(default_factory=dict)
    """Names of primary metrics and which way each is better; the default ones when empty."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """Return the metrics that get a verdict."""
        return tuple(self.primary) or PRIMARY

    def is_primary(self, metric: str) -> bool:
        """Whether a metric gets a verdict."""
        return metric in self.primary_metrics

    def better(self, metric: str) -> Better:
        """Return which way a metric is better."""
        return self.primary.get(metric) or default_direction(metric)


def default_direction(metric: str) -> Better:
    """Return which way a metric is better if nobody says otherwise."""
    figure = OF_NAME.get(metric)
    return Better.HIGHER if figure is not None and figure.higher_is_better else Better.LOWER
