"""The server class: what pygls must be kept from doing, and the parts that handlers share.

Measured on pygls 2.1.1, which is pinned for that reason:

- Incremental sync splits lines where LSP does not, so the text is synchronised in full.
- The futures of handled notifications are kept for ever; they are let go here when they are done.
- A cancelled command goes on, and one that ends by cancelling leaves its request unanswered; not here.
- A failing notification handler pops up a message for each keystroke; here it is a log line.
- `shutdown` cancels futures while it walks over them; they are cancelled before it does.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter

from devrouter import __version__
from devrouter.app.tasks import spawn, where
from devrouter.lsp.protocol import STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from devrouter.app.configuration import Configuration
    from devrouter.app.facts import Known
    from devrouter.app.findings import Finding
    from devrouter.app.opened import OpenDocument
    from devrouter.app.session import Session
    from devrouter.app.status import Status
    from devrouter.core.draft import Document
    from devrouter.core.text import Units
    from devrouter.engines.engine import EngineState
    from devrouter.lsp.convert import Positions

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says: options that only the user can set, and the user's configuration file."""

    user_options: Mapping[str, object]
    user_config: Path | None = None


def serve(*, tcp: str | None, options: ServeOptions) -> int:
    """Serve one editor over stdio, or over TCP on the loopback interface, until it says `exit`.

    Returns the exit status that LSP asks for: 0 after `shutdown`, 1 without it.
    """
    # pygls logs whole messages, and with them the user's prompts, at INFO.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    for chatty in ("watchfiles", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # The instant engine's thread computes while the loop must go on reading: at Python's 5 ms a turn, fast
    # typing would queue up behind it.
    sys.setswitchinterval(0.0005)
    from devrouter.lsp.handlers import register

    server = DevRouterServer(options)
    register(server)
    if tcp is None:
        server.start_io()
    else:
        host, _, port = tcp.rpartition(":")
        server.start_tcp(host, int(port))
    return 0 if server.protocol.was_shut_down else 1


class DevRouterProtocol(LanguageServerProtocol):
    """pygls' protocol with its leak closed, and commands that can be cancelled."""

    @property
    def was_shut_down(self) -> bool:
        return self._shutdown

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Callable[[Any], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is None:
            return
        future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))
        # A command runs inside the future of its request, which the callback carries.
        request = getattr(callback, "keywords", {}).get("result_future")
        if request is not None:
            request.add_done_callback(lambda done: done.cancelled() and future.cancel())

    def _run_generator(
        self, future: Future[Any] | None, *, gen: Generator[Any, Any, Any], result_future: Future[Any]
    ) -> None:
        if future is not None and future.cancelled():
            result_future.cancel()
            return
        super()._run_generator(future, gen=gen, result_future=result_future)

    def cancel_running(self) -> None:
        """Cancel every request under way but the one being handled, which has a future of its own inside."""
        current: object = asyncio.current_task()
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != self.msg_id and future is not current:
                future.cancel()


