# ruff: noqa: RUF001  (words of other languages are what is looked for)
"""Whether a rewrite is still the same request: asked, not answered, by the same person, of the same kind.

Each check returns what is wrong, to follow "the rewrite" in a sentence. All look at words alone and ask for
plain evidence: what they cannot tell passes.
"""

from __future__ import annotations

import re

from devrouter.core.language import language_of

# --- Answers


_ANSWER = re.compile(
    r"(?:sure|certainly|absolutely|of course|great question|i apologi[sz]e|i'm sorry|as an ai)\b"
    r"|here(?:'s| is| are)\b(?! (?:my|our)\b)"
    r"|(?:in order )?to (?:fix|solve|resolve|do|achieve|accomplish|implement|address) (?:this|that|it|the)\b"
    r"[^.?!]{0,60},"
    r"|(?:you|we) (?:can|could|should|need to|may|must|have to|will need)\b|you'll need\b"
    r"|i (?:cannot|can't|can) (?:help|assist|provide)\b"
    r"|th(?:is|e) (?:error|issue|problem|bug|code|function) (?:is caused|is because|occurs|happens|means)\b"
    r"|the (?:answer|solution|reason|fix) is\b|yes,|no,"
    r"|(?:natürlich|gerne|klar),?\s|hier ist\b|claro[,!]|por supuesto\b|aquí (?:está|tienes)\b"
    r"|当然|以下是|您可以|你可以|もちろん|以下は|はい\u3001",
    re.IGNORECASE,
)


def is_answer(original: str, rewrite: str) -> str | None:
    opening = _ANSWER.match(rewrite.lstrip(" \t\r\n>*#\"'"))
    if opening and f" {_plain(opening.group())} " not in f" {_plain(original)} ":
        return "answers the request instead of stating it"
    return None


def _plain(text: str) -> str:
    """Lower-case words without punctuation, so that "heres" finds "here's" and "no" finds "No,"."""
    return " ".join(re.sub(r"[^\w\s]", " ", re.sub(r"['\u2019]", "", text.lower())).split())


# --- Language


def changes_language(original: str, rewrite: str) -> str | None:
    before, after = language_of(original), language_of(rewrite)
    if before == after or "und" in (before, after):
        return None
    return "is in another language than the draft"


# --- Person

_WRITER = {
    "en": r"\b(?:i|i['\u2019](?:m|ve|d|ll)|im|ive|my|mine|me|myself|we|we['\u2019](?:re|ve|d|ll)|our"
    r"|ours|us)\b",
    "de": r"\b(?:ich|mich|mir|mein(?:e[mnrs]?)?|wir|uns|unser(?:e[mnrs]?)?)\b",
    "es": r"\b(?:yo|me|mi|mis|nos|nuestr[oa]s?|tengo|quiero|necesito|puedo)\b",
    "zh": "[我]",
    "ja": "[私僕俺]|自分の",
}
"""For each language the words by which a draft speaks of its writer."""
_READER = {
    "en": r"(?<!can )(?<!could )(?<!would )(?<!will )(?<!do )(?<!thank )\b(?:you|you['\u2019](?:re|ve"
    r"|d|ll))\b"
    r"|\b(?:your|yours|yourself|ur)\b",
    "de": r"\b(?:du|dich|dir|dein(?:e[mnrs]?)?)\b",
    "es": r"\b(?:tu|tus|tú|usted|tienes|quieres|necesitas|puedes)\b",
    "zh": "[你您]",
    "ja": "あなた",
}
_SOMEBODY = {
    "en": r"\bthe (user|developer|author|programmer|person|writer|asker)\b",
    "de": r"\b(?:der|die|des|dem|den) (nutzer|benutzer|entwickler|anwender)(?:in|s)?\b",
    "es": r"\b(?:el|la|del|al) (usuari[oa]|desarrollador|programador)\b",
    "zh": "(用户|开发者)",
    "ja": "(ユーザー|開発者)",
}
_MY = re.compile(r"\b(?:my|our)\b", re.IGNORECASE)
_YOUR = re.compile(r"\b(?:your|yours|ur)\b", re.IGNORECASE)


def changes_person(original: str, rewrite: str) -> str | None:
    """Whether "my" became "your" or "the user's", or "your" became "my"."""
    language = language_of(original)
    if language not in _WRITER:
        return None
    before, after = prose(original), prose(rewrite)
    if _more(_WRITER[language], before, after):
        lowered = original.lower()
        named = re.findall(_SOMEBODY[language], after, re.IGNORECASE)
        if _more(_READER[language], after, before) or any(name.lower() not in lowered for name in named):
            return "speaks to or of the writer, where the draft says “I” or “we”"
    if _YOUR.search(before) and not _YOUR.search(after) and not _MY.search(before) and _MY.search(after):
        return "speaks as the writer, where the draft says “you”"
    return None


def _more(words: str, text: str, than: str) -> bool:
    return len(re.findall(words, text, re.IGNORECASE)) > len(re.findall(words, than, re.IGNORECASE))


_QUOTED = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|\"[^\"\n]*\"|\u201c[^\u201d\n]{0,400}\u201d"
    r"|\xab[^\xbb\n]{0,400}\xbb",
    re.DOTALL,
)


