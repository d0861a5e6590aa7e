"""Names of metrics that are kept apart by labels, as Prometheus writes them."""

import re
from collections.abc import Mapping

_LABEL = re.compile(r'(\w+)="([^"]*)"')


def labelled(metric: str, labels: Mapping[str, str]) -> str:
    """Return a name such as ``requests_total{verb="LIST",resource="pods"}``."""
    if not labels:
        return metric
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def labels_of(name: str) -> dict[str, str]:
    """Return the labels in a name that :func:`labelled` made."""
    return dict(_LABEL.findall(name))
