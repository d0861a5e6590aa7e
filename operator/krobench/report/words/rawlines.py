"""What a report says about the raw lines of a run."""

from krobench.record.run import SampledLines


def sampled_line(sampled: SampledLines) -> str:
    return (
        f"{sampled.file} holds a random sample of {sampled.stored} of {sampled.measured} lines, "
        "because all of them exceed the limit of results per run; figures are calculated from all "
        "lines"
    )
