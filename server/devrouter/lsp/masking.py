"""What can be done about a secret in a prompt: mask it, mask all, or say that it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from devrouter.app.ignores import IgnoreError
from devrouter.core.edits import smallest_edit
from devrouter.core.secrets import masked
from devrouter.lsp import commands
from devrouter.lsp import protocol as ours
from devrouter.lsp.errors import content_modified
from devrouter.lsp.quick_fix import Promise, client_resolves, quick_fix, touch, workspace_edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.secrets import Secret
    from devrouter.core.text import Span
    from devrouter.lsp.server import DevRouterServer


def offered(
    server: DevRouterServer, opened: OpenDocument, span: Span, context: types.CodeActionContext
) -> Iterator[types.CodeAction]:
    """The actions for the secrets, and the personal data, that `span` touches."""
    positions = server.positions(opened.document.text)
    for index, view in enumerate(opened.views):
        start = view.region.span.start
        for found in (*view.triage.secrets, *view.triage.personal):
            place = found.span.moved(start)
            if not touch(place, span):
                continue
            at = positions.range(place)
            diagnostics = [diagnostic for diagnostic in context.diagnostics if diagnostic.range == at]
            is_secret = found in view.triage.secrets
            title = f"Mask this secret ({found.kind})" if is_secret else f"Mask this {found.kind}"
            yield _mask_action(server, opened, index, title, [found], diagnostics, preferred=is_secret)
            if is_secret and len(view.triage.secrets) > 1:
                title = f"Mask all {len(view.triage.secrets)} secrets"
                yield _mask_action(server, opened, index, title, view.triage.secrets)
            if is_secret and not opened.document.is_private:  # What is dismissed is written to disk.
                title = "Not a secret: do not warn again"
                arguments = [opened.document.uri, index, found.span.start]
                command = types.Command(title=title, command=ours.DISMISS, arguments=arguments)
                yield quick_fix(title, command=command, diagnostics=diagnostics)


def edit_of(
    server: DevRouterServer, opened: OpenDocument, prompt: int, starts: Sequence[int]
) -> types.WorkspaceEdit | None:
    """The edit that masks what stands at these offsets of the prompt."""
    view = opened.views[prompt]
    chosen = [found for found in (*view.triage.secrets, *view.triage.personal) if found.span.start in starts]
    edit = smallest_edit(view.draft.text, masked(view.draft.text, chosen))
    return workspace_edit(server, opened, view, edit) if edit else None


async def dismiss(server: DevRouterServer, uri: str, prompt: int, start: int) -> None:
    """Take the user's word that the value is no secret, here and everywhere."""
    opened = await server.session.settled(uri)
    view = opened.views[prompt] if opened and prompt < len(opened.views) else None
    secret = _at(view, start)
    if view is None or secret is None:
        raise content_modified()
    try:
        server.session.dismiss_secret(view.draft.text[slice(*secret.span)])
    except IgnoreError as error:
        commands.warn(server, str(error))


def _at(view: PromptView | None, start: int) -> Secret | None:
    secrets = view.triage.secrets if view else ()
    return next((secret for secret in secrets if secret.span.start == start), None)


def _mask_action(
    server: DevRouterServer,
    opened: OpenDocument,
    prompt: int,
    title: str,
    found: Sequence[Secret],
    diagnostics: Sequence[types.Diagnostic] = (),
    *,
    preferred: bool = False,
) -> types.CodeAction:
    """Made when it is chosen, where the client can wait for that: only then is a stale one refused."""
    starts = [item.span.start for item in found]
    data = Promise.of(opened.document, prompt, mask=starts)
    edit = None if client_resolves(server) else edit_of(server, opened, prompt, starts)
    return quick_fix(title, edit=edit, data=data, diagnostics=diagnostics, preferred=preferred)
