"""The model card says what was measured of this model and how it was made, and nothing else."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
import yaml

from devrouter.core.decision import Decision
from devrouter.evaluation.rows import Header, RowAnswer, read_gold, sha256_of
from tests.unit.carding import Faults, ask, export, replies, stage
from tests.unit.measuring import Work, run_here
from tests.unit.training import read
from train import card, validate
from train.asked import read_data, write_answers
from train.config import read_settings
from train.export import exports_in
from train.manifest import sha256_of as sha256_of_file
from train.manifest import write_manifest
from train.merge import system_prompt
from train.performance import Calls, Conditions, Figure, Length, Performance, Speed, Throughput

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.measuring import Done

FAULTS = {"F16": Faults(invalid=1, intent=4, route=6, losing=3), "Q8_0": Faults(2, 5, 7, 3)}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which nothing was measured."""
    return stage(tmp_path_factory.mktemp("card"))


@pytest.fixture
def run(untouched: Path, tmp_path: Path) -> Path:
    return shutil.copytree(untouched.parent, tmp_path / "all") / "work"


def measure(run: Path) -> None:
    """Let the gate judge what is staged, on the file of its own and on the holdout; it has too few rows."""
    data = [run.parent / "test.jsonl", run / "splits" / "holdout.jsonl"]
    for path in data:
        ask(run, path, {name: replies(faults) for name, faults in FAULTS.items()})
    done = run_here(validate.main, run / "gguf", "--data", *data, "-o", run / "measured")
    assert "not every export passed" in done.stderr


def write_card(run: Path, *more: str | Path) -> Done:
    return run_here(card.main, run, "-o", run / "README.md", *more)


def carded(run: Path, *more: str | Path) -> str:
    done = write_card(run, *more)
    assert done.returncode == 0, done.stderr
    return (run / "README.md").read_text(encoding="utf-8")


def refusal(run: Path, *more: str | Path) -> str:
    done = write_card(run, *more)
    assert done.returncode == 1
    assert not (run / "README.md").exists()
    return done.stderr


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    level = title.split(" ", 1)[0]
    lines = text.splitlines()
    start = lines.index(title) + 1
    ends = (
        number
        for number, line in enumerate(lines)
        if number >= start and line.startswith("#") and len(line.split(" ", 1)[0]) <= len(level)
    )
    return "\n".join(lines[start : next(ends, len(lines))])


def cells(text: str, row: str, *, table: int = 0) -> dict[str, str]:
    """One row of a Markdown table, by the table's heads; the first table that has the row, or a later one."""
    lines = text.splitlines()
    number = [n for n, line in enumerate(lines) if line.startswith(f"| {row} |")][table]
    head = number
    while not lines[head].startswith("| ---"):
        head -= 1
    names, values = ([cell.strip() for cell in lines[at].strip("|").split("|")] for at in (head - 1, number))
    return dict(zip(names, values, strict=True))


def wilson(count: int, total: int) -> str:
    """A share with its 95 % interval, by Wilson's formula."""
    z, share = 1.959964, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return f"{100 * share:.1f} % ({100 * (middle - reach):.1f} to {100 * (middle + reach):.1f})"


# What it says


def test_the_figures_are_those_of_the_replies(run: Path) -> None:
    measure(run)
    text = carded(run)
    rows = read(run.parent / "test.jsonl")
    total = len(rows)
    quality = section(text, "### Test")
    for quantization, faults in FAULTS.items():
        for column in (f"{quantization}, free", f"{quantization}, schema"):
            assert cells(quality, "prompts")[column] == str(total)
            assert cells(quality, "valid JSON")[column] == wilson(total - faults.invalid, total)
            assert cells(quality, "intent")[column] == wilson(total - faults.intent, total)
            assert cells(quality, "complexity")[column] == wilson(total - faults.invalid, total)
            assert cells(quality, "route")[column] == wilson(total - faults.route, total)
            # A decision that is not valid has no rewrite.
            losing = wilson(faults.losing - faults.invalid, total - faults.invalid)
            assert cells(quality, "rewrites that the guard withholds")[column] == losing
            assert cells(quality, "rewrites that lose a name, number or code")[column] == losing
    # The top shows one export, F16 as none passed the gate, and says so.
    top = text[: text.index("## How to use it")]
    assert "No coarser export [passed](#exports): take `devrouter-F16.gguf`." in top
    assert list(cells(top, "intent")) == ["", "test", "holdout"]
    assert cells(top, "intent")["test"] == wilson(total - FAULTS["F16"].intent, total)
    assert cells(top, "valid JSON, nothing enforced")["test"] == wilson(total - 1, total)


