"""The smallest edit, and where a span stands after it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devrouter.core.edits import Edit, smallest_edit, with_line_endings
from devrouter.core.text import Lines, Span, Units

# Few different characters, so that heads, tails and line ends meet often.
TEXTS = st.text(alphabet="ab_ \r\n\u2028\x0c😀\u0301\ud83d", max_size=30)


def splits_line_end(text: str, offset: int) -> bool:
    return text[offset - 1 : offset + 1] == "\r\n"


@given(TEXTS, TEXTS)
@example("a\r", "a\r\n")
@example("\r\n", "\n")
@example("\r\r\n", "\r\r")
@example("a\r\nb", "a\nb")
@example("x\n", "x\r\n")
@example("aaa", "aa")
def test_the_edit_makes_the_new_text_and_cuts_no_line_end(old: str, new: str) -> None:
    edit = smallest_edit(old, new)
    if edit is None:
        assert old == new
        return
    assert edit.apply(old) == new
    start, end = edit.span
    assert 0 <= start <= end <= len(old)
    assert not splits_line_end(old, start)
    assert not splits_line_end(old, end)
    assert not splits_line_end(new, start)
    assert not splits_line_end(new, start + len(edit.text))


@given(TEXTS, TEXTS)
def test_nothing_that_both_texts_share_is_replaced(old: str, new: str) -> None:
    """What is replaced starts and ends with a difference, or with half a CRLF that the other text lacks."""
    edit = smallest_edit(old, new)
    if edit is None:
        return
    gone = old[edit.span.start : edit.span.end]
    if gone and edit.text:
        assert gone[0] != edit.text[0] or gone[0] == "\r"
        assert gone[-1] != edit.text[-1] or gone[-1] == "\n"


@given(TEXTS, TEXTS, st.sampled_from(Units))
def test_an_editor_that_replaces_by_line_and_column_gets_the_same_text(
    old: str, new: str, units: Units
) -> None:
    edit = smallest_edit(old, new)
    if edit is None:
        return
    lines = Lines(old)
    start = lines.offset(*lines.position(edit.span.start, units), units)
    end = lines.offset(*lines.position(edit.span.end, units), units)
    assert old[:start] + edit.text + old[end:] == new


@pytest.mark.parametrize(
    ("old", "new", "span", "text"),
    [
        ("fix bug", "fix the bug", Span(4, 4), "the "),
        ("fix the bug", "fix bug", Span(4, 8), ""),
        ("teh bug\nmore", "the bug\nmore", Span(1, 3), "he"),
        ("", "x", Span(0, 0), "x"),
        ("x", "", Span(0, 1), ""),
        ("a\r\nb", "a\nb", Span(1, 3), "\n"),
        ("a\r\nb", "a\r\n\r\nb", Span(3, 3), "\r\n"),
    ],
)
def test_the_smallest_edit_of(old: str, new: str, span: Span, text: str) -> None:
    assert smallest_edit(old, new) == Edit(span, text)


def test_equal_texts_need_no_edit() -> None:
    assert smallest_edit("same\r\n", "same\r\n") is None


@pytest.mark.parametrize(
    ("old", "words", "edit", "after"),
    [
        ("fix it now", "it", Edit(Span(0, 0), "please "), "please fix [it] now"),
        ("fix it now", "it", Edit(Span(7, 10), "today"), "fix [it] today"),
        ("fix it now", "it", Edit(Span(4, 4), "of "), "fix of [it] now"),
        ("fix it now", "it", Edit(Span(6, 6), ", quickly"), "fix [it], quickly now"),
        ("fix it now", "it", Edit(Span(6, 6), "em"), None),
        ("fix it now", "it", Edit(Span(6, 6), "_"), None),
        ("fix it now", "it", Edit(Span(4, 4), "b"), None),
        ("fix it now", "it", Edit(Span(5, 5), "x"), None),
        ("fix it now", "it", Edit(Span(4, 6), "that"), None),
        ("fix it now", "it", Edit(Span(2, 8), ""), None),
        ("fix it now", "it", Edit(Span(0, 4), ""), "[it] now"),
        ("fix it now", "it", Edit(Span(6, 10), ""), "fix [it]"),
        ("fix it now", "it", Edit(Span(5, 10), ""), None),
    ],
)
def test_a_finding_moves_with_its_words_and_ends_when_they_change(
    old: str, words: str, edit: Edit, after: str | None
) -> None:
    start = old.index(words)
    moved = edit.move(Span(start, start + len(words)))
    if after is None:
        assert moved is None
    else:
        assert moved is not None
        new = edit.apply(old)
        assert f"{new[: moved.start]}[{new[moved.start : moved.end]}]{new[moved.end :]}" == after


@given(TEXTS, TEXTS, st.data())
def test_a_moved_span_holds_the_same_characters(old: str, new: str, data: st.DataObject) -> None:
    edit = smallest_edit(old, new)
    if edit is None:
        return
    start = data.draw(st.integers(0, len(old)))
    span = Span(start, data.draw(st.integers(start, len(old))))
    moved = edit.move(span)
    if moved is not None:
        assert new[moved.start : moved.end] == old[span.start : span.end]


@pytest.mark.parametrize(
    ("new", "like", "result"),
    [
        ("a\nb\r\nc\rd", "x\r\ny", "a\r\nb\r\nc\r\nd"),
        ("a\r\nb", "x\ny\r\n", "a\nb"),
        ("a\nb", "x\ry", "a\rb"),
        ("a\nb\r\n", "one line", "a\nb\r\n"),
        ("a\u2028b\nc", "x\r\n", "a\u2028b\r\nc"),
        ("a\\1\nb", "x\r\n", "a\\1\r\nb"),
    ],
)
def test_line_endings_follow_the_document(new: str, like: str, result: str) -> None:
    assert with_line_endings(new, like) == result


@given(TEXTS, TEXTS)
def test_only_line_endings_are_changed(new: str, like: str) -> None:
    def line_ends_as_lf(text: str) -> str:
        return re.sub(r"\r\n|\r", "\n", text)

    assert line_ends_as_lf(with_line_endings(new, like)) == line_ends_as_lf(new)
