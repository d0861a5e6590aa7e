"""ResourceGraphDefinitions made to measure: pure, and decided by a seed."""

from krobench.workload.generator.rgd import COMPLEXITY_LABEL, INDEX_LABEL, generate_rgd
from krobench.workload.generator.settings import Settings, check, resolve

__all__ = ["COMPLEXITY_LABEL", "INDEX_LABEL", "Settings", "check", "generate_rgd", "resolve"]
