"""An editor for tests: it speaks for a recorded client, holds its documents' texts and applies edits to them.

Built on pytest-lsp's client. Positions are computed here anew and strictly, so that a position outside the
text, or one counted in the wrong unit, fails the test that met it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Union

from lsprotocol import converters, types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cattrs import Converter

T = TypeVar("T")

CLIENTS = ("vscode-1.139.1", "neovim-0.11.4", "neovim-0.7.2", "eglot-1.9")
SERVER = str(Path(sys.executable).with_name("devrouter"))
PATIENCE_SECONDS = 30.0
"""How long an awaited event may take; only a defect takes that long."""

_CAPABILITIES = Path(__file__).with_name("capabilities")
_LINE_END = re.compile(r"\r\n|\n|\r")
_SNIPPET = re.compile(r"(\\[\\$}])|(\$\d+)|(.)", re.DOTALL)
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


class StaleEditError(Exception):
    """An edit made for another version of the document than the editor holds."""


class Editor(LanguageClient):
    """One editor with one server. `texts` and `versions` are what the editor itself holds, by URI.

    `partial_results` are those of requests, by the token that a test put there.
    """

    def __init__(self) -> None:
        super().__init__(converter_factory=_converter)
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.publications: list[types.PublishDiagnosticsParams] = []
        self.statuses: list[dict[str, Any]] = []
        self.partial_results: dict[types.ProgressToken, list[Any]] = {}
        self.encoding = "utf-16"
        self.stops: list[str] = []
        self._sync = types.TextDocumentSyncKind.Full
        self._news = asyncio.Event()
        handlers: dict[str, Callable[[Any], object]] = {
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: self._published,
            types.WORKSPACE_APPLY_EDIT: self._asked_to_apply,
            types.CLIENT_REGISTER_CAPABILITY: lambda _params: None,
            types.WORKSPACE_CODE_LENS_REFRESH: lambda _params: None,
            types.WINDOW_SHOW_MESSAGE: self._told,
            types.PROGRESS: self._progressed,
            "devrouter/status": self._status_changed,
        }
        features = {method: _function(handler) for method, handler in handlers.items()}
        register_lsp_features(self, {**DEFAULT_CLIENT_FEATURES, **features})

    # Starting and leaving

    async def begin(
        self, client: str, folder: Path, options: dict[str, Any] | None = None, *, status: bool = False
    ) -> types.InitializeResult:
        """Start `devrouter serve` and initialise it as the recorded `client` does, with `folder` open."""
        await self.start_io(SERVER, "serve")
        recorded = json.loads((_CAPABILITIES / f"{client}.json").read_text(encoding="utf-8"))
        if status:
            recorded["capabilities"]["experimental"] = {"devrouter": {"status": True}}
        workspace = {"uri": folder.as_uri(), "name": folder.name}
        params = {**recorded, "rootUri": workspace["uri"], "workspaceFolders": [workspace]}
        result = await self.initialize_session(
            converters.get_converter().structure(
                {**params, "initializationOptions": options}, types.InitializeParams
            )
        )
        self.encoding = result.capabilities.position_encoding or "utf-16"
        sync = result.capabilities.text_document_sync
        if isinstance(sync, types.TextDocumentSyncOptions) and sync.change is not None:
            self._sync = sync.change
        return result

    async def quit(self) -> int:
        """Shut the server down as the protocol asks and return its exit status."""
        assert self._server is not None
        if self._server.returncode is None:
            await self.shutdown_session()
        await self.stop()  # type: ignore[no-untyped-call]
        return await self._server.wait()

    # Documents

    def open(self, uri: str, text: str, language: str = "prompt") -> None:
        self.texts[uri], self.versions[uri] = text, 1
        item = types.TextDocumentItem(uri, language, 1, text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def replace(self, uri: str, start: int, end: int, new: str) -> None:
        """Change the characters from `start` to `end`, as one keystroke or one paste does."""
        old = self.texts[uri]
        text = old[:start] + new + old[end:]
        change: types.TextDocumentContentChangeEvent
        if self._sync == types.TextDocumentSyncKind.Full:
            change = types.TextDocumentContentChangeWholeDocument(text)
        else:
            change = types.TextDocumentContentChangePartial(self.range(old, start, end), new)
        self.texts[uri] = text
        self.versions[uri] += 1
        identifier = types.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        self.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    def type(self, uri: str, text: str, at: int | None = None) -> None:
        """Type character by character, at the end unless told where."""
        offset = len(self.texts[uri]) if at is None else at
        for index, character in enumerate(text):
            self.replace(uri, offset + index, offset + index, character)

    def save(self, uri: str) -> None:
        self.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def close(self, uri: str) -> None:
        del self.texts[uri]
        self.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    # What the server shows

    async def until(self, holds: Callable[[], T | None]) -> T:
        """Wait until the condition holds, looking whenever the server sent something; returns its value."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (value := holds()):
                self._news.clear()
                await self._news.wait()
        return value

    async def settled(self, uri: str) -> Sequence[types.Diagnostic]:
        """The findings once the server knows the text and takes typing to rest: as after a save."""
        self.save(uri)
        await self.triage(uri)
        return self.diagnostics.get(uri, ())

    async def triage(self, uri: str) -> dict[str, Any]:
        """What the server thinks of the document."""
        params = {"textDocument": {"uri": uri}}
        answer = await self.request("devrouter/triage", params)
        assert isinstance(answer, dict)
        return answer

    async def request(self, method: str, params: object) -> object:
        """Any request, its answer as plain values."""
        return _plain(await self.protocol.send_request_async(method, params))  # type: ignore[no-untyped-call]

    async def hover_text(self, uri: str, offset: int) -> str:
        """The hover at this offset, or an empty string."""
        at = self.position(self.texts[uri], offset)
        answer = await self.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(uri), at)
        )
        if answer is None:
            return ""
        assert isinstance(answer.contents, types.MarkupContent)
        assert self.capabilities is not None
        assert self.capabilities.text_document is not None
        assert self.capabilities.text_document.hover is not None
        assert answer.contents.kind in (self.capabilities.text_document.hover.content_format or ())
        return answer.contents.value

    # Code actions

    async def actions(self, uri: str, start: int = 0, end: int | None = None) -> list[types.CodeAction]:
        """The quick fixes offered for these characters: the whole document unless told otherwise."""
        text = self.texts[uri]
        span = self.range(text, start, len(text) if end is None else end)
        context = types.CodeActionContext(list(self.diagnostics.get(uri, ())))
        answer = await self.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), span, context)
        )
        actions = [action for action in answer or () if isinstance(action, types.CodeAction)]
        assert len(actions) == len(answer or ()), "bare commands cannot be filtered by kind"
        return actions

    async def action(self, uri: str, title: str, start: int = 0, end: int | None = None) -> types.CodeAction:
        """The first quick fix whose title matches the pattern."""
        offered = await self.actions(uri, start, end)
        found = [action for action in offered if re.search(title, action.title, re.IGNORECASE)]
        assert found, f"no action matches {title!r} among {[action.title for action in offered]}"
        return found[0]

    async def action_in_time(self, uri: str, title: str, at: str | None = None) -> types.CodeAction:
        """The same at these words, asked for until it is there: the server reads the workspace meanwhile."""
        start = 0 if at is None else self.texts[uri].index(at)
        end = None if at is None else start
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for action in await self.actions(uri, start, end):
                    if re.search(title, action.title, re.IGNORECASE):
                        return action

    async def perform(self, action: types.CodeAction) -> None:
        """What choosing an action does: resolve it if need be, apply its edit, run its command."""
        if action.edit is None and self._resolves:
            action = await self.code_action_resolve_async(action)
        assert action.edit is not None or action.command is not None, f"{action.title!r} does nothing"
        if action.edit is not None:
            self.apply(action.edit)
        if action.command is not None:
            await self.workspace_execute_command_async(
                types.ExecuteCommandParams(action.command.command, action.command.arguments)
            )

    def apply(self, edit: types.WorkspaceEdit) -> None:
        """Apply an edit, in the form this client declared to understand. Raises StaleEditError."""
        for uri, version, edits in self._document_edits(edit):
            if version is not None and version != self.versions[uri]:
                raise StaleEditError(uri)
            text = self.texts[uri]
            spans = [
                (self.offset(text, e.range.start), self.offset(text, e.range.end), e.new_text) for e in edits
            ]
            # From the back, so that the earlier offsets keep their meaning.
            for start, end, new in sorted(spans, reverse=True):
                self.replace(uri, start, end, new)

    # Positions

    def range(self, text: str, start: int, end: int) -> types.Range:
        return types.Range(self.position(text, start), self.position(text, end))

    def position(self, text: str, offset: int) -> types.Position:
        starts = _line_starts(text)
        line = bisect_right(starts, offset) - 1
        codec, unit = _CODECS[self.encoding]
        return types.Position(line, len(text[starts[line] : offset].encode(codec, "surrogatepass")) // unit)

    def offset(self, text: str, position: types.Position) -> int:
        """The offset of a position that must lie within the text."""
        starts = [*_line_starts(text), len(text) + 1]
        assert 0 <= position.line < len(starts) - 1, f"{position} lies outside the text"
        codec, unit = _CODECS[self.encoding]
        start = starts[position.line]
        line = _LINE_END.split(text[start : starts[position.line + 1]], maxsplit=1)[0]
        units = line.encode(codec, "surrogatepass")
        assert 0 <= position.character <= len(units) // unit, f"{position} lies outside its line {line!r}"
        return start + len(units[: position.character * unit].decode(codec, "surrogatepass"))

    def words(self, uri: str, diagnostic: types.Diagnostic) -> str:
        """The words that a finding stands under."""
        text = self.texts[uri]
        return text[self.offset(text, diagnostic.range.start) : self.offset(text, diagnostic.range.end)]

    # Messages from the server

    def _published(self, params: types.PublishDiagnosticsParams) -> None:
        self.diagnostics[params.uri] = params.diagnostics
        self.publications.append(params)
        self._news.set()

    def _status_changed(self, params: object) -> None:
        self.statuses.append(_plain(params))
        self._news.set()

    def _told(self, params: types.ShowMessageParams) -> None:
        self.messages.append(params)
        self._news.set()

    def _progressed(self, params: types.ProgressParams) -> None:
        if params.token in self.partial_results:
            self.partial_results[params.token].append(params.value)
        else:
            DEFAULT_CLIENT_FEATURES[types.PROGRESS](self, params)

    def _asked_to_apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        self.apply(params.edit)
        return types.ApplyWorkspaceEditResult(applied=True)

    @property
    def _resolves(self) -> bool:
        text_document = self.capabilities.text_document if self.capabilities else None
        code_action = text_document.code_action if text_document else None
        return bool(code_action and code_action.resolve_support)

    def _document_edits(
        self, edit: types.WorkspaceEdit
    ) -> list[tuple[str, int | None, Sequence[types.TextEdit]]]:
        workspace = self.capabilities.workspace if self.capabilities else None
        declared = workspace.workspace_edit if workspace else None
        if edit.document_changes is None:
            return [(uri, None, edits) for uri, edits in (edit.changes or {}).items()]
        assert declared is not None
        assert declared.document_changes, "this client does not understand documentChanges"
        changes: list[tuple[str, int | None, Sequence[types.TextEdit]]] = []
        for change in edit.document_changes:
            assert isinstance(change, types.TextDocumentEdit)
            edits = [
                self._plain_edit(item, takes_snippets=declared.snippet_edit_support) for item in change.edits
            ]
            changes.append((change.text_document.uri, change.text_document.version, edits))
        return changes

    def _plain_edit(
        self,
        edit: types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit,
        *,
        takes_snippets: bool | None,
    ) -> types.TextEdit:
        """The edit without its tab stops; `stops` holds what stands before each, in their order."""
        self.stops = []
        if isinstance(edit, types.TextEdit):
            return edit
        assert isinstance(edit, types.SnippetTextEdit), "no client here declared annotated edits"
        assert takes_snippets, "this client does not understand snippets"
        text, stops = "", {}
        for escaped, stop, plain in _SNIPPET.findall(edit.snippet.value):
            assert escaped or stop or plain not in ("$", "}", "\\"), (
                "what means something in a snippet is escaped"
            )
            text += escaped[1:] or plain
            if stop:
                stops[int(stop[1:]) or len(edit.snippet.value)] = text
        self.stops = [stops[number] for number in sorted(stops)]
        return types.TextEdit(edit.range, text)


def _converter() -> Converter:
    """lsprotocol 2025.0 takes a code action that has a command for that command."""

    def command_or_action(value: dict[str, Any], _: object) -> Any:
        kind = types.Command if isinstance(value.get("command"), str) else types.CodeAction
        return converter.structure(value, kind)

    converter: Converter = default_converter()  # type: ignore[no-untyped-call]
    # Registered for this spelling, which lsprotocol uses and which is not equal to `Command | CodeAction`.
    converter.register_structure_hook(Union[types.Command, types.CodeAction], command_or_action)  # noqa: UP007
    return converter


def _function(handler: Callable[[Any], object]) -> Callable[[Any], object]:
    """pygls marks what it registers, and a bound method cannot be marked."""

    def call(params: Any) -> object:
        return handler(params)

    return call


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def _plain(value: Any) -> Any:
    """A custom payload, which arrives as named tuples, as dictionaries and lists."""
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
