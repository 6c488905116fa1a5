"""`devrouter/answer`: the local tier's model answers a prompt, each piece a partial result of LSP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from devrouter.core.draft import CHAT_INPUT, Document
from devrouter.engines.engine import EngineError
from devrouter.lsp import protocol as ours
from devrouter.lsp.errors import request_failed

if TYPE_CHECKING:
    from devrouter.lsp.server import DevRouterServer


async def answer(server: DevRouterServer, params: Any) -> None:  # noqa: ANN401
    """Send the answer on as it comes. Cancelling the request ends the model's work."""
    from devrouter.app.answer_locally import answer_locally

    try:
        uri, text, token = str(params.textDocument.uri), str(params.text), params.partialResultToken
    except AttributeError as error:
        message = f"{ours.ANSWER} takes a textDocument, a text and a partialResultToken: {error}"
        raise JsonRpcInvalidParams(message) from None

    def send(model: str, piece: str) -> None:
        part: ours.AnswerPartMessage = {"model": model, "text": piece}
        server.progress(types.ProgressParams(token=token, value=part))

    views = await server.session.read(Document(CHAT_INPUT, "plaintext", 0, text))
    if not views:
        raise JsonRpcInvalidParams(f"{ours.ANSWER} takes a text with words.")
    draft = replace(views[0].draft, holds_secret=bool(views[0].triage.secrets))
    try:
        await answer_locally(draft, server.configuration.of(uri), send)
    except EngineError as error:
        raise request_failed(error) from None
