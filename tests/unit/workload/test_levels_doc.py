from pathlib import Path

from pydantic.alias_generators import to_camel

from krobench.api.specs.generator import Complexity
from krobench.workload.generator import LEVELS

ROOT = Path(__file__).parents[3]
LISTED = (Complexity.SIMPLE, Complexity.MEDIUM, Complexity.COMPLEX)


def test_the_documented_numbers_of_each_level_are_those_in_use() -> None:
    rows = {
        cells[0].strip("` "): [cell.strip() for cell in cells[2:5]]
        for line in (ROOT / "docs/reference/workloads.md").read_text().splitlines()
        if len(cells := line.strip("|").split("|")) == 6
    }
    for name in vars(LEVELS[Complexity.SIMPLE]):
        if name != "kinds":
            numbers = [f"{getattr(LEVELS[level], name):g}" for level in LISTED]
            assert rows[to_camel(name)] == numbers
