"""Count the dataset for data/README.md: what it covers, how its readers agree, and that its splits are apart.

python scripts/dataset.py          (where `pip install -e .[test]` was done)
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.metrics import cohen_kappa_score

sys.path.insert(0, str(Path(__file__).parent / "train" / "instant"))
from rows import Row, near_duplicates, read_rows

from devrouter.core.decision import Intent
from devrouter.core.gaps import GapKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATA = Path(__file__).resolve().parent.parent / "data"
README = DATA / "README.md"
FORMS = ("chat", "agent", "terse", "forum", "prompt_file", "dictated", "half_written")


def main() -> None:
    train, test = (read_rows([DATA / f"{name}.jsonl"]) for name in ("train", "test"))
    counted = "\n".join([*coverage([*train, *test]), "", *agreement(test), "", *apart(train, test)])
    text = README.read_text(encoding="utf-8")
    parts = re.split(r"(<!-- counted -->\n).*?(?=<!-- end -->)", text, flags=re.DOTALL)
    README.write_text(f"{parts[0]}{parts[1]}\n{counted}\n\n{parts[2]}", encoding="utf-8")
    print(counted)


def coverage(rows: Sequence[Row]) -> Iterator[str]:
    """Intent by form, and the other labels."""
    yield f"{len(rows):,} rows about {len({row['domain'] for row in rows}):,} domains; intent by form:"
    yield ""
    yield f"| | {' | '.join(FORMS)} | all |"
    yield f"|---|{'---|' * (len(FORMS) + 1)}"
    cells = Counter((row["intent"], row["form"]) for row in rows)
    for intent in Intent:
        counts = [cells[intent, form] for form in FORMS]
        yield f"| {intent} | {' | '.join(map(str, counts))} | {sum(counts)} |"
    for field in ("complexity", "route"):
        counted = Counter(row[field] for row in rows).most_common()
        yield f"\n{field}: {', '.join(f'{label} {count}' for label, count in counted)}"
    kinds = Counter(item["kind"] for row in rows for item in row["missing"])
    empty = sum(not row["missing"] for row in rows)
    yield f"\nNothing missing in {empty}; kinds: {', '.join(f'{kind} {kinds[kind]}' for kind in GapKind)}"


def agreement(rows: Sequence[Row]) -> Iterator[str]:
    """The first reader of the test split against the second, and both against what was settled."""
    yield f"The {len(rows)} rows of the test split were labelled twice, the second time blind:"
    yield ""
    yield "| | agreement | Cohen's kappa |"
    yield "|---|---|---|"
    for field in ("intent", "complexity", "route"):
        first, second = ([row[reader][field] for row in rows] for reader in ("first", "second"))
        same = sum(a == b for a, b in zip(first, second, strict=True)) / len(rows)
        yield f"| {field} | {same:.3f} | {cohen_kappa_score(first, second):.3f} |"
    first, second = ([_kinds(row[reader]) for row in rows] for reader in ("first", "second"))
    shared = sum(len(a & b) for a, b in zip(first, second, strict=True))
    given = sum(len(a) + len(b) for a, b in zip(first, second, strict=True))
    yield f"| kinds of gap, F1 of one reader by the other | {2 * shared / given:.3f} | |"
    empty = list(zip(map(bool, first), map(bool, second), strict=True))
    same = sum(a == b for a, b in empty) / len(rows)
    yield f"| whether anything is missing | {same:.3f} | {cohen_kappa_score(*zip(*empty, strict=True)):.3f} |"
    loud = [bool(b) for a, b in zip(first, second, strict=True) if not a]
    still = [not b for a, b in zip(first, second, strict=True) if a]
    yield ""
    yield (
        "Measured as an engine is, the second reader raises false alarms on "
        f"{sum(loud) / len(loud):.1%} of the rows that miss nothing for the first, and is silent on "
        f"{sum(still) / len(still):.1%} of the others."
    )


def apart(train: Sequence[Row], test: Sequence[Row]) -> Iterator[str]:
    """That no test row says the same as a training row."""
    yield f"Training rows that say the same as a test row: {len(near_duplicates(train, test))}."


def _kinds(labels: dict[str, Any]) -> set[str]:
    return {item["kind"] for item in labels["missing"]}


if __name__ == "__main__":
    main()
