"""Documents, and the prompts that stand in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from devrouter.core.language import language_of
from devrouter.core.text import Lines, Span, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it import MarkdownIt

__all__ = [
    "CHAT_INPUT",
    "Destination",
    "Document",
    "Draft",
    "Region",
    "draft_of",
    "matches",
    "path_in",
    "prompts_in",
    "selection_region",
]

_PROMPT_FILES = ("*.prompt.md", "*.prompt", "*.prompt.txt")
_AGENT_DRAFTS = ("claude-prompt-*.md", "gemini-edit-*/buffer.txt", "*.pi.md")
_MARKDOWN_FILES = ("*.md", "*.markdown")
_MARKDOWN_LANGUAGES = frozenset({"markdown", "gfm"})  # Emacs names its GitHub mode `gfm`.
_INSTRUCTION_LANGUAGES = frozenset({"instructions", "chatagent", "skill"})
_INSTRUCTION_FILES = (
    "*.instructions.md",
    "*.agent.md",
    "*.chatmode.md",
    "copilot-instructions.md",
    "SKILL.md",
    "AGENT.md",
    "AGENTS.md",
    "AGENTS.override.md",
    "CLAUDE.md",
    "CLAUDE.local.md",
    "GEMINI.md",
    ".claude/agents/**",
    ".github/agents/**",
)

_NO_AGENT = frozenset({"", "~", "null", "ask", "edit"})
"""What `agent:` may say in VS Code without naming one that looks things up."""

CHAT_INPUT = "chatSessionInput:"
"""The scheme under which VS Code shows its chat's input box to extensions."""

_BYTE_ORDER_MARK = "\ufeff"
_FRONT_MATTER_START = re.compile(r"---[ \t]*(?:\r\n|\n|\r|\Z)")
_FRONT_MATTER_END = re.compile(r"(?<=[\r\n])---[ \t]*(?:\r\n|\n|\r|\Z)")
_AGENT_KEY = re.compile(r"agent|mode|tools")
_PROMPT_FENCE = re.compile(r"(?:```|~~~)[^\S\r\n]*prompt\b", re.IGNORECASE)


class Destination(StrEnum):
    """Who will read the prompt. An agent can look things up in the repository; a chat cannot."""

    CHAT = "chat"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Document:
    """A snapshot of what the editor holds, taken before any await."""

    uri: str
    language_id: str
    version: int
    text: str

    @property
    def is_private(self) -> bool:
        """True for the input box of a chat: what is typed there was never meant to be a document.

        Such a text is read by the embedded engine alone, and nothing about it is written to disk.
        """
        return self.uri.startswith(CHAT_INPUT)


@dataclass(frozen=True, slots=True)
class Region:
    """One prompt in a document.

    `span` holds the prompt's characters, without front matter, fence lines and surrounding white space. In
    a fence that is indented, as in a list, the lines after the first keep their indentation.
    """

    span: Span
    destination: Destination


@dataclass(frozen=True, slots=True)
class Draft:
    """What an engine is asked about. `language` is `en`, another ISO 639-1 code, or `und`.

    `path` is that of the document, with forward slashes; no engine looks at it, the user's tier rules do.
    `holds_secret` binds every engine: such a draft is sent to no other machine, whatever the user allowed.
    """

    text: str
    version: int
    language: str
    destination: Destination
    path: str = ""
    holds_secret: bool = False


def prompts_in(
    document: Document, agent_patterns: Sequence[str] = (), include: Sequence[str] = ()
) -> tuple[Region, ...]:
    """The prompts of a document in the order in which they stand; none where it holds no draft.

    `agent_patterns` are the user's globs for drafts of command-line agents, `include` those for instruction
    files that are to be read as drafts. `*` and `?` stay within a folder, `**` crosses folders, and a glob
    that does not start with `/` may begin at any folder of the path.
    """
    if document.is_private:
        region = _region(document.text, Span(0, len(document.text)), Destination.CHAT)
        return (region,) if region else ()
    path = path_in(document.uri)
    if matches(path, (*_AGENT_DRAFTS, *agent_patterns)):
        return _whole(document.text, Destination.AGENT)
    if _is_instruction(document.language_id, path):
        return _whole(document.text, Destination.AGENT) if matches(path, include) else ()
    if document.language_id == "prompt" or matches(path, _PROMPT_FILES):
        return _whole(document.text, None)
    if document.language_id in _MARKDOWN_LANGUAGES or matches(path, _MARKDOWN_FILES):
        return tuple(_fenced(document.text))
    return ()


def selection_region(document: Document, span: Span) -> Region | None:
    """The prompt that the user selected, trimmed; None where the selection holds only white space."""
    size = len(document.text)
    start, end = sorted(max(0, min(offset, size)) for offset in span)
    return _region(document.text, Span(start, end), Destination.CHAT)


def draft_of(document: Document, region: Region) -> Draft:
    """The prompt of a region as an engine is asked about it."""
    text = document.text[region.span.start : region.span.end]
    return Draft(text, document.version, language_of(text), region.destination, path_in(document.uri))


def _region(text: str, span: Span, destination: Destination) -> Region | None:
    span = trimmed(text, span)
    return Region(span, destination) if span.start < span.end else None


