"""Descriptions of fields, which the CRDs show to users."""

from krobench.api.common import ApiModel
from krobench.api.descriptions import descriptions


class Base(ApiModel):
    first: int = 0
    """The first,
    in two lines."""
    plain: int = 0


class Derived(Base):
    second_field: str = ""
    """The second."""

    def helper(self) -> None:
        """Not a field."""


def test_strings_below_fields_are_their_descriptions_also_in_derived_models() -> None:
    assert descriptions(Derived) == {
        "first": "The first,\nin two lines.",
        "second_field": "The second.",
    }


def test_a_schema_has_them_by_the_names_that_users_write() -> None:
    properties = Derived.model_json_schema(by_alias=True)["properties"]
    described = {name: each.get("description") for name, each in properties.items()}
    assert described == {
        "first": "The first,\nin two lines.",
        "plain": None,
        "secondField": "The second.",
    }
