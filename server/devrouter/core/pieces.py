"""The pieces of a prompt that a rewrite must keep as they are: code, names, paths, numbers, quotations.

The text is read once by a lexer whose every alternative is bounded or possessive, so that the cost stays
linear whatever is pasted. Prose is skipped a run at a time; what is not prose is cut at white space, brackets
and commas into atoms ("src/app.py:42", "v1.2", "user_id"), and each atom is classified by its shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from devrouter.core.names import is_kebab_name
from devrouter.core.technologies import TECHNOLOGIES
from devrouter.core.text import Lines, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Rule(StrEnum):
    """Why a piece is protected, as a user would call it."""

    BLOCK = "code block"
    CODE = "code"
    QUOTATION = "quotation"
    URL = "URL"
    PATH = "path"
    PLACEHOLDER = "placeholder"
    TAG = "tag"
    FLAG = "flag"
    MENTION = "mention"
    REFERENCE = "reference"
    NUMBER = "number"
    ERROR = "error name"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` is what must stand in a rewrite: without quotation marks, backticks or trailing punctuation.

    `span` is where it stands in the draft, marks included. `any_case` is true where the draft's own spelling
    is no name to keep: "keyerror" may become "KeyError", "javaScript" "JavaScript".
    """

    text: str
    rule: Rule
    span: Span
    any_case: bool = False


def quoted(text: str) -> str:
    """A piece on one line, short enough for a message."""
    shown = " ".join(text.split())
    shown = f"{shown[:59]}…" if len(shown) > 60 else shown
    return f"“{shown}”" if "`" in shown else f"`{shown}`"


def protected_pieces(text: str) -> tuple[Piece, ...]:
    """Every protected piece, in order; pieces do not overlap. Never raises, linear in the text."""
    pieces: list[Piece] = []
    start = 0
    for block in fenced_blocks(text):
        pieces.extend(_of_prose(text, start, block.span.start))
        pieces.append(block)
        start = block.span.end
    pieces.extend(_of_prose(text, start, len(text)))
    return tuple(pieces)


def without_blocks(text: str) -> str:
    """The text with an empty line in place of each fenced block."""
    parts, start = [], 0
    for block in fenced_blocks(text):
        parts.append(text[start : block.span.start])
        start = block.span.end
    return "\n".join([*parts, text[start:]])


def fenced_blocks(text: str) -> tuple[Piece, ...]:
    """The fenced blocks with their fence lines, line ends as LF."""
    if "```" not in text and "~~~" not in text:
        return ()
    return tuple(
        Piece("\n".join(_LINE_END.split(text[slice(*span)])), Rule.BLOCK, span) for span in _block_spans(text)
    )


_LINE_END = re.compile(r"\r\n|\r|\n")
# Within a quotation or an item of a list too.
_FENCE = re.compile(
    r"[ \t]{0,12}(?:(?:>|(?:[-*+]|\d{1,3}[.)])[ \t]+)[ \t]{0,12}){0,4}(`{3,}|~{3,})([^\r\n]*)"
)


def _block_spans(text: str) -> Iterator[Span]:
    """From fence line to fence line; a block without an end reaches to the end of the text."""
    lines = Lines(text)
    opened: tuple[int, str] | None = None
    for line in range(len(lines.starts)):
        start, end = lines.line_span(line)
        fence = _FENCE.match(text, start, end)
        if fence is None:
            continue
        marks, info = fence.groups()
        if opened is None:
            if marks[0] == "~" or "`" not in info:
                opened = (start, marks)
        elif marks.startswith(opened[1]) and not info.strip():
            yield Span(opened[0], end)
            opened = None
    if opened is not None:
        yield Span(opened[0], len(text.rstrip()))


