"""The values of the chart, as its schema has them."""

import json

import pytest
import yaml
from unit.deploy.rendering import (
    CHART,
    Manifest,
    template,
)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replica=2", "replica"),
        ("image.name=x", "name"),
        ("load.extraGroup=x", "extraGroup"),
        ("load.extraGroups={*}", "extraGroups"),
        ("load.resources.limit.cpu=1", "limit"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("crds.install=1", "install"),
    ],
)
def test_schema_refuses_what_the_chart_does_not_know(helm: str, value: str, named: str) -> None:
    result = template(helm, value)
    assert result.returncode != 0
    assert "values don't meet the specifications of the schema" in result.stderr
    assert named in result.stderr


def test_schema_knows_every_value_and_nothing_else() -> None:
    def check(values: Manifest, schema: Manifest, path: str) -> None:
        assert schema["additionalProperties"] is False, path
        known = schema["properties"].keys() - ({"global", "enabled"} if path == "values" else set())
        assert values.keys() == known, path
        for name, value in values.items():
            if isinstance(value, dict) and "properties" in schema["properties"][name]:
                child = schema["properties"][name]
                if value:
                    check(value, child, f"{path}.{name}")

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    check(values, json.loads((CHART / "values.schema.json").read_text()), "values")
