"""Pin what the instant engine decides of 150 prompts of the dataset, for the test that compares.

python scripts/pin_decisions.py

Run it after the engine was changed on purpose, and read the difference before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from zlib import crc32

from devrouter.core.draft import Destination, Draft
from devrouter.core.language import language_of
from devrouter.engines.instant.engine import InstantEngine

ROOT = Path(__file__).resolve().parent.parent
DATASET = ROOT / "data" / "train.jsonl"
PINNED = ROOT / "tests" / "corpus" / "decisions.jsonl"
COUNT, LONGEST = 150, 1_200


def main() -> None:
    with DATASET.open(encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    short = [row for row in rows if len(row["text"]) <= LONGEST]
    chosen = sorted(short, key=lambda row: crc32(row["id"].encode()))[:COUNT]
    lines = [json.dumps(pinned(row["id"], row["text"]), ensure_ascii=False) for row in chosen]
    PINNED.write_text("".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")
    print(f"{PINNED}: {len(lines)} decisions")


def pinned(name: str, text: str) -> dict[str, object]:
    """One row: the prompt, its language and the five fields; the rewrite is empty where it is the prompt."""
    language = language_of(text)
    decision = InstantEngine().answer(Draft(text, 0, language, Destination.CHAT)).decision.to_dict()
    if decision["rewrite"] == text:
        decision["rewrite"] = ""
    return {"id": name, "language": language, "text": text, **decision}


if __name__ == "__main__":
    main()
