"""Text into pieces of words, as the encoder reads it: BERT's WordPiece (Wu et al. 2016), lower case.

Everything is linear in the length of the text, a word too long to be one is unknown as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PADDING, UNKNOWN, START, END, GAP = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
"""The special pieces. `GAP` stands where the middle of a long text is left out."""
SPECIAL = (PADDING, UNKNOWN, START, END, GAP)

_LONGEST_WORD = 60
# A run of letters and digits, or any other visible character by itself; ideographs stand alone as well.
_INVISIBLE = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_WORD = re.compile(rf"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+|[^\w\s{_INVISIBLE}]|_")


class WordPiece:
    """A vocabulary: pieces by number. A piece that begins with `##` goes on with a word."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.numbers: Mapping[str, int] = {piece: number for number, piece in enumerate(vocabulary)}
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str, limit: int) -> list[int]:
        """The numbers of the pieces, the first `limit` of them at most; no special pieces are added."""
        numbers: list[int] = []
        for word in words_of(text):
            numbers += self._pieces(word)
            if len(numbers) >= limit:
                return numbers[:limit]
        return numbers

    def _pieces(self, word: str) -> tuple[int, ...]:
        """The longest known piece first. Words come again and again, so their pieces are kept."""
        if len(word) > _LONGEST_WORD:
            return (self.numbers[UNKNOWN],)
        if (known := self._known.get(word)) is not None:
            return known
        if len(self._known) >= _KEPT_WORDS:
            self._known.clear()
        pieces = self._known[word] = tuple(self._split(word))
        return pieces

    def _split(self, word: str) -> Iterator[int]:
        numbers: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self.numbers.get(prefix + word[start:end])
                if number is not None:
                    numbers.append(number)
                    start = end
                    break
            else:
                break
        yield from numbers if start == len(word) else [self.numbers[UNKNOWN]]


_KEPT_WORDS = 20_000


def words_of(text: str) -> Iterator[str]:
    """Words and punctuation in lower case and without accents, in order."""
    lowered = text.lower()
    if not lowered.isascii():
        decomposed = unicodedata.normalize("NFD", lowered)
        lowered = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return (match.group() for match in _WORD.finditer(lowered))