def test_by_intent_it_counts_the_rows_of_each(run: Path) -> None:
    measure(run)
    quality = section(carded(run), "### Holdout")
    rows = read(run / "splits" / "holdout.jsonl")
    for intent in ("debug", "feature", "explain", "review"):
        of_it = [number for number, row in enumerate(rows) if row["intent"] == intent]
        found = sum(number >= FAULTS["F16"].intent for number in of_it)
        row = cells(quality, intent)
        assert row["prompts"] == str(len(of_it))
        assert row["recall"] == f"{found / len(of_it):.2f}"
        assert row["precision"] == "1.00"
        assert row["F1"] == f"{2 * found / (found + len(of_it)):.2f}"
        route = sum(number >= FAULTS["F16"].route for number in of_it) / len(of_it)
        assert row["route right"] == f"{100 * route:.1f} %"


def test_the_gates_verdicts_stand_in_it(run: Path) -> None:
    measure(run)
    exports = section(carded(run), "## Exports")
    verdict = json.loads((run / "measured" / "validate.json").read_text(encoding="utf-8"))["exports"][1][
        "verdict"
    ]
    assert cells(exports, "Q8_0")["verdict"] == f"**{verdict}**"
    assert sha256_of_file(run / "gguf" / "devrouter-Q8_0.gguf") in exports
    assert cells(exports, "`devrouter-Q8_0.gguf`")["weights"] == "80% Q8_0, 20% Q6_K"


def test_an_export_that_passed_is_the_one_to_take(run: Path) -> None:
    measure(run)
    path = run / "measured" / "validate.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["exports"][1]["verdict"] = "passed"
    path.write_text(json.dumps(content), encoding="utf-8")
    gguf = sorted((run / "gguf").glob("*.gguf"))
    write_manifest(path, "validate", settings={}, seed=1, inputs=gguf)
    text = carded(run)
    top = text[: text.index("## How to use it")]
    assert "Take `devrouter-Q8_0.gguf`" in top
    rows = len(read(run.parent / "test.jsonl"))
    assert cells(top, "intent")["test"] == wilson(rows - FAULTS["Q8_0"].intent, rows)
    assert "devrouter model setup --from devrouter-Q8_0.gguf" in text


def test_what_was_not_measured_is_called_so(run: Path) -> None:
    text = carded(run)
    for title in ("## Quality", "## Exports", "## Runtimes", "## Speed"):
        assert "not measured" in section(text, title).lower(), title
    top = text[: text.index("## How to use it")]
    assert "Its quality is not measured." in top
    assert "*holdout* was not measured" in top


def test_only_a_file_that_the_split_was_held_against_is_called_checked(run: Path) -> None:
    """By its hash: another of the same name was not."""
    measure(run)
    assert "*test* is a labelled file of its own, checked to share no prompt" in carded(run)
    other = run.parent / "other" / "test.jsonl"
    other.parent.mkdir()
    other.write_text((run.parent / "test.jsonl").read_text(encoding="utf-8") + "\n", encoding="utf-8")
    ask(run, other, {"F16": replies(Faults())})
    run_here(validate.main, run / "gguf", "--data", other, "-o", run / "measured", "--rows", "10")
    text = carded(run)
    assert "*test* is a labelled file of its own;" in text
    assert "validate.py work/gguf --data test.jsonl --rows 10 -o work/measured" in text


