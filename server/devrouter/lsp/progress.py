"""Work-done progress with cancel, made outside the task it speaks of.

A cancelled task that awaits the client's reply would leave pygls with a reply it cannot place, so nothing
here is awaited: progress begins when the client has agreed, and not at all if the work ended before.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from devrouter.lsp.server import DevRouterServer


class Progress:
    """Progress of one piece of work; `cancel` is called when the user cancels it."""

    def __init__(self, server: DevRouterServer, title: str, cancel: Callable[[], object]) -> None:
        self._progress = server.work_done_progress
        self._token = str(uuid4())
        self._title = title
        self._cancel = cancel
        self._begun = self._ended = False
        self._reported = 0.0
        self._message: str | None = None
        window = server.client_capabilities.window
        if window and window.work_done_progress:
            self._progress.create(self._token, lambda _: self._begin())

    def report(self, message: str) -> None:
        """How far the work is. May be called as often as one likes: a tenth of a second lies between two."""
        self._message = message
        now = monotonic()
        if self._begun and not self._ended and now - self._reported >= 0.1:
            self._reported = now
            self._progress.report(self._token, types.WorkDoneProgressReport(message=message))

    def end(self) -> None:
        """The work ended, however it did."""
        self._ended = True
        self._progress.tokens.pop(self._token, None)
        if self._begun:
            self._progress.end(self._token, types.WorkDoneProgressEnd())

    def _begin(self) -> None:
        if self._ended:
            self._progress.tokens.pop(self._token, None)
            return
        self._begun = True
        self._progress.tokens[self._token].add_done_callback(self._settled)
        self._progress.begin(
            self._token,
            types.WorkDoneProgressBegin(title=self._title, cancellable=True, message=self._message),
        )

    def _settled(self, future: Future[object]) -> None:
        if future.cancelled():
            self._cancel()
