"""How often the fidelity guard withholds rewrites that are known to be good, by rule.

Each row of a data file is one JSON object with "text" and "rewrite"; rows without a rewrite, or whose rewrite
is the text itself, are not counted. Rows that have an "id" and no text find it in the files of `--texts`.

    python scripts/bench/fidelity.py rows.jsonl [more.jsonl ...] [--texts texts.jsonl] [--show 40]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devrouter.core.fidelity import check_rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="JSONL rows with text and rewrite"
    )
    parser.add_argument(
        "--texts", nargs="*", type=Path, default=[], metavar="FILE", help="JSONL rows: id, text"
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N withheld rewrites")
    arguments = parser.parse_args()

    texts = {row["id"]: row["text"] for path in arguments.texts for row in _rows(path)}
    pairs = [
        (text, row["rewrite"])
        for path in arguments.files
        for row in _rows(path)
        if row.get("rewrite") and (text := row.get("text") or texts[row["id"]]) != row["rewrite"]
    ]
    judged = [(text, rewrite, check_rewrite(text, rewrite)) for text, rewrite in pairs]
    withheld = [item for item in judged if not item[2].kept]

    print(f"{len(pairs)} rewrites that change their text, {len(withheld)} withheld")
    counts = Counter(verdict.rule for _, _, verdict in withheld)
    for rule, count in [*counts.most_common(), ("all", len(withheld))]:
        print(f"{rule or '':<14}{count:>6}{count / max(1, len(pairs)):>8.2%}")
    for text, rewrite, verdict in withheld[: arguments.show]:
        print(f"\n--- {verdict.reason}\n{text}\n=>\n{rewrite}")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


if __name__ == "__main__":
    main()
