"""Whether a rewrite may be offered: the same request, with every name, number and line of code still in it.

The guard judges the text alone, whoever wrote it. It would rather withhold a good rewrite than offer one that
loses a path: the draft stays as it is, and the user reads why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from devrouter.core.language import language_of
from devrouter.core.pieces import Piece, Rule, fenced_blocks, protected_pieces, trimmed
from devrouter.core.technologies import TECHNOLOGIES, technologies_in

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Piece", "Rule", "Verdict", "check_rewrite", "protected_pieces"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is one sentence for the user where the rewrite is withheld; `lost` holds the pieces it drops.

    `rule` names what decided: a `Rule` of a piece, or the name of another check.
    """

    kept: bool
    reason: str | None = None
    lost: tuple[str, ...] = ()
    rule: str | None = None


def check_rewrite(original: str, rewrite: str) -> Verdict:
    """Judge a rewrite of `original`. Never raises, linear in the length of both."""
    if rewrite == original:
        return Verdict(kept=True)
    for rule, check in _CHECKS.items():
        if problem := check(original, rewrite):
            return Verdict(kept=False, reason=f"Withheld: the rewrite {problem}.", rule=rule)
    before, after = _Side(original), _Side(rewrite)
    before.changed, after.changed = before.lines_not_in(after), after.lines_not_in(before)
    if lost := _lost_pieces(before, after):
        return Verdict(
            kept=False,
            reason=f"Withheld: the rewrite drops {_listed(lost)}.",
            lost=tuple(piece.text for piece in lost),
            rule=lost[0].rule.value,
        )
    if invented := _invented(before, after):
        reason = f"Withheld: the rewrite adds {invented}, which the draft does not name."
        return Verdict(kept=False, reason=reason, rule="invented")
    if constraint := _lost_constraint(before.changed, after.changed):
        reason = f"Withheld: the rewrite drops a “{constraint}” of the draft."
        return Verdict(kept=False, reason=reason, rule="constraint")
    return Verdict(kept=True)


# --- Checks of the rewrite as a whole: each returns what is wrong, to follow "the rewrite" in a sentence.


def _is_empty(_original: str, rewrite: str) -> str | None:
    return None if rewrite.strip() else "is empty"


def _is_too_long(original: str, rewrite: str) -> str | None:
    # Two and a half times the draft; a short one may gain a few words more. The two meet at 128 characters.
    length = len(original.strip())
    limit = max(2.5 * length, min(2.5 * length + 120, 320))
    return "is much longer than the draft" if len(rewrite.strip()) > limit else None


def _is_too_short(original: str, rewrite: str) -> str | None:
    # Tidying rambling speech can halve it; less than a quarter has dropped part of the request.
    length = len(original.strip())
    return "drops most of the draft" if length > 40 and len(rewrite.strip()) < length / 4 else None


_TEMPLATE_TOKEN = re.compile(
    r"<\|[\w ]{1,40}\|>|<\uff5c[^>]{1,40}\uff5c>|\[/?INST\]|<</?SYS>>|</?s>|</?think>|<(?:start|end)_of_turn>"
    r'|^[ \t]{0,20}\{\s*"rewrite"\s*:|^#{2,3} (?:Response|Instruction):?\s*$',
    re.MULTILINE,
)


def _leaks_template(original: str, rewrite: str) -> str | None:
    for match in _TEMPLATE_TOKEN.finditer(rewrite):
        if match.group() not in original:
            return "holds parts of the model's template"
    return None


def _adds_block(original: str, rewrite: str) -> str | None:
    return "adds a code block" if len(fenced_blocks(rewrite)) > len(fenced_blocks(original)) else None


def _changes_language(original: str, rewrite: str) -> str | None:
    before, after = language_of(original), language_of(rewrite)
    if before == after or "und" in (before, after):
        return None
    return "is in another language than the draft"


