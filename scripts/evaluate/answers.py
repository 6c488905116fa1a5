"""Answers files as `devrouter eval --answers NAME=FILE` reads them, for programs that are no engine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def answer(
    row: Row,
    labels: Mapping[str, str],
    *,
    kinds: Iterable[str] = (),
    confidence: Mapping[str, float] | None = None,
    milliseconds: float = 0.0,
) -> Row:
    """One line: the labels of a row as a whole decision, its rewrite the text and its phrases the kinds."""
    gaps = [{"phrase": kind, "kind": kind} for kind in kinds]
    decision = {"rewrite": row["text"], **labels, "missing": [gap["phrase"] for gap in gaps]}
    return {
        "id": row["id"],
        "text_sha256": hashlib.sha256(row["text"].encode()).hexdigest(),
        "decision": decision,
        "gaps": gaps,
        "confidence": dict(confidence or {}),
        "milliseconds": milliseconds,
        "problem": None,
    }


def write_answers(path: Path, engine: str, version: str, data: Path, lines: Sequence[Row]) -> None:
    """The file: a line that says who answered which data, and the answers."""
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    header = {"engine": engine, "version": version, "data_sha256": digest}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *lines)), encoding="utf-8"
    )
    print(f"{path}: {len(lines)} answers")
