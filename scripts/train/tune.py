"""Tune the base on the training rows: an adapter (QLoRA on CUDA, LoRA elsewhere), or all weights.

    python scripts/train/tune.py work/splits -o work/tuned
    python scripts/train/tune.py work/splits -o work/tuned --resume
    python scripts/train/tune.py work/splits -o work/small --set training.base=SmolLM2.gguf

Each row is the prompt that `merge.py` bakes and, as the reply, the decision's JSON and the end token; the
loss is taken on the reply alone. Rows longer than `training.max_length` are left out and counted, and so are
those without a rewrite, but that `labels_first` learns what their replies begin with: the labels. A
checkpoint is written every few minutes; `--resume` goes on from the last whole one and ends where an
uninterrupted run would. `loss.svg` shows the loss on the training rows and on `validation.jsonl`.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from train.base import files_of
from train.config import parser, run_command, settings_of
from train.loss_plot import loss_svg
from train.manifest import files_in, sha256_of, write_manifest
from train.merge import ORDERS, SYSTEM_PROMPT, baked_tokenizer, prompt_for
from train.rows import FileError, Labelled, read_rows, write_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from train.config import Settings, TrainingSettings


@dataclass(frozen=True, slots=True)
class Example:
    """One row in tokens; `completion_mask` is 1 where the loss is taken, on the reply."""

    input_ids: list[int]
    completion_mask: list[int]


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows to learn from, how many of them for their labels alone, and how many could not be learned from."""

    kept: tuple[Example, ...]
    labels_alone: int
    without_rewrite: int
    too_long: int


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    training = settings.training
    if training.batch % training.rows_at_a_time:
        raise FileError("settings: training.batch: must be a multiple of training.rows_at_a_time")
    files = [options.splits / "train.jsonl", options.splits / "validation.jsonl"]
    # A split without rows is an empty file, and training goes without it.
    inputs = [path for path in files if path is files[0] or (path.is_file() and path.stat().st_size)]
    tokenizer = baked_tokenizer(training.base, training.recipe)
    examples = [examples_of(read_rows(path, Labelled), tokenizer, training) for path in inputs]
    for path, found in zip(inputs, examples, strict=True):
        print(_said(path, found, training.max_length), flush=True)
    if not examples[0].kept:
        raise FileError(f"{files[0]}: no row is left to train on")
    checkpoints = _checkpoints(options.output, settings, inputs, resume=options.resume)
    made, history, weights = _train(examples, tokenizer, settings, checkpoints)
    write_text(options.output / "loss.svg", loss_svg(history))
    counts = {"rows": len(examples[0].kept), **_besides(examples[0]), **_losses(history)}
    write_manifest(
        made,
        "tune",
        settings=asdict(training) | {"base_weights": weights},
        seed=settings.seed,
        inputs=[*inputs, SYSTEM_PROMPT, *files_of(training.base)],
        counts=counts,
    )
    print(f"{made}: {json.dumps(counts)}")


def reply_of(row: Labelled, recipe: str) -> str:
    """What the model is to write, without the end token; without a rewrite it is what stands before that."""
    order, values = ORDERS[recipe], row.fields
    if row.rewrite is None:
        labels = {name: values[name] for name in order[: order.index("rewrite")]}
        return json.dumps(labels, ensure_ascii=False).removesuffix("}") + ', "rewrite":'
    return json.dumps({name: values[name] for name in order}, ensure_ascii=False)


def example_of(row: Labelled, tokenizer: Any, recipe: str) -> Example:  # noqa: ANN401
    """The row in tokens. Prompt and reply are cut apart before they are tokenised, as they are in use."""
    prompt = tokenizer(prompt_for(tokenizer, row.text), add_special_tokens=False).input_ids
    reply = tokenizer(reply_of(row, recipe), add_special_tokens=False).input_ids
    if row.rewrite is not None:
        reply.append(tokenizer.eos_token_id)
    return Example(prompt + reply, [0] * len(prompt) + [1] * len(reply))


