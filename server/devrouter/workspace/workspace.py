"""What one folder knows: the facts that may fill a prompt's gaps, kept fresh by a thread of their own."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.workspace.code import DefinitionIndex, NamedFile, file_facts, locate, symbol_facts
from devrouter.workspace.environment import environment_facts
from devrouter.workspace.git import branch_facts, changed_facts, find_git_folder, read_index
from devrouter.workspace.listing import Listing, list_files, project_folders
from devrouter.workspace.mentions import mentioned_files, mentioned_packages, mentioned_symbols
from devrouter.workspace.reading import Files, clean
from devrouter.workspace.stack import MANIFESTS, find_projects, project_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devrouter.core.facts import Fact
    from devrouter.workspace.project import Project

__all__ = ["NamedFile", "Workspace", "workspace_root"]

_PATIENCE = 0.3  # seconds that an editor's user does not notice
_LONGEST_PROMPT = 100_000  # characters that are searched for names


@dataclass(frozen=True, slots=True)
class _Survey:
    """What was found last, each part as soon as it is there."""

    environment: tuple[Fact, ...] = ()
    projects: tuple[Project, ...] = ()
    branch: tuple[Fact, ...] = ()
    listing: Listing = field(default_factory=Listing)
    changes: tuple[Fact, ...] = ()


class Workspace:
    """What one folder knows. Nothing is read before it is asked, nothing outside of the folder, ever.

    Any thread may ask. A thread in the background does the reading; one that hangs, as on a dead network
    drive, holds nobody.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._survey = _Survey()
        self._done: threading.Event | None = None
        self._rest_until = 0.0  # on the monotonic clock
        self._files: Files | None = None
        self._definitions = DefinitionIndex()

    def facts(self, text: str, *, wait: float = _PATIENCE) -> tuple[Fact, ...]:
        """The facts that may matter to a prompt with this text, what it names first within each kind.

        Takes `wait` seconds at most, but for the reading of a few named files; what is not ready by then is
        left out and there on a later call.
        """
        deadline = time.monotonic() + wait
        text = text[:_LONGEST_PROMPT]
        survey = self._surveyed(deadline)
        files = Files(self.root)
        mentions = mentioned_files(text)
        located = locate(files, survey.listing, mentions)
        preferred = frozenset(named.path for named in located if named.path is not None)
        facts = [*project_facts(survey.projects, mentioned_packages(text))]
        facts = [*_without_vaguer(facts, survey.environment), *survey.environment]
        facts += survey.branch + survey.changes
        facts += file_facts(files, located, mentions)
        facts += symbol_facts(
            files,
            self._definitions,
            mentioned_symbols(text),
            preferred,
            max(deadline, time.monotonic() + 0.1),
        )
        # Names and paths come from strangers' files too.
        return tuple(
            replace(fact, name=clean(fact.name, 200), source=clean(fact.source, 300))
            for fact in facts
            if fact.value
        )

    def named_files(self, text: str, *, wait: float = _PATIENCE) -> tuple[NamedFile, ...]:
        """The files that the text names and where they are; one is missing only where that is sure."""
        survey = self._surveyed(time.monotonic() + wait)
        return locate(Files(self.root), survey.listing, mentioned_files(text[:_LONGEST_PROMPT]))

    def _surveyed(self, deadline: float) -> _Survey:
        """The newest survey: a new one if it is there in time, else what there is of it."""
        with self._lock:
            is_running = self._done is not None and not self._done.is_set()
            if not is_running and time.monotonic() >= self._rest_until:
                self._done = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(self._done,), name="devrouter-workspace", daemon=True
                )
                thread.start()
            done = self._done
        if done is not None:
            done.wait(max(0.0, deadline - time.monotonic()))
        return self._survey

    def _run(self, done: threading.Event) -> None:
        started = time.monotonic()
        try:
            for part in self._parts():
                self._survey = part
        finally:
            took = time.monotonic() - started
            # A large folder is not looked through again for every keystroke.
            self._rest_until = time.monotonic() + (5 * took if took > 0.2 else 0.0)
            done.set()

    def _parts(self) -> Iterator[_Survey]:
        """The survey with one more part renewed each time. What may take long comes late."""
        files = self._files = self._files or Files(self.root)
        survey = replace(
            self._survey, environment=files.remember("environment", lambda: environment_facts(files))
        )
        yield survey
        git = find_git_folder(Path(files.root))
        survey = replace(survey, branch=tuple(branch_facts(git)) if git else ())
        yield survey
        survey = replace(survey, projects=find_projects(files, project_folders(files)))
        yield survey
        index = read_index(git) if git else None
        survey = replace(survey, listing=list_files(files, frozenset(index.entries if index else ())))
        yield survey
        self._definitions.update(files, survey.listing.paths)
        changes = changed_facts(git, index, survey.listing) if git and index else ()
        yield replace(survey, changes=tuple(changes))


def _without_vaguer(facts: list[Fact], exact: tuple[Fact, ...]) -> Iterator[Fact]:
    """The facts without those that another says with its version: "PostgreSQL" beside "PostgreSQL 16"."""
    for fact in facts:
        if not any(fact.name == other.name and other.value.startswith(f"{fact.value} ") for other in exact):
            yield fact


def workspace_root(path: Path) -> Path | None:
    """The repository that a file is in, else the nearest folder above it with a manifest.

    Never the home folder itself or above, never the root: None where there is no project below these.
    """
    file = Path(os.path.abspath(path))  # noqa: PTH100  (Path.resolve would follow links)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  (Path.home raises where there is none)
    above = takewhile(lambda folder: folder not in (home, *home.parents, Path(folder.anchor)), file.parents)
    folders = list(above)
    # In a repository of many packages the branch, the lock file and most of the code are above the package.
    for names in ([".git"], MANIFESTS):
        for folder in folders:
            if any(os.path.lexists(folder / name) for name in names):
                return folder
    return None
