"""Text into pieces of words: the longest known piece first, and no text that cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.engines.instant.wordpiece import SPECIAL, UNKNOWN, WordPiece, words_of

VOCABULARY = [*SPECIAL, "un", "##aff", "##able", "read", "##ing", "##s", ",", ".", "_", "file", "cafe", "文"]
PIECES = WordPiece(VOCABULARY)


def pieces(text: str, limit: int = 100) -> list[str]:
    return [VOCABULARY[number] for number in PIECES.encode(text, limit)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", ["un", "##aff", "##able"]),
        ("Reading, reads.", ["read", "##ing", ",", "read", "##s", "."]),
        ("read_file", ["read", "_", "file"]),
        ("Café", ["cafe"]),
        ("文文", ["文", "文"]),
        ("unknowable", [UNKNOWN]),
        ("read" * 20, [UNKNOWN]),
        ("\x1b\u200bread\u202e", ["read"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_the_longest_known_piece_comes_first(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_no_more_pieces_than_asked_for() -> None:
    assert pieces("reading reading reading", 4) == ["read", "##ing", "read", "##ing"]


@given(st.text())
def test_any_text_can_be_read_twice_alike(text: str) -> None:
    numbers = PIECES.encode(text, 1000)
    assert numbers == PIECES.encode(text, 1000)
    assert all(0 <= number < len(VOCABULARY) for number in numbers)
    assert all(word == word.strip() != "" for word in words_of(text))
