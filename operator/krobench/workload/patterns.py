"""Texts that match a regular expression, for fields whose schema has a pattern."""

import random
import re
import string
from collections.abc import Iterable
from typing import Any

_LETTERS = string.ascii_lowercase + string.digits
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": _LETTERS,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_lowercase,
    "CATEGORY_NOT_WORD": "-",
    "CATEGORY_NOT_SPACE": _LETTERS,
}
_MOST_REPEATS = 8


def sample(pattern: str, rng: random.Random) -> str | None:
    """Return a text that may match; None if the pattern has something that is not understood."""
    try:
        # Python parses patterns here, and has no public way to see the result.
        return _sequence(re._parser.parse(pattern), rng)
    except (re.error, NotImplementedError, OverflowError):
        return None


def _sequence(parsed: Iterable[Any], rng: random.Random) -> str:
    return "".join(_one(str(operator), argument, rng) for operator, argument in parsed)


def _one(operator: str, argument: Any, rng: random.Random) -> str:  # noqa: PLR0911
    match operator:
        case "LITERAL":
            return chr(argument)
        case "ANY" | "NOT_LITERAL":
            return rng.choice([each for each in _LETTERS if ord(each) != argument])
        case "AT":
            return ""
        case "IN":
            return rng.choice(_choices(argument))
        case "BRANCH":
            return _sequence(rng.choice(argument[1]), rng)
        case "SUBPATTERN":
            return _sequence(argument[-1], rng)
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, inner = argument
            count = rng.randint(least, max(least, min(int(most), least + _MOST_REPEATS)))
            return "".join(_sequence(inner, rng) for _ in range(count))
        case _:
            raise NotImplementedError(operator)


def _choices(members: Iterable[Any]) -> str:
    found, negated = "", False
    for operator, argument in members:
        match str(operator):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found += chr(argument)
            case "RANGE":
                low, high = argument
                found += "".join(map(chr, range(low, min(high, low + 255) + 1)))
            case "CATEGORY":
                found += _CATEGORIES[str(argument)]
    return "".join(each for each in _LETTERS if each not in found) if negated else found
