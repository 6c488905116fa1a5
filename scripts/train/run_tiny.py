"""All steps at once, on 60 prompts and a tiny model, in minutes on two cores: the proof that they fit.

    python scripts/train/run_tiny.py -o work/tiny
    python scripts/train/run_tiny.py    in the user's cache, once for these files; prints the folder

The prompts are the shortest of the repository's own that have a rewrite, six of each intent. They are
collected raw, given their labels back, judged and split; a Qwen2 of 740,000 weights with a tokenizer of its
own learns them by heart, is merged, exported, measured on the real servers, and described in its card. The
run ends with status 1 unless the model learned what it was taught: see `shortfalls`. A run that was stopped
goes on. `run_tiny.toml` holds its settings, `result.json` what came out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _environment import cache_folder, one_at_a_time, remove_unused
from devrouter.evaluation.rows import read_answers, read_gold
from train.config import ROOT, read_settings, run_command
from train.manifest import check_manifest, sha256_of, versions
from train.rows import FileError, Labelled, Prompt, id_of, read_rows, write_rows, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devrouter.core.decision import Intent

HERE = Path(__file__).parent
SETTINGS = HERE / "run_tiny.toml"
DATA = ROOT / "data" / "train.jsonl"
PER_INTENT = 6
CHARACTERS = range(20, 301)
"""How long a prompt is: no mere greeting, and nothing that a tiny model's context would not hold."""

_SOURCES = frozenset({".py", ".toml", ".txt"})

LOSS_LEFT = 0.05
"""The last loss on the training rows is at most this share of the first."""
LEARNED = 0.8
"""Of the training prompts, at least this share come back with exactly the five fields that were taught."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the run is judged by.

    `exact` counts the training prompts that come back with exactly the decision they were taught with: from
    the weights before and after training, and from each server that was asked.
    """

    rows: int
    first_loss: float
    last_loss: float
    exact: dict[str, int]
    versions: dict[str, str]


def main() -> None:
    options = _arguments()
    if options.output:
        run(options.output)
        return
    done = finished()
    with one_at_a_time(done.with_name("tiny.lock")):
        if not is_current(done):
            remove_unused(done.parent, "tiny-*")
            partial = done.with_suffix(".partial")
            run(partial)
            shutil.rmtree(done, ignore_errors=True)
            partial.rename(done)
    os.utime(done)
    print(done)


def run(work: Path) -> None:
    """Run every step in this folder. Raises `FileError` where one fails, or the model did not learn."""
    rows = chosen(read_rows(DATA, Labelled))
    write_rows(work / "raw.jsonl", ({"text": row.text, "source": row.source} for row in rows))
    step(work, "collect", "raw.jsonl", "-o", "prompts.jsonl")
    write_rows(work / "labels.jsonl", labelled(read_rows(work / "prompts.jsonl", Prompt), rows))
    step(work, "judge", "labels.jsonl", "-o", "judged.jsonl")
    step(work, "split", "judged.jsonl", "-o", "splits", "--drop")
    train = read_rows(work / "splits" / "train.jsonl", Labelled)
    write_base(work / "base", train)
    step(work, "tune", "splits", "-o", "tuned", "--resume", "--set", "training.base=base")
    step(work, "merge", "tuned", "-o", "merged")
    step(work, "export", "merged", "-o", "gguf")
    step(work, "validate", "gguf", "--data", "splits/train.jsonl", "-o", "measured")
    step(work, "compare", "merged", "gguf", "--data", "splits/train.jsonl", "-o", "measured")
    step(work, "performance", "gguf", "--data", "splits/train.jsonl", "-o", "measured")
    step(work, "card", ".", "-o", "README.md")
    result = result_of(work, train)
    write_text(work / "result.json", json.dumps(asdict(result), indent=1) + "\n")
    if short := shortfalls(result):
        raise FileError(f"{work}: the model did not learn: {'; '.join(short)}")


def shortfalls(result: Result) -> list[str]:
    """Where the trained model falls short of what training it must do; none is as it should be."""
    short = []
    if result.last_loss > LOSS_LEFT * result.first_loss:
        short.append(f"its loss fell from {result.first_loss:.3f} to {result.last_loss:.3f} only")
    if untrained := result.exact["untrained"]:
        short.append(f"without training it knew {untrained} of {result.rows} rows")
    for name, count in result.exact.items():
        if name != "untrained" and count < LEARNED * result.rows:
            short.append(f"{name}: {count} of {result.rows} rows come back exactly")
    return short


