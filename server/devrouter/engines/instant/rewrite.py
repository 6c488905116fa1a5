"""The conservative rewrite: slips mended, nothing invented, the draft itself when nothing is to be gained.

What must not be touched (code, names, paths, numbers, quotations, and every line that is no prose) is first
replaced by one private character for each piece, so that no rule can reach it.
"""

from __future__ import annotations

import re

from devrouter.core.pieces import protected_pieces
from devrouter.core.technologies import TECHNOLOGIES, Category
from devrouter.engines.instant.features import is_code_line
from devrouter.engines.instant.spelling import ORDINARY_WORDS, SPELLING

_LONGEST = 3_000
"""Drafts of more characters are long specifications or pasted files: they are returned as they stand."""

_FIRST_MASK = 0xF0000  # The first character of a plane that Unicode keeps private.
_MASKS = f"{chr(_FIRST_MASK)}-{chr(_FIRST_MASK + 0xFFFD)}"
_MASK = re.compile(f"[{_MASKS}]")


def tidy(text: str) -> str:
    """The same request with slips mended. A rewrite of a rewrite is itself."""
    if len(text) > _LONGEST:
        return text
    mended = _mend(text)
    return mended if mended == text or _mend(mended) == mended else text


def _mend(text: str) -> str:
    """The text with every slip mended, what must not be touched put back as it was."""
    # Most drafts have nothing to mend, and the rules are quicker than the search for what to leave alone.
    if _with_slips_mended(text) == text or _MASK.search(text):
        return text
    masked, pieces = _mask(text)
    mended = _with_slips_mended(masked)
    return (
        text
        if mended == masked
        else _MASK.sub(lambda match: pieces[ord(match.group()) - _FIRST_MASK], mended)
    )


def _with_slips_mended(masked: str) -> str:
    """Unchanged where only polish is to be gained: capitals and full stops alone are no better prompt."""
    mended = _mend_first_person(_mend_words(_break_list(masked)))
    if mended.lower() == masked.lower():
        return masked
    return _end_sentence(_capitalise(_name_technologies(_mend_spaces(mended))))


# --- What is kept out of reach


def _mask(text: str) -> tuple[str, list[str]]:
    pieces: list[str] = []
    parts: list[str] = []
    end = 0
    for start, stop in _untouchable(text):
        if stop > end:
            free = max(start, end)
            parts += text[end:free], chr(_FIRST_MASK + len(pieces))
            pieces.append(text[free:stop])
            end = stop
    parts.append(text[end:])
    return "".join(parts), pieces


def _untouchable(text: str) -> list[tuple[int, int]]:
    """The spans of protected pieces and of lines that are no prose, in order; they may overlap."""
    spans: list[tuple[int, int]] = [(piece.span.start, piece.span.end) for piece in protected_pieces(text)]
    code_before = -10
    for match in _LINE.finditer(text):
        # Code has lines that could be prose ("for x in items"): they stand below a line that could not.
        below_code = match.start() - code_before <= 2 and not _READS_AS_PROSE.search(match.group())
        if below_code or _is_no_prose(match.group()):
            spans.append(match.span())
            code_before = match.end()
    return sorted(spans)


_LINE = re.compile(r"[^\r\n]+")
_READS_AS_PROSE = re.compile(r"(?:[A-Za-z',]+ ){4,}[A-Za-z']+[.?!:]?\s*$")


def _is_no_prose(line: str) -> bool:
    """Code, a log, a table, a quotation, a heading, `key: value` as in front matter, or a line of a diff."""
    if line.startswith(("    ", "\t", "|", ">", "#", "+", "@@", "---", "$", "%", "<")):
        return True
    return is_code_line(line) or re.match(r"\s*[\w.-]+:(?:\s*\S+)?\s*$", line) is not None


# --- Slips: each of these makes a rewrite worth having

_WORD = re.compile(
    rf"(?<![\w.$@#/\\<{{(\[=*&:~-])[A-Za-z]+(?:'[a-z]+)?(?![\w(/\\=<>{{\[*~-]|[.:]\w|'{_MASKS})"
)


def _mend_words(text: str) -> str:
    return _WORD.sub(lambda match: _spelled(match.group()), text)


def _spelled(word: str) -> str:
    right = SPELLING.get(word.lower())
    if right is None or word.isupper():
        return word
    return right[0].upper() + right[1:] if word[0].isupper() else right


_AFTER_I = """
am have had has was want wanted need needed get got can could would should will do did don't didn't can't
think thought know see saw use used try tried run ran call called understand find found added add made
make changed just also only still really already keep kept wrote write created create like believe guess
feel mean must might may started usually normally never always currently actually upload click clicked set
put look looked ask asked wonder hope assume expect expected deploy
"""
_FIRST_PERSON = re.compile(
    rf"(?<![\w.$@#/\\<{{(\[=*&'\"-])i(?=(?:'(?:m|ve|d|ll))?(?![\w'])\s+(?:{'|'.join(_AFTER_I.split())})\b|'(?:m|ve|d|ll)\b)"
)
# Behind these words "i" is the writer, whatever verb follows; "for i in rows" is a counter.
_BEFORE_I = re.compile(
    r"\b((?:when|if|do|did|can|could|should|would|how|what|that|because|while|after|before|but|since|where) )"
    r"i(?= (?!(?:in|is|and|or|to|of|this|that|the|my|equals|goes|starts|becomes|reaches)\b)"
    r"[a-z]{2,}(?![\w(=\[]))",
    re.IGNORECASE,
)
_ITS = re.compile(r"(?<![\w'-])([Ii])ts(?= (?:a|an|not|been|too|still|always|supposed|going|probably)\b)")


