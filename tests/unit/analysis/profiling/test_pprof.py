import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.profiling.pprofs import CPU, pprof

from krobench.analysis.profiling.pprof import Profile, ProfileError, Stack, ValueType, decode

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
SAMPLES = st.lists(
    st.tuples(
        st.lists(NAMES, min_size=1, max_size=5),
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1)),
    ),
    max_size=5,
)


@given(SAMPLES, st.booleans())
def test_whatever_is_encoded_is_decoded_the_same(
    samples: list[tuple[list[str], tuple[int, int]]], packed: bool
) -> None:
    profile = decode(pprof(CPU, samples, packed=packed))
    assert profile == Profile(
        value_types=(ValueType("samples", "count"), ValueType("cpu", "nanoseconds")),
        stacks=tuple(Stack(tuple(functions), values) for functions, values in samples),
    )


def test_a_profile_may_come_unzipped() -> None:
    zipped = pprof(CPU, [(["main.main"], (1, 2))])
    assert decode(gzip.decompress(zipped)) == decode(zipped)


@given(st.binary(max_size=300))
def test_what_is_no_profile_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for candidate in (data, gzip.compress(data), b"\x1f\x8b" + data):
        with pytest.raises(ProfileError):
            decode(candidate)


@given(st.data())
def test_a_broken_profile_is_refused_or_read_but_never_crashes(data: st.DataObject) -> None:
    plain = bytearray(gzip.decompress(pprof(CPU, [(["a.f", "b.g"], (1, 10))])))
    position = data.draw(st.integers(0, len(plain) - 1))
    plain[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProfileError):
        decode(bytes(plain[: data.draw(st.integers(0, len(plain)))]))


def test_an_enormous_profile_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ProfileError, match="ProfileTooLarge"):
        decode(gzip.compress(bytes(65 << 20)))
