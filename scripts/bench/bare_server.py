"""The least that a pygls server can do: one diagnostic for each change. What others are measured by."""

from __future__ import annotations

import logging

from lsprotocol import types
from pygls.lsp.server import LanguageServer

logging.getLogger("pygls").setLevel(logging.CRITICAL)
server = LanguageServer("bare", "1", text_document_sync_kind=types.TextDocumentSyncKind.Full)


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(params: types.DidOpenTextDocumentParams) -> None:
    _publish(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(params: types.DidChangeTextDocumentParams) -> None:
    _publish(params.text_document.uri)


def _publish(uri: str) -> None:
    document = server.workspace.get_text_document(uri)
    start = types.Position(0, 0)
    finding = types.Diagnostic(types.Range(start, types.Position(0, 1)), f"{len(document.source)} characters")
    server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, [finding], document.version))


if __name__ == "__main__":
    server.start_io()
