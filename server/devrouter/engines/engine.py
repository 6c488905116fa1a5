"""What an engine is, and the ways it can fail, each with the sentence that the user sees."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft
    from devrouter.engines.reply import OnProgress


class Health(StrEnum):
    """As in rust-analyzer's server status: works, works in part, does not work."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class EngineState:
    """How an engine is. `message` is one sentence, `mend` the command that repairs it, if there is one."""

    health: Health
    message: str
    mend: str | None = None


class EngineError(Exception):
    """An engine could not answer. `str(error)` is the sentence to show, `mend` the command that helps."""

    def __init__(self, message: str, mend: str | None = None) -> None:
        super().__init__(message)
        self.mend = mend


class EngineUnreachable(EngineError):
    """The server is absent, or refuses the connection."""


class EngineTimeout(EngineError):
    """The server is too slow to connect, to its first token, or to the end of its reply."""


class ModelMissing(EngineError):
    """The server runs, the model is not there."""


class DraftTooLong(EngineError):
    """The draft and its rewrite do not fit the model's context; nothing was sent."""


class ReplyBroken(EngineError):
    """The reply is cut, is no JSON, or is not a decision."""


class ServerStopped(ReplyBroken):
    """The server went away in the middle of its reply."""


class EndpointRefused(EngineError):
    """The endpoint is not on this machine and the user has not allowed it."""


class SecretHeldBack(EngineError):
    """The draft holds a secret and the model is on another machine; nothing was sent."""


class Engine(Protocol):
    """Who answers. Cancelling the task that awaits `decide` frees the engine.

    `fields` names the fields of the decision this engine may answer: all five for the instant engine and a
    verified `devrouter`, `rewrite` and `missing` for any other model.
    """

    @property
    def name(self) -> str: ...

    @property
    def fields(self) -> frozenset[str]: ...

    async def state(self) -> EngineState:
        """Ask how the engine is; never raises."""
        ...

    async def decide(self, draft: Draft) -> Answer:
        """Answer one draft. Raises `EngineError` and nothing else."""
        ...


class ModelEngine(Engine, Protocol):
    """An engine whose reply takes its time: it tells how far it is."""

    async def slots(self) -> int | None:
        """How many drafts it answers at a time; None where nobody tells. Raises `EngineError`."""
        ...

    async def decide(self, draft: Draft, on_progress: OnProgress | None = None) -> Answer:
        """Answer one draft; `on_progress` is called for every piece of the reply. Raises `EngineError`."""
        ...