def chosen(rows: Iterable[Labelled]) -> list[Labelled]:
    """Of each intent the same number, of its complexities in turn, the shortest first."""
    counted: Counter[object] = Counter()
    places: dict[Intent, list[tuple[int, int, str, Labelled]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (len(row.text), row.id)):
        if row.rewrite and not row.group and len(row.text) in CHARACTERS:
            turn = counted[row.intent, row.complexity]
            counted[row.intent, row.complexity] += 1
            places[row.intent].append((turn, len(row.text), row.id, row))
    return [row for found in places.values() for *_, row in sorted(found)[:PER_INTENT]]


def labelled(prompts: Sequence[Prompt], rows: Sequence[Labelled]) -> list[dict[str, Any]]:
    """The prompts with the labels that their texts have."""
    by_text = {id_of(row.text): row for row in rows}
    return [asdict(by_text[prompt.id]) | asdict(prompt) for prompt in prompts]


def write_base(folder: Path, rows: Sequence[Labelled]) -> None:
    """A model with random weights, whose tokens are the words of what it will learn."""
    from train.merge import system_prompt
    from train.tiny import write_tiny_base

    replies = [row.decision.to_json() for row in rows]
    texts = [*[system_prompt()] * len(rows), *(row.text for row in rows), *replies]
    write_tiny_base(folder, texts, vocabulary=2048, hidden=128, layers=2)


def step(work: Path, name: str, *arguments: str) -> None:
    """Run a step as its user does, in the folder. Raises `FileError` where it fails; it says why itself."""
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments, "--config", str(SETTINGS)]
    if subprocess.run(command, cwd=work, stdout=sys.stderr, check=False).returncode:
        raise FileError(f"{name}.py failed, so the run ends here")


# The result


def result_of(work: Path, train: Sequence[Labelled]) -> Result:
    from train.base import tokenizer_of
    from train.merge import baked_tokenizer

    losses = check_manifest(work / "tuned" / "model")["counts"]
    base, merged = str(work / "base"), str(work / "merged")
    exact = {
        "untrained": remembered(base, baked_tokenizer(base), train),
        "trained": remembered(merged, tokenizer_of(merged), train),
    }
    for path in sorted((work / "measured" / "quality").glob("*/train.jsonl")):
        exact[path.parent.name] = exact_answers(path, work / "splits" / "train.jsonl")
    return Result(len(train), losses["first_loss"], losses["last_loss"], exact, versions())


def remembered(model: str, tokenizer: Any, rows: Sequence[Labelled]) -> int:  # noqa: ANN401
    """How many rows the model would answer exactly: each token of the reply is the likeliest to follow."""
    import torch

    from train.base import model_of
    from train.tune import example_of

    loaded = model_of(model, dtype=torch.float32).eval()
    count = 0
    for row in rows:
        example = example_of(row, tokenizer, read_settings(SETTINGS).training.recipe)
        prompt = example.completion_mask.index(1)
        with torch.inference_mode():
            likeliest = loaded(torch.tensor([example.input_ids])).logits[0].argmax(-1).tolist()
        count += likeliest[prompt - 1 : -1] == example.input_ids[prompt:]
    return count


def exact_answers(path: Path, rows: Path) -> int:
    """How many of a server's answers are exactly what the model was taught."""
    _, answers = read_answers(path.read_bytes(), str(path), read_gold(rows.read_bytes(), str(rows)).rows)
    taught = {row.id: row.decision for row in read_rows(rows, Labelled)}
    return sum(answer.decision == taught[str(answer.id)] for answer in answers)


# The finished run in the user's cache


def finished() -> Path:
    """Where the run of these files lies, once it is done: its name is a hash of all that it is made of."""
    product = ROOT / "server" / "devrouter"
    folders = (HERE, HERE.parent / "runtime", product / "core", product / "engines")
    files = [DATA, *(file for folder in folders for file in folder.iterdir() if file.suffix in _SOURCES)]
    signed = "".join(f"{file.relative_to(ROOT)} {sha256_of(file)}\n" for file in sorted(files))
    return cache_folder() / "runtime" / f"tiny-{hashlib.sha256(signed.encode()).hexdigest()[:12]}"


def is_current(done: Path) -> bool:
    """Whether the run is done, and was with the packages that are installed here."""
    file = done / "result.json"
    return file.is_file() and read_result(file).versions == versions()


def read_result(file: Path) -> Result:
    return Result(**json.loads(file.read_text(encoding="utf-8")))


def _arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-o", "--output", type=Path, help="folder for everything; else the user's cache")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
