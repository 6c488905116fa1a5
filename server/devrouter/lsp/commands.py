"""What an edit cannot do: choosing a tier, asking the model and waiting for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from devrouter.app.opened import TextChanged
from devrouter.core.tiers import Route
from devrouter.engines.engine import EngineError
from devrouter.lsp import actions
from devrouter.lsp.errors import content_modified
from devrouter.lsp.progress import Progress

if TYPE_CHECKING:
    from devrouter.app.opened import OpenDocument
    from devrouter.engines.reply import Progress as ReplyProgress
    from devrouter.lsp.server import DevRouterServer


async def pick_tier(server: DevRouterServer, uri: str) -> None:
    """Let the user choose among the three tiers, for editors that have no picker of ours."""
    opened = await server.session.settled(uri)
    if opened is None or not opened.views:
        return
    suggested = opened.views[0].triage.tier
    params = types.ShowMessageRequestParams(
        type=types.MessageType.Info,
        message=f"Tier for this prompt? Suggested: {suggested.route.value}. {suggested.reason}",
        actions=[types.MessageActionItem(title=route.value) for route in Route],
    )
    answer = await server.window_show_message_request_async(params)
    if answer is not None:
        server.session.choose_tier(uri, Route(answer.title))


async def apply_rewrite(server: DevRouterServer, uri: str, prompt: int) -> None:
    """Apply the rewrite that is known now; the client refuses it if its text is newer."""
    opened = await server.session.settled(uri)
    if opened is None or prompt >= len(opened.views):
        raise content_modified()
    edit = actions.rewrite_edit(server, opened, opened.views[prompt])
    if edit is None:
        inform(server, "This prompt needs no rewrite.")
        return
    params = types.ApplyWorkspaceEditParams(edit=edit, label="Apply rewrite")
    await server.workspace_apply_edit_async(params)


async def ask_model(server: DevRouterServer, uri: str) -> None:
    """Ask the model about the document as it stands; its findings and rewrite take their places."""
    opened = await server.session.settled(uri)
    if opened is None:
        raise content_modified()
    await wait_for_model(server, opened)


async def wait_for_model(server: DevRouterServer, opened: OpenDocument) -> bool:
    """Ask the model with progress and cancel; False where it could not answer, and the user was told.

    Raises `ContentModified` where the text changed meanwhile.
    """
    told_before = server.told_fault

    def hear(reply: ReplyProgress) -> None:
        if reply.field is not None:
            length = f": {reply.rewrite_length} characters" if reply.field == "rewrite" else ""
            progress.report(" · ".join((*reply.labels, f"{reply.field}{length}")))

    task = asyncio.create_task(server.session.ask_model(opened, hear))
    progress = Progress(server, "Asking the model", task.cancel)
    try:
        await task
    except TextChanged:
        raise content_modified() from None
    except EngineError as error:
        if server.told_fault in (None, told_before):  # Else it was told a moment ago.
            server.tell_fault(str(error), error.mend)
        return False
    finally:
        progress.end()
    server.session.feedback.rewrite_shown(opened)
    return True


def inform(server: DevRouterServer, message: str) -> None:
    """Tell the outcome of something the user asked for."""
    server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=message))


def warn(server: DevRouterServer, message: str) -> None:
    """Tell that something the user asked for could not be done, and why."""
    server.window_show_message(types.ShowMessageParams(type=types.MessageType.Warning, message=message))