def _whole(text: str, destination: Destination | None) -> tuple[Region, ...]:
    """The document without its front matter, which decides the destination where none is given."""
    header, body = _front_matter(text)
    region = _region(text, body, destination or _destination(text[header.start : header.end]))
    return (region,) if region else ()


# Front matter


def _front_matter(text: str) -> tuple[Span, Span]:
    """The YAML between the first two `---` lines, and the body after them.

    Front matter that is never closed reaches to the end, as VS Code reads it: while the user types the
    header, it is no prompt yet.
    """
    start = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    opening = _FRONT_MATTER_START.match(text, start)
    if opening is None:
        return Span(start, start), Span(start, len(text))
    closing = _FRONT_MATTER_END.search(text, opening.end())
    if closing is None:
        return Span(opening.end(), len(text)), Span(len(text), len(text))
    return Span(opening.end(), closing.start()), Span(closing.end(), len(text))


def _destination(header: str) -> Destination:
    """Agent where the front matter names an agent other than ask and edit, or any tool; else chat."""
    if not _AGENT_KEY.search(header):
        return Destination.CHAT
    import yaml

    # The base loader keeps every scalar as text: no date can be wrong, no merge key can grow.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        values = yaml.load(header, Loader=loader)  # noqa: S506  (the base loader builds only text, lists and maps)
    except (yaml.YAMLError, ValueError, RecursionError):
        return Destination.CHAT
    if not isinstance(values, dict):
        return Destination.CHAT
    named = (values.get(key) for key in ("agent", "mode"))
    says_agent = any(isinstance(name, str) and name.lower() not in _NO_AGENT for name in named)
    has_tools = values.get("tools", "") not in ("", "~", "null", [], {})
    return Destination.AGENT if says_agent or has_tools else Destination.CHAT


# Fences


def _fenced(text: str) -> Iterator[Region]:
    """Each fenced `prompt` block by itself. A block inside a quotation is somebody's words, not a draft."""
    if not _PROMPT_FENCE.search(text):
        return
    lines = Lines(text)
    quotations = 0
    for token in _markdown().parse(text):
        if token.type in ("blockquote_open", "blockquote_close"):
            quotations += token.nesting
        if token.type != "fence" or quotations or token.map is None:
            continue
        if token.info.lower().split()[:1] != ["prompt"]:
            continue
        # The parser ends lines where LSP does, so its line numbers are ours; the content tells whether the
        # last line of the block is a closing fence.
        first = token.map[0] + 1
        last = first + token.content.removesuffix("\n").count("\n")
        if token.content.strip():
            span = Span(lines.starts[first], lines.line_span(last).end)
            region = _region(text, span, Destination.CHAT)
            if region:
                yield region


@cache
def _markdown() -> MarkdownIt:
    """A CommonMark parser of blocks alone: fences need no inline rules."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["inline", "text_join"])


# Names


def _is_instruction(language_id: str, path: str) -> bool:
    """Instructions, agents and skills by language or by name; a user who sets the language `prompt` wins."""
    if language_id in _INSTRUCTION_LANGUAGES:
        return True
    return language_id != "prompt" and matches(path, _INSTRUCTION_FILES)


def path_in(uri: str) -> str:
    """The path of a URI, decoded, with forward slashes."""
    try:
        path = urlsplit(uri).path
    except ValueError:  # A client may send anything; a name that cannot be read is matched as it stands.
        path = uri
    return unquote(path).replace("\\", "/")


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs names the path, by the rules of `prompts_in`."""
    return any(_glob(glob).search(path) for glob in globs)


@lru_cache(maxsize=256)
def _glob(glob: str) -> re.Pattern[str]:
    """A pattern that never tries a star's second choice where its first is as good as any.

    A repository writes globs too, and one of many stars would otherwise hold up the server for years. What
    stands between two wildcards is taken at the first place where it matches: the next wildcard takes up
    whatever lies behind, so no later place could do better. Only what must end at the path's end is searched.
    """
    glob = re.sub(r"(?:\*\*/)+", "**/", glob.replace("\\", "/"))
    glob = glob if glob.startswith(("/", "**/")) else f"**/{glob}"
    first, *parts = re.split(r"((?:(?<=/)|\A)\*\*/|\*{2,})", glob)
    steps = zip(("", *parts[::2]), (first, *parts[1::2]), strict=True)
    *before, (last_opener, last) = [(_OPENERS.get(opener, ".*?"), within) for opener, within in steps]
    taken = "".join(f"(?>{opener}{_in_folder(within)})" for opener, within in before)
    return re.compile(rf"\A{taken}{last_opener}{_in_folder(last, at_end=True)}\Z", re.IGNORECASE | re.DOTALL)


_OPENERS = {"": "", "**/": "(?:[^/]*+/)*?"}


def _in_folder(glob: str, *, at_end: bool = False) -> str:
    """The pattern of a glob whose stars stay within a folder."""
    first, *pieces = (
        "".join("[^/]" if character == "?" else re.escape(character) for character in piece)
        for piece in glob.split("*")
    )
    last = f"[^/]*{pieces.pop()}" if at_end and pieces else ""
    return first + "".join(f"(?>[^/]*?{piece})" for piece in pieces) + last
