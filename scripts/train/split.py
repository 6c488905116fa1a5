"""Part judged rows into training, validation and holdout, and make sure that none says what another says.

    python scripts/train/split.py work/judged.jsonl -o work/splits
    python scripts/train/split.py work/judged.jsonl -o work/splits --drop \\
        --set 'split.holdout_sources=["issues", "other-team"]'

Holdout is what comes from the sources of `split.holdout_sources`, which are never trained on; validation is a
share of each intent of the rest. A conversation is whole on one side. Training rows that equal, or nearly
equal, a row of the other two or of a test split (`split.against`) are named, and nothing is written; with
`--drop` they are left out. The same rows give the same splits, whatever their order.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.cli.terminal import plural
from devrouter.core.decision import Intent
from train.config import ROOT, parser, run_command, settings_of
from train.manifest import write_manifest
from train.near import NearIndex
from train.rows import FileError, Labelled, normalised, read_rows, write_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from train.config import SplitSettings

_NAMED = 20
"""Pairs that are named on standard error."""

Rows = list[Labelled]


@dataclass(frozen=True, slots=True)
class Pair:
    """A training row that says what a row elsewhere says."""

    row: str
    other: str
    where: str
    how: str

    def __str__(self) -> str:
        return f"{self.row} and {self.other} of {self.where}: {self.how}"


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    against = {name: ROOT / name for name in settings.split.against}
    splits = split(read_rows(options.rows, Labelled), settings.split, settings.seed)
    tests = {name: read_rows(path, Labelled) for name, path in against.items()}
    pairs = contamination(splits, tests, settings.split)
    _tell(pairs)
    if pairs and not options.drop:
        sys.exit(f"nothing was written: {plural(len(pairs), 'pair')}; --drop leaves the training rows out")
    dropped = {pair.row for pair in pairs}
    splits["train"] = [row for row in splits["train"] if row.id not in dropped]
    if not splits["train"]:
        raise FileError(f"{options.rows}: no row is left to train on")
    options.output.mkdir(parents=True, exist_ok=True)
    for name, rows in splits.items():
        write_rows(options.output / f"{name}.jsonl", rows)
    write_manifest(
        options.output,
        "split",
        settings=settings.split,
        seed=settings.seed,
        inputs=[options.rows, *against.values()],
        counts={"dropped": len(dropped)} | {name: len(rows) for name, rows in splits.items()},
    )
    print(table(splits))


def split(rows: Sequence[Labelled], settings: SplitSettings, seed: int) -> dict[str, Rows]:
    """`train`, `validation` and `holdout`, each by id. Raises `FileError` for a source that no row has."""
    sources = {row.source for row in rows}
    if absent := sorted(set(settings.holdout_sources) - sources):
        known = ", ".join(sorted(sources))
        raise FileError(f"settings: split.holdout_sources: no row comes from {absent[0]}, only from {known}")
    conversations: dict[str, Rows] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        conversations[row.conversation].append(row)
    held = {name for name, turns in conversations.items() if _any_from(turns, settings.holdout_sources)}
    others = {name: turns for name, turns in conversations.items() if name not in held}
    kept = _validation(others, settings.validation_share, seed)
    parts: dict[str, Rows] = {"train": [], "validation": [], "holdout": []}
    for name, turns in conversations.items():
        part = "holdout" if name in held else "validation" if name in kept else "train"
        parts[part] += turns
    return {part: sorted(found, key=lambda row: row.id) for part, found in parts.items()}


def contamination(
    splits: Mapping[str, Rows], tests: Mapping[str, Sequence[Labelled]], settings: SplitSettings
) -> list[Pair]:
    """The training rows that equal a row elsewhere: in text, in words, or nearly; each with the nearest."""
    index: NearIndex[tuple[str, str]] = NearIndex(settings.near, settings.run)
    texts = {}
    for where, rows in {**splits, **tests}.items():
        if where != "train":
            for row in rows:
                index.add((where, row.id), row.text)
                texts[where, row.id] = row.text
    pairs = []
    for row in splits["train"]:
        if found := index.find(row.text):
            (where, other), similarity = found[0]
            pairs.append(Pair(row.id, other, where, _how(row.text, texts[where, other], similarity)))
    return pairs


def table(splits: Mapping[str, Rows]) -> str:
    """How many rows of each intent are where, as Markdown."""
    counts = {name: Counter(row.intent for row in rows) for name, rows in splits.items()}
    lines = [f"| | {' | '.join(splits)} |", f"|---|{'---|' * len(splits)}"]
    lines += [
        f"| {intent} | {' | '.join(str(counts[name][intent]) for name in splits)} |" for intent in Intent
    ]
    lines.append(f"| all | {' | '.join(str(len(rows)) for rows in splits.values())} |")
    return "\n".join(lines)


def _any_from(turns: Rows, sources: Sequence[str]) -> bool:
    return any(row.source in sources for row in turns)


def _validation(conversations: Mapping[str, Rows], share: float, seed: int) -> set[str]:
    """The conversations that validate: of each intent as many rows as its share, drawn by the seed."""
    strata: dict[Intent, list[str]] = defaultdict(list)
    for name, turns in conversations.items():
        counted = Counter(row.intent for row in turns)
        strata[max(counted, key=lambda intent: (counted[intent], intent))].append(name)
    chosen = set()
    for names in strata.values():
        wanted = round(share * sum(len(conversations[name]) for name in names))
        for name in sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
            if len(conversations[name]) <= wanted:
                wanted -= len(conversations[name])
                chosen.add(name)
    return chosen


def _how(text: str, other: str, similarity: float) -> str:
    if normalised(text) == normalised(other):
        return "same text"
    same_words = re.findall(r"\w+", text.lower()) == re.findall(r"\w+", other.lower())
    return "same words" if same_words else f"{similarity:.2f} alike"


def _tell(pairs: Sequence[Pair]) -> None:
    for pair in pairs[:_NAMED]:
        print(pair, file=sys.stderr)
    if len(pairs) > _NAMED:
        print(f"and {len(pairs) - _NAMED:,} more", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("rows", type=Path, help="what judge.py wrote")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for the three files")
    made.add_argument("--drop", action="store_true", help="leave out training rows that are found elsewhere")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
