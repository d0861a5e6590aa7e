"""What a run saw of the processes that it measures."""

from krobench.model.common import ApiModel


class KroRestart(ApiModel):
    """Another process than before was found to be kro."""

    seconds: float
    """When it was first sampled, on the load Job's monotonic clock since the start of the run."""
    pod: str
    """The pod that is kro since."""
    previous_pod: str | None = None
    """The pod that was kro before, where that is another: kro was rolled out anew, or another
    replica leads. None: its container was restarted."""
