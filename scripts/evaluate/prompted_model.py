"""A model that is only prompted and held to the schema, on part of the rows, for it takes seconds a prompt.

    python scripts/runtime/get_model.py qwen
    python scripts/runtime/llama_server.py MODEL.gguf --port 8080 --threads 2
    python scripts/evaluate/prompted_model.py data/test.jsonl --rows 150 -o evaluation-150

Writes the rows that it was asked (`rows.jsonl`) and its answers (`prompted.jsonl`) into a folder; `devrouter
eval` then compares any engine with it on these rows. Goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from answers import read_rows
from tqdm import tqdm

from devrouter.core.decision import Decision, DecisionError, decision_schema
from devrouter.core.kinds import kind_of
from devrouter.evaluation.rows import (
    AnswersFile,
    GoldRow,
    Header,
    Missing,
    RowAnswer,
    read_gold,
    sha256_of,
)

SYSTEM = Path(__file__).resolve().parents[1] / "bench" / "system_prompt.txt"
LIMIT = 1_408  # Tokens a reply, as the model card has it.


def main() -> None:
    options = _arguments()
    rows = sorted(read_rows(options.data), key=lambda row: hashlib.sha256(str(row["id"]).encode()).digest())
    options.output.mkdir(parents=True, exist_ok=True)
    asked = options.output / "rows.jsonl"
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows[: options.rows]), encoding="utf-8")
    gold = read_gold(asked.read_bytes(), str(asked)).rows
    header = Header("prompted", options.name, sha256_of(gold))
    path = options.output / "prompted.jsonl"
    with (
        httpx.Client(base_url=options.url, timeout=300) as client,
        path.open("r+b" if path.exists() else "x+b") as stream,
    ):
        answers = AnswersFile(stream, str(path), header, gold)
        for row in tqdm(gold[len(answers.answers) :], unit="row"):
            answers.append(answered(row, client))


def answered(row: GoldRow, client: httpx.Client) -> RowAnswer:
    """What the model says of one row; a reply that is no decision is an invalid one."""
    body: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": SYSTEM.read_text(encoding="utf-8")},
            {"role": "user", "content": row.text},
        ],
        "temperature": 0,
        "max_tokens": LIMIT,
        "response_format": {"type": "json_schema", "json_schema": {"schema": decision_schema()}},
    }
    began = perf_counter()
    response = client.post("/v1/chat/completions", json=body)
    milliseconds = (perf_counter() - began) * 1000
    try:
        response.raise_for_status()
        decision = Decision.from_json(response.json()["choices"][0]["message"]["content"])
    except (httpx.HTTPStatusError, DecisionError, KeyError, IndexError, ValueError) as error:
        return RowAnswer(row.id, row.text_sha256, None, (), {}, milliseconds, str(error))
    gaps = tuple(Missing(phrase, kind_of(phrase)) for phrase in decision.missing[:5])
    return RowAnswer(row.id, row.text_sha256, decision, gaps, {}, milliseconds, None)


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
    main()
