"""A gap: context the prompt should have had, as a phrase, its kind, and the words it concerns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.core.answered import content_words, is_answered, without_blocks
from devrouter.core.draft import Destination
from devrouter.core.kinds import GapKind, kind_of
from devrouter.core.pieces import Rule, protected_pieces
from devrouter.core.technologies import technologies_in
from devrouter.core.text import Span, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "Gap",
    "GapKind",
    "gaps_from_phrases",
    "hidden_for",
    "is_answered",
    "kind_of",
    "make_gap",
    "shown_gaps",
]


@dataclass(frozen=True, slots=True)
class Gap:
    """One missing item. `anchor` is in offsets of the draft's text.

    `anchored` is false where no words of the draft are concerned; `anchor` is then the prompt's first line.
    """

    phrase: str
    kind: GapKind
    anchor: Span
    anchored: bool


def gaps_from_phrases(phrases: Iterable[str], text: str) -> tuple[Gap, ...]:
    """An engine's phrases as gaps: at most five, without advice, doubles and what the draft already gives."""
    gaps: dict[str, Gap] = {}
    for raw in phrases:
        phrase = _cleaned(raw)
        key = re.sub(r"\A(?:(?:the|a|an|your|full|exact) )+|[\W_]+", "", phrase.lower())
        if not key or key in gaps or _is_advice(phrase):
            continue
        kind = kind_of(phrase)
        if not is_answered(phrase, kind, text):
            gaps[key] = make_gap(phrase, kind, text)
        if len(gaps) == 5:
            break
    return tuple(gaps.values())


def make_gap(phrase: str, kind: GapKind, text: str) -> Gap:
    """Find the words of the draft that the phrase concerns: its names, its words, then its kind's words."""
    prose = without_blocks(text)
    for part in (prose, text):
        lowered = part.lower() if len(part.lower()) == len(part) else part
        for name in _names_in(phrase):
            if anchor := _find_word(name.lower(), lowered):
                return Gap(phrase, kind, _with_article(anchor, part, kind), anchored=True)
    if (pattern := _SPEAKS_OF.get(kind)) and (match := re.search(pattern, prose, re.IGNORECASE)):
        return Gap(phrase, kind, Span(*match.span()), anchored=True)
    if kind is GapKind.VERSION and (mention := next(technologies_in(prose), None)):
        return Gap(phrase, kind, mention[1], anchored=True)
    return Gap(phrase, kind, first_line(text), anchored=False)


def hidden_for(destination: Destination) -> frozenset[GapKind]:
    """The kinds that are not shown: an agent looks these up in the repository by itself."""
    if destination is Destination.AGENT:
        return frozenset({GapKind.CODE, GapKind.VERSION, GapKind.STACK, GapKind.ENVIRONMENT})
    return frozenset()


def shown_gaps(gaps: Iterable[Gap], destination: Destination, disabled: Iterable[GapKind]) -> tuple[Gap, ...]:
    """What this destination and the user's settings show, at most five, one of a phrase."""
    hidden = hidden_for(destination) | frozenset(disabled)
    unique: dict[str, Gap] = {}
    for gap in gaps:
        if gap.kind not in hidden:
            unique.setdefault(gap.phrase.casefold(), gap)
    return tuple(unique.values())[:5]


_ADVICE = re.compile(
    r"(?:please|kindly|try to|make sure|be (?:more|less|sure|clear|specific)|consider"
    r"|you (?:should|need|must))\b"
    r"|(?:provide|specify|share|include|give|add|state|mention|clarify|describe|explain|show|tell|attach)"
    r" (?:more|additional|any|further|the|your|a|an|some|all|full|what|which|how|us|me)\b"
    r"|(?:any |some |more |additional |further )*(?:details?|context|information|info|specifics|clarity)\Z"
    r"|(?:n/?a|none|nothing|null)\Z",
    re.IGNORECASE,
)


def _is_advice(phrase: str) -> bool:
    return _ADVICE.match(phrase) is not None


