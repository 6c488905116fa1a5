"""Whether what one text names stands in another: as it is, or in a spelling that says exactly the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from devrouter.core.pieces import (
    Piece,
    Rule,
    fenced_blocks,
    protected_pieces,
    quantities,
    trimmed,
    without_blocks,
)
from devrouter.core.technologies import TECHNOLOGIES, technologies_in
from devrouter.core.text import is_word


def compared(original: str, rewrite: str) -> tuple[Side, Side]:
    """The draft and its rewrite, each knowing its lines that the other lacks."""
    before, after = Side(original), Side(rewrite)
    before.changed, after.changed = before.lines_not_in(after), after.lines_not_in(before)
    return before, after


def lost_pieces(before: Side, after: Side) -> list[Piece]:
    """The pieces of the draft that the rewrite lacks, each text once, in order."""
    kept_blocks = {block.text for block in after.blocks}
    lost = {block.text: block for block in before.blocks if block.text not in kept_blocks}
    for piece in before.changed_pieces:
        if piece.text not in lost and not after.holds(piece):
            lost[piece.text] = piece
    return list(lost.values())


def invented(before: Side, after: Side) -> str | None:
    """The first name, number or technology of the rewrite that the draft does not name in any spelling."""
    for piece in after.changed_pieces:
        known = piece.text.lower() in TECHNOLOGIES or before.holds(piece)
        if not known and not before.resembles(piece):
            return piece.text
    for technology, _ in technologies_in(after.changed):
        if not before.says(technology.name) and technology.name not in before.technologies:
            return technology.name
    return None


@dataclass
class Side:
    """One of the two texts; `changed` holds its lines that the other lacks.

    What is costly is found on first use, and `searches` bounds the look-ups that read the whole text.
    """

    text: str
    changed: str = ""
    searches: int = 64

    @cached_property
    def blocks(self) -> tuple[Piece, ...]:
        return fenced_blocks(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines outside fenced blocks."""
        return re.split(r"\r\n|\r|\n", without_blocks(self.text))

    def lines_not_in(self, other: Side) -> str:
        """Only these need a look, which makes a small change in a long text cheap."""
        same = set(other.lines)
        return "\n".join(line for line in self.lines if line not in same)

    @cached_property
    def plain(self) -> str:
        return "\n".join(re.split(r"\r\n|\r", self.text))

    @cached_property
    def lowered(self) -> str:
        return self.plain.lower()

    @cached_property
    def squashed(self) -> str:
        return _squashed(self.plain)

    @cached_property
    def words(self) -> list[str]:
        """The first few hundred different words, among which a mistyped name is looked for."""
        return list(dict.fromkeys(re.findall(r"[a-z]{3,30}", self.lowered[:4000])))

    @cached_property
    def technologies(self) -> set[str]:
        return {technology.name for technology, _ in technologies_in(self.plain)}

    @cached_property
    def changed_pieces(self) -> tuple[Piece, ...]:
        return protected_pieces(self.changed)

    @cached_property
    def changed_names(self) -> set[str]:
        return {piece.text for piece in self.changed_pieces}

    @cached_property
    def names(self) -> set[str]:
        return {piece.text for piece in protected_pieces(self.plain)}

    @cached_property
    def bare_names(self) -> set[str]:
        """The names without quotation marks and backticks, which one text may have and the other not."""
        return {piece.text for piece in protected_pieces(self.plain.translate(_WITHOUT_MARKS))}

    @cached_property
    def lowered_names(self) -> set[str]:
        return {name.lower() for name in self.names | self.bare_names}

    def holds(self, piece: Piece) -> bool:
        """Whether the piece stands in this text, or another spelling that says exactly the same."""
        if piece.text in self.changed_names:
            return True
        if self.searches > 0:
            self.searches -= 1
            if _stands_in(piece.text, self.plain) or self._holds_respelled(piece):
                return True
        if piece.text in self.names or piece.text in self.bare_names:
            return True
        return piece.any_case and piece.text.lower() in self.lowered_names

    def _holds_respelled(self, piece: Piece) -> bool:
        if piece.any_case:
            # "junit5" may become "JUnit 5".
            parted = re.sub(r"(?<=[a-z])(?=\d)", " ", piece.text.lower())
            if _stands_in(piece.text.lower(), self.lowered) or _stands_in(parted, self.lowered):
                return True
        if piece.rule is Rule.QUOTATION:
            return piece.text in trimmed(self.plain)
        if piece.rule is Rule.NUMBER:
            return self._holds_number(piece.text)
        if piece.rule is Rule.PATH and re.fullmatch(r"[A-Za-z]+/[A-Za-z]+", piece.text):
            # "flags/options" may become "flags and options".
            return all(_stands_in(word, self.lowered) for word in piece.text.lower().split("/"))
        if piece.rule is Rule.IDENTIFIER and re.fullmatch(r"[A-Za-z]+\.[A-Za-z]+", piece.text):
            # "fix it.run them" joins two sentences, which a rewrite parts.
            first, second = piece.text.split(".")
            return re.search(rf"\b{first}[.,;:!?]\s+{second}\b", self.plain, re.IGNORECASE) is not None
        return False

    def _holds_number(self, number: str) -> bool:
        """Whether the number stands here with its unit set apart or joined, or in words."""
        if quantities(number):
            return quantities(number) <= self.quantities
        # "10ms" may become "10 ms", and "10" is then no new number.
        number = re.sub(r"^[vV](?=\d)", "", number)
        parted = re.sub(r"(?<=\d)(?=[A-Za-z%])", " ", number)
        joined = rf"(?<![\w.,]){re.escape(number)}[A-Za-z%]"
        if _stands_in(number, self.plain) or _stands_in(parted, self.plain) or re.search(joined, self.plain):
            return True
        word = _NUMBER_WORDS.get(number.lower().removesuffix("ish"))
        about = number.lower().endswith("ish") and _stands_in(number[:-3], self.plain)
        return about or (word is not None and _stands_in(word, self.lowered))

    @cached_property
    def quantities(self) -> set[tuple[str, str]]:
        return quantities(self.plain)

    def resembles(self, piece: Piece) -> bool:
        """Whether a looser spelling stands here: "open api" for "OpenAPI". A number has one spelling only."""
        if piece.text.lower() in self.lowered_names:
            return True
        return piece.rule is not Rule.NUMBER and self.searches > 0 and self.says(piece.text)

    def says(self, name: str) -> bool:
        """Whether the text has the name, apart from case and separators, or a mistyped form of it."""
        squashed = _squashed(name)
        return squashed in self.squashed or bool(get_close_matches(squashed, self.words, 1, 0.75))


