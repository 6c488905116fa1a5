"""Every LSP method in one list, each a few lines.

What a handler needs beyond the server is imported when it is first asked for: the editor waits for the reply
to `initialize`, and for nothing else as long.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003  (the tables below are annotated with it)
from typing import Any, Literal

from lsprotocol import types

from devrouter.app.tasks import spawn
from devrouter.core.tiers import Route  # noqa: TC001  (pygls reads the annotations of commands)
from devrouter.lsp import protocol as ours
from devrouter.lsp.server import DevRouterServer  # noqa: TC001  (as above)


def initialize(ls: DevRouterServer, params: types.InitializeParams) -> None:
    ls.prepare(params.initialization_options, params.client_info)


def initialized(ls: DevRouterServer, _: types.InitializedParams) -> None:
    ls.begin()
    spawn(_follow_configuration(ls), "configuration request")


async def shutdown(ls: DevRouterServer, _: None) -> None:
    await ls.end()


def did_open(ls: DevRouterServer, params: types.DidOpenTextDocumentParams) -> None:
    ls.session.opened(ls.snapshot(params.text_document.uri))
    ls.tell_problems()
    ls.watch()


def did_change(ls: DevRouterServer, params: types.DidChangeTextDocumentParams) -> None:
    ls.session.changed(ls.snapshot(params.text_document.uri))


def did_save(ls: DevRouterServer, params: types.DidSaveTextDocumentParams) -> None:
    ls.session.saved(params.text_document.uri)


def did_close(ls: DevRouterServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.session.closed(params.text_document.uri)
    ls.tell_problems()
    nothing = types.PublishDiagnosticsParams(uri=params.text_document.uri, diagnostics=[])
    ls.text_document_publish_diagnostics(nothing)


def did_change_configuration(ls: DevRouterServer, params: types.DidChangeConfigurationParams) -> None:
    spawn(_take_configuration(ls, params.settings), "configuration request")


async def code_action(ls: DevRouterServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    from devrouter.lsp import actions

    return await actions.offered(ls, params)


async def code_action_resolve(ls: DevRouterServer, action: types.CodeAction) -> types.CodeAction:
    from devrouter.lsp import actions

    return await actions.resolved(ls, action)


async def text_document_hover(ls: DevRouterServer, params: types.HoverParams) -> types.Hover | None:
    from devrouter.lsp import hover

    return await hover.hover(ls, params)


async def code_lens(ls: DevRouterServer, params: types.CodeLensParams) -> list[types.CodeLens]:
    from devrouter.lsp import lens

    return await lens.lenses(ls, params.text_document.uri)


async def triage(ls: DevRouterServer, params: Any) -> ours.TriageMessage | None:  # noqa: ANN401
    from devrouter.lsp import selection

    return await selection.triage(ls, params)


async def triage_text(ls: DevRouterServer, params: Any) -> ours.TextTriageMessage | None:  # noqa: ANN401
    from devrouter.lsp import selection

    return await selection.triage_text(ls, params)


async def answer(ls: DevRouterServer, params: Any) -> None:  # noqa: ANN401
    from devrouter.lsp import answering

    await answering.answer(ls, params)


async def add_context(ls: DevRouterServer, params: Any) -> ours.ContextEditMessage | None:  # noqa: ANN401
    from devrouter.lsp import filling

    return await filling.add_problems(ls, params)


async def ignore_here(ls: DevRouterServer, uri: str, prompt: int, phrase: str) -> None:
    from devrouter.lsp import ignoring

    await ignoring.ignore(ls, uri, prompt, phrase, ignoring.Place.HERE)


async def ignore_kind(ls: DevRouterServer, uri: str, prompt: int, phrase: str) -> None:
    from devrouter.lsp import ignoring

    await ignoring.ignore(ls, uri, prompt, phrase, ignoring.Place.FILE)


async def ignore_in_project(ls: DevRouterServer, uri: str, prompt: int, phrase: str) -> None:
    from devrouter.lsp import ignoring

    await ignoring.ignore(ls, uri, prompt, phrase, ignoring.Place.PROJECT)


def list_ignored(ls: DevRouterServer, uri: str | None) -> list[ours.IgnoredMessage]:
    from devrouter.lsp import ignoring

    return ignoring.listed(ls, uri)


def show_again(ls: DevRouterServer, uri: str | None, key: str) -> None:
    from devrouter.lsp import ignoring

    ignoring.show_again(ls, uri, key)


async def dismiss_secret(ls: DevRouterServer, uri: str, prompt: int, start: int) -> None:
    from devrouter.lsp import masking

    await masking.dismiss(ls, uri, prompt, start)


def set_tier(ls: DevRouterServer, uri: str, route: Route | None) -> None:
    ls.session.choose_tier(uri, route)


async def pick_tier(ls: DevRouterServer, uri: str) -> None:
    from devrouter.lsp import commands

    await commands.pick_tier(ls, uri)


async def apply_rewrite(ls: DevRouterServer, uri: str, prompt: int) -> None:
    from devrouter.lsp import commands

    await commands.apply_rewrite(ls, uri, prompt)


async def ask_model(ls: DevRouterServer, uri: str) -> None:
    from devrouter.lsp import commands

    await commands.ask_model(ls, uri)


def tell_use(ls: DevRouterServer, uri: str, prompt: int, use: Literal["previewed", "sent"]) -> None:
    """The user was shown the prompt's rewrite, or sent the prompt: what the editor alone can know."""
    opened = ls.session.documents.get(uri)
    if opened is not None and use == "sent":
        ls.session.feedback.ended(opened, prompt)
    elif opened is not None:
        ls.session.feedback.rewrite_shown(opened, prompt)


