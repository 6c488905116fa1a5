"""What every quick fix of ours is made of: the action, its edit, and what the client can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from devrouter.core.edits import Edit, with_line_endings
from devrouter.lsp import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.text import Span
    from devrouter.lsp.server import DevRouterServer


def quick_fix(
    title: str,
    *,
    edit: types.WorkspaceEdit | None = None,
    command: types.Command | None = None,
    data: dict[str, Any] | None = None,
    diagnostics: Sequence[types.Diagnostic] = (),
    preferred: bool = False,
) -> types.CodeAction:
    """An action of the one kind that we offer; `data` is for `codeAction/resolve`."""
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        edit=edit,
        command=command,
        data=data,
        diagnostics=list(diagnostics) or None,
        is_preferred=preferred or None,
    )


def workspace_edit(
    server: DevRouterServer, opened: OpenDocument, view: PromptView, edit: Edit, *, is_snippet: bool = False
) -> types.WorkspaceEdit:
    """An edit of one prompt as an edit of its document."""
    moved = in_document(opened, view, edit)
    workspace = server.client_capabilities.workspace
    versioned = bool(workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes)
    positions = server.positions(opened.document.text)
    return convert.workspace_edit(
        opened.document, moved, positions, versioned=versioned, is_snippet=is_snippet
    )


def in_document(opened: OpenDocument, view: PromptView, edit: Edit) -> Edit:
    """An edit in offsets of the prompt as one of its document, with the document's line endings."""
    # A prompt of one line says nothing of line endings, so the document's are used.
    text = with_line_endings(edit.text, like=opened.document.text)
    return Edit(edit.span.moved(view.region.span.start), text)


def client_takes_snippets(server: DevRouterServer) -> bool:
    """Whether an edit may say where the cursor goes."""
    workspace = server.client_capabilities.workspace
    declared = workspace.workspace_edit if workspace else None
    return bool(declared and declared.document_changes and declared.snippet_edit_support)


def client_resolves(server: DevRouterServer) -> bool:
    """Whether the client lets an edit be made once its action is chosen."""
    text_document = server.client_capabilities.text_document
    code_action = text_document and text_document.code_action
    support = code_action and code_action.resolve_support
    return bool(support and "edit" in support.properties and code_action and code_action.data_support)


def touch(left: Span, right: Span) -> bool:
    """True where the two share a character or a rim: a cursor at the end of a word is on it."""
    return left.start <= right.end and right.start <= left.end
