"""What the administrator of a cluster lets load Jobs reach, and demands of them.

A load at a terminal has the rights of its user, and no other limits.
"""

from collections.abc import Sequence

from pydantic import Field

from krobench.api.administered import Administered
from krobench.api.common import ApiModel

ACCESS_VARIABLE = "KROBENCH_ACCESS"


class KubeletTrust(ApiModel):
    """How to verify the certificates of kubelets."""

    ca_bundle: str = ""
    """PEM certificates of the authorities that sign them; by default the cluster's own."""
    insecure_skip_verify: bool = False


class Access(Administered):
    """What load Jobs may reach, and how."""

    variable = ACCESS_VARIABLE

    urls: list[str] | None = None
    """URLs that a spec may name, and all below them; None for any."""
    webhook_urls: list[str] = Field(default_factory=list)
    """URLs that spec.webhook may name, and all below them. Only the operator sends to them."""
    namespace_labels: dict[str, str] = Field(default_factory=dict)
    """Labels that namespaces need in this cluster, for those that runs create."""
    namespace_annotations: dict[str, str] = Field(default_factory=dict)
    """The same for annotations."""
    kubelet: KubeletTrust = Field(default_factory=KubeletTrust)

    def allows(self, url: str) -> bool:
        """Whether a spec may name this URL. The chart's policy has the same rule."""
        return self.urls is None or _is_below(url, self.urls)

    def allows_webhook(self, url: str) -> bool:
        """Whether spec.webhook may name this URL. The chart's policy has the same rule."""
        return _is_below(url, self.webhook_urls)


def _is_below(url: str, allowed: Sequence[str]) -> bool:
    if ".." in url or "%2e" in url.lower():
        return False  # it may leave what is allowed
    bases = (base.rstrip("/") for base in allowed)
    return any(url == base or url.startswith(f"{base}/") for base in bases)
