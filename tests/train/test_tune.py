"""Tuning: the loss is taken where it should be, and a run that was killed goes on as if it had not been."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from watchfiles import watch

from tests.train.conftest import ROWS, SMALL, TEXTS, tune, weights
from tests.unit.training import command, run, write
from train.config import read_settings
from train.merge import system_prompt
from train.prompt_tokens import by_llama_cpp
from train.rows import FileError, Labelled, read_rows
from train.serving import llama_cpp

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),  # Torch's and Transformers' own.
]

FIELDS = ("rewrite", "intent", "complexity", "route", "missing")
EACH_STEP = ("--set", "training.checkpoint_minutes=0")


def served(text: str, recipe: str = "rewrite_first") -> str:
    """The prompt that a served model is asked with."""
    return (
        f"<|im_start|>system\n{system_prompt(recipe)}<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("recipe", ["rewrite_first", "labels_first"])
def test_the_loss_is_taken_on_the_reply_alone(base: Path, splits: Path, tmp_path: Path, recipe: str) -> None:
    """In the trainer's very batches: what is learned from is the reply, what is read the whole prompt."""
    from train.merge import baked_tokenizer
    from train.trainer import trainer_of
    from train.tune import examples_of

    settings = read_settings(single=[f"training.base={base}", f"training.recipe={recipe}"])
    tokenizer = baked_tokenizer(str(base), recipe)
    found = examples_of(read_rows(splits / "train.jsonl", Labelled), tokenizer, settings.training)
    trainer = trainer_of([asdict(example) for example in found.kept], [], tokenizer, settings, tmp_path)
    seen = {}
    for batch in trainer.get_train_dataloader():
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            learned = labels != -100
            start = int(learned.nonzero()[0])
            assert (labels[learned] == ids[learned]).all()
            seen[tokenizer.decode(ids[:start])] = tokenizer.decode(ids[learned])
    assert seen.keys() == {served(text, recipe) for text in TEXTS[:6]}
    for row in ROWS[:6]:
        reply, end, rest = seen[served(row["text"], recipe)].partition("<|im_end|>")
        assert (end, rest) == ("<|im_end|>", "")
        fields = json.loads(reply)
        assert fields == {name: row[name] for name in FIELDS}
        assert next(iter(fields)) == ("rewrite" if recipe == "rewrite_first" else "intent")


