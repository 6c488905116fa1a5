"""What the workspace knows of a prompt: asked for in threads, one workspace kept for each folder."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.core.kinds import GapKind
from devrouter.core.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devrouter.core.facts import Fact
    from devrouter.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace knows of one prompt, and the files that the prompt names and the workspace lacks."""

    facts: tuple[Fact, ...] = ()
    absent_files: tuple[str, ...] = ()


class Workspaces:
    """The folders that were asked about, each with what was read of it. Any thread may ask."""

    def __init__(self) -> None:
        self._workspaces: dict[Path, Workspace] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="devrouter-facts")

    async def ask(self, path: Path | None, folders: Sequence[Path], text: str) -> Known:
        """What is known of the prompt `text` in the file at `path`, where the editor has `folders` open.

        Nothing for a document that is no file. The loop is not blocked; the answer takes a moment at most.
        """
        if path is None:
            return Known()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._of_file, path, folders, text)

    def of_folder(self, root: Path, text: str, *, wait: float) -> Known:
        """What the folder knows of the prompt `text`: blocking, for about `wait` seconds at most."""
        from devrouter.workspace.workspace import Workspace

        with self._lock:
            workspace = self._workspaces.setdefault(root, Workspace(root))
        facts = workspace.facts(text, wait=wait)
        named = workspace.named_files(text, wait=0.0)  # The folder was looked through a moment ago.
        return Known(
            tuple(map(_without_secrets, facts)), tuple(file.name for file in named if file.path is None)
        )

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _of_file(self, path: Path, folders: Sequence[Path], text: str) -> Known:
        root = root_of(path, folders)
        return Known() if root is None else self.of_folder(root, text, wait=0.3)


def _without_secrets(fact: Fact) -> Fact:
    """The fact as it may stand in a prompt: code that holds a secret is added with that masked."""
    from devrouter.app.secrets import secrets_in

    secrets = secrets_in(fact.value) if fact.kind is GapKind.CODE else ()
    return replace(fact, value=masked(fact.value, secrets)) if secrets else fact


def root_of(path: Path, folders: Sequence[Path]) -> Path | None:
    """The folder whose facts count for a file: the innermost of `folders` that holds it, else its project.

    None for a file of no project, such as an agent's draft in the folder for temporary files.
    """
    from devrouter.workspace.workspace import workspace_root

    holding = [folder for folder in folders if path.is_relative_to(folder)]
    if holding:
        return max(holding, key=lambda folder: len(folder.parts))
    root = workspace_root(path)
    # Anyone may put a manifest there.
    temporary = Path(tempfile.gettempdir())
    return None if root is None or temporary.is_relative_to(root) else root
