"""The same prompt in other words or dress: what changes of it an engine's labels should survive."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from devrouter.core.pieces import protected_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devrouter.evaluation.rows import GoldRow

MOST_ROWS = 400


class Change(StrEnum):
    """What is done to the text."""

    TYPOS = "typos"
    LOWER = "lower"
    CAPITALS = "capitals"
    PARAPHRASE = "paraphrase"
    POLITE = "polite"
    CODE = "code"


def changed_rows(rows: Sequence[GoldRow], change: Change, seed: int) -> list[GoldRow]:
    """The rows whose text the change alters, with that text and in the same order; at most `MOST_ROWS`.

    Which ones are taken depends on their ids alone, so that it stays so from one file to the next.
    """
    texts = {row.id: changed_text(row, change, seed) for row in rows}
    altered = [row for row in rows if texts[row.id] != row.text]
    taken = {row.id for row in sorted(altered, key=_hash_of_id)[:MOST_ROWS]}
    return [replace(row, text=texts[row.id]) for row in altered if row.id in taken]


def changed_text(row: GoldRow, change: Change, seed: int) -> str:
    """The row's text after the change; the text itself where that does not apply. `seed` is for typos."""
    match change:
        case Change.TYPOS:
            chance = random.Random(f"{seed} {json.dumps(row.id)}")  # noqa: S311  (no secret hangs on it)
            return _with_typos(row.text, chance)
        case Change.LOWER:
            return row.text.lower()
        case Change.CAPITALS:
            return _prose_mapped(row.text, str.upper)
        case Change.PARAPHRASE:
            return row.paraphrase if row.paraphrase and row.paraphrase.strip() else row.text
        case Change.POLITE:
            return f"{_GREETING}\n\n{row.text}\n\n{_THANKS}"
        case Change.CODE:
            return f"{row.text}\n\n{_IRRELEVANT}"


_GREETING = "Hello! I hope you can help me with this, please."
_THANKS = "Thank you very much in advance!"
_IRRELEVANT = """\
```python
def to_fahrenheit(celsius: float) -> float:
    return celsius * 9 / 5 + 32


print(to_fahrenheit(21.5))
```"""

# A word that is part of no longer name: nothing but a letter's usual neighbours around it.
_WORD = re.compile(r"(?<![\w./\\@#$%&-])[^\W\d_]{3,}(?![\w/\\@#$%&-])")
_WORDS_A_TYPO = 8


def _with_typos(text: str, chance: random.Random) -> str:
    """One wrong letter for about eight words of prose, and at least one where there is any."""
    words = [word.span() for start, end in _prose(text) for word in _WORD.finditer(text, start, end)]
    if not words:
        return text
    for start, end in sorted(chance.sample(words, max(1, round(len(words) / _WORDS_A_TYPO))), reverse=True):
        text = text[:start] + _misspelt(text[start:end], chance) + text[end:]
    return text


def _misspelt(word: str, chance: random.Random) -> str:
    """One letter after the first swapped with the next, dropped or doubled."""
    place = chance.randrange(1, len(word))
    head, letter, tail = word[:place], word[place], word[place + 1 :]
    wrong = [head + tail, head + letter + letter + tail]
    if tail and tail[0] != letter:
        wrong.append(head + tail[0] + letter + tail[1:])
    return chance.choice(wrong)


def _prose_mapped(text: str, spell: Callable[[str], str]) -> str:
    parts, end = [], 0
    for start, stop in _prose(text):
        parts += [text[end:start], spell(text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])


def _prose(text: str) -> Iterator[tuple[int, int]]:
    """Where the text is no code, path, name, number or quotation: [start, end) offsets."""
    spans = [(0, 0), *(piece.span for piece in protected_pieces(text)), (len(text), len(text))]
    for (_, end), (start, _) in pairwise(spans):
        if end < start:
            yield end, start


def _hash_of_id(row: GoldRow) -> str:
    return hashlib.sha256(json.dumps(row.id).encode()).hexdigest()
