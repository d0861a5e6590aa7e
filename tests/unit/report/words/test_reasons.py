"""Each reason has words, and what older versions stored as words stays as it is."""

from collections.abc import Iterator
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from krobench.figures.reasons.base import QuotedReason, Reason
from krobench.figures.reasons.cel import AnyCelReason
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.load import AnyOrphansReason
from krobench.figures.reasons.profiles import AnyProfileReason
from krobench.report.words.reasons import reason_line


def classes(of: Any) -> Iterator[type[Reason]]:
    for part in get_args(of):
        if isinstance(part, type) and issubclass(part, Reason):
            yield part
        else:
            yield from classes(part)


UNIONS: tuple[Any, ...] = (AnyReason, AnyCelReason, AnyProfileReason, AnyOrphansReason)
ALL = sorted({each for union in UNIONS for each in classes(union)}, key=lambda each: each.__name__)
for _each in ALL:
    _each.model_rebuild()  # models are built when they are used; hypothesis reads their signatures
TEXT = st.text(st.characters(codec="utf-8"), min_size=1)


@given(st.one_of([st.builds(each) for each in ALL if each is not QuotedReason]))
def test_every_reason_has_words_with_what_another_program_answered(reason: Reason) -> None:
    assert reason.model_dump().get("detail", "") in reason_line(reason)


@given(TEXT)
def test_a_sentence_of_an_older_version_is_shown_as_it_was_stored(text: str) -> None:
    for union in UNIONS:
        read: Reason = TypeAdapter(union).validate_python(text)
        assert reason_line(read) == text


def test_each_reason_has_a_code_of_its_own() -> None:
    assert len({each.model_fields["code"].default for each in ALL}) == len(ALL)