# Alternatives are tried in order at each place the last one ended, so every character is read by exactly one.
_LEXER = re.compile(
    r"""
      (?P<prose>(?:[A-Za-z][a-z]*+(?:['\u2019][a-z]++)?[,;:!?]?(?:\.(?=\s))?\s++)++)
    | (?P<code>(?<!`)(?:``(?!`)(?:[^`\r\n]|`(?!`))+``(?!`)|`[^`\r\n]+`(?!`)))
    | (?P<quotation>
          (?<!\w)"(?=[^\s"])[^"\r\n]{1,400}"
        | \u201c[^\u201d\r\n]{1,400}\u201d
        | \xab[^\xbb\r\n]{1,400}\xbb
        | (?<![\w'])'(?=[^\s'])[^'\r\n]{1,120}(?<!\s)'(?![\w'])
        | (?<!\w)\u2018[^\u2019\r\n]{1,120}\u2019(?!\w)
      )
    | (?P<url>(?:[A-Za-z][A-Za-z0-9+.-]{1,15}://|www\.)[^\s<>"'`\u201c\u201d]++)
    | (?P<placeholder>\$\{[^}\r\n]{1,200}\}|\{\{[^}\r\n]{1,200}\}\})
    | (?P<tag></?[A-Za-z][^<>\r\n]{0,200}>)
    | (?P<atom>[\w.~@$\#%+/\\:-]++)
    | (?P<other>\s++|.)
    """,
    re.VERBOSE | re.DOTALL,
)


def _of_prose(text: str, start: int, end: int) -> Iterator[Piece]:
    reached = start
    for piece in _lexed(text, start, end):
        # A number takes its unit along, which would be read again as a word of its own.
        if piece.span.start >= reached:
            reached = piece.span.end
            yield piece


def _lexed(text: str, start: int, end: int) -> Iterator[Piece]:
    for match in _LEXER.finditer(text, start, end):
        span = Span(*match.span())
        kind = match.lastgroup
        if kind == "prose":
            yield from _error_words(match.group(), span.start)
        elif kind == "atom":
            yield from _of_atom(text, span)
        elif kind is not None and kind != "other":
            rule, strip = _MARKED[kind]
            if inner := strip(match.group()):
                yield Piece(inner, rule, span)


def trimmed(quotation: str) -> str:
    """A quotation's content with plain spacing and without the punctuation that ends it."""
    return " ".join(quotation.split()).rstrip(".,;:!? ")


def _strip_url(written: str) -> str:
    inner = written.rstrip(".,;:!?*_]}\\")
    return inner if "(" in inner else inner.rstrip(").,;:!?")


_MARKED: dict[str, tuple[Rule, Callable[[str], str]]] = {
    "code": (Rule.CODE, lambda written: written.strip("`").strip()),
    "quotation": (Rule.QUOTATION, lambda written: trimmed(written[1:-1])),
    "url": (Rule.URL, _strip_url),
    "placeholder": (Rule.PLACEHOLDER, str),
    "tag": (Rule.TAG, str),
}
"""For each alternative of the lexer that is one piece: its rule, and what of it must be kept."""


_ERROR_WORD = re.compile(r"\b[A-Za-z][a-z]+(?:error|exception)\b")


def _error_words(text: str, offset: int) -> Iterator[Piece]:
    for match in _ERROR_WORD.finditer(text):
        span = Span(*match.span()).moved(offset)
        yield Piece(match.group(), Rule.ERROR, span, any_case=True)


# Pairs that English writes with a slash; dropping one of them loses no name.
_SLASHED_WORDS = frozenset(
    {"and/or", "either/or", "he/she", "his/her", "him/her", "s/he", "yes/no", "w/o", "w/", "n/a"}
)
_MENTION = re.compile(r"@[A-Za-z][\w./-]*")
_EMAIL = re.compile(r"[\w.+-]+@[\w.-]+\.\w+\Z")
_REFERENCE = re.compile(r"#\w[\w:./-]*")
_LONG_FLAG = re.compile(r"--[A-Za-z][\w-]*")
_SHORT_FLAG = re.compile(r"-(?:[A-Za-z]{1,3}|(?=\w*[A-Z0-9])[A-Za-z]\w*)\Z")


