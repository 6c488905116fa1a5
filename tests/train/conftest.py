"""What the tests of tuning, merging and exporting share: one tiny model, made once, of each step.

They need what `pip install -e '.[train]'` brings; `scripts/test.py` runs them where that is.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tests.unit.training import labelled, write
from train.merge import system_prompt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = all(importlib.util.find_spec(name) for name in ("torch", "transformers", "trl", "peft"))

TEXTS = (
    "why does my flask app give 500",
    "add a --version flag",
    "is md5 fine for etags?",
    "größer als 3.5 💥?",
    "remove the any types",
    "fix it:\n\n    def f(x): return {'a': x}",
    "make this css smaller",
    "write docs for our api",
)
ROWS = [labelled(text, rewrite=f"Please: {text}") for text in TEXTS]
SMALL = ("--set", "training.batch=2", "--set", "training.rows_at_a_time=2", "--set", "training.log_every=1")


def pytest_runtest_setup() -> None:
    if not HERE:
        pytest.skip("torch is not here: python3 scripts/test.py makes an environment with it")


def in_process(main: Callable[[], None], *arguments: str | Path) -> None:
    """Run a step's command here: loading torch takes longer than the work of a tiny model."""
    with patch.object(sys, "argv", ["step", *map(str, arguments)]):
        main()


def tune(splits: Path, output: Path, base: Path, *options: str) -> Path:
    from train import tune

    in_process(tune.main, splits, "-o", output, "--set", f"training.base={base}", *SMALL, *options)
    return output


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of 30,000 weights, with a tokenizer of its own."""
    from train.tiny import write_tiny_base

    folder = tmp_path_factory.mktemp("base")
    write_tiny_base(folder, [system_prompt(), *TEXTS], vocabulary=500, hidden=32, layers=1)
    return folder


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("splits")
    write(folder / "train.jsonl", ROWS[:6])
    write(folder / "validation.jsonl", ROWS[6:])
    return folder


@pytest.fixture(scope="session")
def tuned(base: Path, splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tune(splits, tmp_path_factory.mktemp("tuned"), base)


@pytest.fixture(scope="session")
def merged(tuned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from train import merge

    folder = tmp_path_factory.mktemp("work") / "merged"
    in_process(merge.main, tuned, "-o", folder)
    return folder


@pytest.fixture(scope="session")
def exported(merged: Path) -> Path:
    from train import export

    folder = merged.parent / "gguf"
    in_process(export.main, merged, "-o", folder)
    return folder


def weights(folder: Path) -> dict[str, Any]:
    """The tensors of a folder of safetensors, by name."""
    from safetensors.torch import load_file

    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}
