"""Raw profiles in ConfigMaps of their own, so that they take no room from other results."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from krobench.api.kinds import RunRef
from krobench.record.store import MAX_CONFIG_MAP_BYTES, ConfigMap, config_map

MAX_RUN_PROFILE_BYTES = 8 << 20
"""Over all profiles of a run; a heap or CPU profile of kro takes some 50 to 200 kB."""


@dataclass
class StoredProfiles:
    """Where raw profiles go."""

    config_maps: list[ConfigMap] = field(default_factory=list)
    parts: dict[str, list[str]] = field(default_factory=dict)
    """Key to the ConfigMap that holds it, as in :attr:`RunRecord.parts`."""
    size_bytes: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    """Key to the reason."""


def write_profiles(
    results: str, owner: RunRef, test_index: int, files: Mapping[str, bytes], used_bytes: int
) -> StoredProfiles:
    """Return the ConfigMaps for the profiles of a test; ``used_bytes`` are those stored before.

    They are named after the results ConfigMap ``results`` and the test's position. What is too
    large for one ConfigMap, or for the run, is left out.
    """
    stored = StoredProfiles()
    bins: list[dict[str, bytes]] = []
    for key, data in files.items():
        if len(data) > MAX_CONFIG_MAP_BYTES:
            stored.left_out[key] = f"{len(data)} bytes do not fit into a ConfigMap"
        elif used_bytes + stored.size_bytes + len(data) > MAX_RUN_PROFILE_BYTES:
            stored.left_out[key] = f"the profiles of this run take {used_bytes} bytes already"
        else:
            stored.size_bytes += len(data)
            _put(bins, key, data)
    for number, content in enumerate(bins):
        name = f"{results}-profiles-{test_index}" + (f"-{number}" if number else "")
        stored.config_maps.append(config_map(name, owner, {}, content))
        stored.parts |= {key: [name] for key in content}
    return stored


def _put(bins: list[dict[str, bytes]], key: str, data: bytes) -> None:
    for content in bins:
        if sum(map(len, content.values())) + len(data) <= MAX_CONFIG_MAP_BYTES:
            content[key] = data
            return
    bins.append({key: data})
