"""Whether a draft already gives what a phrase says is missing.

Dropping a true gap is worse than keeping one too many, so every rule here asks for plain evidence, and every
content word of a phrase that a rule does not understand must stand where the evidence is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devrouter.core.kinds import GapKind
from devrouter.core.labels import is_labelled, labels_for, parts_are_labelled, parts_of
from devrouter.core.pieces import Rule, fenced_blocks, protected_pieces
from devrouter.core.technologies import EXTENSIONS, TECHNOLOGIES, Category, technologies_in

if TYPE_CHECKING:
    from collections.abc import Callable


def is_answered(phrase: str, kind: GapKind, text: str) -> bool:
    """True where the text plainly contains what the phrase names. Never raises, linear in the text."""
    if is_labelled(phrase, text) or parts_are_labelled(phrase, text):
        return True
    rule = _RULES.get(kind)
    return rule is not None and rule(phrase, text)


_STOP_WORDS = """
a an the of in on at to for from by with and or any all if is are was be it its this that these
those their your my our s what which who where when how whether used use uses using meant refers
exact full complete current existing actual relevant whole such as other should has have does do
there so far yet about them they question concerned
"""
_KIND_WORDS = """
version versions code error message messages text stack trace traceback log logs output language
programming framework library kind type details source number size sizes count counts content
contents implementation system operating
"""
_NOT_CONTENT = frozenset(f"{_STOP_WORDS}{_KIND_WORDS}".split())
_WORD = re.compile(r"\.?[A-Za-z][\w.+#-]*")


def content_words(phrase: str) -> list[str]:
    """The words of a phrase that tell what it is about, without those that only name its kind."""
    words = [match.group().rstrip(".-") for match in _WORD.finditer(phrase.replace("'s", " "))]
    return [word for word in words if word.lower() not in _NOT_CONTENT]


def without_blocks(text: str) -> str:
    """The text with its fenced blocks blanked, so that offsets stay."""
    parts, end = [], 0
    for block in fenced_blocks(text):
        parts += [text[end : block.span.start], " " * (block.span.end - block.span.start)]
        end = block.span.end
    return "".join([*parts, text[end:]])


# --- One rule a kind

# "Flask 3.0", "flask==3.0", '"react": "^18.2"', but not "Flask (3 workers)".
_NUMBER_FOLLOWS = re.compile(
    r"""(?!\s?\(\d+\s)[\s:=@(^~<>"'`]{0,6}(?:(?:version|release|is)\s)?v?\d""", re.IGNORECASE
)


def _version_given(phrase: str, text: str) -> bool:
    asked = [technology.name for technology, _ in technologies_in(phrase)]
    versioned = {
        technology.name
        for technology, span in technologies_in(text)
        if re.search(r"\d\Z", text[slice(*span)]) or _NUMBER_FOLLOWS.match(text, span.end, span.end + 24)
    }
    others = [word for word in content_words(phrase) if not any(technologies_in(word))]
    if not asked and not others:
        return bool(versioned) and "version" in phrase
    known = {word.lower() for name in asked for word in name.split()}
    return all(name in versioned for name in asked) and all(
        word.lower() in known or _named_version(word, text) or usual_name(word) in versioned
        for word in others
    )


def usual_name(word: str) -> str | None:
    """The technology that a phrase names by one word: "Node" in "Node version" can be nothing else."""
    technology = TECHNOLOGIES.get(word.lower())
    return technology.name if technology else None


def _named_version(word: str, text: str) -> bool:
    return any(
        _NUMBER_FOLLOWS.match(text, match.end(), match.end() + 24)
        for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)
    )


def _code_given(phrase: str, text: str) -> bool:
    if _ASKS_FOR_MORE.search(phrase):
        return False
    code = code_in(text)
    named = [piece.text for piece in protected_pieces(phrase) if piece.rule is not Rule.NUMBER]
    if not code or _ELIDED.search(code):
        return False
    if named:
        return all(_defines(code, name) for name in named)
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", code).lower()
    words = set(re.findall(r"[a-z]+", parted))
    asked = [word.lower().removesuffix("s") for word in content_words(phrase)]
    return all(word in words or f"{word}s" in words or word in _GENERIC_CODE.split() for word in asked)


# Code beside or around what is shown, or the part left out of it.
_ASKS_FOR_MORE = re.compile(
    r"\A(?:how|where|what)\b"
    r"|\b(?:full|rest|left|caller\w*|around|override|other|calls?|uses?|tests?|files)\b",
    re.IGNORECASE,
)
_ELIDED = re.compile(r"^[^\w\n]{0,40}(?:\.{3,4}|\u2026)[^\w\n]{0,20}$", re.MULTILINE)


def _defines(code: str, name: str) -> bool:
    """Whether a name follows a word, as in `def name(` or `int name(`, or heads a block: "app.py:"."""
    place = re.escape(name.partition("(")[0])
    if "." in name or "/" in name:
        return re.search(rf"(?<![\w/]){place}(?!\w)", code) is not None
    return re.search(rf"\b(?!return\b|new\b|await\b|if\b)\w+[ *]+{place}\s*[({{:=<]", code) is not None


_GENERIC_CODE = "function method clas class script snippet file query program selected handler"
_CODE_LINE = re.compile(
    r"\s*(?:(?:async )?def \w+\(|class \w+[:({]|import [\w{*\"']|from [\w.]+ import "
    r"|(?:export |async )*function\b|(?:const|let|var|val) \w+ ?[=:]|(?:public|private|protected|static) \w"
    r"|#include\b|package \w+;?$|func \w"
    r"|SELECT .*\bFROM\b|</?[a-z][\w-]*[ >/])|.*(?:[;{}]|\)\s*:|=>)\s*$"
)


def code_in(text: str) -> str:
    """The code in a text: its fenced blocks with the line before each, and lines that are plainly code."""
    parts = []
    for block in fenced_blocks(text):
        before = text[max(0, block.span.start - 200) : block.span.start].rstrip().rpartition("\n")[2]
        if not _TRACE.search(block.text):
            parts.append(f"{before}\n{block.text}")
    lines = [line for line in without_blocks(text).splitlines() if len(line) < 400 and _CODE_LINE.match(line)]
    return "\n".join(parts + (lines if len(lines) > 2 else []))


_TRACE = re.compile(
    r"Traceback \(most recent|^[ \t]{0,40}at [\w.$<>]{1,200}\s?\("
    r"|^[ \t]{0,40}File \"[^\"\n]{1,300}\", line \d|^goroutine \d+ \["
    r"|^thread '[^'\n]{1,80}' panicked|^Caused by:",
    re.MULTILINE,
)
_ERROR_TEXT = re.compile(
    r"\b[A-Z]\w{2,60}(?:Error|Exception)\b:? \S+ \S"
    r"|\b(?:error|fatal|panic|exception)(?:\[\w{1,10}\]| TS\d+)?: \S+ \S+|\berror (?:CS|TS|C|E)\d{3,5}\b"
    r"|(?:says?|get|got|error|message|fails? with)[:,]? [\"\u201c`][^\"\u201d`\n]{12,}",
    re.IGNORECASE,
)
_WANTS_TRACE = re.compile(r"\b(?:stack ?trace|traceback|backtrace)s?\b", re.IGNORECASE)
_WANTS_ERROR = re.compile(
    r"(?:the )?(?:full |exact |actual |complete |any )?"
    r"(?:error|exception|warning)s?(?: message| text| output)?s?\Z"
    r"|(?:the )?exact (?:message|text)\Z",
    re.IGNORECASE,
)


def _error_given(phrase: str, text: str) -> bool:
    if _WANTS_TRACE.search(phrase):
        return _TRACE.search(text) is not None
    if _WANTS_ERROR.match(phrase.strip()):
        return _TRACE.search(text) is not None or _ERROR_TEXT.search(text) is not None
    return False


_ENVIRONMENTS = {
    r"(?:the )?(?:operating systems?|OS)": {Category.SYSTEM},
    r"(?:the )?(?:web )?browser": {Category.BROWSER},
    r"(?:the )?(?:code )?(?:editor|IDE)": {Category.EDITOR},
}


def _environment_given(phrase: str, text: str) -> bool:
    return _category_given(phrase, text, _ENVIRONMENTS)


_STACKS = {
    r"(?:the )?(?:programming )?language": {Category.LANGUAGE},
    r"(?:the )?(?:(?:web|app|UI|front-?end|back-?end|web app) )?framework": {Category.FRAMEWORK},
    r"(?:the )?(?:test|testing|unit test) framework": {Category.TESTING},
    r"(?:the )?database(?: system| engine)?|SQL dialect": {Category.DATABASE},
}


def _stack_given(phrase: str, text: str) -> bool:
    offered = {technology for technology, _ in technologies_in(phrase)}
    if offered:
        # "JavaScript or TypeScript" is answered by one of them, not by both.
        alike = len({technology.category for technology in offered}) == 1
        mentioned = {technology.name for technology, _ in technologies_in(text)}
        return alike and len(offered) > 1 and len({item.name for item in offered} & mentioned) == 1
    return _category_given(phrase, text, _STACKS)


_MARKUP = frozenset({"HTML", "CSS", "Sass", "GraphQL", "LaTeX"})
"""Languages that stand beside the one a program is written in."""


def _category_given(phrase: str, text: str, wanted: dict[str, set[Category]]) -> bool:
    """Whether each part of "language and test framework" has a technology of its category in the text."""
    found = {technology.category for technology, _ in technologies_in(text) if technology.name not in _MARKUP}
    return all(
        any(is_labelled(label, text) for label in labels_for(part))
        or any(
            re.fullmatch(pattern, part, re.IGNORECASE) and found & categories
            for pattern, categories in wanted.items()
        )
        for part in parts_of(phrase)
    )


_COUNTED = r"\b\d[\d.,]{0,20}\s?(?:k|m|thousand|million|billion)?\s(?:\w{1,20}\s)?"
_SIZE = re.compile(r"\b\d[\d.,]{0,20}\s?(?:[kKmMgGtT]i?[bB]|k|thousand|million|billion)\b")


def _scale_given(phrase: str, text: str) -> bool:
    """A number before each thing that is counted: "40k rows" answers "number of rows"."""
    nouns = content_words(phrase)
    if not nouns:
        return False
    if {"data", "file", "dataset", "table"} >= {noun.lower() for noun in nouns} and "size" in phrase:
        return _SIZE.search(text) is not None
    return all(
        re.search(rf"{_COUNTED}{re.escape(noun.rstrip('s'))}s?\b", text, re.IGNORECASE) for noun in nouns
    )


_EXPECTED_AND_ACTUAL = re.compile(
    r"\b(?:expect\w*|should (?:be|return|show|print|give))\b[^\n]{1,200}"
    r"\b(?:but|got|instead|actual\w*|received)\b"
    r"|\b(?:got|returns?|prints?|shows?|actual\w*)\b[^\n]{1,200}\b(?:instead of|expect\w*)\b",
    re.IGNORECASE,
)


def _behaviour_given(phrase: str, text: str) -> bool:
    lowered = phrase.lower()
    if "steps to reproduce" in lowered:
        return re.search(r"\b(?:steps to reproduce|to reproduce)\b", text, re.IGNORECASE) is not None
    if re.match(
        r"(?:the )?expected (?:and|vs\.?|versus|against|or) actual\b|(?:the )?actual and expected\b", lowered
    ):
        return _EXPECTED_AND_ACTUAL.search(text) is not None
    return False


def _target_given(phrase: str, text: str) -> bool:
    """A named file tells which file, and pasted code tells what "this" is."""
    if re.match(r"which files? (?:is|are) meant\Z", phrase):
        names = (piece.text.lower() for piece in protected_pieces(text))
        return any(_FILE_NAME.search(name) and name not in TECHNOLOGIES for name in names)
    return bool(
        re.match(r"what [\"'`\u201c]?(?:this|it)[\"'`\u201d]? (?:is|refers to|means)\Z", phrase)
    ) and bool(code_in(text))


# "src/app.py", but not "Node.js".
_FILE_NAME = re.compile(
    rf"\w\.(?:{'|'.join(e for e in EXTENSIONS if len(e) > 1)}|json|ya?ml|toml|md|txt|csv)\Z"
)


_RULES: dict[GapKind, Callable[[str, str], bool]] = {
    GapKind.VERSION: _version_given,
    GapKind.CODE: _code_given,
    GapKind.ERROR: _error_given,
    GapKind.ENVIRONMENT: _environment_given,
    GapKind.STACK: _stack_given,
    GapKind.SCALE: _scale_given,
    GapKind.BEHAVIOUR: _behaviour_given,
    GapKind.TARGET: _target_given,
}
