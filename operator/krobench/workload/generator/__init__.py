"""Generated ResourceGraphDefinitions: pure, and determined by a seed."""

from krobench.workload.generator.graph import Settings, check, resolve
from krobench.workload.generator.rgd import COMPLEXITY_LABEL, INDEX_LABEL, generate_rgd

__all__ = ["COMPLEXITY_LABEL", "INDEX_LABEL", "Settings", "check", "generate_rgd", "resolve"]