# pygls hands the server to the first parameter because of its name, `ls`.
_CODE_ACTIONS = types.CodeActionOptions(
    code_action_kinds=[types.CodeActionKind.QuickFix], resolve_provider=True
)
FEATURES: tuple[tuple[str, Callable[..., Any], object], ...] = (
    (types.INITIALIZE, initialize, None),
    (types.INITIALIZED, initialized, None),
    (types.SHUTDOWN, shutdown, None),
    (types.TEXT_DOCUMENT_DID_OPEN, did_open, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, did_change, None),
    (types.TEXT_DOCUMENT_DID_SAVE, did_save, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, did_close, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, did_change_configuration, None),
    (types.TEXT_DOCUMENT_CODE_ACTION, code_action, _CODE_ACTIONS),
    (types.CODE_ACTION_RESOLVE, code_action_resolve, None),
    (types.TEXT_DOCUMENT_HOVER, text_document_hover, None),
    (types.TEXT_DOCUMENT_CODE_LENS, code_lens, None),
    (ours.TRIAGE, triage, None),
    (ours.TRIAGE_TEXT, triage_text, None),
    (ours.ANSWER, answer, None),
    (ours.ADD_CONTEXT, add_context, None),
)
COMMANDS: tuple[tuple[str, Callable[..., Any]], ...] = (
    (ours.IGNORE_HERE, ignore_here),
    (ours.IGNORE_KIND, ignore_kind),
    (ours.IGNORE_IN_PROJECT, ignore_in_project),
    (ours.DISMISS, dismiss_secret),
    (ours.LIST_IGNORED, list_ignored),
    (ours.SHOW_AGAIN, show_again),
    (ours.SET_TIER, set_tier),
    (ours.PICK_TIER, pick_tier),
    (ours.APPLY_REWRITE, apply_rewrite),
    (ours.ASK_MODEL, ask_model),
    (ours.TELL_USE, tell_use),
)


def register(server: DevRouterServer) -> None:
    """Register every handler. Notifications are plain functions that return at once; requests may wait."""
    for method, handler, options in FEATURES:
        server.feature(method, options)(handler)
    for name, command in COMMANDS:
        server.command(name)(command)


async def _follow_configuration(server: DevRouterServer) -> None:
    """Ask for the editor's settings, and to be told when they change."""
    workspace = server.client_capabilities.workspace
    dynamic = workspace and workspace.did_change_configuration
    if dynamic and dynamic.dynamic_registration:
        registration = types.Registration("devrouter-settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        await server.client_register_capability_async(types.RegistrationParams([registration]))
    await _take_configuration(server, None)


async def _take_configuration(server: DevRouterServer, pushed: object) -> None:
    """Take the editor's settings: by asking where the client answers, else those it pushed.

    A repository's editor folder can fill them, so only what a repository may set counts.
    """
    workspace = server.client_capabilities.workspace
    if workspace and workspace.configuration:
        item = types.ConfigurationItem(section="devrouter")
        answer = await server.workspace_configuration_async(types.ConfigurationParams([item]))
        options = next(iter(answer), None)
    else:
        options = pushed.get("devrouter") if isinstance(pushed, dict) else None
    if isinstance(options, dict) and server.configuration.set_workspace_options(options):
        server.reload()
