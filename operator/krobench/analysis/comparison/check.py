"""What is wrong with spec.baseline, said before anything is run."""

from krobench.analysis.comparison.settings import rules_of
from krobench.model.common import ErrorInfo
from krobench.model.specs.benchmark import KroBenchmarkSpec


def check_baseline(spec: KroBenchmarkSpec) -> list[ErrorInfo]:
    """Return what is wrong with the names and numbers in a spec's baseline."""
    source = spec.baseline
    if source is None:
        return []
    try:
        rules_of(source.allow_different, source.minimum_effect, source.primary)
    except ValueError as error:
        return [ErrorInfo(reason="InvalidBaseline", message=f"baseline: {error}")]
    return []
