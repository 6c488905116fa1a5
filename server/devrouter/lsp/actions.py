"""Code actions: offered at once from what is shown, their edits bound to the version they were made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from devrouter.core.edits import smallest_edit
from devrouter.core.tiers import Route
from devrouter.lsp import commands, filling, ignoring, masking
from devrouter.lsp import protocol as ours
from devrouter.lsp.errors import content_modified
from devrouter.lsp.quick_fix import Promise, client_resolves, quick_fix, touch, workspace_edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devrouter.app.facts import Known
    from devrouter.app.findings import Finding
    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.facts import Fact
    from devrouter.core.text import Span
    from devrouter.lsp.server import DevRouterServer


async def offered(server: DevRouterServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be done at the range: with its findings first, then with the prompt that holds it."""
    only = params.context.only
    if only is not None and not any(_covers_quickfix(str(getattr(kind, "value", kind))) for kind in only):
        return []
    uri = params.text_document.uri
    opened = await server.session.settled(uri)
    if opened is None:
        return []
    span = server.positions(opened.document.text).span(params.range)
    prompts = {f.prompt for f in server.session.visible(opened) if touch(_region(opened, f), span)}
    known = await filling.known_of_prompts(server, opened, prompts)
    # The text may have changed while the workspace was asked.
    opened = await server.session.settled(uri)
    return [] if opened is None else list(_at(server, opened, params, known))


async def resolved(server: DevRouterServer, action: types.CodeAction) -> types.CodeAction:
    """Make the edit that an action promised. Raises `ContentModified` where the text has changed since."""
    if action.data is None:
        # Editors also resolve what is whole already.
        return action
    promise = Promise.from_data(action.data)
    opened = await server.session.settled(promise.uri)
    if opened is None or opened.document.version != promise.version or promise.prompt >= len(opened.views):
        raise content_modified()
    if promise.mask:
        action.edit = masking.edit_of(server, opened, promise.prompt, promise.mask)
        return action
    if promise.by_model and not await commands.wait_for_model(server, opened):
        return action
    if promise.facts:
        view = opened.views[promise.prompt]
        action.edit = await filling.resolved_context(server, opened, view, promise.facts)
    if opened.document.version != promise.version:
        raise content_modified()
    if promise.facts:
        return action
    if promise.phrases:
        visible = server.session.visible(opened)
        chosen = [f for f in visible if f.prompt == promise.prompt and f.gap.phrase in promise.phrases]
        action.edit = filling.lines_edit(server, opened, chosen)
        return action
    server.session.feedback.rewrite_shown(opened, promise.prompt)
    action.edit = rewrite_edit(server, opened, opened.views[promise.prompt])
    if promise.by_model and action.edit is None:
        withheld = opened.views[promise.prompt].triage.withheld
        commands.inform(server, withheld or "The model found nothing to improve in this prompt.")
    return action


def rewrite_edit(
    server: DevRouterServer, opened: OpenDocument, view: PromptView
) -> types.WorkspaceEdit | None:
    """The smallest edit that makes the prompt its rewrite; None where it is the same."""
    edit = smallest_edit(view.draft.text, view.triage.decision.rewrite)
    return workspace_edit(server, opened, view, edit) if edit else None


def _at(
    server: DevRouterServer,
    opened: OpenDocument,
    params: types.CodeActionParams,
    known: Mapping[str, Known],
) -> Iterator[types.CodeAction]:
    span = server.positions(opened.document.text).span(params.range)
    visible = server.session.visible(opened)
    answers = {
        finding: filling.answers(opened, finding, known[text].facts)
        for finding in visible
        if (text := opened.views[finding.prompt].draft.text) in known
    }
    yield from masking.offered(server, opened, span, params.context)
    here = [finding for finding in visible if touch(finding.span, span)]
    for finding in here:
        yield from _for_finding(server, opened, finding, answers.get(finding, ()), params)
    yield from ignoring.kinds_offered(opened, here, params.context)
    for index, view in enumerate(opened.views):
        if touch(view.region.span, span):
            of_prompt = [finding for finding in visible if finding.prompt == index]
            facts = dict.fromkeys(fact for finding in of_prompt for fact in answers.get(finding, ()))
            # One set that is offered at its finding already needs no second action.
            offered = [f for f in of_prompt if touch(f.span, span) and set(answers.get(f, ())) == set(facts)]
            yield from _for_prompt(server, opened, index, of_prompt, [] if offered else list(facts))


