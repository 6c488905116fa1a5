"""The instant engine with weights of another folder, such as those trained on published rows alone.

python scripts/evaluate/instant_engine.py data/test.jsonl --weights WEIGHTS -o evaluation/published.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from devrouter.engines.instant.engine import InstantEngine
from devrouter.evaluation.asking import answer_of
from devrouter.evaluation.rows import AnswersFile, Header, read_gold, sha256_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    engine = InstantEngine(options.weights)
    engine.load()
    rows = read_gold(options.data.read_bytes(), str(options.data)).rows
    header = Header(engine.name, engine.version, sha256_of(rows))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w+b") as stream, asyncio.Runner() as runner:
        answers = AnswersFile(stream, str(options.output), header, rows)
        for row in rows:
            answers.append(runner.run(answer_of(row, engine)))
    print(f"{options.output}: {len(answers.answers)} answers")


if __name__ == "__main__":
    main()
