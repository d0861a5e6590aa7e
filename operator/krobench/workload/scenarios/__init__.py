"""The ready-made workloads.

Each represents a shape of ResourceGraphDefinition that users write. Their children are ready
without a kubelet, so kro is measured, not the start of pods.
"""

from krobench.workload.scenarios.applications import MULTI_TENANT, PLATFORM, WEB_APP
from krobench.workload.scenarios.basic import CEL_HEAVY, CHAIN, FOR_EACH, SINGLE, WIDE
from krobench.workload.scenarios.cloud import CLOUD

_ALL = (SINGLE, CHAIN, WIDE, FOR_EACH, CEL_HEAVY, WEB_APP, PLATFORM, MULTI_TENANT, CLOUD)

SCENARIOS = {spec.scenario: spec for spec in _ALL}
