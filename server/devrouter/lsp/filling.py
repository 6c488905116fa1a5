"""How a gap is filled: with what the workspace knows, or with a line to complete, the cursor in it."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcInvalidParams

from devrouter.core.edits import Edit
from devrouter.core.facts import Fact, line_of
from devrouter.core.fill import add_context, fence_around, fill_in, fitting_facts
from devrouter.core.kinds import GapKind
from devrouter.lsp import convert
from devrouter.lsp import protocol as ours
from devrouter.lsp.errors import content_modified
from devrouter.lsp.quick_fix import client_takes_snippets, in_document, workspace_edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lsprotocol import types

    from devrouter.app.facts import Known
    from devrouter.app.findings import Finding
    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.fill import Fence
    from devrouter.lsp.server import DevRouterServer

_LONGEST_VALUE = 60  # characters of a value in a title


async def known_of_prompts(
    server: DevRouterServer, opened: OpenDocument, prompts: Iterable[int]
) -> Mapping[str, Known]:
    """What the workspace knows of these prompts, by their texts: the document may change meanwhile."""
    texts = {opened.views[index].draft.text for index in prompts}
    return {text: await server.known(opened.document.uri, text) for text in texts}


def answers(opened: OpenDocument, finding: Finding, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts that fill the gap, where all of them can stand in the prompt."""
    view = opened.views[finding.prompt]
    return fitting_facts(finding.gap, facts, view.draft.text, fence_of(opened, view))


def title_of(facts: Sequence[Fact]) -> str:
    """`Add Flask 3.0.3 (from uv.lock)`, "Add the content of `src/app.py`"."""
    return "Add " + " and ".join(map(_named, facts))


def digest_of(fact: Fact) -> str:
    """A fact in short, for recognising it later."""
    parts = f"{fact.kind}\0{fact.name}\0{fact.value}\0{fact.source}"
    return blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


async def resolved_context(
    server: DevRouterServer, opened: OpenDocument, view: PromptView, digests: Sequence[str]
) -> types.WorkspaceEdit | None:
    """The edit that adds the facts that were offered. Raises `ContentModified` where they no longer hold."""
    known = await server.known(opened.document.uri, view.draft.text)
    facts = [fact for fact in known.facts if digest_of(fact) in digests]
    if len(facts) < len(digests):
        raise content_modified()
    return context_edit(server, opened, view, facts)


async def add_problems(server: DevRouterServer, params: Any) -> ours.ContextEditMessage | None:  # noqa: ANN401
    """The answer to `devrouter/addContext`; None where there is no such prompt, or it has them all."""
    try:
        uri, start = str(params.textDocument.uri), convert.range_of(params.range).start
        problems = [(str(problem.place), str(problem.text)) for problem in params.problems]
    except (AttributeError, TypeError) as error:
        raise JsonRpcInvalidParams(
            f"{ours.ADD_CONTEXT} takes a textDocument, a range and problems: {error}"
        ) from None
    opened = await server.session.settled(uri)
    if opened is None:
        return None
    positions = server.positions(opened.document.text)
    index = opened.prompt_at(positions.offset(start))
    if index is None:
        return None
    view = opened.views[index]
    facts = [Fact(GapKind.ERROR, place, text, "the editor") for place, text in problems]
    edit = add_context(view.draft.text, facts, fence_of(opened, view))
    if edit is None:
        return None
    return convert.context_edit_message(opened.document, in_document(opened, view, edit), positions)


def context_edit(
    server: DevRouterServer, opened: OpenDocument, view: PromptView, facts: Sequence[Fact]
) -> types.WorkspaceEdit | None:
    """The list of what is known, begun or continued; None where the prompt has all of it."""
    edit = add_context(view.draft.text, facts, fence_of(opened, view))
    return workspace_edit(server, opened, view, edit) if edit else None


def lines_edit(
    server: DevRouterServer, opened: OpenDocument, findings: Sequence[Finding]
) -> types.WorkspaceEdit | None:
    """A line to complete for each finding, all of one prompt, with the cursor behind the first label."""
    if not findings:
        return None
    view = opened.views[findings[0].prompt]
    edit = fill_in(view.draft.text, [finding.gap for finding in findings], fence_of(opened, view))
    # An editor indents a snippet as the line that it stands on, which is not always the prompt's.
    line = re.split(r"[\r\n]", opened.document.text[: view.region.span.start + edit.span.start])[-1]
    is_snippet = client_takes_snippets(server) and not line[:1].isspace()
    if is_snippet:
        edit = Edit(edit.span, _snippet(edit.text))
    return workspace_edit(server, opened, view, edit, is_snippet=is_snippet)


def fence_of(opened: OpenDocument, view: PromptView) -> Fence:
    return fence_around(opened.document.text, view.region.span)


def _named(fact: Fact) -> str:
    if fact.kind is not GapKind.CODE:
        line = line_of(fact)
        shown = line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 1]}…"
        return (
            f"{shown if fact.kind is GapKind.VERSION else shown[:1].lower() + shown[1:]} (from {fact.source})"
        )
    if fact.source.rpartition("/")[2] == fact.name.strip("`").rpartition("/")[2]:
        return f"the content of `{fact.source}`"
    return f"the code of {fact.name} (from {fact.source})"


def _snippet(text: str) -> str:
    """The lines as a snippet with a tab stop behind each label; the last is where the cursor stays."""
    lines = re.sub(r"([\\$}])", r"\\\1", text).split("\n")
    labels = [index for index, line in enumerate(lines) if line]
    for stop, index in enumerate(labels, 1):
        lines[index] += f"${stop if index != labels[-1] else 0}"
    return "\n".join(lines)
