# ruff: noqa: RUF001  (words of other languages are what is looked for)
"""Whether a rewrite demands what the draft demands: no constraint less, nothing that the draft does not ask.

Constraints are counted, and what is forbidden is followed by its verb. Counting is crude but sure: a rewrite
that says "leave the footer as it is" for "don't touch the footer" is understood by a short list of turns.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import islice

from devrouter.core.language import language_of
from devrouter.core.pieces import without_blocks

# --- Constraints that must stay

_NOT = r"(?:do|does|did|is|are|was|were|ca|could|wo|would|should|must|has|have|had)n['\u2019]?t\b|\bcannot\b"
# "or not" and "why not" ask.
_NEGATIONS = re.compile(
    r"(?<!or )(?<!if )(?<!why )\bnot\b|\b(?:no|never|without|none|neither|nor|nothing|avoid\w*|except)\b|\b"
    + _NOT,
    re.IGNORECASE,
)
_ONLY = re.compile(r"\b(?:only|solely|exclusively|alone|nothing (?:but|else))\b", re.IGNORECASE)
_LIKE_ONLY = re.compile(
    r"\b(?:just|no other|nothing else|not any other|limited to|restrict\w*)\b", re.IGNORECASE
)
_FORBIDS = re.compile(
    r"\b(?:never|without|avoid(?:ing)?|(?:do|must|should|may|shall|can) ?not|cannot"
    r"|(?:do|must|should|ca)n['\u2019]?t)\s+(?:ever\s+)?([a-z]{3,})",
    re.IGNORECASE,
)
_LEAVES = re.compile(
    r"\b(?:un(?:changed|touched|modified|altered|affected)|as (?:it|they) (?:is|are|was|were)|as[ -]is|intact"
    r"|leave|keep|exclud\w+|rather than|instead of|ignor\w+|skip\w*)\b",
    re.IGNORECASE,
)
# Other ways to say that something is not so.
_SAYS_NOT = re.compile(
    r"\b(?:unclear|unable|unexpected\w*|unsure|impossible|miss(?:es|ing)|differ\w*|rather than"
    r"|instead of|beyond"
    r"|unlike|lack\w*|fail\w*|less|broke\w*|stop(?:s|ped)?|invalid|inconsistent|avoid\w*|refuse\w*)\b"
    r"|!=|\u2260",
    re.IGNORECASE,
)
# "I don't know why" is how people ask; "no no no" is said once.
_SAYS_NOTHING = re.compile(
    r"\bi (?:do not|cannot|(?:do|did|ca|could)n['\u2019]?t)(?: really| even)?"
    r" (?:know|understand|get|see|remember|care|find|figure)\b|\bnot (?:sure|certain|too sure)\b"
    r"|\bno(?= no\b)"
    r"|\bno (?:idea|clue|worries|problem|rush)\b|\bdon['\u2019]?t worry\b|\bnothing (?:serious|fancy"
    r"|special)\b",
    re.IGNORECASE,
)

_FOREIGN = {
    "de": re.compile(
        r"\b(?:nicht|nichts|kein\w*|ohne|nie|niemals|nur|außer|ausschließlich|lediglich)\b",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\b(?:no|sin|nunca|nada|ni|ningún\w*|sólo|solo|solamente|únicamente|excepto|salvo)\b",
        re.IGNORECASE,
    ),
    "fr": re.compile(r"\b(?:pas|sans|jamais|rien|aucune?|ni|seulement|uniquement|sauf)\b", re.IGNORECASE),
    "pt": re.compile(r"\b(?:não|sem|nunca|nada|nem|nenhuma?|só|somente|apenas|exceto)\b", re.IGNORECASE),
    "it": re.compile(
        r"\b(?:non|senza|mai|niente|nulla|né|nessun\w*|solo|soltanto|solamente|tranne)\b", re.IGNORECASE
    ),
    "zh": re.compile("[不没别勿无非只仅]"),
    "ja": re.compile("ない|なし|ません|ずに|なく|だけ|のみ|しか|除いて|以外"),
}


def drops_constraint(original: str, rewrite: str) -> str | None:
    """Both texts may be only their lines that differ."""
    language = language_of(original)
    if language in _FOREIGN:
        words = _FOREIGN[language]
        dropped = _more(words, original, rewrite) > 0
        return "drops a negation or restriction of the draft" if dropped else None
    meant = _SAYS_NOTHING.sub(" ", original)
    if _more(_NEGATIONS, meant, rewrite) > _said_otherwise(meant, rewrite):
        return "drops a “not” of the draft"
    if _more(_ONLY, meant, rewrite) > max(0, _more(_LIKE_ONLY, rewrite, meant)):
        return "drops an “only” of the draft"
    if verb := _allowed_verb(meant, rewrite):
        return f"allows to “{verb}”, which the draft forbids"
    return None


def _more(words: re.Pattern[str], text: str, than: str) -> int:
    return len(words.findall(text)) - len(words.findall(than))


def _said_otherwise(original: str, rewrite: str) -> int:
    """How many negations of the draft the rewrite may have put in other words."""
    forbidding = len(_FORBIDS.findall(original))
    stating = max(0, len(_NEGATIONS.findall(original)) - forbidding)
    leaves = max(0, _more(_LEAVES, rewrite, original))
    return min(forbidding, leaves) + min(stating, max(0, _more(_SAYS_NOT, rewrite, original)))


def _allowed_verb(original: str, rewrite: str) -> str | None:
    """A verb that the draft only ever forbids and the rewrite only ever allows: "without breaking"."""
    for found in islice(_FORBIDS.finditer(original), 8):
        verb = found.group(1).lower()
        stem = re.compile(rf"\b{verb[: max(4, len(verb) - 3)]}\w*", re.IGNORECASE)
        if not _is_said_freely(stem, original) and _is_said_freely(stem, rewrite):
            refused = any(
                _NEGATED.search(_before(match, rewrite)) for match in islice(stem.finditer(rewrite), 16)
            )
            if not refused:
                return verb
    return None


_NEGATED = re.compile(_NEGATIONS.pattern + "|" + _LEAVES.pattern, re.IGNORECASE)


def _is_said_freely(stem: re.Pattern[str], text: str) -> bool:
    return any(not _NEGATED.search(_before(match, text)) for match in islice(stem.finditer(text), 16))


def _before(match: re.Match[str], text: str) -> str:
    """What stands before a word in its sentence, as far as a negation reaches."""
    return re.split(r"[.!?;\r\n]", text[max(0, match.start() - 60) : match.start()])[-1]


# --- Demands that must not be added

_PADDING = re.compile(
    r"\b(error handling|edge cases?|best practices?|step by step|detailed|comprehensive\w*|thorough\w*"
    r"|in (?:depth|detail)|unit tests?|documentation|scalab\w+|maintainab\w+|readab\w+|production ready"
    r"|robust\w*|well (?:structured|documented|commented|tested)|security|accessib\w+|comments"
    r"|backwards? compatib\w+|docstrings?|type hints?|code examples?|sample code|logging"
    r"|validation|clean code|responsive|user friendly)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_CHARACTER = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SENTENCE = re.compile(r"[.!?\u3002\uff01？](?=\s|\Z)|[\u3002\uff01？]|[\r\n]+")
_FUNCTION_WORDS = """
    the and but for with from that this these those there here what which who whom whose how why
    when where while are was were been being has have had having does did doing can could should
    would will shall may might must not you your yours his her its our ours their them they she him
    into onto over under about after before than then also just only any all some more most such
    please want need like make sure get got use using used see let one two way something anything
    thing things help give show tell write explain find out know
