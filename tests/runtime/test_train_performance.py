"""The speed of exports, measured on a real llama.cpp with a model of half a megabyte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.evaluation.rows import read_gold
from runtime.tiny_gguf import write_tiny_gguf
from tests.unit.training import labelled, run, write
from train.manifest import check_manifest, write_manifest
from train.performance import prompts_of, read_performance
from train.rows import FileError

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "amber birch cedar delta ember flint grove heath inlet joist"
SMALL = (
    "performance.lengths=[60, 300, 9000]",
    "performance.repeats=2",
    "performance.slots=[1, 2]",
    "performance.calls=3",
    "performance.threads=1",
)


def rows() -> list[dict[str, Any]]:
    return [labelled(f"Why does part {number} of {WORDS} fail?"[: 40 + number]) for number in range(30)]


def add(folder: Path, quantization: str) -> None:
    path = folder / f"devrouter-{quantization}.gguf"
    write_tiny_gguf(path, context=2048)
    write_manifest(path, "export", settings={"quantization": quantization}, seed=1, inputs=[])


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "gguf"
    folder.mkdir()
    add(folder, "F16")
    write(tmp_path / "rows.jsonl", rows())
    return folder


def measure(exports: Path) -> str:
    pytest.importorskip("xllamacpp", reason="llama.cpp's server is not there: pip install xllamacpp")
    folder = exports.parent
    options = [part for setting in SMALL for part in ("--set", setting)]
    done = run("performance", exports, "--data", folder / "rows.jsonl", "-o", folder / "measured", *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_each_export_has_its_figures_and_a_rerun_measures_only_what_is_new(exports: Path) -> None:
    measure(exports)
    path = exports.parent / "measured" / "performance.json"
    found = read_performance(path)
    assert check_manifest(path)["step"] == "performance"
    (speed,) = found.exports
    assert (speed.file, speed.quantization) == ("devrouter-F16.gguf", "F16")
    short, joined, endless = speed.lengths
    assert short.calls
    assert joined.calls
    assert (short.joined, joined.joined) == (False, True)
    assert endless.calls is None, "9,000 characters do not fit 2,048 tokens"
    for calls in (short.calls, joined.calls):
        for figure in (calls.seconds, calls.generation, calls.prefill, calls.reply_tokens):
            assert 0 < figure.low <= figure.median <= figure.high
    # A byte is a token here: the system prompt, which is in the cache, is counted as well.
    assert short.calls.prompt_tokens.median < joined.calls.prompt_tokens.median
    assert joined.calls.prompt_tokens.median > 300 + 100
    assert [each.slots for each in speed.throughput] == [1, 2]
    assert all(each.calls_a_second.low > 0 for each in speed.throughput)

    add(exports, "Q8_0")
    said = measure(exports)
    assert "devrouter-F16" not in said
    assert "devrouter-Q8_0" in said
    again = read_performance(path)
    assert again.exports[0] == speed
    assert [each.quantization for each in again.exports] == ["F16", "Q8_0"]


def test_prompts_are_near_the_length_or_joined_and_never_twice_the_same() -> None:
    content = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    gold = read_gold(content, "rows.jsonl").rows
    near, joined = prompts_of(gold, 44, 5, seed=1)
    assert not joined
    assert all(abs(len(text) - 44) <= 4.4 for text in near)
    long, joined = prompts_of(gold, 500, 5, seed=1)
    assert joined
    assert {len(text) for text in long} == {500}
    assert len({*near, *long}) == 10
    longer, _ = prompts_of(gold, 600, 5, seed=1)
    assert not any(other.startswith(text[:100]) for text in long for other in longer)


def test_an_export_that_was_changed_and_a_broken_file_are_refused(exports: Path, tmp_path: Path) -> None:
    with (exports / "devrouter-F16.gguf").open("ab") as file:
        file.write(b"x")
    done = run("performance", exports, "--data", tmp_path / "rows.jsonl", "-o", tmp_path / "measured")
    assert done.returncode == 1
    assert "devrouter-F16.gguf: was changed after the step export made it" in done.stderr
    broken = tmp_path / "performance.json"
    broken.write_text('{"conditions": {}}', encoding="utf-8")
    with pytest.raises(FileError, match=r"performance\.json: conditions\.machine: .*; measure again"):
        read_performance(broken)
