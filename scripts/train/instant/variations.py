"""Variations of prompts that nobody labelled: what a student can hear its teacher's opinion on.

Drafts as they look while they are typed, sloppy ones, and two in one message. Chosen by the text alone, so
that the same rows give the same variations.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 1_500
"""Characters; a longer text is not varied."""


def variations_of(texts: Sequence[str]) -> list[str]:
    """Three variations of each text that is not too long: cut off, sloppy, and joined with another."""
    short = [text for text in texts if len(text) <= LONGEST]
    varied = []
    for index, text in enumerate(short):
        chance = random.Random(crc32(text.encode("utf-8", "surrogatepass")))  # noqa: S311  (no secret)
        other = short[(index + 1 + chance.randrange(len(short))) % len(short)]
        varied += [cut_off(text, chance), sloppy(text, chance), joined(text, other, chance)]
    return varied


def cut_off(text: str, chance: random.Random) -> str:
    """The first part of the words: a draft in mid-typing."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    if len(ends) < 4:
        return text
    return text[: ends[chance.randrange(len(ends) // 3, len(ends) - 1)]]


def sloppy(text: str, chance: random.Random) -> str:
    """Lower case or without punctuation, a letter changed places here and there."""
    if chance.random() < 0.5:
        text = text.lower()
    if chance.random() < 0.4:
        text = re.sub(r"[.,!?'](?=\s|$)", "", text)
    letters = list(text)
    for index in range(1, len(letters) - 2):
        if chance.random() < 0.015 and letters[index].isalpha() and letters[index + 1].isalpha():
            letters[index], letters[index + 1] = letters[index + 1], letters[index]
    return "".join(letters)


def joined(text: str, other: str, chance: random.Random) -> str:
    """The sentences of two texts, some of each."""
    first, second = _sentences(text), _sentences(other)
    if chance.random() < 0.5:
        first = first[: 1 + chance.randrange(len(first))]
    else:
        second = second[chance.randrange(len(second)) :]
    return chance.choice((" ", "\n", "\n\n")).join(["".join(first).strip(), "".join(second).strip()])


def _sentences(text: str) -> list[str]:
    return re.findall(r"[^.!?\n]*[.!?\n]+\s*|[^.!?\n]+\Z", text) or [text]
