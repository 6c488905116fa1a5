"""Files that several servers share: locked while one changes them, and replaced as a whole."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def state_folder() -> Path:
    """Where the platform keeps the state of a user's programs."""
    from platformdirs import user_state_path

    return user_state_path("devrouter", appauthor=False)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock that goes with `file`; the system frees it if its holder dies. Raises `OSError`.

    It is held for milliseconds, so waiting for it is nothing that a user notices.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("ab") as lock:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            # Some network file systems have no locks; what is replaced is still replaced as a whole.
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace_file(file: Path, text: str) -> None:
    """Write the whole file or nothing. Raises `OSError`."""
    import shutil

    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}-{time.time_ns()}.new")
    try:
        # A lone surrogate, which JSON from a model can hold, is written as a question mark.
        new.write_bytes(text.encode("utf-8", "replace"))
        if file.exists():
            shutil.copymode(file, new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
