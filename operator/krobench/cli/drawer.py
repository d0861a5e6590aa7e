"""The process that draws charts: reads a specification a line, and answers each by a drawing.

It runs by its path and imports nothing of krobench, so that it starts while krobench is imported.
"""

import json
import sys
from importlib import import_module
from typing import Any

_FIRST: dict[str, Any] = {
    "data": {"values": [{"time": "2026-01-01T00:00:00Z", "value": 1}]},
    "mark": "point",
    "encoding": {
        "x": {"field": "time", "type": "temporal"},
        "y": {"field": "value", "type": "quantitative"},
    },
}
"""Has the library start, and read its fonts, before there is anything to draw."""


def main() -> None:
    draw = import_module("vl_convert").vegalite_to_svg
    draw(_FIRST)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(draw(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