def examples_of(rows: Iterable[Labelled], tokenizer: Any, training: TrainingSettings) -> Examples:  # noqa: ANN401
    """The rows in tokens, in order; none is cut."""
    rows = list(rows)
    learnable = [row for row in rows if row.rewrite is not None or training.recipe == "labels_first"]
    examples = [(row, example_of(row, tokenizer, training.recipe)) for row in learnable]
    kept = [pair for pair in examples if len(pair[1].input_ids) <= training.max_length]
    return Examples(
        kept=tuple(example for _, example in kept),
        labels_alone=sum(row.rewrite is None for row, _ in kept),
        without_rewrite=len(rows) - len(learnable),
        too_long=len(examples) - len(kept),
    )


def _train(
    examples: list[Examples],
    tokenizer: Any,  # noqa: ANN401
    settings: Settings,
    checkpoints: Path,
) -> tuple[Path, list[dict[str, float]], str]:
    """Train, from the last whole checkpoint where there is one.

    The folder made, the losses by step, and how the base's weights were kept meanwhile.
    """
    from train.trainer import last_checkpoint, trainer_of, weights_held

    made = checkpoints.parent / ("adapter" if settings.training.method == "lora" else "model")
    rows = [[asdict(example) for example in found.kept] for found in examples]
    validation = rows[1][: settings.training.validation_rows] if len(rows) > 1 else []
    trainer = trainer_of(rows[0], validation, tokenizer, settings, checkpoints)
    trainer.train(resume_from_checkpoint=last_checkpoint(checkpoints))
    arriving = made.with_name(f"{made.name}.partial")
    shutil.rmtree(arriving, ignore_errors=True)
    trainer.model.save_pretrained(arriving)
    (arriving / "README.md").unlink(missing_ok=True)  # peft's form to fill in; ours is made by card.py.
    tokenizer.save_pretrained(arriving)
    shutil.rmtree(made, ignore_errors=True)
    arriving.rename(made)
    return made, trainer.state.log_history, weights_held(settings.training)


def _checkpoints(output: Path, settings: Settings, inputs: list[Path], *, resume: bool) -> Path:
    """The folder of the checkpoints, which are of these settings and rows. Raises `FileError`."""
    folder = output / "checkpoints"
    given = [*inputs, SYSTEM_PROMPT, *files_of(settings.training.base)]
    signed = {
        "seed": settings.seed,
        "training": asdict(settings.training),
        "inputs": [sha256_of(file) for path in given for file in files_in(path)],
    }
    made_of = folder / "made-of.json"
    text = json.dumps(signed, indent=1) + "\n"
    if not made_of.is_file():
        write_text(made_of, text)
    elif not resume:
        raise FileError(f"{output}: holds an earlier run; say --resume to go on, or name another folder")
    elif made_of.read_text(encoding="utf-8") != text:
        raise FileError(
            f"{output}: holds a run of other settings, rows or base, which cannot go on with these"
        )
    return folder


def _said(path: Path, found: Examples, longest: int) -> str:
    besides = [f"{count:,} {why}" for why, count in _besides(found).items() if count]
    return ", ".join(
        [f"{path.name}: {len(found.kept):,} rows", *besides, f"at most {longest:,} tokens a row"]
    )


def _besides(found: Examples) -> dict[str, int]:
    return {
        "for their labels alone": found.labels_alone,
        "left out without a rewrite": found.without_rewrite,
        "left out as too long": found.too_long,
    }


def _losses(history: list[dict[str, float]]) -> dict[str, float]:
    """The first and the last loss on the training rows, and the last on the validation rows."""
    training = [entry["loss"] for entry in history if "loss" in entry]
    validation = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    figures = {"first_loss": training[:1], "last_loss": training[-1:], "validation_loss": validation[-1:]}
    return {name: round(float(values[0]), 6) for name, values in figures.items() if values}


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("splits", type=Path, help="the folder of split.py")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for what is tuned")
    made.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