def test_it_says_how_the_model_was_made(run: Path) -> None:
    text = carded(run)
    made = section(text, "## How it was made")
    split = 'split.holdout_sources=["gamma"]', 'split.against=["test.jsonl"]'
    quoted = " ".join(f"--set '{setting}'" for setting in split)
    for command in (
        "judge.py given.jsonl -o work/judged.jsonl",
        f"split.py work/judged.jsonl -o work/splits {quoted} --set split.near=1.0",
        "tune.py work/splits -o work/tuned --set training.base=base.gguf --set training.epochs=1.0",
        "merge.py work/tuned -o work/merged",
        """export.py work/merged -o work/gguf --set 'export.quantizations=["F16","Q8_0"]'""",
    ):
        assert f"python scripts/train/{command}" in made.splitlines()
    for file in (
        run / "splits" / "train.jsonl",
        run / "gguf" / "devrouter-F16.gguf",
        run.parent / "base.gguf",
    ):
        assert sha256_of_file(file) in made
    data = section(text, "## Training data")
    rows = {name: read(run / "splits" / f"{name}.jsonl") for name in ("train", "validation", "holdout")}
    for field, value in (("intent", "debug"), ("form", "agent"), ("source", "gamma"), ("complexity", "low")):
        counted = {name: str(sum(row[field] == value for row in found)) for name, found in rows.items()}
        assert cells(data, value) == {field: value, **counted}
    training = section(text, "## Training")
    assert cells(training, "epochs")["value"] == "`1.0`"
    assert "It learned from 42 rows; left out as too long: 1." in training
    assert "first 2.500, last 0.750" in training
    assert "![The loss over the steps](loss.svg)" in training
    assert (run / "loss.svg").read_text(encoding="utf-8") == "<svg/>"
    prompt = section(text, "## The prompt")
    assert "the prompt that it was trained with, byte for byte" in prompt
    assert system_prompt() in prompt


def test_it_holds_no_prompt_of_the_data_and_no_path_of_the_machine(run: Path) -> None:
    measure(run)
    speeds(run)
    text = carded(run, "--compare", f"instant={other_engine(run)}")
    for file in (run.parent / "given.jsonl", run.parent / "test.jsonl"):
        for row in read(file):
            assert row["text"] not in text
            assert row["text"][:30] not in text
    for place in (run, run.parent, run.parent.parent, run.parent.parent.parent):
        assert str(place) not in text
    assert "/root" not in text
    assert "/tmp" not in text


def test_the_speed_is_told_with_its_range_and_machine(run: Path) -> None:
    speeds(run)
    text = carded(run)
    speed = section(text, "## Speed")
    row = cells(speed, "F16")
    assert row["characters"] == "500"
    assert row["seconds a call"] == "1.25 (1 to 2.5)"
    assert row["prompt tokens/s"] == "1,234 (1,000 to 2,000)"
    assert "too long for its context" in speed
    assert cells(speed, "F16", table=-1)["calls at a time"] == "4"
    assert "A made-up processor" in speed
    assert "takes 1.25 (1 to 2.5) seconds on A made-up processor" in text[: text.index("## How to use it")]


def test_it_says_how_far_the_runtimes_agree(run: Path) -> None:
    def counted(count: int, total: int) -> dict[str, float]:
        return {"count": count, "total": total, "value": count / total, "low": 0.25, "high": 0.75}

    file = run / "gguf" / "devrouter-Q8_0.gguf"
    content = {
        "file": file.name,
        "sha256": sha256_of_file(file),
        "needed": 0.98,
        "rows": 20,
        "prompts": {"identical": counted(19, 20), "counted": 3, "differing": ["t1"]},
        "servers": {
            "same_labels": counted(9, 18),
            "same_replies": counted(7, 20),
            "valid": [counted(9, 20)] * 2,
            "differing": [],
        },
        "transformers": {
            "same_labels": counted(4, 6),
            "same_replies": counted(3, 8),
            "valid": [counted(4, 8)] * 2,
            "differing": [],
        },
    }
    path = run / "measured" / "compare.json"
    path.parent.mkdir()
    path.write_text(json.dumps(content), encoding="utf-8")
    write_manifest(path, "compare", settings={}, seed=1, inputs=[run / "merged", file])
    runtimes = section(carded(run), "## Runtimes")
    assert "19 of 20 prompts are the same tokens" in runtimes
    assert "98.0 % of the rows" in runtimes
    servers = cells(runtimes, "llama.cpp and Ollama, held to the schema")
    assert servers["same labels"] == "9 of 18, 50.0 % (25.0 to 75.0)"
    assert servers["same reply, letter for letter"] == "7 of 20"
    transformers = cells(runtimes, "llama.cpp and Transformers, free, F16")
    assert transformers["same reply, letter for letter"] == "3 of 8"


