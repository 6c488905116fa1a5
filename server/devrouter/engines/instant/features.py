"""What the instant engine sees of a draft: hashed words of its prose and of its code, and its shape.

Three blocks, each a count per feature. The model weighs the words by one plus the logarithm of their count and scales
each block by its own length, so that a pasted file does not drown the one sentence that asks.
Everything is linear in the length of the draft; of a long draft only head and tail are read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD, _TAIL = 8_000, 4_000
_MOST_CODE_WORDS = 600

_LINE_END = re.compile(r"\r\n|\n|\r")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_FILE_NAME = (
    r"(?:[\w.@~$-]*[/\\])*[\w.-]*\w\.(?:py|pyi|ipynb|js|jsx|mjs|ts|tsx|vue|svelte|java|kt|kts|scala|go|rs|rb|php|cs|"
    r"fs|vb|c|h|cc|cpp|hpp|swift|m|dart|lua|ex|exs|erl|hs|ml|clj|r|jl|sql|sh|bash|zsh|ps1|bat|html?|css|scss|less|"
    r"json|jsonl|ya?ml|toml|ini|cfg|conf|env|xml|csv|tsv|md|mdx|rst|txt|log|lock|tf|proto|gradle|sln|csproj|pdf|png)\b"
)
_TOKEN = re.compile(
    r"(?P<url>https?://\S+)|(?P<slot>\$\{[^}\n]*\}|\{\{[^}\n]*\}\}|#(?:file|selection|codebase|editor)\b:?\S*)"
    rf"|(?P<span>`[^`\n]+`)|(?P<file>{_FILE_NAME})|(?P<path>(?:[\w.@~-]*/){{2,}}[\w.-]*)"
    r"|(?P<version>v?\d+(?:\.\d+)+)|(?P<number>\d[\d,]*)"
    r"|(?P<name>[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|\w+_\w+|\w+\(\))|(?P<word>[^\W\d_]+(?:['’][a-z]+)?)"
    r"|(?P<stop>[.!](?=\s|$)|\n+)|(?P<ask>\?+)"
)
_CODE_LINE = re.compile(
    r"""\s*(?:[{}()\[\];]+\s*$
    | .*[;{]\s*$
    | (?:def|class|from|import|func|fn|public|private|protected|static|const|let|var|return|async|await|package|using
        |namespace|\#include|\#define|select|insert|update|create\ table|export|interface|type|struct|impl|if|for
        |while|try|except|catch|elif|else)\b.*[:({=;,)]\s*$
    | (?:import|from)\s+[\w.]+(?:\s+import\s.*)?$
    | [\w.\[\]'"]+\s*(?:=|:=|\+=|=>)\s*\S.*
    | [\w.]+\([^)]*\)\s*$
    | </?[\w!-]+[^>]*>.*
    | [$>]\s\S.*
    | (?:-\s)?[\w.-]+:\s*[\w"'\[{/.-]*$
    | (?://|/\*|\*/|\#!)\s?.*
    )""",
    re.VERBOSE,
)
_TRACE_LINE = re.compile(
    r"""\s*(?:Traceback\ \(most|File\ "[^"]+",\ line\ \d+ | at\ [\w.$<>]+\s?\(.*\)? | Caused\ by: | goroutine\ \d+
    | panicked\ at | thread\ '.*'\ panicked | \#\d+\s+0x | \d+:\s+0x | stack\ backtrace: | [\w.]*(?:Error|Exception):\s\S
    | (?:npm\ ERR!|FAILED\ |E\ \ \ |error\[E\d+\]|error\s?(?:TS|CS|C)?\d+|ERROR\b|FATAL\b|panic:)
    | \S+:\d+(?::\d+)?:?\s+(?:error|fatal|warning)\b
    | \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d)""",
    re.VERBOSE,
)
_ERROR_IN_PROSE = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception)\b|\b(?:segfault|ENOENT|ECONNREFUSED|EADDRINUSE|NaN|CrashLoopBackOff|"
    r"undefined is not|is not (?:defined|a function|recognized|found)|permission denied|(?:4\d\d|50\d) error|error 4\d\d)\b"
)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•]|\(?\d{1,2}[.)]|[a-z]\))\s")
_QUANTITY = re.compile(
    r"\b\d[\d,.]*\s?(?:k|m|million|thousand|ms|s|sec|seconds|min|minutes|hours?|gb|mb|kb|tb|rows|users|requests|rps|"
    r"qps|%|x|times|people|customers|tables|lines|records|fps)\b",
    re.IGNORECASE,
)

_QUESTION_WORDS = frozenset(
    "how what why where when which who is are am do does did can could should would will has have".split()
)
_VERBS = frozenset(
    "add analyse analyze answer apply ask build change check clean commit compare complete configure continue convert "
    "create debug define delete deploy describe design determine develop document draw enhance explain export extract "
    "fetch find fix format generate get give go help implement improve include install integrate introduce investigate "
    "list look make merge migrate modify move open optimise optimize plan please port print propose provide push read "
    "refactor remove rename replace resolve return review rewrite run search set setup show simplify solve sort split "
    "suggest summarise summarize support switch tell test translate try turn understand update upgrade use validate "
    "verify write".split()
)
_NEGATIONS = frozenset("not no never without don't doesn't isn't can't cannot dont doesnt cant won't isnt".split())
_POINTERS = frozenset("this that it these those here above below following attached".split())


@dataclass(frozen=True, slots=True)
class Features:
    """Counts by feature name, one mapping for each block."""

    prose: Counter[str]
    code: Counter[str]
    shape: Counter[str]

    def blocks(self) -> tuple[tuple[str, Counter[str]], ...]:
        return ("prose", self.prose), ("code", self.code), ("shape", self.shape)


def extract(text: str) -> Features:
    """The features of a draft. Linear in its length, and bounded: head and tail stand for a long draft."""
    total = len(text)
    if total > _HEAD + _TAIL:
        text = text[:_HEAD] + "\n" + text[-_TAIL:]
    prose, code, traces, fences = _split(text)
    tokens = list(_tokens(prose))
    shape = set(_shape(prose, tokens))
    shape.update(
        {
            _bucket("length", total),
            _bucket("prose", len(prose)),
            _bucket("code", len(code)),
            f"traces {min(traces, 3)}",
            f"fences {min(fences, 3)}",
        }
    )
    return Features(_ngrams(tokens), _code_words(code), Counter(shape))


def _split(text: str) -> tuple[str, str, int, int]:
    """Prose, code, the number of lines of a stack trace or log, and the number of fenced blocks."""
    prose: list[str] = []
    code: list[str] = []
    traces = fences = 0
    inside = False
    for line in _LINE_END.split(text):
        if _FENCE.match(line):
            inside = not inside
            fences += inside
            if inside:
                prose.append("```")
            continue
        trace = _TRACE_LINE.match(line) is not None
        traces += trace
        if inside or trace or line.startswith(("    ", "\t")) or _CODE_LINE.match(line):
            code.append(line)
        else:
            prose.append(line)
    return "\n".join(prose), "\n".join(code), traces, fences


def _tokens(prose: str) -> Iterator[str]:
    """Words in lower case; what has no meaning as a word (a path, a number) by the name of its class."""
    for match in _TOKEN.finditer(prose):
        kind = match.lastgroup
        if kind == "word":
            yield match.group().lower().replace("’", "'")
        elif kind == "stop":
            yield "."
        elif kind == "ask":
            yield "?"
        else:
            yield f"<{kind}>"


def _ngrams(tokens: list[str]) -> Counter[str]:
    counts = Counter(tokens)
    counts.update(f"{left} {right}" for left, right in pairwise([".", *tokens]))
    counts.update("~" + token[:5] for token in tokens if len(token) > 5 and token[0] != "<")
    if tokens:
        counts[f"^{tokens[0]}"] += 1
        counts["^" + " ".join(tokens[:2])] += 1
        counts["^" + " ".join(tokens[:3])] += 1
    return counts


def _code_words(code: str) -> Counter[str]:
    words = re.findall(r"[^\W\d_]{2,}|[{};]$|=>|::|</", code[: 8 * _MOST_CODE_WORDS])
    return Counter(f"|{word.lower()}" for word in words[:_MOST_CODE_WORDS])


def _shape(prose: str, tokens: list[str]) -> Iterator[str]:
    """What stands in the draft and how it is built, as names."""
    words = [token for token in tokens if token[0] not in "<.?"]
    present = set(tokens)
    for name in ("<url>", "<slot>", "<span>", "<file>", "<path>", "<version>", "<number>", "<name>"):
        if name in present:
            yield name
            yield f"{name} {min(tokens.count(name), 4)}"
    yield f"words {min(len(words), 60) // 4 if len(words) < 60 else 15 + min(len(words) // 100, 5)}"
    yield f"questions {min(tokens.count('?'), 3)}"
    yield f"items {_few(sum(1 for line in prose.split(chr(10)) if _LIST_ITEM.match(line)))}"
    sentences = _sentences(tokens)
    asks = [s for s in sentences if s[0] in _VERBS or (s[0] in {"please", "can", "could"} and len(s) > 2)]
    yield f"asks {_few(len(asks))}"
    yield f"sentences {_few(len(sentences))}"
    if sentences:
        first, last = sentences[0], sentences[-1]
        yield f"first {_role(first)}"
        yield f"last {_role(last)}"
        yield f"first {_role(first)} last {_role(last)}"
    if present & _NEGATIONS:
        yield "negation"
    if present & _POINTERS:
        yield "pointer"
    if set(words[:8]) & {"it", "this", "that"}:
        yield "pointer early"
    if prose[:1].isupper():
        yield "capital"
    if prose.startswith("/"):
        yield "slash command"
    if _ERROR_IN_PROSE.search(prose):
        yield "error named"
    if _QUANTITY.search(prose):
        yield "quantity"


def _sentences(tokens: list[str]) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for token in tokens:
        if token == ".":
            sentences.append([])
        else:
            sentences[-1].append(token)
            if token == "?":
                sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _role(sentence: list[str]) -> str:
    """What a sentence does, by its first word and its end."""
    first = sentence[0]
    if sentence[-1] == "?":
        return "question " + (first if first in _QUESTION_WORDS else "")
    if first in _VERBS:
        return "verb"
    if first in _QUESTION_WORDS:
        return "question word"
    if first in {"i", "i'm", "i've", "we", "my", "our"}:
        return "first person"
    return "other"


def _few(number: int) -> str:
    return str(number) if number < 5 else "5-9" if number < 10 else "10+"


def _bucket(name: str, length: int) -> str:
    """The length in powers of two: 1,000 and 1,400 characters are alike, 20 and 60 are not."""
    return f"{name} {length.bit_length()}"
