"""Background tasks whose failure is not lost."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_log = logging.getLogger(__name__)
_running: set[asyncio.Task[object]] = set()


def spawn(coroutine: Coroutine[object, object, T], name: str) -> asyncio.Task[T]:
    """Start a task that nobody awaits. The event loop keeps only weak references, so it is held here."""
    task = asyncio.create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_finished)
    return task


def where(error: BaseException) -> str:
    """The kind of error and the places it passed, without its message, which may quote the user's text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at " + " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames))


def _finished(task: asyncio.Task[object]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("The %s failed: %s", task.get_name(), where(error))