def test_another_engine_stands_beside_on_the_same_rows(run: Path) -> None:
    measure(run)
    text = carded(run, "--compare", f"instant={other_engine(run, right=12)}")
    rows = len(read(run.parent / "test.jsonl"))
    assert cells(section(text, "### Test"), "intent")["instant"] == wilson(12, rows)
    paired = next(
        line
        for line in section(text, "### Beside others").splitlines()
        if line.startswith("| test | instant | intent")
    )
    difference = 100 * (rows - FAULTS["F16"].intent - 12) / rows
    assert f"{difference:+.1f} points" in paired
    assert "instant" not in section(text, "### Holdout")


def test_an_engine_is_compared_on_the_rows_that_both_answered(run: Path) -> None:
    """F16 was asked fewer of them than the export that passed."""
    path = run.parent / "test.jsonl"
    exports = {export.quantization: export for export in exports_in(run / "gguf")}
    for quantization, rows in (("F16", 10), ("Q8_0", None)):
        Work(run, exports, read_data(path, rows)).stage(quantization, replies(FAULTS[quantization]))
    run_here(validate.main, run / "gguf", "--data", path, "--rows", "10", "-o", run / "measured")
    text = carded(run, "--compare", f"instant={other_engine(run, right=12)}")
    prompts = cells(section(text, "### Test"), "prompts")
    assert (prompts["F16, schema"], prompts["instant"]) == ("10", str(len(read(path))))
    assert "| test | instant | intent" in section(text, "### Beside others")


def test_licences_come_from_the_settings_or_the_datas_readme(run: Path) -> None:
    front = yaml.safe_load(carded(run).split("---")[1])
    assert front["license"] == "unknown"
    assert "base_model" not in front
    assert "card.license" in write_card(run).stderr
    (run.parent / "README.md").write_text(
        "# Data\n\nMade by hand. Free to use under\nits licence, CC-BY-4.0.\n", encoding="utf-8"
    )
    stated = ("license=apache-2.0", "base_license=mit", "base_model=someone/base")
    text = carded(run, *(part for setting in stated for part in ("--set", f"card.{setting}")))
    front = yaml.safe_load(text.split("---")[1])
    assert (front["license"], front["base_model"]) == ("apache-2.0", "someone/base")
    licences = section(text, "## Licence")
    assert cells(licences, "its base, someone/base")["licence"] == "mit"
    assert cells(licences, "the labelled data")["licence"] == "cc-by-4.0"
    assert "> Made by hand. Free to use under" in section(text, "## Training data")


# What it refuses


def test_answers_of_another_model_are_refused(run: Path) -> None:
    measure(run)
    export(run, "Q8_0", context=1024)
    message = refusal(run)
    assert "was made of another" in message
    assert "devrouter-Q8_0.gguf" in message


def test_answers_of_another_model_are_refused_where_the_exports_were_taken_away(run: Path) -> None:
    measure(run)
    export(run, "Q8_0", context=1024)
    for path in (run / "gguf").glob("*.gguf"):
        path.unlink()
    assert "was measured on another model" in refusal(run)


def test_a_speed_of_another_model_is_refused(run: Path) -> None:
    speeds(run)
    export(run, "F16", context=1024)
    assert "performance.json: was made of another" in refusal(run)


