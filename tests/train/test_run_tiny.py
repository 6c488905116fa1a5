"""From 60 raw prompts to a served model that has learned them: the whole pipeline, run once for its files."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.training import read
from train import run_tiny
from train.config import read_settings
from train.export import exports_in
from train.manifest import check_manifest
from train.rows import Labelled, read_rows
from train.run_tiny import Result, read_result, shortfalls

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]

LEARNED = Result(50, 7.0, 0.01, {"untrained": 0, "trained": 50, "llama_cpp-Q8_0-free": 49}, {})


@pytest.fixture(scope="module")
def work() -> Path:
    """The folder of the run; `scripts/test.py` has made it, so this only names it."""
    done = subprocess.run(
        [sys.executable, run_tiny.__file__],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_the_model_learned_what_it_was_taught(work: Path) -> None:
    result = read_result(work / "result.json")
    assert result.rows >= 45
    assert result.last_loss <= 0.05 * result.first_loss
    assert result.exact.pop("untrained") == 0
    servers = {"llama_cpp-F16-free", "llama_cpp-Q8_0-free", "llama_cpp-Q8_0-constrained"}
    runtimes = {"ollama-Q8_0-constrained", "transformers-F16-free"}
    assert {"trained", *servers, *runtimes} <= result.exact.keys()
    assert min(result.exact.values()) >= 0.8 * result.rows


def test_all_runtimes_read_the_same_tokens_and_reply_the_same(work: Path) -> None:
    compared = json.loads((work / "measured" / "compare.json").read_text(encoding="utf-8"))
    assert compared["prompts"]["identical"]["value"] == 1
    assert compared["prompts"]["counted"] == compared["rows"]
    assert compared["servers"]["same_labels"]["value"] >= 0.98
    assert compared["transformers"]["same_labels"]["value"] >= 0.9


def test_every_step_left_its_manifest_and_each_was_made_of_the_one_before(work: Path) -> None:
    made = ["prompts.jsonl", "judged.jsonl", "splits", "tuned/model", "merged"]
    made += [f"gguf/{export.path.name}" for export in exports_in(work / "gguf")]
    for name in made:
        assert check_manifest(work / name)["outputs"], name
    card = (work / "README.md").read_text()
    assert "devrouter-Q8_0.gguf" in card
    assert "| train |" in card
    manifests = [path.read_text() for path in work.rglob("*.manifest.json")]
    assert not [text for text in manifests if str(work.parent) in text], "it names a path of this machine"


def test_the_prompts_are_raw_and_spread_over_intents_and_complexities(work: Path) -> None:
    raw = read(work / "raw.jsonl")
    assert (len(raw), {frozenset(row) for row in raw}) == (60, {frozenset({"text", "source"})})
    rows = read_rows(work / "judged.jsonl", Labelled)
    assert len({row.intent for row in rows}) == 10
    assert len({row.complexity for row in rows}) == 3


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (replace(LEARNED, last_loss=1.0), "its loss fell from 7.000 to 1.000 only"),
        (replace(LEARNED, exact=LEARNED.exact | {"untrained": 3}), "without training it knew 3 of 50 rows"),
        (
            replace(LEARNED, exact=LEARNED.exact | {"ollama-Q8_0-constrained": 39}),
            "ollama-Q8_0-constrained: 39 of 50",
        ),
    ],
)
def test_a_model_that_did_not_learn_is_told(result: Result, said: str) -> None:
    assert shortfalls(LEARNED) == []
    (told,) = shortfalls(result)
    assert told.startswith(said)


def test_its_settings_are_settings() -> None:
    assert read_settings(run_tiny.SETTINGS).training.method == "full"
