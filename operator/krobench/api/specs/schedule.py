"""``KroBenchmarkSchedule``: benchmarks or scale tests that run again and again."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.annotations import Between
from krobench.api.common import Duration, SpecModel
from krobench.api.rules import Rule, exactly_one, has, implies, matches, this
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec

ONE_TEMPLATE = "set exactly one of benchmarkTemplate and scaleTestTemplate"
CRON = "^ *[^ ]+( +[^ ]+){4} *$|^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$"

HistoryLimit = Annotated[int, Field(ge=0, le=100)]
MetadataKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        max_length=317,
    ),
]
LabelText = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)
]
AnnotationText = Annotated[str, StringConstraints(max_length=4096)]


class ConcurrencyPolicy(StrEnum):
    """What happens to a run that is due while another of this schedule is active."""

    FORBID = "Forbid"
    REPLACE = "Replace"


class OnKroChange(SpecModel):
    """Starts a run when kro has changed."""

    settle: Annotated[Duration, Between("10s", "24h")] = "2m"
    """How long kro must stay unchanged before the run starts."""


class TemplateMetadata(SpecModel):
    """Metadata of the runs. They get no other labels."""

    labels: Annotated[dict[MetadataKey, LabelText], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Labels of the runs."""
    annotations: Annotated[dict[MetadataKey, AnnotationText], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Annotations of the runs."""


class BenchmarkTemplate(SpecModel):
    """The KroBenchmarks that the schedule creates."""

    metadata: TemplateMetadata | None = None
    """Labels and annotations of the runs."""
    spec: KroBenchmarkSpec
    """The spec of the runs, as in a KroBenchmark."""


class ScaleTestTemplate(SpecModel):
    """The KroScaleTests that the schedule creates."""

    metadata: TemplateMetadata | None = None
    """Labels and annotations of the runs."""
    spec: KroScaleTestSpec
    """The spec of the runs, as in a KroScaleTest."""


class KroBenchmarkScheduleSpec(SpecModel):
    """When to run, and what."""

    schedule: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    """When to start runs, in cron's five fields: minute, hour, day of month, month, day of week; or
    @hourly, @daily, @weekly, @monthly or @yearly."""
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "Etc/UTC"
    """Time zone of the schedule, as in the IANA database, such as Europe/Berlin."""
    suspend: bool = False
    """Whether to start no runs by the schedule or by changes of kro. The active run goes on, and
    runOnce still starts one. Times that pass meanwhile count as missed."""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.FORBID
    """What to do with a run that is due while another one of this schedule is active. Forbid: it
    starts when the active one has finished. Replace: the active one is deleted."""
    starting_deadline_seconds: Annotated[int, Field(ge=10, le=31_536_000)] | None = None
    """How late a run may start after its scheduled time. A later one is skipped and counts as
    missed. By default, there is no limit."""
    on_kro_change: OnKroChange | None = None
    """Starts a run after the image, flags, environment, resources or replicas of kro's Deployment
    have changed and are rolled out. Changes that a run makes for its variants do not count."""
    run_once: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Any text, such as a date. Another text than before starts one more run."""
    successful_runs_history_limit: HistoryLimit = 3
    """Number of finished runs with verdict Passed that are kept. Older ones are deleted, with their
    results unless the template sets results.retention."""
    failed_runs_history_limit: HistoryLimit = 3
    """Number of finished runs with any other verdict that are kept."""
    stop_after_failures: Annotated[int, Field(ge=1, le=100)] | None = None
    """Number of runs in a row without the verdict Passed after which the schedule stops, until its
    spec changes. By default, it never stops."""
    benchmark_template: BenchmarkTemplate | None = None
    """The KroBenchmark to run. A change applies to the next run."""
    scale_test_template: ScaleTestTemplate | None = None
    """The KroScaleTest to run. A change applies to the next run."""

    rules = (
        Rule(
            exactly_one(this.benchmark_template, this.scale_test_template),
            ONE_TEMPLATE,
        ),
        Rule(
            has(this.schedule) | has(this.on_kro_change) | has(this.run_once),
            "set schedule, onKroChange or runOnce: nothing would start a run",
        ),
        Rule(
            implies(has(this.schedule), matches(this.schedule, CRON)),
            "must have five fields, such as '0 3 * * *': minute, hour, day of month, month, day of "
            "week; or be @hourly, @daily, @weekly, @monthly or @yearly; set a time zone in "
            "timeZone",
            field="schedule",
        ),
    )

    @property
    def template(self) -> BenchmarkTemplate | ScaleTestTemplate:
        """The one that is set."""
        template = self.benchmark_template or self.scale_test_template
        assert template is not None
        return template
