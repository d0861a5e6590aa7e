"""Values of instances that differ from instance to instance."""

from typing import Any

INDEX = "{{index}}"


def with_index(values: Any, index: int) -> Any:
    """Return the values with each ``{{index}}`` in a string replaced by the instance's index.

    The braces are those of no expression of kro's, which are ``${...}``.
    """
    if isinstance(values, str):
        return values.replace(INDEX, str(index))
    if isinstance(values, dict):
        return {key: with_index(value, index) for key, value in values.items()}
    if isinstance(values, list):
        return [with_index(value, index) for value in values]
    return values
