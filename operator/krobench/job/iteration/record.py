"""What is recorded of an iteration when it has been measured."""

from krobench.analysis.iterations import count_instances, throughput
from krobench.analysis.latencies import latencies
from krobench.analysis.usage.windows import Series
from krobench.analysis.validity.steady import steady_state_of_load
from krobench.api.common import rfc3339, utc_now
from krobench.collect.sampler import Collected
from krobench.figures.steady_state import SteadyState
from krobench.findings.validity import Validity
from krobench.job.iteration.steps import assess_steps, operation_errors
from krobench.job.iteration.usage import run_seconds, usage_of
from krobench.load.iteration import Outcome
from krobench.record.iteration import IterationRecord
from krobench.workload.iterationplan import IterationPlan


def iteration_record(
    plan: IterationPlan, outcome: Outcome, collected: Collected, start_time: str, requests: int
) -> IterationRecord:
    """Return the record of an iteration that has ended, but for its clean-up.

    ``requests`` are krobench's own to the API server in the run phase.
    """
    assert outcome.ended_seconds is not None
    lag = plan.test.load.max_send_lag_seconds
    counts = count_instances(plan.instance_count, outcome.records, lag)
    steps, generator, late = assess_steps(plan.test, outcome, Series(collected.samples))
    error = outcome.error or operation_errors(outcome.records)
    usage = usage_of(outcome, Series(collected.samples), counts.ready)
    usage.unavailable |= {source: str(gaps) for source, gaps in collected.gaps.items()}
    usage.unavailable |= collected.silent
    usage.resources.kro_restarts = collected.kro_restarts
    if outcome.run_started_seconds is not None:
        usage.api_requests.krobench = requests + outcome.requests_elsewhere
    return IterationRecord(
        index=plan.index,
        warmup=plan.warmup,
        profiled=plan.profiled,
        visit=plan.test.visit_of(plan.index),
        start_time=start_time,
        end_time=rfc3339(utc_now()),
        duration_seconds=round(outcome.ended_seconds - outcome.started_seconds, 6),
        run_seconds=run_seconds(outcome),
        hold=outcome.hold,
        success=error is None,
        error=error,
        validity=Validity.of(outcome.invalid + late),
        counts=counts,
        steady_state=_steady_state(outcome),
        generator=generator,
        latency=latencies(outcome.records),
        throughput=throughput(outcome.records),
        cpu=usage.cpu,
        memory=usage.memory,
        api_requests=usage.api_requests,
        metrics=usage.metrics,
        usage=usage.resources,
        steps=steps,
        unavailable=usage.unavailable,
    )


def _steady_state(outcome: Outcome) -> SteadyState | None:
    if not outcome.steps:
        return None
    return steady_state_of_load(outcome.steps[0].plan.load.arrival, outcome.records)
