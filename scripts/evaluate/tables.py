"""Put the comparison of a report of `devrouter eval` into docs/evaluation.md, where its name stands.

python scripts/evaluate/tables.py published=evaluation/report.md
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for argument in sys.argv[1:]:
        name, _, file = argument.partition("=")
        before, marker, rest = text.partition(f"<!-- table: {name} -->\n")
        if not marker:
            sys.exit(f"{DOCUMENT}: has no place for a table named {name!r}")
        shown = comparison(Path(file).read_text(encoding="utf-8"))
        text = f"{before}{marker}\n{shown}\n\n{rest[rest.index('<!-- end -->') :]}"
    DOCUMENT.write_text(text, encoding="utf-8")


def comparison(report: str) -> str:
    """What was measured, the table of all engines, and the later tables that compare them, if any."""
    parts = [part.strip() for part in re.split(r"^(?=## )", report, flags=re.MULTILINE)]
    data = re.search(r"^On the .*$", parts[0], re.MULTILINE)
    table = re.search(r"(?:^\|.*\n?)+", parts[0], re.MULTILINE)
    if not data or not table:
        sys.exit("this is no report of `devrouter eval`")
    # A path says nothing to a reader elsewhere; the name and the hash do.
    where = re.sub(r"`[^`]*/([^`/]+)`", r"`\1`", data.group())
    compared = [part for part in parts[1:] if part.startswith(("## Against", "## Robustness"))]
    return "\n\n".join([where, table.group().strip(), *(f"#{part}" for part in compared)])


if __name__ == "__main__":
    main()
