import random
from base64 import b64decode
from functools import cache

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.analysis.comparison.test_estimates import iteration
from unit.records import some_line, some_run, some_test

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.validity import Cause
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.findings.validity import QuotedCause, Validity
from krobench.record import rawlines
from krobench.record.ownership import is_owned_by
from krobench.record.profiles import write_profiles
from krobench.record.rawlines import LineFile
from krobench.record.reading import RecordError
from krobench.record.run import FULL_RUN_KEY, RunRecord, RunState
from krobench.record.store import (
    Room,
    RunLines,
    read_objects,
    read_run_record,
    read_series,
    whole_run,
    write_config_maps,
)
from krobench.report.markdown import render

OWNER = RunRef(RunKind.BENCHMARK, "default", "bench", "uid-1")
LIMIT_BYTES = 1_048_576
MANY = 100_000


def run(**changes: object) -> RunRecord:
    record = some_run(spec={"tests": []})
    return record.model_copy(update=changes)


def objects(count: int) -> list[ObjectRecord]:
    return [
        some_line(
            namespace="n",
            name=f"{hash((index, 'salt')):x}",
            sent_seconds=round(index * 0.123457, 6),
            ready_seconds=round(index * 0.987654, 6) if index % 3 else None,
        )
        for index in range(count)
    ]


@cache
def many(count: int = MANY) -> list[ObjectRecord]:
    """Return objects that no test changes."""
    return objects(count)


def raw(records: list[ObjectRecord], samples: list[Sample] | None = None) -> RunLines:
    return RunLines(LineFile(ObjectRecord, records), LineFile(Sample, samples or []))


def size(config_map: dict[str, dict[str, str]]) -> int:
    plain = sum(len(value) for value in config_map["data"].values())
    return plain + sum(len(b64decode(value)) for value in config_map["binaryData"].values())


def test_what_is_stored_is_read_back_the_same() -> None:
    samples = [Sample(seconds=1.5, source="kro", metric="m", value=2.0)]
    stored, config_maps = write_config_maps("r", OWNER, run(), raw(objects(50), samples))
    assert read_run_record(config_maps[-1]) == stored
    assert read_objects(config_maps) == objects(50)
    assert read_series(config_maps) == samples


def test_a_small_run_fits_one_config_map_owned_by_its_resource() -> None:
    _, config_maps = write_config_maps("r", OWNER, run(), raw(objects(10)))
    assert [item["metadata"]["name"] for item in config_maps] == ["r"]
    assert is_owned_by(config_maps[0], "uid-1")
    assert not is_owned_by(config_maps[0], "uid-2")


def test_a_large_run_is_split_below_the_limit_of_an_api_server() -> None:
    stored, config_maps = write_config_maps("r", OWNER, run(), raw(many()))
    assert len(config_maps) > 2
    assert config_maps[-1]["metadata"]["name"] == "r"
    assert all(size(item) < LIMIT_BYTES for item in config_maps)
    assert stored.parts["objects.jsonl.gz"] == [
        item["metadata"]["name"] for item in config_maps[:-1]
    ]
    assert read_objects(config_maps) == many()


def large_run() -> RunRecord:
    tests = [
        some_test(
            name=f"t{index}",
            error={"reason": "Long", "message": "x" * 4000},
            iterations=[iteration(0)],
        )
        for index in range(200)
    ]
    return run(tests=tests, state=RunState.COMPLETED)


def test_a_run_json_that_is_too_large_is_kept_whole_beside_a_shorter_one() -> None:
    _, config_maps = write_config_maps("r", OWNER, large_run(), RunLines())
    assert all(size(item) < LIMIT_BYTES for item in config_maps)
    short = read_run_record(config_maps[-1])
    assert short.shortened
    whole = whole_run(short, config_maps)
    assert not whole.shortened
    assert whole == large_run().model_copy(update={"parts": short.parts})


def test_a_whole_run_that_is_not_there_is_a_clear_sentence() -> None:
    _, config_maps = write_config_maps("r", OWNER, large_run(), RunLines())
    short = read_run_record(config_maps[-1])
    with pytest.raises(RecordError, match=r"run-full.json.gz of run default/bench cannot be read"):
        whole_run(short, [])


@pytest.mark.parametrize(("length", "kept"), [(100, 20), (400, 5)])
def test_causes_and_warnings_without_end_leave_run_json_within_its_room(
    length: int, kept: int
) -> None:
    cause = QuotedCause(reason=Cause.NODE_BUSY, text="x" * length)
    test = some_test(
        planned_iterations=50,
        causes=[cause] * 100,
        validity=Validity.of([cause] * 100),
        iterations=[],
    )
    record = run(
        tests=[test] * 32,
        causes=[cause] * 3200,
        validity=Validity.of([cause] * 3200),
        warnings=["x" * 1000] * 500,
    )
    _, config_maps = write_config_maps("r", OWNER, record, RunLines())
    assert all(size(item) < LIMIT_BYTES for item in config_maps)
    short = read_run_record(config_maps[-1])
    assert len(short.causes) == len(short.tests[0].causes) == kept
    assert short.tests[0].validity == Validity(valid=False, causes=[cause] * kept)
    assert len(short.warnings) == 101
    assert short.warnings[-1].startswith("run.json was too large")
    assert whole_run(short, config_maps).causes == record.causes