def test_a_killed_run_goes_on_and_ends_in_the_same_adapter(base: Path, splits: Path, tmp_path: Path) -> None:
    """Killed without warning at its first whole checkpoint; beside it lies a later one that was cut off."""
    options = ["--set", f"training.base={base}", *SMALL, *EACH_STEP, "--set", "training.epochs=24"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    checkpoints = killed / "checkpoints"
    checkpoints.mkdir(parents=True)
    process = subprocess.Popen(
        command("tune", splits, "-o", killed, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for changes in watch(checkpoints, debounce=20, step=5, rust_timeout=1000, yield_on_timeout=True):
        assert process.poll() is None, "it ended before it was killed"
        if any(Path(path).name == "whole" for _, path in changes):
            break
    process.kill()
    process.wait()
    assert not (killed / "adapter").exists()
    last = max(checkpoints.glob("checkpoint-*/whole"), key=lambda marker: int(marker.parent.name[11:])).parent
    cut = checkpoints / "checkpoint-71"
    cut.mkdir()
    shutil.copy(last / "trainer_state.json", cut)

    refused = run("tune", splits, "-o", killed, *options)
    assert (refused.returncode, "say --resume to go on" in refused.stderr) == (1, True)
    other = run("tune", splits, "-o", killed, *options, "--resume", "--set", "training.learning_rate=0.1")
    assert "a run of other settings, rows or base, which cannot go on with these" in other.stderr

    resumed = run("tune", splits, "-o", killed, *options, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    done = run("tune", splits, "-o", whole, *options)
    assert done.returncode == 0, done.stderr
    files = ["adapter/adapter_model.safetensors", "loss.svg"]
    assert [(killed / name).read_bytes() for name in files] == [(whole / name).read_bytes() for name in files]


def test_from_whichever_checkpoint_a_run_goes_on_it_ends_in_the_same_adapter(
    base: Path, splits: Path, tmp_path: Path
) -> None:
    """One in the middle of an epoch, and one at its end, where the validation rows are looked at."""
    options = (*EACH_STEP, "--set", "training.epochs=2", "--set", "training.checkpoints=9")
    whole = tune(splits, tmp_path / "whole", base, *options)
    for step in range(1, 6):
        resumed = tmp_path / f"from-{step}"
        for name in ("made-of.json", f"checkpoint-{step}"):
            source, target = whole / "checkpoints" / name, resumed / "checkpoints" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        tune(splits, resumed, base, *options, "--resume")
        for name in ("adapter/adapter_model.safetensors", "loss.svg"):
            assert (resumed / name).read_bytes() == (whole / name).read_bytes(), (step, name)


def test_a_split_that_drew_no_validation_rows_can_be_learned_from(base: Path, tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", ROWS[:4])
    (tmp_path / "validation.jsonl").touch()
    tuned = tune(tmp_path, tmp_path / "tuned", base, "--set", "training.epochs=1")
    assert "validation_loss" not in json.loads((tuned / "adapter.manifest.json").read_text())["counts"]


def test_other_rows_or_another_base_cannot_go_on(base: Path, splits: Path, tmp_path: Path) -> None:
    base = shutil.copytree(base, tmp_path / "base")
    tuned = tune(splits, tmp_path / "tuned", base, "--set", "training.epochs=1")
    others = tmp_path / "others"
    others.mkdir()
    write(others / "train.jsonl", ROWS[:5])
    with pytest.raises(FileError, match="other settings, rows or base"):
        tune(others, tuned, base, "--set", "training.epochs=1", "--resume")
    with (base / "config.json").open("a") as file:
        file.write("\n")
    with pytest.raises(FileError, match="other settings, rows or base"):
        tune(splits, tuned, base, "--set", "training.epochs=1", "--resume")


def test_rows_that_cannot_be_learned_from_are_counted(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = {**ROWS[1], "rewrite": "again " * 900}
    write(tmp_path / "train.jsonl", [{**ROWS[0], "rewrite": None}, long])
    with pytest.raises(FileError, match="no row is left to train on"):
        tune(tmp_path, tmp_path / "tuned", base)
    assert "0 rows, 1 left out without a rewrite, 1 left out as too long, at most 2,048" in (
        capsys.readouterr().out
    )


def test_with_the_labels_first_rows_without_a_rewrite_teach_their_labels(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their replies have no end, so that a model does not learn to leave the rewrite out."""
    from train.merge import baked_tokenizer
    from train.tune import examples_of

    write(tmp_path / "train.jsonl", [{**ROWS[0], "rewrite": None}, ROWS[1]])
    settings = read_settings(single=["training.recipe=labels_first"]).training
    tokenizer = baked_tokenizer(str(base), "labels_first")
    rows = read_rows(tmp_path / "train.jsonl", Labelled)
    alone, whole = (
        tokenizer.decode(
            [token for token, learned in zip(each.input_ids, each.completion_mask, strict=True) if learned]
        )
        for each in examples_of(rows, tokenizer, settings).kept
    )
    labels, end = alone.split(', "rewrite":')
    assert json.loads(labels + "}") == {name: ROWS[0][name] for name in FIELDS if name != "rewrite"}
    assert end == ""
    assert whole.endswith('"}<|im_end|>')
    tuned = tune(tmp_path, tmp_path / "tuned", base, "--set", "training.recipe=labels_first")
    assert "2 rows, 1 for their labels alone" in capsys.readouterr().out
    assert json.loads((tuned / "adapter.manifest.json").read_text())["counts"]["for their labels alone"] == 1


def test_all_weights_can_be_tuned(base: Path, splits: Path, tmp_path: Path) -> None:
    tuned = tune(
        splits, tmp_path, base, "--set", "training.method=full", "--set", "training.learning_rate=3e-3"
    )
    before, after = weights(base), weights(tuned / "model")
    assert after.keys() == before.keys()
    assert all((after[name] != before[name]).any() for name in before)
    manifest = json.loads((tuned / "model.manifest.json").read_text())
    assert manifest["counts"]["last_loss"] < manifest["counts"]["first_loss"]
    assert manifest["settings"]["base_weights"] == "float32"


def test_a_gguf_file_can_be_tuned(exported: Path, merged: Path, splits: Path, tmp_path: Path) -> None:
    """Its words and weights are those of the model that it was exported from."""
    from train.base import model_of, tokenizer_of

    gguf = exported / "devrouter-F16.gguf"
    model, exact = model_of(str(gguf)), weights(merged)
    found = model.state_dict()
    assert exact.keys() <= found.keys()
    assert all((found[name] == exact[name]).all() for name in exact)
    words, own = tokenizer_of(str(gguf)), tokenizer_of(str(merged))
    for text in (*TEXTS, served("a\tb  c\r\n\n 1234")):
        assert words(text).input_ids == own(text).input_ids
    tuned = tune(splits, tmp_path, gguf, "--set", "training.epochs=1")
    assert (tuned / "adapter" / "adapter_model.safetensors").is_file()


def test_words_of_a_gguf_file_are_cut_as_llama_cpp_cuts_them(smollm2: Path) -> None:
    """SmolLM2's file asks for each digit on its own, which Transformers does not read out of it."""
    from train.base import tokenizer_of

    tokenizer = tokenizer_of(str(smollm2))
    texts = [
        *TEXTS,
        "from 3.11 to  12 in 2,048 steps",
        "x=1234567;\n\n   99 bottles\t7",
        "v2 of h264 at 60fps",
    ]
    with llama_cpp(smollm2) as url:
        prompts = by_llama_cpp(url, texts)
    for prompt in prompts:
        assert tokenizer(prompt.text, add_special_tokens=False).input_ids == list(prompt.tokens), prompt.text


def test_a_base_that_cannot_be_loaded_is_named(exported: Path, splits: Path, tmp_path: Path) -> None:
    base = tmp_path / "broken.gguf"
    whole = (exported / "devrouter-F16.gguf").read_bytes()
    for content in (None, b"GGUF\x03\0\0\0no model", whole[:1000], whole[: len(whole) // 2]):
        if content:
            base.write_bytes(content)
        with pytest.raises(FileError, match=r"broken\.gguf: .*training\.base"):
            tune(splits, tmp_path / "tuned", base)