def _for_finding(
    server: DevRouterServer,
    opened: OpenDocument,
    finding: Finding,
    facts: Sequence[Fact],
    params: types.CodeActionParams,
) -> Iterator[types.CodeAction]:
    phrase = finding.gap.phrase
    message = f"Missing: {phrase}"
    diagnostics = [diagnostic for diagnostic in params.context.diagnostics if diagnostic.message == message]
    if facts:
        yield _context_action(
            server,
            opened,
            finding.prompt,
            filling.title_of(facts),
            facts,
            diagnostics,
            preferred=len(facts) == 1,
        )
    yield _lines_action(server, opened, f"Add a line for: {phrase}", [finding], diagnostics)
    yield from ignoring.offered(server, opened, finding, diagnostics)


def _for_prompt(
    server: DevRouterServer,
    opened: OpenDocument,
    index: int,
    findings: Sequence[Finding],
    facts: Sequence[Fact],
) -> Iterator[types.CodeAction]:
    view, document = opened.views[index], opened.document
    resolves = client_resolves(server)
    if view.triage.decision.rewrite != view.draft.text:
        edit = None if resolves else rewrite_edit(server, opened, view)
        repaired = ", ".join(view.triage.repaired)
        title = f"Apply rewrite (put back: {repaired})" if repaired else "Apply rewrite"
        preferred = not findings and not view.triage.secrets
        yield quick_fix(title, edit=edit, data=Promise.of(document, index), preferred=preferred)
    if server.session.model_can_be_asked(opened, view):
        data = Promise.of(document, index, by_model=True)
        title = "Ask the model for a rewrite"
        command = types.Command(title=title, command=ours.ASK_MODEL, arguments=[document.uri])
        yield quick_fix(title, data=data, command=None if resolves else command)
    if facts:
        several = f"Add all known context ({len(facts)} items)"
        title = several if len(facts) > 1 else filling.title_of(facts)
        yield _context_action(server, opened, index, title, facts)
    if len(findings) > 1:
        yield _lines_action(server, opened, f"Add lines for all {len(findings)} missing items", findings)
    for route in Route:
        if route is not (opened.chosen or view.triage.tier.route):
            command = types.Command(
                title="Set tier", command=ours.SET_TIER, arguments=[document.uri, route.value]
            )
            yield quick_fix(f"Set tier: {route.value}", command=command)


def _lines_action(
    server: DevRouterServer,
    opened: OpenDocument,
    title: str,
    findings: Sequence[Finding],
    diagnostics: Sequence[types.Diagnostic] = (),
) -> types.CodeAction:
    """Made when it is chosen, where the client can wait for that: only then is a stale one refused."""
    phrases = [finding.gap.phrase for finding in findings]
    data = Promise.of(opened.document, findings[0].prompt, phrases=phrases)
    edit = None if client_resolves(server) else filling.lines_edit(server, opened, findings)
    return quick_fix(title, edit=edit, data=data, diagnostics=diagnostics)


def _context_action(
    server: DevRouterServer,
    opened: OpenDocument,
    index: int,
    title: str,
    facts: Sequence[Fact],
    diagnostics: Sequence[types.Diagnostic] = (),
    *,
    preferred: bool = False,
) -> types.CodeAction:
    """As above; the facts are looked up again, since a lock file may have changed meanwhile."""
    data = Promise.of(opened.document, index, facts=map(filling.digest_of, facts))
    edit = None
    if not client_resolves(server):
        edit = filling.context_edit(server, opened, opened.views[index], facts)
    return quick_fix(title, edit=edit, data=data, diagnostics=diagnostics, preferred=preferred)


def _covers_quickfix(kind: str) -> bool:
    return kind in ("", types.CodeActionKind.QuickFix.value)


def _region(opened: OpenDocument, finding: Finding) -> Span:
    return opened.views[finding.prompt].region.span
