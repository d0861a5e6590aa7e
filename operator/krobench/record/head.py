"""The head of a run: what histories need of it, so small that hundreds can be read at once."""

from typing import Literal

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.findings.estimates import RunEstimates
from krobench.record.run import RunRecord

HEAD_SCHEMA: Literal["krobench.head/v1"] = "krobench.head/v1"


class RunHead(ApiModel):
    """``head.json``."""

    schema_: Literal["krobench.head/v1"] = Field(default=HEAD_SCHEMA, alias="schema")
    run: RunRecord
    """Without its iterations, what was concluded from them but for a scale test's sizes, and its
    spec but for the baseline."""
    estimates: RunEstimates