_WITHOUT_MARKS = str.maketrans(dict.fromkeys("`\"'\u201c\u201d\u2018\u2019\xab\xbb", " "))


_NUMBER_WORDS = {
    written: word
    for numbers, words in (
        ("1 2 3 4 5 6 7 8 9 10 11 12", "one two three four five six seven eight nine ten eleven twelve"),
        ("20 30 40 50 60 100 1000", "twenty thirty forty fifty sixty hundred thousand"),
        ("1st 2nd 3rd 4th 5th 10th", "first second third fourth fifth tenth"),
    )
    for written, word in zip(numbers.split(), words.split(), strict=True)
}


def _squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _stands_in(piece: str, text: str) -> bool:
    """Whether `piece` occurs in `text` other than as part of a longer word or number."""
    start = text.find(piece)
    while start >= 0:
        end = start + len(piece)
        joined_before = is_word(text[start - 1 : start]) and is_word(piece[:1])
        joined_after = is_word(text[end : end + 1]) and is_word(piece[-1:])
        # The 5 of "5.2" and of "3.5" is no 5.
        more_before = piece[:1].isdigit() and re.match(r"\d[.,]", text[max(0, start - 2) : start])
        more_after = piece[-1:].isdigit() and re.match(r"[.,]\d", text[end : end + 2])
        if not (joined_before or joined_after or more_before or more_after):
            return True
        start = text.find(piece, start + 1)
    return False