"""
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


def adds_requirement(original: str, rewrite: str) -> str | None:
    """A usual padding of prompts that the draft does not have, or a whole sentence of other words."""
    written = _spaced(original)
    for found in _PADDING.finditer(_spaced(rewrite)):
        word = found.group(1)
        if (
            word[:5] not in written
            and word.split()[-1][:5] not in written
            and not _is_misspelt(word, written)
        ):
            return f"asks for “{word}”, which the draft does not"
    known = stems(original)
    for sentence in _SENTENCE.split(rewrite):
        said = stems(sentence)
        if len(said) >= 4 and len(said & known) < len(said) / 4:
            return "adds a sentence that the draft does not have"
    return None


def _spaced(text: str) -> str:
    return text.lower().replace("-", " ")


def _is_misspelt(word: str, text: str) -> bool:
    """Whether one of the first few hundred different words is the word with a slip in it."""
    return bool(get_close_matches(word, dict.fromkeys(re.findall(r"[a-z]{4,30}", text[:4000])), 1, 0.75))


def is_other_request(original: str, rewrite: str) -> str | None:
    """Whether the rewrite shares next to no word with the draft."""
    known, said = stems(without_blocks(original)), stems(without_blocks(rewrite))
    fewer = min(len(known), len(said))
    nothing = fewer and len(said) >= 5 and not known & said
    if nothing or (fewer >= 3 and len(known & said) < fewer / 5):
        return "is about something else than the draft"
    return None


def stems(text: str) -> set[str]:
    """What the text talks about: the heads of its words but function words, and its Chinese characters."""
    words = (word.lower() for word in _WORD.findall(text))
    return {word[:4] for word in words if word not in _STOP_WORDS} | set(_CHARACTER.findall(text))
