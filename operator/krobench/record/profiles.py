"""Raw profiles as ConfigMaps of their own, so that they take no room from other results."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from krobench.api.kinds import RunRef
from krobench.figures.reasons.profiles import FileReason, FileTooLarge, NoRoomForFile
from krobench.record.store import MAX_CONFIG_MAP_BYTES, ConfigMap, Room, config_map


@dataclass
class StoredProfiles:
    """Where raw profiles go."""

    config_maps: list[ConfigMap] = field(default_factory=list)
    parts: dict[str, list[str]] = field(default_factory=dict)
    """Key to the ConfigMap that holds it, as in :attr:`RunRecord.parts`."""
    size_bytes: int = 0
    left_out: dict[str, FileReason] = field(default_factory=dict)


def write_profiles(
    results: str,
    owner: RunRef,
    test_index: int,
    files: Mapping[str, bytes],
    used_bytes: int,
    max_bytes: int = Room.profiles,
) -> StoredProfiles:
    """Return the ConfigMaps for the profiles of a test.

    ``used_bytes`` are those stored before, of ``max_bytes`` for the run.

    They are named after the results ConfigMap ``results`` and the test's position. What is too
    large for one ConfigMap, or for the run, is left out.
    """
    stored = StoredProfiles()
    bins: list[dict[str, bytes]] = []
    for key, data in files.items():
        if len(data) > MAX_CONFIG_MAP_BYTES:
            stored.left_out[key] = FileTooLarge(bytes=len(data))
        elif used_bytes + stored.size_bytes + len(data) > max_bytes:
            stored.left_out[key] = NoRoomForFile(used_bytes=used_bytes)
        else:
            stored.size_bytes += len(data)
            for content in bins:
                if sum(map(len, content.values())) + len(data) <= MAX_CONFIG_MAP_BYTES:
                    content[key] = data
                    break
            else:
                bins.append({key: data})
    for number, content in enumerate(bins):
        name = f"{results}-profiles-{test_index}" + (f"-{number}" if number else "")
        stored.config_maps.append(config_map(name, owner, {}, content))
        stored.parts |= {key: [name] for key in content}
    return stored
