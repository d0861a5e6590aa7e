"""What a run is compared with: read when it begins, compared when it ends.

It is read early, so that a baseline that is missing is said before an hour of load and not
after; and a baseline never costs a run its own results, whatever is wrong with it.
"""

from dataclasses import dataclass

from krobench.analysis.comparison.compare import Side, compare
from krobench.analysis.comparison.estimates import condense
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.settings import rules_of
from krobench.api.common import ErrorInfo
from krobench.api.specs.baseline import BaselineRef, BaselineSource
from krobench.findings.comparison import Comparison, RunEstimates
from krobench.job.results.history import History
from krobench.job.results.whole_run import whole
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.record.baseline import parse_config_map
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.record.store import Owner

# With many tests, the exploratory ones would not fit into run.json; the raw numbers are there.
_MAX_STORED_METRICS = 300


@dataclass(frozen=True)
class RunBaseline:
    """The baseline of one run."""

    source: BaselineSource
    rules: Rules
    label: str
    runs: tuple[RunEstimates, ...]
    error: ErrorInfo | None = None
    """Why there is nothing to compare with."""

    @property
    def warning(self) -> str | None:
        """What is to be said when the run begins; a first run has no earlier ones, of course."""
        if self.error is None or self.error.reason == "NoEarlierRuns":
            return None
        return f"there will be no comparison: {self.error.message}"

    def compare(self, record: RunRecord) -> Comparison:
        """Compare a run that has ended with the baseline."""
        new = Side(f"{record.namespace}/{record.name}", [condense(record)])
        if self.error is not None:
            return Comparison(
                old=self.label,
                new=new.label,
                old_runs=[],
                new_runs=[],
                minimum_effect=self.rules.minimum_effect,
                refused=self.error,
            )
        comparison = compare(Side(self.label, self.runs), new, self.rules)
        metrics = comparison.metrics
        if len(metrics) > _MAX_STORED_METRICS:
            metrics = comparison.primary
        changes = {"metrics": metrics, "fails_run": self.source.fail_when_worse}
        return comparison.model_copy(update=changes)


async def read_baseline(
    client: KubeClient, source: BaselineSource | None, owner: Owner
) -> RunBaseline | None:
    """Return what ``spec.baseline`` names; None where it names nothing."""
    if source is None:
        return None
    rules = rules_of(source.allow_different, source.minimum_effect, source.primary)
    if source.config_map_ref is not None:
        label = f"ConfigMap {source.config_map_ref.name}"
        found = await _from_config_map(client, source.config_map_ref, owner)
    else:
        label = f"earlier runs of {owner.name}"
        found = await _from_history(client, source.previous_runs or 0, owner)
    if isinstance(found, ErrorInfo):
        return RunBaseline(source, rules, label, (), found)
    return RunBaseline(source, rules, label, tuple(found))


async def _from_config_map(
    client: KubeClient, reference: BaselineRef, owner: Owner
) -> list[RunEstimates] | ErrorInfo:
    path = paths.core("configmaps", owner.namespace, reference.name)
    try:
        config_map = await client.patiently(lambda: client.get(path))
        parsed = parse_config_map(config_map, reference.key)
        if isinstance(parsed, RunRecord):
            return [condense(await whole(client, parsed))]
    except RecordError as error:
        return ErrorInfo(reason="BaselineUnreadable", message=f"spec.baseline: {error}")
    except KubeError as error:
        if isinstance(error, ApiError) and error.not_found:
            message = (
                f"spec.baseline: there is no ConfigMap {owner.namespace}/{reference.name}: "
                f"krobench baseline export RUN --config-map {reference.name} writes one"
            )
            return ErrorInfo(reason="BaselineNotFound", message=message)
        return ErrorInfo(reason="BaselineUnreadable", message=f"spec.baseline: {error}")
    return parsed.runs


async def _from_history(
    client: KubeClient, most: int, owner: Owner
) -> list[RunEstimates] | ErrorInfo:
    usable: list[RunEstimates] = []
    try:
        async for run in History(client, owner).earlier_runs():
            condensed = condense(run)
            if condensed.unusable is None:
                usable.append(condensed)
            if len(usable) == most:
                break
    except KubeError as error:
        return ErrorInfo(reason="BaselineUnreadable", message=f"earlier runs: {error}")
    if usable:
        return usable
    message = f"no earlier valid run of KroBenchmark {owner.namespace}/{owner.name} is kept"
    return ErrorInfo(reason="NoEarlierRuns", message=message)