def _of_atom(text: str, span: Span) -> Iterator[Piece]:
    """The pieces of one atom: a path, flag, mention or reference as a whole, else its words and numbers."""
    written = text[span.start : span.end]
    core = written.rstrip(".:-+\\").lstrip(":+")
    if not core or not any(character.isalnum() for character in core):
        return
    place = span.start + written.index(core)
    whole = Span(place, place + len(core))
    if "/" in core or "\\" in core:
        if core.lower() not in _SLASHED_WORDS:
            yield from _of_path(text, core, whole)
    elif flag := _flag_in(text, core, whole):
        yield Piece(flag, Rule.FLAG, Span(whole.start, whole.start + len(flag)))
        yield from _of_words(text, Span(whole.start + len(flag), whole.end))
    elif "@" in core:
        if _EMAIL.match(core) or _MENTION.match(core):
            yield Piece(core, Rule.MENTION, whole)
        else:
            yield from _of_words(text, whole)
    elif (reference := _REFERENCE.search(core)) and not core.startswith("$"):
        yield from _of_words(text, Span(whole.start, whole.start + reference.start()))
        inner = reference.group().rstrip(".:-/")
        yield Piece(inner, Rule.REFERENCE, Span(*reference.span()).moved(whole.start))
    elif is_kebab_name(
        core, before=text[max(0, whole.start - 24) : whole.start], after=text[whole.end :][:24]
    ):
        yield Piece(core, Rule.IDENTIFIER, whole, any_case=not core.islower())
    else:
        yield from _of_words(text, whole)


_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def _of_path(text: str, core: str, whole: Span) -> Iterator[Piece]:
    """A path, with the line number behind it apart: "app.py:42" is a path and a number."""
    path = core if _DRIVE.match(core) else core.partition(":")[0]
    path = path.rstrip(".")
    if "/" in path or "\\" in path:
        yield Piece(path, Rule.PATH, Span(whole.start, whole.start + len(path)))
        yield from _of_words(text, Span(whole.start + len(path), whole.end))
    else:
        yield Piece(core, Rule.PATH, whole)


def _flag_in(text: str, core: str, whole: Span) -> str | None:
    before = text[whole.start - 1 : whole.start]
    if flag := _LONG_FLAG.match(core):
        return flag.group()
    # A dash at the start of a line is a list's; one between words is a dash.
    if core.startswith("-") and before in (" ", "(", "[") and _SHORT_FLAG.match(core):
        return None if _starts_line(text, whole.start) else core
    return None


def _starts_line(text: str, offset: int) -> bool:
    head = text[max(0, offset - 40) : offset]
    return not re.split(r"[\r\n]", head)[-1].strip()


_PART = re.compile(
    r"""
      (?P<number>
          \d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?(?!\w)
        | (?<![A-Za-z_\d])[vV]?\d+(?:[.:]\d+)*+(?:[eE][+-]\d+|[A-Za-z]\w*+|%)?
      )
    | (?P<name>(?:\$|(?<![\w.])\.)?[A-Za-z_]\w*+(?:(?:\.|::)[A-Za-z_]\w*+)*+)
    | (?P<rest>\w++|.)
    """,
    re.VERBOSE | re.DOTALL,
)


def _of_words(text: str, part: Span) -> Iterator[Piece]:
    for match in _PART.finditer(text, *part):
        span = Span(*match.span())
        written = match.group()
        if match.lastgroup == "number" and not _numbers_an_item(text, span):
            if written[-1].isdigit() and (unit := UNIT.match(text, span.end)):
                written, span = f"{written} {unit[1]}", Span(span.start, unit.end())
            # A unit's or a generation's letters may take their usual case: "4g", "2fa", "10mb".
            yield Piece(written, Rule.NUMBER, span, any_case=written.islower())
        elif match.lastgroup == "name" and (rule := _shape(written)):
            known = written.lower() in TECHNOLOGIES or _VERSIONED_NAME.match(written.lower()) is not None
            yield Piece(written, rule, span, any_case=known or (rule is Rule.ERROR and written.islower()))


_UNITS = {
    "ms": "msec msecs millis millisecond milliseconds",
    "s": "sec secs second seconds",
    "min": "mins minute minutes",
    "h": "hr hrs hour hours",
    "d": "day days",
    "kb": "kilobyte kilobytes kib",
    "mb": "megabyte megabytes mib",
    "gb": "gigabyte gigabytes gib",
    "tb": "terabyte terabytes tib",
    "%": "percent",
    "px": "pixel pixels",
    "fps": "",
    "rps": "",
    "hz": "",
    "khz": "",
    "mhz": "",
    "ghz": "",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in (unit, *words.split())}
