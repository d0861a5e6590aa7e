"""Whether what was measured may be believed."""

from typing import Self

from pydantic import Field

from krobench.api.common import ApiModel, ErrorInfo
from krobench.api.specs.validity import Cause


class Validity(ApiModel):
    """Whether what was measured is what was asked for."""

    valid: bool = True
    causes: list[ErrorInfo] = Field(default_factory=list)
    """Why not."""

    @classmethod
    def of(cls, causes: list[ErrorInfo]) -> Self:
        """Return what follows from these causes: valid if there are none."""
        return cls(valid=not causes, causes=causes)

    def has(self, *wanted: Cause) -> bool:
        """Whether one of these is among the causes."""
        return any(cause.reason in wanted for cause in self.causes)

    def by_reason(self) -> dict[str, list[str]]:
        """Return the messages of all causes, by reason."""
        grouped: dict[str, list[str]] = {}
        for cause in self.causes:
            grouped.setdefault(cause.reason, []).append(cause.message)
        return grouped

    def in_short(self) -> str:
        """Return the first cause of each reason, with its reason, and how many more there are."""
        return "; ".join(
            f"{reason}: {messages[0]}"
            + (f" (and {len(messages) - 1} more of these)" if len(messages) > 1 else "")
            for reason, messages in self.by_reason().items()
        )
