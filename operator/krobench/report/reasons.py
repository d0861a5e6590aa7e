"""Why figures are not available, with the sources' usual names."""

import re
from collections.abc import Mapping, Sequence

from krobench.record.test import TestRecord

_MOST_NAMES = 6
_PROCESSES = {"apiserver": "the API server", "kubelet": "the kubelet", "etcd": "etcd"}
_SOURCE = re.compile(r"(?:^|(?<= of ))(apiserver|kubelet)\b")
_OF_CONTAINER = re.compile(r'kubelet does not expose (\w+)\{of="(apiserver|etcd)"\}')
_OF_EVERY_CONTAINER = "container_memory_working_set_bytes"
"""Figures of throttling are missing if a container has no limit, so they do not count."""


def reasons_section(test: TestRecord) -> str:
    """Return why figures of measured iterations are missing, a line for each reason."""
    names: dict[str, list[str]] = {}
    for iteration in test.iterations:
        if not iteration.warmup:
            for name, reason in _in_plain_words(iteration.unavailable).items():
                known = names.setdefault(reason, [])
                if name not in known:
                    known.append(name)
    if not names:
        return ""
    lines = [f"- {_first_names(each)}: {reason}" for reason, each in names.items()]
    return "Not available in some iteration:\n\n" + "\n".join(lines)


def _in_plain_words(reasons: Mapping[str, str]) -> dict[str, str]:
    missing = [match for reason in reasons.values() if (match := _OF_CONTAINER.fullmatch(reason))]
    not_in_pods = {match[2] for match in missing if match[1] == _OF_EVERY_CONTAINER}
    return {name: _plain(reason, not_in_pods) for name, reason in reasons.items()}


def _plain(reason: str, not_in_pods: set[str]) -> str:
    match = _OF_CONTAINER.fullmatch(reason)
    if match is None:
        return _SOURCE.sub(lambda source: _PROCESSES[source[1]], reason)
    metric, process = match[1], match[2]
    if process in not_in_pods:
        return f"the kubelet shows no container of {_PROCESSES[process]}"
    return f"the kubelet does not expose {metric} of {_PROCESSES[process]}'s container"


def _first_names(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return ", ".join(names[:_MOST_NAMES]) + f" and {len(names) - _MOST_NAMES} others"
