"""A batch's rows over its model servers: the slots of each kept full, the answers in the rows' order.

Each server is asked as many rows at a time as it has slots, all from one supply, so that a quick one gets
more. What is in memory are the rows from the first unanswered one to the last that was begun, and no more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devrouter.cli.asker import with_mend
from devrouter.engines.engine import (
    DraftTooLong,
    EndpointRefused,
    EngineError,
    EngineUnreachable,
    ModelMissing,
    ReplyBroken,
    SecretHeldBack,
    ServerStopped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devrouter.app.settings import Settings
    from devrouter.app.triage import Triager
    from devrouter.cli.rows import Row
    from devrouter.core.decision import Triage
    from devrouter.core.draft import Draft


SLOTS = 4
"""Calls at a time to a server that does not tell its slots."""

_AHEAD = 16
"""Rows a slot may be ahead of the first unanswered one: a long rewrite holds up the output, not the slots."""

_PATIENCE = 3
"""Failures in a row after which a server gets no more rows, as long as there is another."""

_GONE = (EngineUnreachable, ModelMissing, EndpointRefused)
_OF_THE_ROW = (ReplyBroken, DraftTooLong, SecretHeldBack)


@dataclass(eq=False, slots=True)
class _Server:
    """One server, or the instant engine. `calls` is how many rows it is asked at a time."""

    triager: Triager
    calls: int = 1
    failed_in_a_row: int = 0
    gone: bool = False


@dataclass(eq=False, slots=True)
class _Turn:
    """A row on its way. `failed_at` is the server that failed on it, if one did."""

    place: int
    row: Row
    draft: Draft
    failed_at: _Server | None = None


class Pool:
    """Answers rows. `strict`: a server that is not there ends the run where it is the last.

    Without `strict` the instant answer stands in for any failure, as `Triager.triage` has it.
    """

    def __init__(self, triagers: Sequence[Triager], settings: Settings, *, strict: bool) -> None:
        self._servers = [_Server(triager) for triager in triagers]
        self._settings = settings
        self._strict = strict
        self._changed = asyncio.Event()
        self._given_back: list[_Turn] = []
        self._done: dict[int, tuple[Row, Triage]] = {}
        self._begun = self._kept = 0
        self._all_begun = False

    async def run(
        self,
        rows: Iterator[Row],
        keep: Callable[[Row, Triage], None],
        say: Callable[[str], None],
        concurrency: int | None,
    ) -> None:
        """Answer all rows; `keep` is called for each, in their order, `say` where a server gets no more.

        `concurrency` is the calls at a time to each server, None for its slots. Raises `EngineError` where
        the last server is gone, and what `rows` and `keep` raise.
        """
        self._rows, self._keep, self._say = rows, keep, say
        try:
            async with asyncio.TaskGroup() as group:
                for server in self._servers:
                    group.create_task(self._serve(server, concurrency, group))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _serve(self, server: _Server, concurrency: int | None, group: asyncio.TaskGroup) -> None:
        try:
            server.calls = await _calls(server.triager, concurrency)
        except EngineError as error:
            if self._strict:
                self._let_go(server, error)
                return
        for _ in range(server.calls):
            group.create_task(self._work(server))

    async def _work(self, server: _Server) -> None:
        while turn := await self._next(server):
            try:
                triage = await self._triage(server.triager, turn.draft)
                server.failed_in_a_row = 0
            except EngineError as error:
                if self._may_be_answered_yet(turn, server, error):
                    self._given_back.append(turn)
                    self._changed.set()
                    continue
                triage = server.triager.instant(turn.draft, self._settings)
                triage = replace(triage, problems=(*triage.problems, str(error)))
            self._done[turn.place] = (turn.row, triage)
            while self._kept in self._done:
                self._keep(*self._done.pop(self._kept))
                self._kept += 1
            self._changed.set()

    async def _triage(self, triager: Triager, draft: Draft) -> Triage:
        if triager.model is None:
            await asyncio.sleep(0)  # Where an interrupt ends the run.
            return triager.instant(draft, self._settings)
        ask = triager.ask_model if self._strict else triager.triage
        return await ask(draft, self._settings)

    async def _next(self, server: _Server) -> _Turn | None:
        """The next row for this server; None where there will be no more."""
        while not server.gone:
            if turn := self._given_back_to(server) or self._begin():
                return turn
            if self._all_begun and self._kept == self._begun:
                break
            self._changed.clear()
            await self._changed.wait()
        return None

    def _begin(self) -> _Turn | None:
        """A new row; None where there is none left, or the first unanswered one is too far behind."""
        from devrouter.cli.route import draft_of_text

        if self._begun - self._kept >= _AHEAD * sum(server.calls for server in self._servers):
            return None
        row = next(self._rows, None)
        if row is None:
            self._all_begun = True
            return None
        self._begun += 1
        return _Turn(self._begun - 1, row, draft_of_text(row.text))

    def _given_back_to(self, server: _Server) -> _Turn | None:
        """A row that failed elsewhere; one that failed here only where there is no other server."""
        for turn in self._given_back:
            if turn.failed_at is not server or not self._others(server):
                self._given_back.remove(turn)
                return turn
        return None

    def _may_be_answered_yet(self, turn: _Turn, server: _Server, error: EngineError) -> bool:
        """Whether the failure is the server's, so that the row is worth a second try.

        A server that is not there, or failed again and again, gets no more rows. Raises `error` where it is
        the last one.
        """
        if isinstance(error, _GONE):
            self._let_go(server, error)
            return True
        stopped, others = isinstance(error, ServerStopped), self._others(server)
        if turn.failed_at or (isinstance(error, _OF_THE_ROW) and not stopped) or not (others or stopped):
            return False
        turn.failed_at = server
        server.failed_in_a_row += 1
        if others and server.failed_in_a_row >= _PATIENCE:
            self._let_go(server, error)
        return True

    def _let_go(self, server: _Server, error: EngineError) -> None:
        if not self._others(server):
            raise error
        if not server.gone:
            server.gone = True
            self._say(f"{with_mend(str(error), error.mend)}; its rows go to the other servers")
            self._changed.set()

    def _others(self, server: _Server) -> bool:
        return any(not other.gone for other in self._servers if other is not server)


async def _calls(triager: Triager, concurrency: int | None) -> int:
    """How many rows at a time; the instant engine has one thread."""
    if triager.model is None:
        return 1
    return concurrency or await triager.model.slots() or SLOTS
