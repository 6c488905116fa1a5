"""A run's folder as the pipeline leaves it, small: real splits and GGUF files, staged training, replies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runtime.tiny_gguf import write_tiny_gguf
from tests.unit.measuring import Work
from tests.unit.training import labelled, run, write
from train.asked import read_data
from train.config import read_settings
from train.export import exports_in
from train.manifest import write_manifest
from train.merge import SYSTEM_PROMPT, system_prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devrouter.evaluation.rows import GoldRow

INTENTS = ("debug", "feature", "explain", "review")
WORDS = ("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "heath", "inlet", "joist")


@dataclass(frozen=True, slots=True)
class Faults:
    """In how many replies, the first of the file, something is wrong."""

    invalid: int = 0
    intent: int = 0
    route: int = 0
    losing: int = 0


def stage(folder: Path) -> Path:
    """The folder of a run with two exports, of which nothing was measured."""
    work = folder / "work"
    work.mkdir()
    given = write(folder / "given.jsonl", [_row(number, "Look at") for number in range(60)])
    _done("judge", given, "-o", work / "judged.jsonl")
    write(folder / "test.jsonl", [_row(number, "Think about") for number in range(100, 120)])
    options = ("--set", f'split.against=["{folder}/test.jsonl"]', "--set", "split.near=1.0")
    _done(
        "split",
        work / "judged.jsonl",
        "-o",
        work / "splits",
        *options,
        "--set",
        'split.holdout_sources=["gamma"]',
    )
    base = folder / "base.gguf"
    base.write_bytes(b"base")
    adapter, merged = work / "tuned" / "adapter", work / "merged"
    _make(adapter, "adapter_model.safetensors")
    (work / "tuned" / "loss.svg").write_text("<svg/>", encoding="utf-8")
    training = replace(read_settings().training, base=str(base), epochs=1.0)
    write_manifest(
        adapter,
        "tune",
        settings=training,
        seed=read_settings().seed,
        inputs=[work / "splits" / "train.jsonl", work / "splits" / "validation.jsonl", SYSTEM_PROMPT, base],
        counts={"rows": 42, "left out as too long": 1, "first_loss": 2.5, "last_loss": 0.75},
    )
    _make(merged, "model.safetensors")
    about = {"base": str(base), "recipe": "rewrite_first"}
    write_manifest(merged, "merge", settings=about, seed=read_settings().seed, inputs=[adapter])
    export(work, "F16", 2048)
    export(work, "Q8_0", 2049)
    return work


def export(work: Path, quantization: str, context: int = 2048) -> Path:
    """Stage one export; each `context` makes another model."""
    path = work / "gguf" / f"devrouter-{quantization}.gguf"
    path.parent.mkdir(exist_ok=True)
    write_tiny_gguf(path, system=system_prompt(), context=context)
    write_manifest(
        path,
        "export",
        settings={"quantization": quantization},
        seed=1,
        inputs=[work / "merged"],
        counts={"weights": {"Q8_0": 0.802, "Q6_K": 0.198}},
    )
    return path


def ask(run: Path, data: Path, replied: Mapping[str, Callable[[int, GoldRow], str]]) -> None:
    """Stage what each export, by its quantisation, replied to all rows of a labelled file."""
    exports = {export.quantization: export for export in exports_in(run / "gguf")}
    place = Work(run, exports, read_data(data))
    for quantization, reply in replied.items():
        place.stage(quantization, reply)


def replies(faults: Faults) -> Callable[[int, GoldRow], str]:
    """Right replies but for the faults."""

    def reply(number: int, row: GoldRow) -> str:
        decision = {
            "rewrite": row.text if number >= faults.losing else re.sub(r"`\w+`", "it", row.text),
            "intent": row.intent if number >= faults.intent else "other",
            "complexity": row.complexity,
            "route": row.route if number >= faults.route else "large_api",
            "missing": [item.phrase for item in row.missing],
        }
        return json.dumps(decision)[: None if number >= faults.invalid else -5]

    return reply


def _row(number: int, verb: str) -> dict[str, Any]:
    words = " ".join(WORDS[(number * step) % 10] for step in (1, 3, 7))
    return labelled(
        f"{verb} the module `part_{number}` of {words} and say what it does.",
        intent=INTENTS[number % 4],
        source=("alpha", "beta", "gamma")[number % 3],
        form="agent" if number % 5 == 0 else "chat",
    )


def _make(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    (folder / name).write_bytes(name.encode())


def _done(step: str, *arguments: str | Path) -> None:
    done = run(step, *arguments)
    assert done.returncode == 0, done.stderr