UNIT = re.compile(rf"[ \u00a0]({'|'.join(sorted(_UNIT_OF, key=len, reverse=True))})(?![\w/-])", re.IGNORECASE)
"""A unit that stands behind its number with one space between them."""
_QUANTITY = re.compile(r"(\d[\d.,:]*)[ \u00a0-]?([A-Za-z]+|%)")


def quantities(text: str) -> set[tuple[str, str]]:
    """The numbers with units, as (number, usual unit): "10 ms" and "10 milliseconds" are one."""
    return {
        (number.rstrip(".,:"), _UNIT_OF[unit.lower()])
        for number, unit in _QUANTITY.findall(text)
        if unit.lower() in _UNIT_OF
    }


def _numbers_an_item(text: str, number: Span) -> bool:
    """Whether a number only counts: "1." or "2)" at a line's start, "3)" within a sentence."""
    if number.end - number.start > 2 or not text[number.start : number.end].isdigit():
        return False
    after = text[number.end : number.end + 1]
    if after and after in ".):" and _starts_line(text, number.start):
        return True
    return after == ")" and text[number.start - 1 : number.start].isspace()


_ABBREVIATIONS = frozenset({"e.g", "i.e", "a.m", "p.m", "a.k.a", "u.s", "ph.d"})
# "fix it.then run" lacks a space; it names nothing.
_SENTENCE_START = re.compile(
    r"(?:a|also|and|are|as|at|but|by|can|could|do|does|each|for|he|her|how|however|i|if|in|is|it|its"
    r"|just|let|make"
    r"|my|no|now|of|on|or|our|please|she|should|so|that|the|their|then|there|these|they|this|to|use"
    r"|we|what|when"
    r"|where|which|while|who|why|will|with|write|yes|you|your)\Z"
)
_SNAKE = re.compile(r"(?=\w*[A-Za-z])(?:_+[A-Za-z]\w*|[A-Za-z0-9]\w*_\w*)\Z")
_HUMPS = re.compile(r"[a-z][a-z0-9]*[A-Z]\w*\Z|[A-Z]+[a-z0-9]+[A-Z]\w*\Z|[A-Z]{3,}[a-z]{3,}\w*\Z")
_ERROR_NAME = re.compile(
    r"\w+(?:[Ee]rror|[Ee]xception|Warning)\Z|E(?:NO|ACCES|CONN|ADDR|PERM|INVAL|EXIST|PIPE|TIMED"
    r"|HOST)[A-Z]+\Z|SIG[A-Z]{3,}\Z"
)
# Generations, chips and abbreviations with a digit in them, whose usual spelling has capitals.
_VERSIONED_NAME = re.compile(
    r"(?:utf|md|sha|ipv|es|h|x|mp|base|oauth|web|s|ec|k|int|float|win|winui|python|java|junit|php|vue"
    r"|html|css|ue"
    r"|tls|ros|stm|nrf|esp|sr|cortex|rs|usb|gpt|eli|m|f|gpt|dx|gl|v)\d{1,4}\w{0,2}\Z|[a-z]2[a-z]\Z"
    r"|(?:i18|l10|a11)[ny]\Z"
    r"|(?:chart|three|moment|node|next|vue|react|express|d3|p5)\.js\Z"
)


def _shape(name: str) -> Rule | None:
    """The rule that a name falls under by its shape; None for an ordinary word."""
    if _ERROR_NAME.match(name):
        return Rule.ERROR
    if name.startswith("$"):
        return Rule.IDENTIFIER
    if "." in name.strip(".") or "::" in name or name.startswith("."):
        words = name.lower().split(".")
        joins_sentences = len(words) == 2 and _SENTENCE_START.match(words[1])
        return None if joins_sentences or name.lower() in _ABBREVIATIONS else Rule.IDENTIFIER
    if "_" in name:
        return Rule.IDENTIFIER if _SNAKE.match(name) else None
    has_digit = any(character.isdigit() for character in name)
    return Rule.IDENTIFIER if has_digit or _HUMPS.match(name) else None
