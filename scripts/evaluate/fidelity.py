"""What the fidelity guard does with rewrites: good ones, the instant engine's, and a prompted model's.

    python scripts/evaluate/fidelity.py
    python scripts/evaluate/fidelity.py --private labels.jsonl --texts pool.jsonl \\
        --model "on public prompts=rows.jsonl,prompted.jsonl" [--show 20]

Prints the report and writes it to docs/fidelity.md. Without options it measures the rewrites of data/, which
anybody can repeat; the tables of other files are then kept as they stand. `--model` takes the files that
`prompted_model.py` writes. Exits with 1 where something that the guard would offer lacks a protected piece.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle import lost

from devrouter.core.fidelity import RULES, Guarded, guard
from devrouter.core.language import language_of
from devrouter.engines.instant.rewrite import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "fidelity.md"
DATA = (ROOT / "data" / "train.jsonl", ROOT / "data" / "test.jsonl")


@dataclass(frozen=True, slots=True)
class Judged:
    """One rewrite and what the guard makes of it."""

    id: str
    draft: str
    rewrite: str
    guarded: Guarded

    @property
    def losses(self) -> list[str]:
        """What the oracle misses in the rewrite that would be offered."""
        return lost(self.draft, self.guarded.rewrite) if self.guarded.rewrite is not None else []


def main() -> int:
    options = _arguments()
    texts = {row["id"]: row["text"] for path in options.texts for row in _rows(path)}
    public = [row for path in DATA for row in _rows(path)]
    judged = {"good": _judge(_rewritten(public, {})), "instant": _judge(_tidied(public))}
    tables = {"rules": _rules(), "good": _good(judged["good"]), "instant": _shares(judged["instant"])}
    if options.private:
        judged["private"] = _judge(_rewritten(_rows(options.private), texts))
        tables["private"] = _good(judged["private"])
        judged["instant-private"] = _judge(_tidied({"id": key, "text": text} for key, text in texts.items()))
        tables["instant-private"] = _shares(judged["instant-private"])
    for name, files in options.model:
        judged[name] = _judge(_answered(*files))
    if options.model:
        tables["model"] = "\n\n".join(f"### {name}\n\n{_shares(judged[name])}" for name, _ in options.model)
    report = _filled(DOCUMENT.read_text(encoding="utf-8"), tables)
    DOCUMENT.write_text(report, encoding="utf-8")
    print(report)
    if options.side_by_side:
        _write_side_by_side([*judged.get("instant-private", []), *judged["instant"]], options.side_by_side)
    for name, items in judged.items():
        for item in [item for item in items if item.guarded.withheld][: options.show]:
            print(f"\n--- {name} {item.id}: {item.guarded.withheld}\n{item.draft}\n=>\n{item.rewrite}")
    losing = [(name, item) for name, items in judged.items() for item in items if item.losses]
    for name, item in losing:
        print(f"LOST by {name}, {item.id}: {item.losses}", file=sys.stderr)
    return 1 if losing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--private", type=Path, metavar="FILE", help="more rewrites judged fine: id, rewrite")
    parser.add_argument("--texts", nargs="*", type=Path, default=[], metavar="FILE", help="rows: id, text")
    parser.add_argument(
        "--model",
        action="append",
        type=_model,
        default=[],
        metavar="NAME=ROWS,ANSWERS",
        help="a model's answers",
    )
    parser.add_argument(
        "--side-by-side", type=Path, metavar="FILE", help="100 instant rewrites to judge blind"
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N withheld rewrites of each")
    return parser.parse_args()


def _model(argument: str) -> tuple[str, tuple[Path, Path]]:
    name, _, files = argument.rpartition("=")
    rows, answers = files.split(",")
    return name, (Path(rows), Path(answers))


# --- What is judged: (id, draft, rewrite), only where the rewrite differs


def _rewritten(rows: Iterable[dict[str, Any]], texts: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        if row.get("rewrite"):
            yield row["id"], row.get("text") or texts[row["id"]], row["rewrite"]


def _tidied(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        english = language_of(row["text"]) == "en"
        yield row["id"], row["text"], tidy(row["text"]) if english else row["text"]


def _answered(rows: Path, answers: Path) -> Iterator[tuple[str, str, str]]:
    texts = {row["id"]: row["text"] for row in _rows(rows)}
    for answer in list(_rows(answers))[1:]:
        if answer["decision"]:
            yield answer["id"], texts[answer["id"]], answer["decision"]["rewrite"]


def _judge(rewrites: Iterable[tuple[str, str, str]]) -> list[Judged]:
    """Every rewrite, those that are the draft itself among them: the guard then has nothing to offer."""
    return [
        Judged(name, draft, rewrite, guard(draft.strip(), rewrite.strip()))
        for name, draft, rewrite in rewrites
    ]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


# --- Tables


def _rules() -> str:
    return "\n".join(
        ["| rule | a rewrite that is offered … |", "|---|---|", *(f"| {k} | {v} |" for k, v in RULES.items())]
    )


def _good(items: list[Judged]) -> str:
    """Withheld by rule, of the rewrites that say something else than their draft."""
    differing = [item for item in items if item.guarded != Guarded(None)]
    withheld = Counter(item.guarded.rule for item in differing if item.guarded.withheld)
    rows = [f"| {rule} | {count} | {count / len(differing):.2%} |" for rule, count in withheld.most_common()]
    total = withheld.total()
    return "\n".join(
        [
            f"{len(differing):,} rewrites that differ from their text in more than taste.",
            "",
            "| rule | withheld | of all |",
            "|---|---|---|",
            *rows,
            f"| **all** | **{total}** | **{total / len(differing):.2%}** |",
        ]
    )


def _shares(items: list[Judged]) -> str:
    """What becomes of all rewrites, and why they are withheld."""
    same = [item for item in items if item.rewrite.strip() == item.draft.strip()]
    equal = [item for item in items if item.guarded == Guarded(None) and item not in same]
    repaired = [item for item in items if item.guarded.repaired]
    withheld = [item for item in items if item.guarded.withheld]
    offered = [item for item in items if item.guarded.rewrite is not None and not item.guarded.repaired]
    rules = Counter(item.guarded.rule for item in withheld)
    parts = {
        "the draft itself": same,
        "equal in meaning, not offered": equal,
        "offered as it is": offered,
        "offered with something put back": repaired,
        "withheld": withheld,
        "offered and lacking a piece, by the oracle": [item for item in items if item.losses],
    }
    rows = [f"| {name} | {len(part)} | {len(part) / len(items):.1%} |" for name, part in parts.items()]
    why = ", ".join(f"{rule} {count}" for rule, count in rules.most_common())
    lines = [f"| of {len(items):,} drafts | number | share |", "|---|---|---|", *rows]
    return "\n".join([*lines, *(["", f"Withheld by: {why}."] if why else [])])


def _filled(document: str, tables: dict[str, str]) -> str:
    for name, table in tables.items():
        before, marker, rest = document.partition(f"<!-- table: {name} -->\n")
        if not marker:
            sys.exit(f"{DOCUMENT}: has no place for a table named {name!r}")
        document = f"{before}{marker}\n{table}\n\n{rest[rest.index('<!-- end -->') :]}"
    return document


def _write_side_by_side(items: list[Judged], path: Path) -> None:
    """100 drafts and their rewrites, left and right by chance; which is which stands in a file of its own."""
    chance = random.Random(7)  # noqa: S311
    offered = [item for item in items if item.guarded.rewrite is not None][:100]
    rows, key = [], {}
    for item in chance.sample(offered, len(offered)):
        sides = [item.draft.strip(), item.guarded.rewrite]
        key[item.id] = "right" if chance.random() < 0.5 else "left"
        left, right = sides if key[item.id] == "right" else sides[::-1]
        rows.append(json.dumps({"id": item.id, "left": left, "right": right}, ensure_ascii=False))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    path.with_name(f"{path.stem}_key.json").write_text(
        json.dumps({"rewrite": key}, indent=1), encoding="utf-8"
    )


if __name__ == "__main__":
    raise SystemExit(main())
