"""Labelled prompts: reading them, splitting them by group, and finding those that say the same.

A row is a JSON object {"id", "text", "intent", "alt_intent", "complexity", "route", "missing": [{"phrase",
"kind"}]} and, where several rows belong together (a conversation, an author), "group". Rows of one group
never stand on both sides of a split. "second" holds another reader's labels.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from devrouter.core.decision import Complexity, Intent
from devrouter.core.gaps import GapKind
from devrouter.core.tiers import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Row = dict[str, Any]

COMPLETE = "complete"
HEADS: dict[str, tuple[str, ...]] = {
    "intent": tuple(Intent),
    "complexity": tuple(Complexity),
    "route": tuple(Route),
    "gaps": tuple(GapKind),
    COMPLETE: (COMPLETE,),
}
"""What is predicted, in the order of the columns of all scores."""
EXCLUSIVE = ("intent", "complexity", "route")
"""The heads of which exactly one label is right."""

VALIDATION_PARTS = 8
ALIKE = 0.55
"""Two texts say the same where they share this much of their runs of three words (Jaccard)."""


def read_rows(paths: Iterable[Path]) -> list[Row]:
    """The rows of JSONL files; a row without a group is a group of its own."""
    rows: list[Row] = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return [{**row, "group": row.get("group") or row["id"]} for row in rows]


def is_validation(row: Row) -> bool:
    """One group in eight is kept for selection and calibration, by its name alone."""
    return crc32(f"validation {row['group']}".encode()) % VALIDATION_PARTS == 0


def readings_of(rows: Sequence[Row]) -> list[Row]:
    """The rows, and those that a second reader labelled once more with that reader's labels."""
    return [*rows, *(row | row["second"] for row in rows if "second" in row)]


def columns() -> dict[str, slice]:
    """Where each head's columns stand in an array of scores [rows, columns]."""
    found, start = {}, 0
    for name, labels in HEADS.items():
        found[name] = slice(start, start + len(labels))
        start += len(labels)
    return found


def gold_of(rows: Sequence[Row]) -> dict[str, NDArray[np.int64]]:
    """Gold by head: a label's index [rows] for an exclusive head, else ones and zeros [rows, labels]."""
    gold = {name: np.array([HEADS[name].index(row[name]) for row in rows]) for name in EXCLUSIVE}
    kinds = [{item["kind"] for item in row["missing"]} for row in rows]
    gold["gaps"] = np.array([[kind in present for kind in HEADS["gaps"]] for present in kinds], dtype=int)
    gold[COMPLETE] = np.array([[not present] for present in kinds], dtype=int)
    return gold


def near_duplicates(rows: Sequence[Row], others: Sequence[Row]) -> set[str]:
    """The ids of `rows` that say the same as one of `others`, which are other rows."""
    where: dict[tuple[str, ...], list[int]] = defaultdict(list)
    known = [_runs(row["text"]) for row in others]
    for index, runs in enumerate(known):
        for run in runs:
            where[run].append(index)
    found = set()
    for row in rows:
        mine = _runs(row["text"])
        shared = Counter(index for run in mine for index in where.get(run, ()))
        for index, count in shared.most_common(5):
            if count / len(mine | known[index]) > ALIKE:
                found.add(row["id"])
    return found


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + 3]) for start in range(len(words) - 2)} or {tuple(words)}