def _mend_first_person(text: str) -> str:
    return _ITS.sub(r"\1t's", _BEFORE_I.sub(r"\1I", _FIRST_PERSON.sub("I", text)))


def _mend_spaces(text: str) -> str:
    text = re.sub(r"(?<=[a-z,;:.!?)]) {2,3}(?=[A-Za-z(])", " ", text)
    return re.sub(r"(?<=[A-Za-z]) +(?=[,?](?:\s|$))", "", text)


_ITEM = re.compile(r"(?:(?<=\s)|^)(\d{1,2})\) ?(?=\S)", re.MULTILINE)


def _break_list(text: str) -> str:
    """`1) this 2) that 3) more` in one line becomes three lines."""
    return re.sub(r"[^\r\n]+", lambda match: _broken(match.group()), text)


def _broken(line: str) -> str:
    items = list(_ITEM.finditer(line))
    if len(items) < 3 or [int(item.group(1)) for item in items] != list(range(1, len(items) + 1)):
        return line
    starts = [item.start() for item in items]
    parts = [line[: starts[0]], *(line[a:b] for a, b in zip(starts, [*starts[1:], len(line)], strict=True))]
    return "\n".join(part.strip() for part in parts if part.strip())


# --- Polish: welcome beside another change, not worth a rewrite by itself

_NAMED = frozenset(
    {
        Category.LANGUAGE,
        Category.FRAMEWORK,
        Category.LIBRARY,
        Category.DATABASE,
        Category.PLATFORM,
        Category.SYSTEM,
    }
)
_BEFORE_A_NAME = re.compile(
    r"(?<![\w'-])((?:in|using|with|my|our|a|an|the|for|from|of|to|and|or|on|this|new|simple) )"
    r"([a-z]+)(?![\w(./\\=:-]| native)"
)


def _name_technologies(text: str) -> str:
    """`in javascript` to `in JavaScript`: the usual spelling where only the case differs."""
    return _BEFORE_A_NAME.sub(lambda match: match.group(1) + _usual_case(match.group(2)), text)


def _usual_case(word: str) -> str:
    technology = TECHNOLOGIES.get(word)
    if technology is None or technology.is_word or technology.category not in _NAMED:
        return word
    return technology.name if technology.name.lower() == word else word


_SENTENCE_START = re.compile(
    rf"(?:\A\s*|(?<=[a-z{_MASKS}][.!?])[ ]+)(?P<word>[a-z]+(?:'[a-z]+)?)(?=[\s,.?!:])"
    # A line that begins with "while" or "with" may be code: what follows must read like a sentence.
    rf"|(?:(?<=[.!?:{_MASKS}])[ ]*[\r\n]+|[\r\n]{{2,}})(?P<first>[a-z]+(?:'[a-z]+)?)"
    r"(?=(?:,? [A-Za-z']+){3})"
)
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|cf|resp|incl|no|fig|a\.k\.a)\.\s*$", re.IGNORECASE)


def _capitalise(text: str) -> str:
    def capital(match: re.Match[str]) -> str:
        word = match["word"] or match["first"]
        if word not in ORDINARY_WORDS or _ABBREVIATED.search(
            text[max(0, match.start() - 10) : match.end() - len(word)]
        ):
            return match.group()
        return match.group()[: -len(word)] + word[0].upper() + word[1:]

    return _SENTENCE_START.sub(capital, text)


_QUESTION = re.compile(
    r"(?:so |and |but |also |hi |hey |hello |please )*"
    r"(?:how (?:do|does|can|could|should|would|is|are|did|many|much|to)"
    r"|what(?:'s| is| are| does| do| would| should| did)"
    r"|why (?:is|are|does|do|did|doesn't|isn't|am|can't|don't|won't)|where (?:is|are|do|does|can|should)"
    r"|when (?:do|does|should|is)|which |who |is (?:there|it|this|that|the|my)|are (?:there|these|the|my)"
    r"|do (?:i|you|we|these)|does (?:it|this|that|the|anyone)|did (?:i|it)"
    r"|(?:can|could|would|will|should) (?:you|i|we|it|this|someone|anyone))\b",
    re.IGNORECASE,
)
_LAST_SENTENCE = re.compile(r"(?:[.!?:;)]\s+|[\r\n]|\A)([^.!?\r\n]*[A-Za-z])\Z")


def _end_sentence(text: str) -> str:
    """A question mark behind what is clearly a question, a full stop behind another whole sentence."""
    body = text.rstrip()
    found = _LAST_SENTENCE.search(body[-400:])
    if found is None or len(sentence := found.group(1).split()) < 4:
        return text
    words = found.group(1).strip()
    # An item of a list, or a label with what follows it ("Usage: tool --all"), is no sentence.
    if re.match(r"(?:[-*•+]|\(?\d{1,2}[.)])", words) or re.match(
        r"\s*(?:[-*•+]|\(?\d|\w+: )", body.splitlines()[-1]
    ):
        return text
    mark = "?" if _QUESTION.match(words) and len(sentence) < 40 else "."
    # "How to …" may be a title, "does a …" a question, "have a look" an order: no mark is surely right.
    if re.match(r"(?i)how to\b" if mark == "?" else r"(?i)(?:is|are|does|do|did|was|were|has|have)\b", words):
        return text
    return body + mark + text[len(body) :]
