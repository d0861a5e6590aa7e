"""What names and labels of a run are made from.

Every object of a run carries its run label, and its name begins with the run's prefix, so that
whatever a run leaves behind can be found without knowing more than the run's id.
"""

from dataclasses import dataclass

_PREFIX_LENGTH = 8
_NAMESPACE_NAME_LENGTH = 40


@dataclass(frozen=True)
class RunIdentity:
    """Which run it is."""

    name: str
    """Name of the custom resource."""
    uid: str
    """UID of the custom resource."""

    @property
    def prefix(self) -> str:
        """Begins the name of every cluster-scoped object of this run."""
        return f"kb-{self.short_id}-"

    @property
    def short_id(self) -> str:
        """Eight hexadecimal digits of the UID."""
        return self.uid.replace("-", "")[:_PREFIX_LENGTH]

    @property
    def namespace(self) -> str:
        """Namespace of the run's own."""
        return f"kb-{self.name[:_NAMESPACE_NAME_LENGTH].rstrip('-.')}-{self.short_id}".replace(
            ".", "-"
        )
