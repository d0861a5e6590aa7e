"""What a run has changed on kro's Deployment, written on the Deployment itself."""

from typing import Any

from krobench.api.common import API_GROUP, ApiModel

VARIANT_ANNOTATION = f"{API_GROUP}/variant"
"""On kro's Deployment: a :class:`KroChange` as JSON. On its pods: the variant's name."""


class FieldChange(ApiModel):
    """A field of kro's container, or the template's annotation, that a variant has changed."""

    field: str
    before: Any = None
    """None: it was not there."""
    after: Any = None


class KroChange(ApiModel):
    """What a run has changed on kro's Deployment: enough to undo it, for whoever finds it."""

    run: str
    """UID of the KroBenchmark."""
    benchmark: str
    """Its namespace and name."""
    variant: str
    container: str
    generation: int
    """The Deployment's generation with this change and no other."""
    changes: list[FieldChange]
