"""What is wrong with spec.baseline, said before anything is run."""

from krobench.analysis.comparison.settings import rules_of
from krobench.api.common import ErrorInfo
from krobench.api.specs.benchmark import KroBenchmarkSpec


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
