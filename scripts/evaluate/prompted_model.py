"""A model that is only prompted and held to the schema, on part of the rows, for it takes seconds a prompt.

    python scripts/runtime/get_model.py qwen
    python scripts/runtime/llama_server.py MODEL.gguf --port 8080 --threads 2
    python scripts/evaluate/prompted_model.py data/test.jsonl --rows 150 -o evaluation-150

Writes the rows that it was asked (`rows.jsonl`) and its answers (`prompted.jsonl`) into a folder; `devrouter
eval` then compares any engine with it on these rows. Goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from answers import read_rows

from devrouter.evaluation.rows import Header, sha256_of
from train.asked import Replies, Server, answer_of, collect, read_data, write_answers
from train.config import run_command

SYSTEM = Path(__file__).resolve().parents[1] / "bench" / "system_prompt.txt"


def main() -> None:
    options = _arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    rows = read_data(options.data, options.rows).rows
    asked = {row.id for row in rows}
    written = [json.dumps(row) + "\n" for row in read_rows(options.data) if row["id"] in asked]
    (options.output / "rows.jsonl").write_text("".join(written), encoding="utf-8")
    system = SYSTEM.read_text(encoding="utf-8")
    server = Server(options.url, options.name, "constrained", slots=1, system=system)
    with Replies(options.output / "replies.jsonl", options.name) as replies:
        collect(rows, server, replies)
        answers = [answer_of(row, reply) for row in rows if (reply := replies.to(row))]
    header = Header("prompted", options.name, sha256_of(rows))
    write_answers(options.output / "prompted.jsonl", header, rows, answers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--name", default="Qwen2.5-Coder-1.5B-Instruct Q4_K_M", help="for the report")
    parser.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
