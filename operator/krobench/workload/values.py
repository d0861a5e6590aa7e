"""Values of instances that differ from instance to instance."""

from typing import Any

INDEX = "{{index}}"
ROUND = "{{round}}"


def with_index(values: Any, index: int) -> Any:
    """Return the values with each ``{{index}}`` in a string replaced by the instance's index.

    The braces are those of no expression of kro's, which are ``${...}``.
    """
    return _replaced(values, {INDEX: str(index)})


def with_round(values: Any, index: int, number: int) -> Any:
    """Return what :func:`with_index` does, with ``{{round}}`` replaced by ``number`` too."""
    return _replaced(values, {INDEX: str(index), ROUND: str(number)})


def _replaced(values: Any, words: dict[str, str]) -> Any:
    if isinstance(values, str):
        for word, text in words.items():
            values = values.replace(word, text)
        return values
    if isinstance(values, dict):
        return {key: _replaced(value, words) for key, value in values.items()}
    if isinstance(values, list):
        return [_replaced(value, words) for value in values]
    return values
