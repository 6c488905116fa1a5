"""`devrouter/triage`: every prompt of a document, or a selection read as one; and `devrouter/triageText`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcInvalidParams

from devrouter.core.draft import CHAT_INPUT, Document, selection_region
from devrouter.lsp import convert
from devrouter.lsp import protocol as ours

if TYPE_CHECKING:
    from devrouter.lsp.server import DevRouterServer


async def triage(server: DevRouterServer, params: Any) -> ours.TriageMessage | None:  # noqa: ANN401
    """The answer to the request; None for a document that is not open."""
    try:
        uri = str(params.textDocument.uri)
        selection = convert.range_of(params.range) if hasattr(params, "range") else None
    except (AttributeError, TypeError) as error:
        raise JsonRpcInvalidParams(f"{ours.TRIAGE} takes a textDocument and a range: {error}") from None
    opened = await server.session.settled(uri)
    if opened is None:
        return None
    document, views = opened.document, opened.views
    positions = server.positions(document.text)
    if selection:
        region = selection_region(document, positions.span(selection))
        views = (server.session.view(opened, region),) if region else ()
    return convert.triage_message(document, views, positions)


async def triage_text(server: DevRouterServer, params: Any) -> ours.TextTriageMessage | None:  # noqa: ANN401
    """The answer to the request; None for a text that holds no words. It is as private as a chat's input."""
    text = getattr(params, "text", None)
    if not isinstance(text, str):
        raise JsonRpcInvalidParams(f"{ours.TRIAGE_TEXT} takes a text.")
    document = Document(CHAT_INPUT, "plaintext", 0, text)
    views = await server.session.read(document)
    return convert.text_triage_message(views[0], server.configuration.of(document.uri)) if views else None
