"""A fact: something the workspace already knows that a prompt may have left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devrouter.core.kinds import GapKind


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing found in the workspace.

    `kind` is the kind of gap that it can answer, `name` what it is about as a developer would say it
    ("Flask", "operating system", "`src/app.py`"), `value` what was found ("3.0.3", the file's content), and
    `source` where, as a path relative to the workspace ("uv.lock") or a few words ("this machine").
    """

    kind: GapKind
    name: str
    value: str
    source: str
