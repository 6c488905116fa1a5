"""The rows of feedback on disk: one file of JSON lines in the user's state folder, and the one before it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from devrouter.app.state_file import locked, state_folder
from devrouter.core.json_lines import numbered_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_BYTES = 5_000_000
"""Of one file. The one before it is as large at most, so that both together stay under 10 MB."""


class FeedbackFile:
    """Rows shared by all servers that use the same file, readable by the user alone."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.former = file.with_name(f"{file.stem}.1{file.suffix}")

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; a full file takes the place of the former one. Raises `OSError`."""
        line = json.dumps(row).encode() + b"\n"
        with locked(self.file):
            if self.file.exists() and self.file.stat().st_size + len(line) > _MOST_BYTES:
                self.file.replace(self.former)
            descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "ab") as stream:
                # One write: what a killed server left of its row spoils that row alone.
                stream.write(line if stream.tell() == 0 else b"\n" + line)

    def rows(self) -> tuple[list[dict[str, Any]], int]:
        """All rows, the oldest first, and how many lines are broken. Raises `OSError`."""
        rows: list[dict[str, Any]] = []
        broken = 0
        for file in self.files():
            with file.open("rb") as stream:
                for _, content in numbered_rows(stream):
                    try:
                        row = json.loads(content)
                    except (ValueError, RecursionError):
                        row = None
                    if isinstance(row, dict) and isinstance(row.get("event"), str):
                        rows.append(row)
                    else:
                        broken += 1
        return rows, broken

    def files(self) -> list[Path]:
        """Those that are there, the older first."""
        return [file for file in (self.former, self.file) if file.exists()]

    def clear(self) -> None:
        """Delete all rows. Raises `OSError`."""
        with locked(self.file):
            for file in self.files():
                file.unlink()


def default_feedback_file() -> FeedbackFile:
    """The one in the platform's state folder."""
    return FeedbackFile(state_folder() / "feedback.jsonl")
