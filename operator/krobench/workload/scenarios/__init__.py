"""The ready-made workloads.

Each stands for a shape of ResourceGraphDefinition that users write. Their children are ready
without a kubelet, so that kro is measured and not the start of pods.
"""

from krobench.workload.scenarios.basic import CHAIN, SINGLE, WIDE
from krobench.workload.scenarios.cel_heavy import CEL_HEAVY
from krobench.workload.scenarios.for_each import FOR_EACH
from krobench.workload.scenarios.multi_tenant import MULTI_TENANT
from krobench.workload.scenarios.platform import PLATFORM
from krobench.workload.scenarios.spec import ScenarioSpec
from krobench.workload.scenarios.web_app import WEB_APP

__all__ = ["SCENARIOS", "ScenarioSpec"]

_ALL = (SINGLE, CHAIN, WIDE, FOR_EACH, CEL_HEAVY, WEB_APP, PLATFORM, MULTI_TENANT)

SCENARIOS = {spec.scenario: spec for spec in _ALL}
