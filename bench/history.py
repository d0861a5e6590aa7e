"""How long a history of hundreds of runs in a bucket takes, as a user waits for it.

    python -m bench.history                  # needs no cluster: a local S3 server, some 40 seconds
    python -m bench.history --runs 1000

The runs are copies of a real one, with other times and scattered figures. What is timed is the
whole command `krobench history`, the start of Python included, as text and as a page of trends.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import orjson
from objectstore import KEYS, S3Server

from krobench.analysis.heads import head_of
from krobench.api.common import rfc3339
from krobench.api.kinds import ScheduleRef
from krobench.record.store import read_run_record
from krobench.storage.runs import HEAD_FILE, RUN_FILE, folder_of

_RECORD = Path(__file__).parents[1] / "tests/unit/record/data/run-v1-2026-11.json"
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_REPETITIONS = 5
_SCHEDULE = ScheduleRef("team", "nightly")


def heads(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the folders and heads of runs of consecutive nights.

    Their figures scatter by 3 %; those of the last third are 20 % higher.
    """
    drawn = random.Random(1)  # noqa: S311 - no secret
    original = head_of(read_run_record(json.loads(_RECORD.read_text())))
    text = original.model_dump_json(by_alias=True)
    for number in range(count):
        head = orjson.loads(text)
        uid = f"{number:08x}-0000-0000-0000-000000000000"
        start_time = rfc3339(_FIRST + timedelta(days=number))
        for part in (head["run"], head["estimates"]):
            part |= {"id": uid, "startTime": start_time}
        factor = drawn.lognormvariate(0.0, 0.03) * (1.2 if number * 3 >= count * 2 else 1.0)
        for test in head["estimates"]["tests"]:
            for iteration in test["iterations"]:
                iteration |= {name: value * factor for name, value in iteration.items()}
        for test in head["run"]["tests"]:  # which the page draws
            summary = test["summary"]
            for figures in (summary["figures"], *filter(None, summary["latency"].values())):
                figures |= {
                    name: value * factor
                    for name, value in figures.items()
                    if isinstance(value, float)
                }
        yield folder_of(_SCHEDULE, start_time, uid), orjson.dumps(head)


async def store(server: S3Server, count: int) -> int:
    """Store runs; returns the size of a head.json."""
    size = 0
    for folder, head in heads(count):
        await server.files.write(f"{folder}/{RUN_FILE}", b"{}")
        await server.files.write(f"{folder}/{HEAD_FILE}", head)
        size = len(head)
    return size


def timed(server: S3Server, *options: str) -> tuple[float, float, str]:
    """Return how long the command takes, its CPU time, and what it prints."""
    location = server.location
    env = os.environ | KEYS
    env |= {
        "KROBENCH_STORE": f"s3://{location.bucket}/{location.prefix}",
        "AWS_ENDPOINT_URL": location.endpoint,
    }
    name = f"schedule/{_SCHEDULE.namespace}/{_SCHEDULE.name}"
    started, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "krobench", "history", name, *options]
    shown = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    seconds, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system
    return seconds, used - before.children_user - before.children_system, shown.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as root:
        server = S3Server(Path(root) / "root", remembers="1h")
        server.start()
        try:
            size = asyncio.run(store(server, count))
            measured = [timed(server) for _ in range(_REPETITIONS)]
            page = ("--output", str(Path(root) / "history.html"))
            timed(server, *page)  # which keeps the script of the charts
            pages = [timed(server, *page) for _ in range(_REPETITIONS)]
        finally:
            server.stop()
    lines = measured[0][2].splitlines()
    print(f"{count} runs, head.json {size:,} bytes, history of {len(lines)} lines")
    for what, each in (("text", measured), ("page", pages)):
        seconds = sorted(clock for clock, _, _ in each)
        cpu = median(used for _, used, _ in each)
        print(
            f"{what}: {median(seconds):.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f} s), ", end=""
        )
        print(f"of CPU {cpu:.2f} s")
    print("\n".join(lines[-4:]))


if __name__ == "__main__":
    main()
