"""A webhook, which gets an event when a run has ended."""

from typing import Annotated

from pydantic import StringConstraints

from krobench.api.common import SpecModel
from krobench.api.rules import Rule, has, this
from krobench.api.specs.collect import KeyRef


class Webhook(SpecModel):
    """A URL that gets a CloudEvent when the run has ended."""

    url: Annotated[
        str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^#\s]*)?$", max_length=512)
    ]
    """Where to POST the event. The chart value webhooks.allowedUrls must allow it."""
    bearer_token_secret_ref: KeyRef | None = None
    """Token to send. The operator can read the Secret only if the chart value webhooks.secrets
    lists it."""
    hmac_key_secret_ref: KeyRef | None = None
    """Key to sign the body with: the header X-Krobench-Signature-256 is sha256= and the HMAC in
    hexadecimal digits. The chart value webhooks.secrets must list the Secret."""

    rules = (
        Rule(
            ~(has(this.bearer_token_secret_ref) & has(this.hmac_key_secret_ref)),
            "set bearerTokenSecretRef or hmacKeySecretRef, not both",
        ),
    )