_ANSWER = re.compile(
    r"(?:sure|certainly|absolutely|of course|great question|i apologi[sz]e|i'm sorry|as an ai)\b"
    r"|here(?:'s| is| are)\b(?! (?:my|our)\b)"
    r"|(?:in order )?to (?:fix|solve|resolve|do|achieve|accomplish|implement|address) (?:this|that|it|the)\b"
    r"[^.?!]{0,60},"
    r"|(?:you|we) (?:can|could|should|need to|may|must|have to|will need)\b|you'll need\b"
    r"|i (?:cannot|can't|can) (?:help|assist|provide)\b"
    r"|th(?:is|e) (?:error|issue|problem|bug|code|function) (?:is caused|is because|occurs|happens|means)\b"
    r"|the (?:answer|solution|reason|fix) is\b|yes,|no,",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|\b(?:how|what|whats|why|when|where|which|who|whose|explain|describe|tell|show|give|help|please|compare|find"
    r"|write|need|want|wonder\w*|understand|know|clarify|list|provide|can you|could you|would like)\b",
    re.IGNORECASE,
)


def _is_answer(original: str, rewrite: str) -> str | None:
    opening = _ANSWER.match(rewrite.lstrip(" \t\r\n>*#\"'"))
    if opening and f" {_plain(opening.group())} " not in f" {_plain(original)} ":
        return "answers the request instead of stating it"
    if "?" in original and not _ASKS.search(rewrite):
        return "no longer asks anything"
    return None


def _plain(text: str) -> str:
    """Lower-case words without punctuation, so that "heres" finds "here's" and "no" finds "No,"."""
    return " ".join(re.sub(r"[^\w\s]", " ", re.sub(r"['\u2019]", "", text.lower())).split())


_CHECKS: dict[str, Callable[[str, str], str | None]] = {
    "empty": _is_empty,
    "too long": _is_too_long,
    "too short": _is_too_short,
    "template": _leaks_template,
    "added block": _adds_block,
    "answer": _is_answer,
    "language": _changes_language,
}


# --- Pieces


def _lost_pieces(before: _Side, after: _Side) -> list[Piece]:
    """The pieces of the draft that the rewrite lacks, each text once, in order."""
    kept_blocks = {block.text for block in after.blocks}
    lost = {block.text: block for block in before.blocks if block.text not in kept_blocks}
    for piece in protected_pieces(before.changed):
        if piece.text not in lost and not after.holds(piece):
            lost[piece.text] = piece
    return list(lost.values())


def _invented(before: _Side, after: _Side) -> str | None:
    """The first name, number or technology of the rewrite that the draft does not name in any spelling."""
    for piece in protected_pieces(after.changed):
        known = piece.rule is Rule.QUOTATION or piece.text.lower() in TECHNOLOGIES or before.holds(piece)
        if not known and not before.resembles(piece):
            return _quoted(piece.text)
    for technology, _ in technologies_in(after.changed):
        if not before.says(technology.name) and technology.name not in before.technologies:
            return _quoted(technology.name)
    return None


@dataclass
class _Side:
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
        parts, start = [], 0
        for block in self.blocks:
            parts.append(self.text[start : block.span.start])
            start = block.span.end
        return re.split(r"\r\n|\r|\n", "\n".join([*parts, self.text[start:]]))

    def lines_not_in(self, other: _Side) -> str:
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
    def changed_names(self) -> set[str]:
        return {piece.text for piece in protected_pieces(self.changed)}

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
        if piece.any_case and _stands_in(piece.text.lower(), self.lowered):
            return True
        if piece.rule is Rule.QUOTATION:
            return piece.text in trimmed(self.plain)
        if piece.rule is Rule.NUMBER:
            # "10ms" may become "10 ms", and "10" is then no new number.
            parted = re.sub(r"(?<=\d)(?=[A-Za-z%])", " ", piece.text)
            joined = rf"(?<![\w.,]){re.escape(piece.text)}[A-Za-z%]"
            return _stands_in(parted, self.plain) or re.search(joined, self.plain) is not None
        if piece.rule is Rule.PATH and re.fullmatch(r"[A-Za-z]+/[A-Za-z]+", piece.text):
            # "flags/options" may become "flags and options".
            return all(_stands_in(word, self.lowered) for word in piece.text.lower().split("/"))
        if piece.rule is Rule.IDENTIFIER and re.fullmatch(r"[A-Za-z]+\.[A-Za-z]+", piece.text):
            # "fix it.run them" joins two sentences, which a rewrite parts.
            first, second = piece.text.split(".")
            return re.search(rf"\b{first}[.,;:!?]\s+{second}\b", self.plain, re.IGNORECASE) is not None
        return False

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


def _squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _stands_in(piece: str, text: str) -> bool:
    """Whether `piece` occurs in `text` other than as part of a longer word or number."""
    start = text.find(piece)
    while start >= 0:
        end = start + len(piece)
        joined_before = _is_word(text[start - 1 : start]) and _is_word(piece[:1])
        joined_after = _is_word(text[end : end + 1]) and _is_word(piece[-1:])
        # The 5 of "5.2" and of "3.5" is no 5.
        more_before = piece[:1].isdigit() and re.match(r"\d[.,]", text[max(0, start - 2) : start])
        more_after = piece[-1:].isdigit() and re.match(r"[.,]\d", text[end : end + 2])
        if not (joined_before or joined_after or more_before or more_after):
            return True
        start = text.find(piece, start + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _listed(lost: list[Piece]) -> str:
    first = "or changes a code block" if lost[0].rule is Rule.BLOCK else _quoted(lost[0].text)
    others = len(lost) - 1
    return first + (f" and {others} other name{'s' if others > 1 else ''}" if others else "")


def _quoted(text: str) -> str:
    """A piece on one line, short enough for a message."""
    shown = " ".join(text.split())
    shown = f"{shown[:59]}…" if len(shown) > 60 else shown
    return f"“{shown}”" if "`" in shown else f"`{shown}`"


# --- Constraints

# Both patterns count words that forbid or limit. "or not" and "why not" ask, "instead" and "just" often fill.
_CONSTRAINTS = {
    "not": re.compile(
        r"(?<!or )(?<!if )(?<!why )\bnot\b"
        r"|\b(?:no|never|cannot|without|none|neither|nor|nothing|avoid\w*|except"
        r"|(?:do|does|did|is|are|was|were|ca|could|wo|would|should|must|has|have|had|need)n['\u2019]?t)\b",
        re.IGNORECASE,
    ),
    "only": re.compile(r"\b(?:only|solely|exclusively|alone|nothing (?:but|else))\b", re.IGNORECASE),
}


def _lost_constraint(original: str, rewrite: str) -> str | None:
    """The kind of constraint of which the rewrite has fewer than the draft."""
    for kind, words in _CONSTRAINTS.items():
        if len(words.findall(rewrite)) < len(words.findall(original)):
            return kind
    return None
