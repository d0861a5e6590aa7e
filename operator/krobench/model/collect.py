"""Where to sample what the cluster does not offer by itself."""

from typing import Annotated

from pydantic import Field

from krobench.model.common import ApiModel


class EtcdEndpoint(ApiModel):
    """An etcd to be sampled."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=512)]
    """Address of its metrics, such as http://10.0.0.1:2381/metrics, as the load Job's pod reaches
    it. By https, the cluster's CA must have signed its certificate."""
