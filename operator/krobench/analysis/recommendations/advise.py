"""All recommendations of a run, first things first."""

from collections.abc import Iterator, Sequence

from krobench.analysis.krosettings import KroSettings
from krobench.analysis.recommendations import cluster, requeue, resources, shape, workers
from krobench.analysis.recommendations.case import Case, Finding, Rule
from krobench.analysis.recommendations.code import code_findings
from krobench.analysis.recommendations.settings import may_be_advised
from krobench.findings.recommendation import Confidence, Recommendation, Setting
from krobench.record.run import RunRecord

MAX_RECOMMENDATIONS = 12

_RULES: Sequence[Rule] = (
    workers.more_instance_workers,
    workers.more_rgd_workers,
    workers.no_watch_list,
    requeue.shorter_requeues,
    requeue.find_errors,
    resources.memory_limit,
    resources.go_memory_limit,
    resources.memory_request,
    resources.cpu_limit,
    shape.shorter_chains,
    shape.narrower_rgds,
    shape.cheaper_cel,
    shape.fewer_revisions,
    shape.mend_poisoned,
    cluster.relieve_api_server,
    cluster.more_processors,
    cluster.narrow_admission,
    cluster.faster_etcd,
)
# Of a run that is invalid because of its load, this alone can be said.
_RULES_OF_LOAD: Sequence[Rule] = (cluster.stronger_generator,)
_CONFIDENCE = {Confidence.HIGH: 0, Confidence.MEDIUM: 1, Confidence.LOW: 2}


def advise(run: RunRecord) -> list[Recommendation]:
    """Return what to change, by the weight of what it is about; none where nothing stands out.

    A rule that finds something in several tests is given once, from the test in which it weighs
    most. With variants of kro, only tests under the first one are looked at, which the others are
    compared with.
    """
    best: dict[object, Finding] = {}
    for key, finding in _findings(run):
        known = best.get(key)
        if known is None or finding.weight > known.weight:
            best[key] = finding
    ranked = sorted(
        best.values(), key=lambda f: (-f.weight, _CONFIDENCE[f.recommendation.confidence])
    )
    return [finding.recommendation for finding in ranked][:MAX_RECOMMENDATIONS]


def _findings(run: RunRecord) -> Iterator[tuple[object, Finding]]:
    """Yield what each rule finds in each test, with what it is known by."""
    for case in _cases(run):
        rules = [*_RULES, *_RULES_OF_LOAD] if case.test.validity.valid else _RULES_OF_LOAD
        for rule in rules:
            found = rule(case)
            if found is not None and _is_a_change(found.recommendation):
                yield rule, found
        if case.test.validity.valid:
            for found in code_findings(case):
                yield found.recommendation.title, found


def _cases(run: RunRecord) -> Iterator[Case]:
    first = next((test.variant for test in run.tests if test.variant is not None), None)
    for test in run.tests:
        if test.summary is not None and test.variant == first:
            settings = KroSettings(test.kro or run.environment.kro)
            yield Case(test, test.summary, settings, run.environment.nodes)


def _is_a_change(recommendation: Recommendation) -> bool:
    """Whether it names nothing that must not be advised, and not only what is set already."""
    settings = recommendation.settings
    if not all(may_be_advised(setting.name) for setting in settings):
        return False
    return not settings or all(_differs(setting) for setting in settings)


def _differs(setting: Setting) -> bool:
    return setting.current != setting.advised
