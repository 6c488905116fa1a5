"""What the instant engine sees of a draft: words of its prose and of its code, and its shape.

Three blocks, each a count per feature; the model scales each block by its own length, so that a pasted file
does not drown the one sentence that asks. Everything is linear in the length of the draft; of a long draft
only head and tail are read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEAD, _TAIL = 4_000, 2_000
_CODE_CHARACTERS = 3_000

_LINE_END = re.compile(r"\r\n|\n|\r")
_FENCES = ("```", "~~~")
# A line is cut before it is matched, so that no pattern can be slow on a line without end.
_LINE_START = 200
_CODE_LINE = re.compile(
    r"""[{}()\[\];,]+$
    | (?:def|class|from|import|func|fn|public|private|protected|static|const|let|var|return|async|await
        |package|using|namespace|\#include|\#define|export|interface|type|struct|impl)\b.*[:({=,)]$
    | (?:if|for|while|elif|with|catch)\b[^:]*[=<>()\[\].][^:]*[:({]$
    | (?:else|try|finally|except\b.*):$
    | (?:SELECT|INSERT\ INTO|UPDATE|CREATE|ALTER|FROM|WHERE|JOIN|LEFT\ JOIN|ORDER\ BY|GROUP\ BY)\s\S
    | (?:import|from)\s+[\w.]+(?:\s+import\s.*)?$
    | [\w.\[\]'"]+\s*(?:=|:=|\+=|=>)\s*\S
    | [\w.]+\([^)]*\)$
    | </?[\w!-]+[^>]*>
    | [$>]\s\S
    | (?:-\s)?[a-z][\w.-]*:\s+[\w"'\[{/.-]+$
    | (?://|/\*|\*/|\#!)
    """,
    re.VERBOSE,
)
_TRACE_LINE = re.compile(
    r"""Traceback\ \(most | File\ "[^"]+",\ line\ \d | at\ [\w.$<>]+\s?\( | Caused\ by: | goroutine\ \d
    | panicked\ at | thread\ '.*'\ panicked | \#\d+\s+0x | \d+:\s+0x | stack\ backtrace:
    | [\w.]*(?:Error|Exception):\s\S | npm\ ERR! | FAILED\ | E\ \ \  | error\[E\d+\] | error\s(?:TS|CS|C)\d
    | (?:ERROR|FATAL)\b | panic: | \S+:\d+(?::\d+)?:?\s+(?:error|fatal|warning)\b
    | \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d""",
    re.VERBOSE,
)
_ERROR_IN_PROSE = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception)\b|\b(?:segfault|ENOENT|ECONNREFUSED|EADDRINUSE|NaN|CrashLoopBackOff"
    r"|undefined is not|is not (?:defined|a function|recognized|found)|permission denied"
    r"|(?:4\d\d|50\d) error|error 4\d\d)\b"
)
_LIST_ITEM = re.compile(r"\s{0,12}(?:[-*+•]|\(?\d{1,2}[.)]|[a-z]\))\s")
_COURTESY = re.compile(
    r"""(?:^|(?<=[,.!?\n]))[ ]*(?:
      (?:hi|hello|hey|greetings|good\ (?:morning|afternoon|evening|day))
        (?:\ (?:there|all|everyone|everybody|team|folks|guys|again))?[ ]*[,!.\n]+
    | (?:i\ )?hope\ (?:you\ can\ help|you\ are\ |you're\ |this\ finds)[^.!?\n]{0,40}[.!?\n]+
    | (?:can|could|would)\ you\ (?:please\ )?help\ me(?:\ out)?(?:\ with\ (?:this|the\ following|something))?
        (?:,?\ please)?[.!?:]+
    | (?:many\ |a\ lot\ of\ )?(?:thanks|thank\ you|thx)(?:\ (?:so|very)\ much|\ a\ lot|\ in\ advance|\ again
        |\ for\ (?:your|any|all)\ (?:your\ )?(?:help|time))*[ ]*(?:[.!]+|\n|$)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"(?<![\d,.])\d[\d,.]{0,12}\s?(?:k|m|million|thousand|ms|s|sec|seconds|min|minutes|hours?|gb|mb|kb|tb"
    r"|rows|users|requests|rps|qps|%|x|times|people|customers|tables|lines|records|fps)\b",
    re.IGNORECASE,
)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# The pieces of prose: a URL, a slot, a code span, a chunk without white space, an end of sentence or line.
_PIECE = re.compile(
    r"https?://\S+|\$\{[^}\n]{0,80}\}|\{\{[^}\n]{0,80}\}\}|#(?:file|selection|codebase|editor)\b:?\S*"
    r"|`[^`\n]{1,200}`|[\w@~][\w@~.$/\\'\u2019-]*|[.!]|\n+|\?+"
)
_NUMBER = re.compile(r"[\d,.]*\d")
_VERSION = re.compile(r"v?\d+(?:\.\d+)+[\w.-]*")
_CAMEL_CASE = re.compile(r"[a-z]+[A-Z]")
_NAME = re.compile(r"[a-z]+[A-Z]\w*|\w+_\w*|_\w+|\w+\.\w[\w.]*")
_WORDS_INSIDE = re.compile(r"[^\W_]+")
FILE_EXTENSIONS = _words(
    """
    py pyi ipynb js jsx mjs ts tsx vue svelte java kt kts scala go rs rb php cs fs vb c h cc cpp hpp swift m
    dart lua ex exs erl hs ml clj r jl sql sh bash zsh ps1 bat htm html css scss less json jsonl yaml yml
    toml ini cfg conf env xml csv tsv md mdx rst txt log lock tf proto gradle sln csproj pdf png
    """
)

_QUESTION_WORDS = _words(
    """
    how what why where when which who is are am do does did can could should would will has have
    """
)
_VERBS = _words(
    """
    add analyse analyze answer apply ask build change check clean commit compare complete configure continue
    convert create debug define delete deploy describe design determine develop document draw enhance
    explain export extract fetch find fix format generate get give go help implement improve include install
    integrate introduce investigate list look make merge migrate modify move open optimise optimize plan
    please port print propose provide push read refactor remove rename replace resolve return review rewrite
    run search set setup show simplify solve sort split suggest summarise summarize support switch tell test
    translate try turn understand update upgrade use validate verify write
    """
)
_REQUESTS = frozenset({"please", "can", "could"})
_FIRST_PERSON = frozenset({"i", "i'm", "i've", "we", "my", "our"})
_NEGATIONS = _words(
    """
    not no never without don't doesn't isn't can't cannot dont doesnt cant won't isnt
    """
)
_POINTERS = _words("this that it these those here above below following attached")
_CLASSES = ("<url>", "<slot>", "<span>", "<file>", "<path>", "<version>", "<number>", "<name>")


@dataclass(frozen=True, slots=True)
class Features:
    """Counts by feature name, one mapping for each block."""

    prose: Counter[str]
    code: Counter[str]
    shape: Counter[str]

    def blocks(self) -> tuple[tuple[str, Counter[str]], ...]:
        return ("prose", self.prose), ("code", self.code), ("shape", self.shape)


@dataclass(frozen=True, slots=True)
class Parts:
    """Prose and code apart; `traces` counts lines of a stack trace or log, `fences` fenced blocks."""

    prose: str
    code: str
    traces: int
    fences: int


def extract(parts: Parts, length: int) -> Features:
    """The features of a draft of `length` characters, from the parts that were looked at. Linear in these."""
    tokens = list(_tokens(parts.prose))
    shape = [
        _bucket("length", length),
        _bucket("prose", len(parts.prose)),
        _bucket("code", len(parts.code)),
        f"traces {min(parts.traces, 3)}",
        f"fences {min(parts.fences, 3)}",
        *_shape(parts.prose, tokens),
    ]
    return Features(_ngrams(tokens), _code_words(parts.code), Counter(shape))


def shortened(text: str) -> str:
    """Head and tail of a long draft, any other as it is. A fence that the middle closed is closed."""
    if len(text) <= _HEAD + _TAIL:
        return text
    middle = _LINE_END.split(text[_HEAD:-_TAIL])
    fences = sum(line.strip().startswith(_FENCES) for line in middle)
    return text[:_HEAD] + ("\n```\n" if fences % 2 else "\n") + text[-_TAIL:]


def split(text: str) -> Parts:
    """Sort the lines into prose and code: fenced, indented, or looking like code, a stack trace or a log."""
    prose: list[str] = []
    code: list[str] = []
    traces = fences = 0
    inside = False
    for line in _LINE_END.split(text):
        content = line.strip()
        if content.startswith(_FENCES):
            inside = not inside
            fences += inside
            continue
        trace = _is_trace(content)
        traces += trace
        if inside or trace or line.startswith(("    ", "\t")) or _is_code(content):
            code.append(line)
        else:
            prose.append(line)
    return Parts(_without_courtesies("\n".join(prose)), "\n".join(code), traces, fences)


def _without_courtesies(prose: str) -> str:
    """The prose without sentences that greet, thank or hope: the same is asked without them."""
    rest = _COURTESY.sub(" ", prose)
    return prose if rest == prose or not rest.strip() else rest.strip()


def is_code_line(line: str) -> bool:
    """Whether a line looks like code, a stack trace or a log rather than prose."""
    content = line.strip()
    return _is_trace(content) or _is_code(content)


def _is_trace(content: str) -> bool:
    return _TRACE_LINE.match(content[:_LINE_START]) is not None


def _is_code(content: str) -> bool:
    return content.endswith((";", "{")) or _CODE_LINE.match(content[:_LINE_START]) is not None


def _tokens(prose: str) -> Iterator[str]:
    """Words in lower case; what has no meaning as a word (a path, a number) by the name of its class."""
    for piece in _PIECE.findall(prose):
        if piece.isalpha():
            yield piece if piece.islower() else "<name>" if _CAMEL_CASE.match(piece) else piece.lower()
        elif piece[0] in ".!\n":
            yield "."
        elif piece[0] == "?":
            yield "?"
        elif piece[0] == "`":
            yield "<span>"
        elif piece[0] in "${#":
            yield "<slot>"
        elif piece.startswith(("http://", "https://")):
            yield "<url>"
        else:
            chunk = piece.rstrip(".'\u2019/-")
            yield from _chunk_tokens(chunk)
            if piece.endswith("."):
                yield "."


def _chunk_tokens(chunk: str) -> Iterable[str]:
    """The tokens of a piece that is not a plain word."""
    if chunk.isalpha():
        return (chunk.lower(),)
    if name := _class_of(chunk):
        return (name,)
    if "'" in chunk or "\u2019" in chunk:
        return (chunk.lower().replace("\u2019", "'"),)
    return (word.lower() for word in _WORDS_INSIDE.findall(chunk))


def _class_of(chunk: str) -> str | None:
    """What a piece is, where it is no word: a version, a number, a file, a path or an identifier."""
    if _VERSION.fullmatch(chunk):
        return "<version>"
    if _NUMBER.fullmatch(chunk):
        return "<number>"
    stem, _, extension = chunk.rpartition(".")
    if stem and extension.lower() in FILE_EXTENSIONS:
        return "<file>"
    if chunk.count("/") + chunk.count("\\") > 1:
        return "<path>"
    return "<name>" if _NAME.fullmatch(chunk) else None


def _ngrams(tokens: list[str]) -> Counter[str]:
    """Words, pairs of words, the first five letters of long words, and how the draft begins."""
    counts = Counter(tokens)
    counts.update([f"{left} {right}" for left, right in pairwise([".", *tokens])])
    counts.update(["~" + token[:5] for token in tokens if len(token) > 5 and token[0] != "<"])
    if tokens:
        counts.update({f"^{' '.join(tokens[:count])}" for count in (1, 2, 3)})
    return counts


def _code_words(code: str) -> Counter[str]:
    words = re.findall(r"[^\W\d_]{2,}|=>|::|</", code[:_CODE_CHARACTERS])
    return Counter([f"|{word.lower()}" for word in words])


def _shape(prose: str, tokens: list[str]) -> Iterator[str]:
    """What stands in the draft and how it is built, as names."""
    present = Counter(tokens)
    for name in _CLASSES:
        if name in present:
            yield name
            yield f"{name} {min(present[name], 4)}"
    words = len(tokens) - present["."] - present["?"]
    yield f"words {words // 4}" if words < 60 else f"words 60+{min(words // 100, 5)}"
    yield f"questions {min(present['?'], 3)}"
    yield f"items {_few(sum(1 for line in prose.split(chr(10)) if _LIST_ITEM.match(line)))}"
    sentences = _sentences(tokens)
    yield f"asks {_few(sum(1 for s in sentences if s[0] in _VERBS or (s[0] in _REQUESTS and len(s) > 2)))}"
    yield f"sentences {_few(len(sentences))}"
    if sentences:
        first, last = _role(sentences[0]), _role(sentences[-1])
        yield f"first {first}"
        yield f"last {last}"
        yield f"first {first} last {last}"
    for name, found in (
        ("negation", not present.keys().isdisjoint(_NEGATIONS)),
        ("pointer", not present.keys().isdisjoint(_POINTERS)),
        ("pointer early", not {"it", "this", "that"}.isdisjoint(tokens[:8])),
        ("capital", prose[:1].isupper()),
        ("slash command", prose.startswith("/")),
        ("error named", _ERROR_IN_PROSE.search(prose)),
        ("quantity", _QUANTITY.search(prose)),
    ):
        if found:
            yield name


def _sentences(tokens: list[str]) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for word in tokens:
        if word != ".":
            sentences[-1].append(word)
        if word in {".", "?"}:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _role(sentence: list[str]) -> str:
    """What a sentence does, by its first word and its end."""
    first = sentence[0]
    if sentence[-1] == "?":
        return f"question {first}" if first in _QUESTION_WORDS else "question"
    if first in _VERBS:
        return "verb"
    if first in _QUESTION_WORDS:
        return "question word"
    return "first person" if first in _FIRST_PERSON else "other"


def _few(number: int) -> str:
    return str(number) if number < 5 else "5-9" if number < 10 else "10+"


def _bucket(name: str, length: int) -> str:
    """The length in powers of two: 1,000 and 1,400 characters are alike, 20 and 60 are not."""
    return f"{name} {length.bit_length()}"
