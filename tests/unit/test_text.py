"""Lines and columns exactly as an LSP client counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.text import Lines, Span, Units, first_line, trimmed

# Line ends of LSP, separators that are none of its line ends, and characters of every width.
TEXTS = st.text(alphabet="ab \t\r\n\u2028\u2029\x0b\x0c\x1c\x85é\u0301e漢😀👩\u200d\ud83d\ude00", max_size=40)
UNITS = st.sampled_from(Units)


def width(text: str, units: Units) -> int:
    """Columns by the definition of LSP, counted the slow way."""
    thresholds = {Units.UTF8: (0x7F, 0x7FF, 0xFFFF), Units.UTF16: (0xFFFF,), Units.UTF32: ()}[units]
    return sum(1 + sum(ord(character) > threshold for threshold in thresholds) for character in text)


def reference_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@given(TEXTS)
def test_lines_end_at_lf_crlf_and_cr_and_nowhere_else(text: str) -> None:
    lines = Lines(text)
    spans = [lines.line_span(line) for line in range(len(lines.starts))]
    assert [text[span.start : span.end] for span in spans] == reference_lines(text)


@given(TEXTS, UNITS)
def test_every_offset_comes_back(text: str, units: Units) -> None:
    lines = Lines(text)
    for offset in range(len(text) + 1):
        position = lines.position(offset, units)
        inside_crlf = text[offset - 1 : offset + 1] == "\r\n" and offset > 0
        assert lines.offset(*position, units) == (offset - 1 if inside_crlf else offset)


@given(TEXTS, UNITS)
def test_a_position_is_the_line_and_the_width_before_it(text: str, units: Units) -> None:
    lines = Lines(text)
    for line, content in enumerate(reference_lines(text)):
        start = lines.line_span(line).start
        for index in range(len(content) + 1):
            assert lines.position(start + index, units) == (line, width(content[:index], units))


@given(TEXTS, UNITS, st.integers(-3, 50), st.integers(-3, 200))
def test_any_position_lies_in_the_text_and_settles(text: str, units: Units, line: int, column: int) -> None:
    lines = Lines(text)
    offset = lines.offset(line, column, units)
    assert 0 <= offset <= len(text)
    assert lines.offset(*lines.position(offset, units), units) == offset


@given(TEXTS, UNITS)
def test_a_column_inside_a_character_is_its_start(text: str, units: Units) -> None:
    lines = Lines(text)
    for line, content in enumerate(reference_lines(text)):
        start, column = lines.line_span(line).start, 0
        for index, character in enumerate(content):
            for _ in range(width(character, units)):
                assert lines.offset(line, column, units) == start + index
                column += 1
        assert lines.offset(line, column + 7, units) == start + len(content)


@pytest.mark.parametrize(
    ("text", "offset", "units", "position"),
    [
        ("a😀b", 2, Units.UTF16, (0, 3)),
        ("a😀b", 2, Units.UTF8, (0, 5)),
        ("a😀b", 2, Units.UTF32, (0, 2)),
        ("one\r\ntwo", 5, Units.UTF16, (1, 0)),
        ("one\r\ntwo", 4, Units.UTF16, (0, 3)),
        ("one\rtwo", 4, Units.UTF16, (1, 0)),
        ("a\u2028b\x0cc\nd", 6, Units.UTF16, (1, 0)),
        ("end\n", 4, Units.UTF16, (1, 0)),
        ("", 0, Units.UTF16, (0, 0)),
        ("abc", 99, Units.UTF16, (0, 3)),
        ("abc", -1, Units.UTF16, (0, 0)),
    ],
)
def test_position_of(text: str, offset: int, units: Units, position: tuple[int, int]) -> None:
    assert Lines(text).position(offset, units) == position


@given(TEXTS)
def test_the_first_line_is_the_first_with_words(text: str) -> None:
    start, end = first_line(text)
    contents = [line.strip() for line in reference_lines(text) if line.strip()]
    assert text[start:end] == (contents[0] if contents else "")


@given(TEXTS, st.data())
def test_trimming_takes_only_white_space(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    inner = trimmed(text, Span(start, end))
    assert start <= inner.start <= inner.end <= end
    assert text[inner.start : inner.end] == text[start:end].strip()


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [
        (Span(0, 3), Span(2, 5), True),
        (Span(0, 3), Span(3, 5), False),
        (Span(3, 3), Span(3, 5), True),
        (Span(3, 3), Span(0, 3), True),
        (Span(4, 4), Span(0, 9), True),
        (Span(4, 4), Span(5, 9), False),
        (Span(0, 9), Span(4, 5), True),
    ],
)
def test_spans_overlap(one: Span, other: Span, result: bool) -> None:  # noqa: FBT001
    assert one.overlaps(other) is result
    assert other.overlaps(one) is result
