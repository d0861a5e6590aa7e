"""The library that draws charts: an extra, so that the load Job's image does without it."""

import os
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from krobench.report.html.charts.base import Drawing


def drawing() -> Drawing | None:
    """Return the library, or None if it is not installed."""
    try:
        library = import_module("vl_convert")
    except ImportError:
        return None
    return Drawing(svgs=partial(map, library.vegalite_to_svg), script=_script(library))


def _script(library: Any) -> str:
    """Return what draws in a browser; putting it together takes seconds, so it is kept."""
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