def prose(text: str) -> str:
    """The text without code and quotations, which speak for others."""
    return _QUOTED.sub(" ", text)


# --- Question and order

_SENTENCE_END = re.compile(r"(?<=[.!?;:\u3002？\uff01])\s*|[\r\n]+")
_LEAD = r"\W*(?:(?:so|and|but|also|hi|hey|hello|ok|okay|well|um|uh|please|pls|now|then)\b\W*)*"
_QUESTION_OPENING = re.compile(
    _LEAD + r"(?:(?:how|what|why|which|who|whose|whats|hows|wheres)\b(?! about\b)"
    r"|(?:when|where) (?:is|are|was|were|do|does|did|should|can|could|would|will)\b"
    r"|(?:is|are|am|was|were|does|did|should|shall) (?:i|it|this|that|the|there|these|those|we|my|our|a|an)\b"
    r"|(?:do|have) (?:i|we)\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[?？]|\b(?:how|what|whats|why|when|where|which|who|whose|whether|if|explain|describe|tell|show|help"
    r"|compare|wonder\w*|understand|know|clarify|identify|determine|find out|recommend|suggest|advise|advice"
    r"|difference|reason|cause|explanation|review|check|investigate|diagnose|look into|figure out)\b",
    re.IGNORECASE,
)
_ASKS_ANYHOW = re.compile(
    r"\b(?:give|please|find|write|need|want|list|provide|can you|could you|would like|looking for)\b",
    re.IGNORECASE,
)
_FOREIGN_QUESTION = re.compile(
    r"[?？\u00bf]|[么吗呢怎]|何|ですか|ますか"
    r"|\b(?:warum|wie|was|wieso|welche[rsmn]?|wo|wann|ob|por qué|cómo|cuál|qué|dónde|cuándo)\b",
    re.IGNORECASE,
)


def drops_question(original: str, rewrite: str) -> str | None:
    """A question that wants to know something may be put in other words, but not be made an order."""
    if language_of(original) != "en":
        marks = "?" in original or "？" in original
        orders = marks and not _FOREIGN_QUESTION.search(rewrite)
        return "turns a question into an order" if orders else None
    if _wants_to_know(original) and not _wants_to_know(rewrite) and not _ASKS.search(rewrite):
        return "turns a question into an order"
    marked = re.search(r"\w\?(?!\?)", original) is not None
    if marked and not _ASKS.search(rewrite) and not _ASKS_ANYHOW.search(rewrite):
        return (
            None
            if _opens_with_order(rewrite) and _opens_with_request(original)
            else "no longer asks anything"
        )
    return None


def _wants_to_know(text: str) -> bool:
    return any(_QUESTION_OPENING.match(sentence) for sentence in _SENTENCE_END.split(prose(text)))


_VERBS = (
    r"(?:add|build|change|clean up|convert|create|delete|deploy|document|extract|fix|generate"
    r"|implement|improve"
    r"|integrate|make|merge|migrate|move|optimi[sz]e|port|refactor|remove|rename|replace|rewrite"
    r"|simplify|speed up"
    r"|split|update|upgrade|use|write|set up|translate|test|review|explain|describe)"
)
_DETERMINERS = r"(?:a|an|the|this|that|these|those|my|our|all|it|me|some|more|every|each|unit|new)\b|`"
# No nouns, as "build" and "change" are: what follows need not tell them from "build fails".
_SURE_VERBS = (
    r"(?:add|convert|create|delete|extract|generate|implement|improve|integrate|make|migrate|optimi[sz]e|refactor"
    r"|remove|rename|replace|rewrite|simplify|translate|write)"
)
_FAILS = r"(?:is|was|are|does|did|do|has|not|fail\w*|error\w*|throws|returns|gives|says|button|file)\b"
_ORDER = re.compile(
    rf"{_LEAD}(?:{_VERBS}\s+(?:{_DETERMINERS})|{_SURE_VERBS}\s+(?!{_FAILS})[a-z])", re.IGNORECASE
)
_REQUEST = re.compile(r"\b(?:can|could|would|will) (?:you|u|we|i)\b|\bmind\b|\bhow about\b", re.IGNORECASE)


def _opens_with_order(text: str) -> bool:
    return re.match(_LEAD + _VERBS + r"\b", text, re.IGNORECASE) is not None


def _opens_with_request(text: str) -> bool:
    return _REQUEST.search(text) is not None or _opens_with_order(text)


_KNOWING = re.compile(
    r"\b(?:how|what|why|which|whether|wonder\w*|should|know|understand|explain)\b|[?？]", re.IGNORECASE
)


def drops_order(original: str, rewrite: str) -> str | None:
    """An order may become "can you …?", but not a question that wants to know something."""
    if not _ORDER.match(prose(original)) or _KNOWING.search(prose(original)):
        return None
    sentences = _SENTENCE_END.split(prose(rewrite))
    asks = any(
        _QUESTION_OPENING.match(sentence) and sentence.rstrip().endswith("?") for sentence in sentences
    )
    return "turns an order into a question" if asks else None
