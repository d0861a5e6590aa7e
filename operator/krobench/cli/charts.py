"""The library that draws charts: an extra, so that the load Job's image does without it.

It takes two thirds of a second to start and holds Python's lock while it works. So it has a process
of its own, in which it starts while runs are read, and draws while a page is put together.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import orjson

from krobench.cli.errors import CliError
from krobench.report.html.charts.base import Drawing, Spec

_LIBRARY = "vl_convert"


@contextmanager
def drawing() -> Iterator[Drawing | None]:
    """Start the library; None if it is not installed."""
    if find_spec(_LIBRARY) is None:
        yield None
        return
    # Modules beside the file must not hide others. Ctrl-C is for krobench, which ends the process.
    command = [sys.executable, "-P", str(Path(__file__).with_name("drawer.py"))]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        ) as process,
        ThreadPoolExecutor(max_workers=1) as thread,
    ):
        assert process.stdin is not None
        try:
            yield Drawing(lambda spec: thread.submit(_drawn, process, spec).result, _script)
        finally:
            process.kill()
            with suppress(BrokenPipeError):  # of what could not be written
                process.stdin.close()
            thread.shutdown(cancel_futures=True)


def _drawn(process: "subprocess.Popen[bytes]", spec: Spec) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    answer = b""
    with suppress(BrokenPipeError):
        process.stdin.write(orjson.dumps(spec) + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    if not answer:
        raise CliError(
            "the process that draws charts ended, and its message is above: install "
            "krobench[charts] again, or write no page"
        )
    svg: str = orjson.loads(answer)
    return svg


def _script() -> str:
    """Return what draws in a browser; putting it together takes seconds, so it is kept."""
    library = import_module(_LIBRARY)
    versions = f"{library.get_vega_version()}-{library.get_vegalite_versions()[-1]}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "krobench"
    kept = cache / f"vega-{versions}.js"
    try:
        return kept.read_text()
    except OSError:
        pass
    script: str = library.javascript_bundle()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(script)
        part.replace(kept)
    except OSError:
        pass  # the next page takes as long
    return script
