from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st

from krobench.api.kinds import RunKind, RunRef
from krobench.record.ownership import is_owned_by
from krobench.record.profiles import write_profiles
from krobench.record.store import Room, read_part

OWNER = RunRef(RunKind.BENCHMARK, "default", "bench", "uid-1")
LIMIT_BYTES = 1_048_576


def test_the_profiles_of_a_test_share_a_config_map_owned_by_its_resource() -> None:
    files = {"profile.a.cpu.pb.gz": b"c" * 9, "profile.a.heap.pb.gz": b"h" * 9}
    stored = write_profiles("bench-results", OWNER, 2, files, 0)
    [config_map] = stored.config_maps
    assert config_map["metadata"]["name"] == "bench-results-profiles-2"
    assert is_owned_by(config_map, "uid-1")
    assert stored.parts == {key: ["bench-results-profiles-2"] for key in files}
    for key, data in files.items():
        assert read_part([config_map], key) == data


@given(st.lists(st.integers(1, 2_000_000), max_size=6), st.integers(0, 2 * Room.profiles))
def test_every_profile_is_stored_or_left_out_with_a_reason(sizes: list[int], used: int) -> None:
    files = {f"k{index}": bytes(size) for index, size in enumerate(sizes)}
    stored = write_profiles("r", OWNER, 0, files, used)
    assert stored.parts.keys() | stored.left_out.keys() == files.keys()
    assert not stored.parts.keys() & stored.left_out.keys()
    assert stored.size_bytes == sum(len(files[key]) for key in stored.parts)
    assert stored.size_bytes <= max(0, Room.profiles - used)
    for config_map in stored.config_maps:
        assert sum(len(b64decode(v)) for v in config_map["binaryData"].values()) < LIMIT_BYTES
