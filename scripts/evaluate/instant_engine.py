"""The instant engine with weights of another folder, such as those trained on published rows alone.

python scripts/evaluate/instant_engine.py data/test.jsonl --weights WEIGHTS -o evaluation/published.jsonl
"""

from __future__ import annotations

import argparse
from pathlib import Path

from answers import Row, answer, read_rows, write_answers

from devrouter.core.draft import Destination, Draft
from devrouter.core.language import language_of
from devrouter.engines.instant.engine import InstantEngine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    engine = InstantEngine(options.weights)
    lines = [answered(row, engine) for row in read_rows(options.data)]
    write_answers(options.output, "instant", engine.version, options.data, lines)


def answered(row: Row, engine: InstantEngine) -> Row:
    """One line, with the phrases as the engine says them."""
    found = engine.answer(Draft(row["text"], 1, language_of(row["text"]), Destination.CHAT))
    labels = {
        name: value for name, value in found.decision.to_dict().items() if name not in {"rewrite", "missing"}
    }
    confidence = {name: found.confidence[name] for name in labels if name in found.confidence}
    line = answer(row, {name: str(value) for name, value in labels.items()}, confidence=confidence)
    line["milliseconds"] = found.milliseconds
    line["gaps"] = [{"phrase": gap.phrase, "kind": gap.kind.value} for gap in found.gaps]
    line["decision"]["missing"] = list(found.decision.missing)
    return line


if __name__ == "__main__":
    main()
