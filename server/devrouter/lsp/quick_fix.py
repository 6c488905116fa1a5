"""What every quick fix of ours is made of: the action, its edit, and what the client can do with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from devrouter.core.edits import Edit, with_line_endings
from devrouter.lsp import convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.draft import Document
    from devrouter.core.text import Span
    from devrouter.lsp.server import DevRouterServer


def quick_fix(
    title: str,
    *,
    edit: types.WorkspaceEdit | None = None,
    command: types.Command | None = None,
    data: Promise | None = None,
    diagnostics: Sequence[types.Diagnostic] = (),
    preferred: bool = False,
) -> types.CodeAction:
    """An action of the one kind that we offer; `data` is for `codeAction/resolve`."""
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        edit=edit,
        command=command,
        data=data and asdict(data),
        diagnostics=list(diagnostics) or None,
        is_preferred=preferred or None,
    )


@dataclass(frozen=True, slots=True)
class Promise:
    """All that it takes to make an action's edit once it is chosen, bound to the text it was offered for.

    `phrases` asks for lines to fill in, `facts` for these facts, `mask` for what starts at these offsets to
    be masked; without any of them it is the rewrite, the model's where `by_model`.
    """

    uri: str
    version: int
    prompt: int
    by_model: bool = False
    phrases: Sequence[str] = ()
    facts: Sequence[str] = ()
    mask: Sequence[int] = ()

    @classmethod
    def of(
        cls,
        document: Document,
        prompt: int,
        *,
        by_model: bool = False,
        phrases: Iterable[str] = (),
        facts: Iterable[str] = (),
        mask: Iterable[int] = (),
    ) -> Promise:
        """The promise for a prompt of the document as it stands."""
        return cls(document.uri, document.version, prompt, by_model, [*phrases], [*facts], [*mask])

    @classmethod
    def from_data(cls, data: object) -> Promise:
        """What a client gives back. Raises `JsonRpcInvalidParams` for what is none of ours."""
        match data:
            case {
                "uri": str(uri),
                "version": int(version),
                "prompt": int(prompt),
                "by_model": bool(by_model),
                "phrases": [*phrases],
                "facts": [*facts],
                "mask": [*mask],
            }:
                return cls(uri, version, prompt, by_model, [*map(str, phrases)], [*map(str, facts)], mask)
            case _:
                raise JsonRpcInvalidParams("This code action was not offered by DevRouter.")


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