@settings(max_examples=20)
@given(count=st.integers(1, 6000), limit=st.integers(60_000, 200_000))
def test_each_piece_can_be_opened_on_its_own(count: int, limit: int) -> None:
    records = objects(count)
    pieces = rawlines.encode(records, limit)
    assert all(len(piece) <= limit for piece in pieces)
    again = [record for piece in pieces for record in rawlines.decode([piece], ObjectRecord)]
    assert again == records


def test_a_file_that_grows_is_the_one_that_was_written_at_once() -> None:
    records = objects(4500)
    file = LineFile(ObjectRecord)
    for start in range(0, 4500, 700):
        file.extend(records[start : start + 700])
        file.pieces(LIMIT_BYTES)
    assert file.pieces(LIMIT_BYTES) == rawlines.encode(records, LIMIT_BYTES)


def test_a_line_is_what_the_record_was_when_it_was_added() -> None:
    [record] = objects(1)
    file = LineFile(ObjectRecord, [record])
    record.ready_seconds = 99.0
    assert rawlines.decode(file.pieces(LIMIT_BYTES), ObjectRecord) == objects(1)


def test_all_lines_can_be_mended() -> None:
    file = LineFile(ObjectRecord, objects(4500))

    def mend(record: ObjectRecord) -> None:
        record.warmup = record.name.endswith("7")

    file.rewrite(mend)
    expected = objects(4500)
    for record in expected:
        mend(record)
    assert rawlines.decode(file.pieces(LIMIT_BYTES), ObjectRecord) == expected


@pytest.mark.parametrize(
    ("config_map", "words"),
    [
        ({"metadata": {"name": "x"}}, "ConfigMap x has no run.json"),
        ({"metadata": {"name": "x"}, "data": {"run.json": "{"}}, "run.json in ConfigMap x"),
        (
            {"metadata": {"name": "x"}, "data": {"run.json": '{"schema": "other/v9"}'}},
            "krobench.run/v2",
        ),
    ],
)
def test_an_object_without_a_record_is_refused_by_name(
    config_map: dict[str, object], words: str
) -> None:
    with pytest.raises(RecordError, match=words):
        read_run_record(config_map)


def test_a_file_beyond_its_limit_is_a_random_sample_and_says_of_how_many() -> None:
    file = LineFile(ObjectRecord, many(40_000), max_bytes=60_000)
    assert file.added == 40_000
    assert 2_000 < file.kept < 20_000
    assert sum(map(len, file.pieces(1_000_000))) < 90_000
    lines = rawlines.decode(file.pieces(1_000_000), ObjectRecord)
    assert len(lines) == file.kept
    known = many(40_000)
    assert all(line in known for line in lines[:20])
    stored, maps = write_config_maps("r", OWNER, run(), RunLines(file, LineFile(Sample)))
    [sampled] = stored.sampled
    assert (sampled.stored, sampled.measured) == (file.kept, 40_000)
    assert read_run_record(maps[-1]).sampled == [sampled]
    assert "random sample" in render(stored)


def test_a_sample_is_mended_as_a_whole_file_is() -> None:
    file = LineFile(ObjectRecord, many(40_000), max_bytes=60_000)
    kept = file.kept

    def mend(line: ObjectRecord) -> None:
        line.warmup = True

    file.rewrite(mend)
    assert file.kept == kept
    assert all(line.warmup for line in rawlines.decode(file.pieces(1_000_000), ObjectRecord))


def test_what_is_stored_stays_within_the_limit_of_the_administrator() -> None:
    limit = 1_200_000
    room = Room.within(limit)
    lines = RunLines.limited(room)
    lines.objects.extend(many())
    files = {f"{index}.pb.gz": random.randbytes(40_000) for index in range(10)}
    profiles = write_profiles("r", OWNER, 0, files, 0, room.profiles)
    stored, maps = write_config_maps("r", OWNER, run(), lines)
    size = sum(len(orjson.dumps(each)) for each in [*maps, *profiles.config_maps])
    assert size < limit
    [sampled] = stored.sampled
    assert sampled.stored < sampled.measured == MANY
    assert set(profiles.left_out) | set(profiles.parts) == set(files)
    assert profiles.left_out
    assert profiles.parts


def test_a_whole_run_beyond_the_limit_of_the_administrator_is_left_out_with_a_warning() -> None:
    record = large_run()
    [whole] = [
        len(piece)
        for _, maps in [write_config_maps("r", OWNER, record, RunLines())]
        for item in maps
        for key, piece in (item.get("binaryData") or {}).items()
        if key == FULL_RUN_KEY
    ]
    stored, maps = write_config_maps("r", OWNER, record, RunLines.limited(Room(whole_run=100)))
    assert whole > 100
    assert not any(FULL_RUN_KEY in (item.get("binaryData") or {}) for item in maps)
    assert FULL_RUN_KEY not in stored.parts
    short = read_run_record(maps[-1])
    assert not short.shortened, "there is nothing else to read"
    [said] = [text for text in short.warnings if "limits.resultBytes" in text]
    assert FULL_RUN_KEY in said
    assert not any(f"in {FULL_RUN_KEY}" in text for text in short.warnings)


def test_the_raw_lines_of_a_run_stay_within_its_limit() -> None:
    lines = RunLines.limited(Room(lines=200_000))
    lines.objects.extend(many())
    size = sum(map(len, lines.objects.pieces(1_000_000)))
    assert size < 200_000
    assert lines.objects.kept < lines.objects.added
