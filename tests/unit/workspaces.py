"""What the tests of the workspace share: the sample folders, and asking until all is read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from devrouter.core.facts import Fact

SAMPLES = Path(__file__).parents[1] / "workspaces"
NAMES = sorted(folder.name for folder in SAMPLES.iterdir())
PATIENT = 60.0  # seconds; a loaded machine decides no test


def lines(facts: tuple[Fact, ...]) -> list[str]:
    """The facts as a table; code without its content."""
    return [
        f"{fact.kind} | {fact.name} | {fact.value if fact.kind != 'code' else '...'} | {fact.source}"
        for fact in facts
        if fact.source != "this machine"
    ]


def facts_of(root: Path, text: str = "") -> list[str]:
    return lines(Workspace(root).facts(text, wait=PATIENT))


def until(answer: Callable[[], bool]) -> None:
    """Ask again until it is so: the workspace reads again only when it has rested from the last time."""
    end = time.monotonic() + PATIENT
    while not answer():
        assert time.monotonic() < end, "the change was never seen"
        time.sleep(0.01)