def test_a_step_that_was_made_of_other_files_is_refused(run: Path) -> None:
    path = run / "splits" / "train.jsonl"
    path.write_text(path.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")
    write_manifest(run / "splits", "split", settings={}, seed=1, inputs=[])
    message = refusal(run)
    assert "adapter: was made of another splits/train.jsonl than that of the step split" in message
    assert "run the step tune again" in message


def test_a_broken_line_is_named(run: Path) -> None:
    measure(run)
    path = run / "measured" / "quality" / "llama_cpp-F16-free" / "test.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace('"milliseconds":', '"seconds":')
    rewrite(run, path, lines)
    message = refusal(run)
    assert "llama_cpp-F16-free/test.jsonl, line 4: milliseconds: Field required" in message


def test_answers_that_are_not_whole_are_refused(run: Path) -> None:
    measure(run)
    path = run / "measured" / "quality" / "llama_cpp-F16-free" / "test.jsonl"
    rewrite(run, path, path.read_text(encoding="utf-8").splitlines()[:-1])
    assert "test.jsonl: does not answer all the rows that were asked" in refusal(run)


@pytest.mark.parametrize(("step", "key"), [("validate", "exports"), ("performance", "conditions")])
def test_a_broken_measured_file_is_named(run: Path, step: str, key: str) -> None:
    measure(run)
    speeds(run)
    path = run / "measured" / f"{step}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content[key]
    path.write_text(json.dumps(content), encoding="utf-8")
    write_manifest(path, step, settings={}, seed=1, inputs=sorted((run / "gguf").glob("*.gguf")))
    assert f"{step}.json: {key}: Field required; measure again" in refusal(run)


def test_rows_that_moved_are_asked_for(run: Path) -> None:
    measure(run)
    moved = run.parent / "elsewhere" / "test.jsonl"
    moved.parent.mkdir()
    (run.parent / "test.jsonl").rename(moved)
    assert "test.jsonl: the rows that it answers are not where they were; name them with --data" in refusal(
        run
    )
    assert "### Test" in carded(run, "--data", moved)


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    assert "holds no export with its manifest; run export.py" in refusal(tmp_path)


def test_another_engine_that_left_rows_out_is_refused(run: Path) -> None:
    measure(run)
    path = other_engine(run)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-2]), encoding="utf-8")
    assert "instant.jsonl: has no answer to 2 of 20 rows" in refusal(run, "--compare", f"instant={path}")
    assert "--compare nonsense: is not of the form NAME=FILE" in refusal(run, "--compare", "nonsense")


# Staging


def rewrite(run: Path, path: Path, lines: list[str]) -> None:
    """Write an answers file anew, with a manifest that fits."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    inputs = [run / "gguf" / "devrouter-F16.gguf", run.parent / "test.jsonl"]
    write_manifest(path, "ask", settings={}, seed=0, inputs=inputs)


def other_engine(run: Path, right: int = 20) -> Path:
    """Answers of another engine to the file of its own, the intent right in so many rows."""
    path = run.parent / "test.jsonl"
    gold = read_gold(path.read_bytes(), str(path)).rows
    answers = []
    for number, row in enumerate(gold):
        reply = replies(Faults(intent=len(gold) - right))(number, row)
        decision = Decision.from_json(reply)
        answers.append(RowAnswer(row.id, row.text_sha256, decision, (), {}, 1.0, None))
    made = run.parent / "instant.jsonl"
    write_answers(made, Header("instant", "1", sha256_of(gold)), gold, answers)
    return made


def speeds(run: Path) -> None:
    """Stage what performance.py writes."""

    def figure(low: float, median: float, high: float) -> Figure:
        return Figure(median, low, high)

    file = run / "gguf" / "devrouter-F16.gguf"
    calls = Calls(
        prompt_tokens=figure(90, 100, 110),
        reply_tokens=figure(30, 40, 50),
        seconds=figure(1.0, 1.25, 2.5),
        generation=figure(10, 20.5, 30),
        prefill=figure(1000, 1234, 2000),
    )
    speed = Speed(
        file.name,
        "F16",
        sha256_of_file(file),
        file.stat().st_size,
        (Length(500, False, calls), Length(6000, True, None)),  # noqa: FBT003
        (Throughput(4, figure(1, 2, 3), figure(10, 20, 30)),),
    )
    settings = read_settings()
    conditions = Conditions(
        "A made-up processor", "llama.cpp", 2, "test.jsonl", "0" * 64, settings.performance
    )
    path = run / "measured" / "performance.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(Performance(conditions, 0.1, (speed,)))), encoding="utf-8")
    write_manifest(path, "performance", settings=settings.performance, seed=settings.seed, inputs=[file])