class DevRouterServer(LanguageServer):
    """One editor's server. Handlers find everything they share here."""

    protocol: DevRouterProtocol

    def __init__(self, options: ServeOptions) -> None:
        super().__init__(
            "devrouter",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
            protocol_cls=DevRouterProtocol,
            converter_factory=default_converter,
        )
        self._options = options
        self._told: set[str] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._watched: frozenset[Path] = frozenset()
        self.shows_status = False
        self.told_fault: EngineState | None = None
        self._client: types.ClientInfo | None = None

    # Life

    def prepare(self, initialization_options: object, client: types.ClientInfo | None) -> None:
        """Take the client's options. What needs files or engines is made on first use, after the reply."""
        self._client = client
        options = dict(initialization_options) if isinstance(initialization_options, dict) else {}
        experimental = self.client_capabilities.experimental
        announced = experimental.get("devrouter") if isinstance(experimental, dict) else None
        wants_status = isinstance(announced, dict) and announced.get("status") is True
        self.shows_status = options.pop("status", wants_status) is True
        # The command line is nearer to the user than an editor's settings.
        self._user_options = {**options, **self._options.user_options}

    def begin(self) -> None:
        """The client is ready: make the session and watch the configuration."""
        from devrouter.app.configuration import Configuration
        from devrouter.app.startup import make_session

        self.configuration: Configuration = Configuration(
            self._user_options, self._options.user_config, next(iter(self._folders()), None)
        )
        self.session: Session = make_session(self, self.configuration)
        self.tell_problems()
        self.watch()
        self._remember_client()

    async def end(self) -> None:
        """Stop everything under way, so that `shutdown` is answered at once."""
        if self._watcher is not None:
            self._watcher.cancel()
        self.protocol.cancel_running()
        await self.session.close()

    def report_server_error(self, error: Exception, source: object) -> None:
        """A defect of ours is a log line, never a popup for each keystroke, and never the user's text."""
        del source
        _log.error("A handler failed: %s", where(error))

    def _remember_client(self) -> None:
        """For `devrouter doctor`, which lists the editors that it saw."""
        from devrouter.app.clients import default_clients_file, record_client

        if self._client is None:
            return
        try:
            record_client(default_clients_file(), self._client.name, self._client.version)
        except OSError as error:
            _log.warning("The editor is not noted for `devrouter doctor`: %s.", error.strerror)

    # Configuration

    def reload(self) -> None:
        """A configuration file changed: read again, and answer every document by it."""
        from devrouter.app.startup import reload_session

        reload_session(self.session, self.configuration)
        self.tell_problems()
        self.watch()

    def tell_problems(self) -> None:
        """Show each problem of the user's files once."""
        for problem in (*self.configuration.problems(), *self.session.file_problems()):
            if problem not in self._told:
                self._told.add(problem)
                self.window_show_message(
                    types.ShowMessageParams(type=types.MessageType.Warning, message=f"DevRouter: {problem}")
                )

    def watch(self) -> None:
        """Watch the folders in which configuration matters, anew where they changed."""
        folders = self.configuration.folders()
        if folders == self._watched and self._watcher is not None and not self._watcher.done():
            return
        if self._watcher is not None:
            self._watcher.cancel()
        self._watched = folders
        self._watcher = spawn(self._watch(folders), "configuration watch")

    async def _watch(self, folders: frozenset[Path]) -> None:
        from devrouter.app.watch import watch_configuration

        async def changed() -> None:
            self.reload()

        try:
            await watch_configuration(folders, changed, self.configuration.user_config)
        except OSError as error:
            _log.warning("Configuration is not watched (%s): restart to read it anew.", error.strerror)

    # Documents

    def snapshot(self, uri: str) -> Document:
        """The document as the editor holds it now, taken before any await."""
        from devrouter.core.draft import Document

        document = self.workspace.text_documents[uri]
        return Document(uri, document.language_id or "", document.version or 0, document.source)

    def positions(self, text: str) -> Positions:
        from devrouter.lsp.convert import Positions

        return Positions(text, self.units)

    @property
    def units(self) -> Units:
        from devrouter.lsp.convert import units_of

        return units_of(self.workspace.position_encoding)

    def project_of(self, uri: str) -> Path | None:
        """Where the project keeps its settings: beside the file in force, else the workspace's root."""
        from devrouter.app.configuration import path_of
        from devrouter.app.settings_sources import project_file

        path = path_of(uri)
        if path is None:
            return None
        if (file := project_file(path)) is not None:
            return file.parent
        holding = [folder for folder in self._folders() if path.is_relative_to(folder)]
        return max(holding, key=lambda folder: len(folder.parts), default=None)

    async def known(self, uri: str, text: str) -> Known:
        """What the document's workspace knows of one of its prompts. Asked for only when the user asks."""
        from devrouter.app.configuration import path_of

        return await self.session.workspaces.ask(path_of(uri), self._folders(), text)

    def _folders(self) -> list[Path]:
        """The folders that the editor has open."""
        from devrouter.app.configuration import path_of

        paths = (path_of(folder.uri) for folder in self.workspace.folders.values())
        return [path for path in paths if path is not None]

    # Listener

    def findings_changed(self, opened: OpenDocument, findings: tuple[Finding, ...]) -> None:
        """Push what is shown, with the version it was made for."""
        from devrouter.lsp import convert

        document = opened.viewed or opened.document
        positions = self.positions(document.text)
        diagnostics = convert.secret_diagnostics(opened.views, positions)
        diagnostics += convert.diagnostics(findings, positions, opened.settings)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri=document.uri, diagnostics=diagnostics, version=document.version
            )
        )

    def status_changed(self, status: Status) -> None:
        """Clients with a place for the status hear all of it, the others of each fault of the model, once."""
        from devrouter.engines.engine import Health
        from devrouter.lsp import convert

        if self.shows_status:
            settings = self.configuration.of(status.uri)
            self.protocol.notify(STATUS, convert.status_message(status, settings))
            return
        fault = status.state if status.state.health is not Health.OK else None
        if fault is not None and fault != self.told_fault:
            self.tell_fault(fault.message, fault.mend)
        self.told_fault = fault

    def tell_fault(self, message: str, mend: str | None) -> None:
        """Show what is wrong with the model, and the command that helps."""
        helps = f" To mend it: {mend}" if mend else ""
        self.window_show_message(
            types.ShowMessageParams(type=types.MessageType.Warning, message=f"DevRouter: {message}{helps}")
        )
