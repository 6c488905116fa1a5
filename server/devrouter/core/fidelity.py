"""Whether a rewrite may be offered: the same request, with every name, number and line of code still in it.

The guard judges the text alone, whoever wrote it. It would rather withhold a good rewrite than offer one that
loses a path: the draft stays as it is, and the user reads why.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devrouter.core.language import language_of
from devrouter.core.pieces import Piece, Rule, protected_pieces, trimmed
from devrouter.core.technologies import TECHNOLOGIES

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
    lost = _lost_pieces(original, rewrite)
    if lost:
        return Verdict(
            kept=False,
            reason=f"Withheld: the rewrite drops {_listed(lost)}.",
            lost=tuple(piece.text for piece in lost),
            rule=lost[0].rule.value,
        )
    if invented := _invented_piece(original, rewrite):
        return Verdict(
            kept=False,
            reason=f"Withheld: the rewrite adds {_listed([invented])}, which the draft does not name.",
            rule="invented",
        )
    if constraint := _lost_constraint(original, rewrite):
        return Verdict(
            kept=False, reason=f"Withheld: the rewrite drops a “{constraint}” of the draft.", rule="constraint"
        )
    return Verdict(kept=True)


# --- Checks of the rewrite as a whole: each returns what is wrong, to follow "the rewrite" in a sentence.


def _is_empty(_original: str, rewrite: str) -> str | None:
    return None if rewrite.strip() else "is empty"


def _is_too_long(original: str, rewrite: str) -> str | None:
    # Two and a half times the draft; a one-line draft may gain a few words more. The two meet at 128 characters.
    length = len(original.strip())
    limit = max(2.5 * length, min(2.5 * length + 120, 320))
    return "is much longer than the draft" if len(rewrite.strip()) > limit else None


def _is_too_short(original: str, rewrite: str) -> str | None:
    # Tidying rambling speech can halve it; less than a quarter has dropped part of the request.
    length = len(original.strip())
    return "drops most of the draft" if length > 40 and len(rewrite.strip()) < length / 4 else None


_TEMPLATE_TOKEN = re.compile(
    r"<\|[\w ]{1,40}\|>|<｜[^｜>]{1,40}｜>|\[/?INST\]|<</?SYS>>|</?s>|</?think>|<(?:start|end)_of_turn>"
    r'|^\s*\{\s*"rewrite"\s*:|^#{2,3} (?:Response|Instruction):?\s*$',
    re.MULTILINE,
)


def _leaks_template(original: str, rewrite: str) -> str | None:
    for match in _TEMPLATE_TOKEN.finditer(rewrite):
        if match.group() not in original:
            return "holds parts of the model's template"
    return None


def _adds_block(original: str, rewrite: str) -> str | None:
    def count(text: str) -> int:
        return sum(piece.rule is Rule.BLOCK for piece in protected_pieces(text))

    return "adds a code block" if "```" in rewrite and count(rewrite) > count(original) else None


def _changes_language(original: str, rewrite: str) -> str | None:
    before, after = language_of(original), language_of(rewrite)
    if before == after or "und" in (before, after):
        return None
    return "is in another language than the draft"


_ANSWER = re.compile(
    r"(?:sure|certainly|absolutely|of course|great question|i apologi[sz]e|i'm sorry|as an ai)\b"
    r"|here(?:'s| is| are)\b(?! (?:my|our)\b)"
    r"|(?:to|in order to) (?:fix|solve|resolve|do|achieve|accomplish|implement|address) (?:this|that|it|the)\b[^.?!]{0,60},"
    r"|(?:you|we) (?:can|could|should|need to|may|must|have to|will need)\b|you'll need\b"
    r"|i (?:cannot|can't|can) (?:help|assist|provide)\b"
    r"|(?:this|the) (?:error|issue|problem|bug|code|function) (?:is caused|occurs|happens|is because|means|arises)\b"
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
    return " ".join(re.sub(r"[^\w\s]", " ", re.sub(r"['’]", "", text.lower())).split())


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


@dataclass
class _Index:
    """What stands in a rewrite. `searches` bounds the slow look-ups, which keeps the whole linear."""

    text: str
    exact: set[str] = field(init=False)
    folded: set[str] = field(init=False)
    lowered: str = field(init=False)
    searches: int = 64

    def __post_init__(self) -> None:
        self.text = re.sub(r"\r\n|\r", "\n", self.text)
        pieces = {piece.text for piece in protected_pieces(self.text)}
        # A name that the draft has bare may stand in quotation marks or backticks now, and the other way round.
        bare = protected_pieces(self.text.translate(_WITHOUT_MARKS))
        self.exact = pieces | {piece.text for piece in bare}
        self.lowered = self.text.lower()
        self.folded = {text.lower() for text in self.exact}

    def holds(self, piece: Piece) -> bool:
        if piece.text in self.exact or (piece.any_case and piece.text.lower() in self.folded):
            return True
        if self.searches == 0:
            return False
        self.searches -= 1
        if piece.any_case:
            return _stands_in(piece.text.lower(), self.lowered)
        return _stands_in(piece.text, self.text) or self._holds_otherwise(piece)

    def _holds_otherwise(self, piece: Piece) -> bool:
        """Other spellings of the same thing."""
        if piece.rule is Rule.QUOTATION:
            return piece.text in trimmed(self.text)
        if piece.rule is Rule.NUMBER:
            # "10ms" may become "10 ms".
            return _stands_in(re.sub(r"(?<=\d)(?=[A-Za-z%])", " ", piece.text), self.text)
        if piece.rule is Rule.PATH and re.fullmatch(r"[A-Za-z]+/[A-Za-z]+", piece.text):
            # "flags/options" may become "flags and options".
            return all(_stands_in(word, self.lowered) for word in piece.text.lower().split("/"))
        if piece.rule is Rule.IDENTIFIER and (joined := re.fullmatch(r"([A-Za-z]+)\.([A-Za-z]+)", piece.text)):
            # "fix it.then run" joins two sentences, which a rewrite parts.
            first, second = joined.groups()
            parted = rf"\b{first}[.,;:!?]\s+{second}\b"
            return re.search(parted, self.text, re.IGNORECASE) is not None
        return False


_WITHOUT_MARKS = str.maketrans(dict.fromkeys("`\"'“”‘’«»", " "))


def _stands_in(piece: str, text: str) -> bool:
    """Whether `piece` occurs in `text` other than as part of a longer word or number."""
    start = text.find(piece)
    while start >= 0:
        end = start + len(piece)
        joined_before = _is_word(text[start - 1 : start]) and _is_word(piece[:1])
        joined_after = _is_word(text[end : end + 1]) and _is_word(piece[-1:])
        longer_number = piece[-1:].isdigit() and re.match(r"[.,]\d", text[end : end + 2])
        if not (joined_before or joined_after or longer_number):
            return True
        start = text.find(piece, start + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _lost_pieces(original: str, rewrite: str) -> list[Piece]:
    """The pieces of the draft that the rewrite lacks, each text once, in order."""
    index = _Index(rewrite)
    lost: dict[str, Piece] = {}
    for piece in {piece.text: piece for piece in reversed(protected_pieces(original))}.values():
        if not index.holds(piece):
            lost[piece.text] = piece
    return list(reversed(lost.values()))


def _invented_piece(original: str, rewrite: str) -> Piece | None:
    """The first name, path or number of the rewrite of which the draft says nothing, however it spells it."""
    index = _Index(original)
    squashed = _squashed(original)
    for piece in {piece.text: piece for piece in protected_pieces(rewrite)}.values():
        known = piece.rule is Rule.QUOTATION or piece.text.lower() in TECHNOLOGIES or index.holds(piece)
        if known or piece.text.lower() in index.folded:
            continue
        # "open api" may become "OpenAPI"; a number has one spelling only.
        if index.searches == 0 or piece.rule is Rule.NUMBER or _squashed(piece.text) not in squashed:
            return piece
    return None


def _squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _listed(lost: list[Piece]) -> str:
    first = lost[0]
    if first.rule is Rule.BLOCK:
        name = "or changes a code block"
    else:
        shown = " ".join(first.text.split())
        name = f"“{shown[:59]}…”" if len(shown) > 60 else f"“{shown}”" if "`" in shown else f"`{shown}`"
    others = len(lost) - 1
    return name + (f" and {others} other name{'s' if others > 1 else ''}" if others else "")


# --- Constraints

# Both patterns count words that forbid or limit. "or not" and "why not" ask, "instead" and "just" often fill.
_CONSTRAINTS = {
    "not": re.compile(
        r"(?<!or )(?<!if )(?<!why )\bnot\b|\b(?:no|never|cannot|without|none|neither|nor|nothing|avoid\w*|except"
        r"|(?:do|does|did|is|are|was|were|ca|could|wo|would|should|must|has|have|had|need)n['’]?t)\b",
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
