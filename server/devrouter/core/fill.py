"""What a prompt lacks, added at its end: lines to complete, and a list of what the workspace knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.core.edits import Edit
from devrouter.core.facts import facts_for, heading_of, line_of
from devrouter.core.kinds import GapKind
from devrouter.core.text import Span, fence_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devrouter.core.facts import Fact
    from devrouter.core.gaps import Gap

_LABEL_LINE = re.compile(r"(?:^|[\r\n])[^\r\n]{1,120}:[ \t]*[^\r\n]*\Z")


@dataclass(frozen=True, slots=True)
class Fence:
    """The fence around a prompt in Markdown: its marks, and the indentation that keeps a line inside of it.

    Both are empty for a prompt that is a document of its own.
    """

    marks: str = ""
    indent: str = ""

    def holds(self, line: str) -> bool:
        """False for a line that would end the block: marks of the fence's kind, as many or more."""
        closing = rf" {{0,3}}{re.escape(self.marks)}{re.escape(self.marks[:1])}*[ \t]*\Z"
        return not self.marks or re.match(closing, line) is None


def fence_around(document: str, prompt: Span) -> Fence:
    """The fence of the prompt that stands at this place of a document."""
    before = re.split(r"[\r\n]", document[: prompt.start].rstrip()[-400:])[-1]
    found = re.fullmatch(
        r"((?:[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t])*)(`{3,}|~{3,})[ \t]*prompt\b.*", before, re.IGNORECASE
    )
    return Fence(found[2], re.sub(r"\S", " ", found[1])) if found else Fence()


def fill_in(text: str, gaps: Iterable[Gap], fence: Fence = Fence()) -> Edit:
    """Append `Label: ` for each gap after the prompt's last word, one a line, in offsets of the prompt.

    A first label stands apart by an empty line; further ones join the list that is already there. Lines end
    in LF: who applies the edit gives it the document's own line ending.
    """
    end = len(text.rstrip())
    labels = [f"{fence.indent}{_label(gap.phrase)}: " for gap in gaps]
    apart = "\n" if _LABEL_LINE.search(text[:end]) and re.search(r"[\r\n]", text[:end]) else "\n\n"
    # White space that follows the last word belongs to the document's end, so it stays after the list.
    return Edit(Span(end, end), apart + "\n".join(labels))


def add_context(text: str, facts: Iterable[Fact], fence: Fence = Fence()) -> Edit | None:
    """Append the facts to the list `Context:` that ends the prompt, or begin one, in offsets of the prompt.

    Code follows the list, each piece in a fence of its own. What is there already is not added again; None
    where that is all. Lines end in LF, as those of `fill_in` do.
    """
    facts = tuple(facts)
    present = _context_list(text)
    lines = present.lines if present else frozenset[str]()
    items = _new([f"- {line_of(fact)}" for fact in facts if fact.kind is not GapKind.CODE], lines)
    blocks = [
        _block(fact, fence)
        for fact in dict.fromkeys(facts)
        if fact.kind is GapKind.CODE and heading_of(fact) not in lines and can_hold(fence, fact)
    ]
    if not items and not blocks:
        return None
    end = len(text.rstrip())
    added = "".join(f"\n{fence.indent}{item}" for item in items)
    below = "".join(f"\n\n{block}" for block in blocks)
    if present is None:
        return Edit(Span(end, end), f"\n\n{fence.indent}Context:{added}{below}")
    return Edit(Span(present.end, end), f"{added}{text[present.end : end]}{below}")


def fitting_facts(gap: Gap, facts: Sequence[Fact], text: str, fence: Fence) -> tuple[Fact, ...]:
    """The facts that answer the gap, where all of them can stand in the prompt."""
    found = facts_for(gap, facts, text)
    return found if all(can_hold(fence, fact) for fact in found) else ()


def can_hold(fence: Fence, fact: Fact) -> bool:
    """False for code with a line that would end the fence around the prompt."""
    return fact.kind is not GapKind.CODE or all(map(fence.holds, fact.value.split("\n")))


def context_line(text: str, offset: int) -> str | None:
    """The item, or the heading of a piece of code, of the prompt's context list at this offset."""
    present = _context_list(text)
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    line = re.split(r"[\r\n]", text[start:], maxsplit=1)[0].strip()
    return line if present and start > present.start and line in present.lines else None


def _new(items: Sequence[str], present: frozenset[str]) -> list[str]:
    return [item for item in dict.fromkeys(items) if item not in present]


def _label(phrase: str) -> str:
    """The phrase as a label: "the full stack trace" becomes "Full stack trace"."""
    bare = re.sub(r"^(?:the|a|an)\s+", "", phrase.strip(), flags=re.IGNORECASE)
    return bare[:1].upper() + bare[1:]


def _block(fact: Fact, fence: Fence) -> str:
    """The code with its heading, in a fence that differs from the prompt's own and from any in the code."""
    marks = fence_for(fact.value, "~" if fence.marks.startswith("`") else "`")
    lines = (heading_of(fact), marks, *fact.value.split("\n"), marks)
    return "\n".join(fence.indent + line if line.strip() else "" for line in lines)


# --- The list that is there


@dataclass(frozen=True, slots=True)
class _ContextList:
    """Where the list starts and its items end, and the items and headings that it has."""

    start: int
    end: int
    lines: frozenset[str]


_FENCE_LINE = re.compile(r"[ \t]*(`{3,}|~{3,})[^`\r\n]*\Z")


def _context_list(text: str) -> _ContextList | None:
    """The context list that ends the text: nothing but items and pieces of code follow its first line."""
    start = end = -1
    lines: list[str] = []
    opened = ""
    for match in re.finditer(r"[^\r\n]+", text):
        line = match.group().strip()
        if opened:
            opened = "" if line.startswith(opened) and not line.strip(opened[0]) else opened
        elif line == "Context:":
            start, end, lines = match.start(), match.end(), []
        elif fence := _FENCE_LINE.match(match.group()):
            opened = fence[1]
        elif line.startswith("- "):
            lines.append(line)
            end = max(end, match.end()) if not any(item.endswith(":") for item in lines) else end
        elif re.fullmatch(r"`[^`]+`(?: \(.+\))?:", line):
            lines.append(line)
        elif line:
            start = -1
    return _ContextList(start, end, frozenset(lines)) if start >= 0 else None