def _cleaned(raw: str) -> str:
    """A phrase without list mark and full stop; empty where it is too long or has several lines."""
    phrase = re.sub(r"\A(?:[-*•]|\d{1,2}[.)])\s+", "", raw.strip()).rstrip(".;, ")
    return "" if len(phrase) > 120 or re.search(r"[\r\n\x00-\x08]", phrase) else phrase


# Where a phrase shares no word with the draft, the words that its kind is about.
_SPEAKS_OF = {
    GapKind.ERROR: r"\b(?:\w*(?:error|exception)s?|fail(?:s|ed|ing|ure)?|crash\w*|traceback|broken|breaks|bug"
    r"|(?:does|do|is|did)(?:n['\u2019]?t| not) work\w*|not working|warning|issue|problem)\b",
    GapKind.CODE: r"\b(?:(?:this|the|my|our|that) "
    r"(?:code|function|method|class|script|file|query|component|program)|code|function|script|query|this|it)\b",
    GapKind.TARGET: r"\b(?:this|that|it|these|those|them|here|above)\b",
    GapKind.STACK: r"\b(?:app|application|web ?site|site|page|project|program|script|function|api|game|server"
    r"|code)\b",
    GapKind.ENVIRONMENT: r"\b(?:run(?:s|ning)?|deploy\w*|install\w*|server|machine|production|locally"
    r"|start(?:s|ed)?)\b",
    GapKind.SCALE: r"\b(?:slow\w*|fast\w*|quick\w*|performance|speed|large|big|huge|many|memory"
    r"|optimi[sz]e\w*|scal\w+|takes (?:too )?long|lag\w*)\b",
    GapKind.BEHAVIOUR: r"\b(?:(?:does|do|is|did)(?:n['\u2019]?t| not) work\w*|not working|wrong\w*"
    r"|incorrect\w*|broken|unexpected\w*|weird\w*|fail\w*|should|instead)\b",
    GapKind.ACCEPTANCE: r"\b(?:tests?|correct\w*|accurate\w*|better|works?)\b",
    GapKind.AUDIENCE: r"\b(?:readme|docs?|documentation|docstrings?|comments?|article|guide|report"
    r"|message)\b",
}


def _names_in(phrase: str) -> Iterator[str]:
    """What to look for, most telling first: quoted names, shaped names, technologies, words by length."""
    pieces = protected_pieces(phrase)
    yield from (piece.text for piece in pieces if piece.rule in (Rule.CODE, Rule.QUOTATION))
    yield from (piece.text for piece in pieces if piece.rule not in (Rule.CODE, Rule.QUOTATION, Rule.NUMBER))
    yield from (phrase[slice(*span)] for _, span in technologies_in(phrase))
    yield from sorted(content_words(phrase), key=len, reverse=True)


def _find_word(word: str, text: str) -> Span | None:
    """The first place where `word` stands by itself, a plural s apart."""
    forms = [word, word[:-1]] if len(word) > 3 and word.endswith("s") else [word]
    for form in filter(None, forms):
        start = text.find(form)
        while start >= 0:
            end = start + len(form)
            if text[end : end + 1] == "s" and form.isalpha():
                end += 1
            if not _is_word(text[start - 1 : start], form[0]) and not _is_word(text[end : end + 1], form[-1]):
                return Span(start, end)
            start = text.find(form, start + 1)
    return None


def _is_word(neighbour: str, edge: str) -> bool:
    """Whether the neighbouring character makes a longer word of what ends in `edge`."""
    return (neighbour.isalnum() or neighbour == "_") and (edge.isalnum() or edge == "_")


def _with_article(anchor: Span, text: str, kind: GapKind) -> Span:
    """ "the function" rather than "function" where the question is which one."""
    if kind is not GapKind.TARGET:
        return anchor
    before = text[max(0, anchor.start - 7) : anchor.start]
    article = re.search(r"\b(?:the|this|that|these|those|my|our) \Z", before, re.IGNORECASE)
    return Span(anchor.start - len(article.group()), anchor.end) if article else anchor
