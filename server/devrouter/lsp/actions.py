"""Code actions: offered at once from what is shown, their edits bound to the version they were made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from devrouter.core.edits import smallest_edit
from devrouter.core.fill import fill_in
from devrouter.core.tiers import Route
from devrouter.lsp import commands, masking
from devrouter.lsp import protocol as ours
from devrouter.lsp.errors import content_modified
from devrouter.lsp.quick_fix import client_resolves, quick_fix, touch, workspace_edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devrouter.app.findings import Finding
    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.draft import Document
    from devrouter.lsp.server import DevRouterServer


async def offered(server: DevRouterServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be done at the range: with its findings first, then with the prompt that holds it."""
    only = params.context.only
    if only is not None and not any(_covers_quickfix(str(getattr(kind, "value", kind))) for kind in only):
        return []
    opened = await server.session.settled(params.text_document.uri)
    if opened is None:
        return []
    span = server.positions(opened.document.text).span(params.range)
    visible = server.session.visible(opened)
    here = [finding for finding in visible if touch(finding.span, span)]
    result = list(masking.offered(server, opened, span, params.context))
    result += [action for finding in here for action in _for_finding(server, opened, finding, params)]
    for index, view in enumerate(opened.views):
        if touch(view.region.span, span):
            of_prompt = [finding for finding in visible if finding.prompt == index]
            result.extend(_for_prompt(server, opened, index, of_prompt))
    return result


async def resolved(server: DevRouterServer, action: types.CodeAction) -> types.CodeAction:
    """Make the edit that an action promised. Raises `ContentModified` where the text has changed since."""
    if action.data is None:
        # Editors also resolve what is whole already.
        return action
    if masking.is_masking(action.data):
        return await masking.resolved(server, action)
    uri, version, index, by_model, phrases = _read_data(action.data)
    opened = await server.session.settled(uri)
    if opened is None or opened.document.version != version or index >= len(opened.views):
        raise content_modified()
    if by_model and not await commands.wait_for_model(server, opened):
        return action
    if opened.document.version != version:
        raise content_modified()
    if phrases:
        visible = server.session.visible(opened)
        chosen = [f for f in visible if f.prompt == index and f.gap.phrase in phrases]
        action.edit = _fill_edit(server, opened, chosen)
        return action
    action.edit = rewrite_edit(server, opened, opened.views[index])
    if by_model and action.edit is None:
        withheld = opened.views[index].triage.withheld
        commands.inform(server, withheld or "The model found nothing to improve in this prompt.")
    return action


def rewrite_edit(
    server: DevRouterServer, opened: OpenDocument, view: PromptView
) -> types.WorkspaceEdit | None:
    """The smallest edit that makes the prompt its rewrite; None where it is the same."""
    edit = smallest_edit(view.draft.text, view.triage.decision.rewrite)
    return workspace_edit(server, opened, view, edit) if edit else None


def _fill_edit(
    server: DevRouterServer, opened: OpenDocument, findings: Sequence[Finding]
) -> types.WorkspaceEdit | None:
    """A line to complete for each finding; all are of one prompt."""
    if not findings:
        return None
    view = opened.views[findings[0].prompt]
    return workspace_edit(
        server, opened, view, fill_in(view.draft.text, [finding.gap for finding in findings])
    )


def _for_finding(
    server: DevRouterServer, opened: OpenDocument, finding: Finding, params: types.CodeActionParams
) -> Iterator[types.CodeAction]:
    phrase = finding.gap.phrase
    message = f"Missing: {phrase}"
    diagnostics = [diagnostic for diagnostic in params.context.diagnostics if diagnostic.message == message]
    yield _fill_action(server, opened, f"Add a line for: {phrase}", [finding], diagnostics)
    arguments = [opened.document.uri, finding.prompt, phrase]
    yield quick_fix(
        f"Ignore here: {phrase}",
        diagnostics=diagnostics,
        command=types.Command(title="Ignore here", command=ours.IGNORE_HERE, arguments=arguments),
    )
    place = "in this project" if server.project_of(opened.document.uri) else "in all my prompts"
    yield quick_fix(
        f"Ignore {place}: {phrase}",
        diagnostics=diagnostics,
        command=types.Command(title=f"Ignore {place}", command=ours.IGNORE_IN_PROJECT, arguments=arguments),
    )


def _for_prompt(
    server: DevRouterServer, opened: OpenDocument, index: int, findings: Sequence[Finding]
) -> Iterator[types.CodeAction]:
    view, document = opened.views[index], opened.document
    resolves = client_resolves(server)
    if view.triage.decision.rewrite != view.draft.text:
        data = _data(document, index)
        edit = None if resolves else rewrite_edit(server, opened, view)
        repaired = ", ".join(view.triage.repaired)
        title = f"Apply rewrite (put back: {repaired})" if repaired else "Apply rewrite"
        preferred = not findings and not view.triage.secrets
        yield quick_fix(title, edit=edit, data=data, preferred=preferred)
    if server.session.model_can_be_asked(view):
        data = _data(document, index, by_model=True)
        title = "Ask the model for a rewrite"
        command = types.Command(title=title, command=ours.ASK_MODEL, arguments=[document.uri])
        yield quick_fix(title, data=data, command=None if resolves else command)
    if len(findings) > 1:
        yield _fill_action(server, opened, f"Add lines for all {len(findings)} missing items", findings)
    for route in Route:
        if route is not (opened.chosen or view.triage.tier.route):
            command = types.Command(
                title="Set tier", command=ours.SET_TIER, arguments=[document.uri, route.value]
            )
            yield quick_fix(f"Set tier: {route.value}", command=command)


def _fill_action(
    server: DevRouterServer,
    opened: OpenDocument,
    title: str,
    findings: Sequence[Finding],
    diagnostics: Sequence[types.Diagnostic] = (),
) -> types.CodeAction:
    """Made when it is chosen, where the client can wait for that: only then is a stale one refused."""
    phrases = [finding.gap.phrase for finding in findings]
    data = _data(opened.document, findings[0].prompt, phrases=phrases)
    edit = None if client_resolves(server) else _fill_edit(server, opened, findings)
    return quick_fix(title, edit=edit, data=data, diagnostics=diagnostics)


def _data(
    document: Document, index: int, *, by_model: bool = False, phrases: Sequence[str] = ()
) -> dict[str, Any]:
    """All that it takes to make the edit later: the rewrite, the model's, or lines to fill in."""
    return {
        "uri": document.uri,
        "version": document.version,
        "prompt": index,
        "model": by_model,
        "phrases": list(phrases),
    }


def _read_data(data: object) -> tuple[str, int, int, bool, list[str]]:
    match data:
        case {
            "uri": str(uri),
            "version": int(version),
            "prompt": int(index),
            "model": bool(by_model),
            "phrases": [*phrases],
        }:
            return uri, version, index, by_model, [str(phrase) for phrase in phrases]
        case _:
            raise JsonRpcInvalidParams("This code action was not offered by DevRouter.")


def _covers_quickfix(kind: str) -> bool:
    return kind in ("", types.CodeActionKind.QuickFix.value)
