"""Exports on the real llama.cpp and the real Ollama: asked, compared, and refused where one is damaged."""

from __future__ import annotations

import json
import re
import subprocess
import time
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import pytest

from runtime.tiny_gguf import write_tiny_gguf
from tests.unit.measuring import exported, run_here, work
from tests.unit.training import command, labelled, write
from train.asked import MODEL, Respondent, ask, context_for, read_data
from train.compare import agreement, same_prompts
from train.export import write_modelfile
from train.prompt_tokens import by_llama_cpp, by_ollama
from train.rows import FileError
from train.serving import llama_cpp, ollama
from train.validate import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.measuring import Work

pytest.importorskip("xllamacpp")
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

CONTEXT = 320  # Tokens, which here are bytes: room for the prompt and a short reply that never ends.
TEXTS = ("why is `f` slow", "fix the login <|im_end|> page", "what does é mean, naïve ☃", "add 1234567 tests")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """F16 always replies with the intent that the rows have; Q8_0 is the same model.

    Both are served on one thread: the machine is shared, and two that wait for each other are far slower.
    """
    monkeypatch.setattr("train.validate.llama_cpp", partial(llama_cpp, threads=1))
    made = work(tmp_path)
    for quantization, export in made.exports.items():
        write_tiny_gguf(export.path, context=CONTEXT)
        made.exports[quantization] = exported(export.path, quantization, tmp_path / "merged")
        with write_modelfile(export.path).open("a", encoding="utf-8") as file:
            file.write("PARAMETER num_thread 1\n")
    texts = [f"{text} ({number})" for number in range(2) for text in TEXTS]
    labels = {"intent": "explain", "complexity": "low", "route": "small_local"}
    write(made.data.path, [labelled(text, **labels) for text in texts])
    return made


def validated(place: Work, *more: str) -> tuple[int, str]:
    done = run_here(main, place.gguf, "--data", place.data.path, "-o", place.measured, *more)
    return done.returncode, done.stderr


def test_an_export_whose_weights_are_damaged_is_refused(place: Work) -> None:
    """Its model never closes a string, so that held to the schema it gives no decision at all."""
    damaged = place.exports["Q8_0"].path
    write_tiny_gguf(damaged, context=CONTEXT, endless=True)
    exported(damaged, "Q8_0", place.folder / "merged")
    status, complaint = validated(place, "--set", "validate.slots=2")
    assert status == 1
    assert "devrouter-Q8_0.gguf is refused" in complaint
    assert not damaged.with_suffix(".Modelfile").exists()
    reference, export = place.result("validate.json")["exports"]
    assert reference["figures"]["constrained"]["intent"]["value"] == 1
    assert export["figures"]["constrained"]["valid"]["value"] == 0
    verdicts = {each["figure"]: each["verdict"] for each in export["judged"]}
    assert verdicts["intent"] == "refused"
    assert verdicts["valid"] == "undecided"  # Free, neither model writes JSON, and eight rows cannot tell.
    with pytest.raises(FileError, match="has no devrouter-Q8_0"), ollama(damaged, MODEL):
        pass


def test_a_run_that_is_killed_loses_no_reply_and_asks_none_again(place: Work) -> None:
    arguments = (place.gguf, "--data", place.data.path, "-o", place.measured)
    process = subprocess.Popen(
        command("validate", *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    replies = place.measured / "replies" / "llama_cpp-F16-free" / "test.jsonl"
    while not (replies.exists() and replies.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    kept = replies.read_bytes()
    whole = kept[: kept.rindex(b"\n") + 1]
    replies.write_bytes(whole + b'{"id": "half')  # A kill in the middle of a line.
    assert validated(place)[0] == 1  # Eight rows decide nothing.
    after = replies.read_bytes()
    assert after.startswith(whole)
    rows = [json.loads(line) for line in after.splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(row.id for row in read_data(place.data.path).rows)


def test_a_server_that_cannot_start_is_told_with_its_reason(place: Work) -> None:
    path = place.exports["Q8_0"].path
    path.write_bytes(path.read_bytes()[:-20_000])
    exported(path, "Q8_0", place.folder / "merged")
    status, complaint = validated(place)
    assert status == 1
    assert f"{path}: llama.cpp's server does not start with it: " in complaint
    assert "Traceback" not in complaint
    assert (place.measured / "quality" / "llama_cpp-F16-free" / "test.jsonl").exists()


def test_another_model_of_the_same_name_is_asked_anew(place: Work, capfd: pytest.CaptureFixture[str]) -> None:
    export = place.exports["F16"]
    data = [read_data(place.data.path, 2)]
    first = Respondent("llama_cpp", "F16", "constrained", export.path, "one")
    served = partial(llama_cpp, export.path, context=context_for(data[0].texts, export.path), threads=1)
    before = ask([first], data, place.measured, served)[0]
    assert ask([first], data, place.measured, lambda: pytest.fail("it was asked again"))[0] == before
    other = Respondent("llama_cpp", "F16", "constrained", export.path, "other")
    after = ask([other], data, place.measured, served)[0]
    assert "begun anew, for it holds the replies of another model" in capfd.readouterr().err
    assert [reply.text for reply in after.replies] == [reply.text for reply in before.replies]


def test_ollama_and_llama_cpp_are_sent_the_same_tokens_and_give_the_same_labels(
    place: Work, ollama_program: Path
) -> None:
    assert ollama_program.exists()
    export = place.exports["Q8_0"]
    data = [read_data(place.data.path, 4)]
    texts = [row.text for row in data[0].rows]
    by_one = Respondent("llama_cpp", "Q8_0", "constrained", export.path, export.sha256)
    by_other = Respondent("ollama", "Q8_0", "constrained", export.path, export.sha256)
    with llama_cpp(export.path, context=CONTEXT, threads=1) as url:
        with ollama(export.path, MODEL) as other:
            prompts = {"llama_cpp": by_llama_cpp(url, texts), "ollama": by_ollama(other, url, texts)}
            answers = ask([by_other], data, place.measured, lambda: nullcontext(other))[0]
        found = same_prompts(data[0].rows, prompts, [reply.tokens_in for reply in answers.replies])
        assert (found.identical.count, found.counted) == (4, 4)
        agreed = agreement(ask([by_one], data, place.measured, lambda: nullcontext(url))[0], answers)
        assert (agreed.same_labels.count, agreed.same_labels.total) == (4, 4)
        modelfile = export.path.with_suffix(".Modelfile")
        modelfile.write_text(re.sub("SYSTEM.*", 'SYSTEM "Be nice."', modelfile.read_text(encoding="utf-8")))
        with ollama(export.path, MODEL) as other:
            prompts["ollama"] = by_ollama(other, url, texts)
        assert len(same_prompts(data[0].rows, prompts, [0] * 4).differing) == 4
