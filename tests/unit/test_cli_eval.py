"""`devrouter eval`: every row is measured once, whatever happens on the way, and nothing broken at all."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.cli import main
from devrouter.cli.exit_status import ExitStatus
from devrouter.core.decision import FIELDS
from devrouter.core.draft import Destination
from devrouter.core.gaps import GapKind
from devrouter.engines.engine import EngineState, EngineUnreachable, Health, ModelMissing, ReplyBroken
from tests.unit.command import EXECUTABLE, Ended, devrouter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft

DATA, OUT = Path("data.jsonl"), Path("evaluation")
KEPT = OUT / "answers-instant.jsonl"
TEXTS = (
    "why does my flask app crash when i log in",
    "write a dockerfile for fastapi app",
    "explain what a b-tree is and when it is the wrong index",
    "größer 😀: warum?",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def gold(number: int, **changes: object) -> dict[str, Any]:
    return {
        "id": f"row {number}",
        "text": f"{TEXTS[number % len(TEXTS)]} {number}",
        "intent": "debug",
        "complexity": "low",
        "route": "small_local",
        "missing": [{"phrase": "full stack trace", "kind": "error"}] if number % 2 else [],
        "form": "agent" if number % 3 else "chat",
        "domain": "ignored",
        **changes,
    }


def write(rows: Iterable[Mapping[str, object] | bytes], file: Path = DATA) -> None:
    lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    file.write_bytes(b"".join(line + b"\n" for line in lines))


def evaluate(*arguments: str | Path, **options: Any) -> Ended:
    return devrouter("eval", DATA, *arguments, **options)


def lines(file: Path = KEPT) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def report() -> dict[str, Any]:
    return json.loads((OUT / "report.json").read_bytes())  # type: ignore[no-any-return]


def given(rows: Iterable[Mapping[str, Any]], **changes: object) -> list[dict[str, Any]]:
    """An answers file that is right about every row."""
    header = {"engine": "oracle", "version": "1", "data_sha256": "0" * 64}
    answers = [
        {
            "id": row["id"],
            "text_sha256": hashlib.sha256(row["text"].encode()).hexdigest(),
            "decision": {
                "rewrite": row["text"],
                **{field: row[field] for field in ("intent", "complexity", "route")},
                "missing": [gap["phrase"] for gap in row["missing"]],
            },
            "gaps": row["missing"],
            "confidence": {"intent": 1, "complexity": 0.5},
            "milliseconds": 2.5,
            "problem": None,
            **changes,
        }
        for row in rows
    ]
    return [header, *answers]


# The report and the answers


def test_report_answers_and_plots() -> None:
    rows = [gold(number) for number in range(9)]
    write(rows)
    ended = evaluate()
    assert (ended.status, ended.stderr) == (ExitStatus.OK, "")
    assert ended.stdout == (OUT / "report.md").read_text(encoding="utf-8")
    assert ended.stdout.startswith("# Evaluation of instant\n")
    assert "On the 9 labelled prompts of `data.jsonl`" in ended.stdout
    assert sorted(path.name for path in OUT.iterdir()) == [
        "answers-instant.jsonl",
        "calibration-instant.svg",
        "confusion-instant.svg",
        "report.json",
        "report.md",
    ]
    told = report()
    assert (told["rows"], told["for_agents"]) == (9, 6)
    assert told["data_sha256"] == hashlib.sha256(DATA.read_bytes()).hexdigest()
    assert told["command"] == "devrouter eval --engine instant data.jsonl"
    assert "Python" in told["machine"]
    measures = told["contenders"][0]["measures"]
    assert (measures["valid"]["count"], measures["valid"]["total"]) == (9, 9)
    assert {len(each["bins"]) for each in measures["calibration"].values()} == {10}

    header, *answers = lines()
    assert header["engine"] == "instant"
    asked = "".join(
        json.dumps({"id": row["id"], "text": row["text"]}, ensure_ascii=False) + "\n" for row in rows
    ).encode()
    assert header["data_sha256"] == hashlib.sha256(asked).hexdigest()
    assert header["version"] == told["contenders"][0]["version"]
    assert [answer["id"] for answer in answers] == [row["id"] for row in rows]
    for row, answer in zip(rows, answers, strict=True):
        assert list(answer) == [
            "id", "text_sha256", "decision", "gaps", "confidence", "milliseconds", "problem",
        ]  # fmt: skip
        assert answer["text_sha256"] == hashlib.sha256(row["text"].encode()).hexdigest()
        assert list(answer["decision"]) == list(FIELDS)
        assert all(list(gap) == ["phrase", "kind"] and GapKind(gap["kind"]) for gap in answer["gaps"])
        assert answer["problem"] is None


def test_a_second_run_asks_nothing_and_draws_the_same_bytes() -> None:
    write(gold(number) for number in range(5))
    evaluate()
    before = {path.name: path.read_bytes() for path in OUT.iterdir()}
    evaluate()
    assert {path.name: path.read_bytes() for path in OUT.iterdir()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_progress_bar_stands_on_a_terminal_only() -> None:
    write(gold(number) for number in range(3))
    import termios

    own, others = os.openpty()
    termios.tcsetwinsize(others, (24, 80))
    subprocess.run([EXECUTABLE, "eval", DATA], stderr=others, stdout=subprocess.DEVNULL, check=True)
    assert b"instant: 100%" in os.read(own, 1 << 16)
    os.close(own)
    os.close(others)


# Interruptions

DIES = """
import os, signal, sys
from devrouter.cli.main import main
from devrouter.engines.instant.engine import InstantEngine

decide, asked = InstantEngine.decide, []

async def decide_until(engine, draft):
    asked.append(draft)
    if len(asked) > 5:
        os.kill(os.getpid(), signal.%s)
    return await decide(engine, draft)

InstantEngine.decide = decide_until
sys.exit(main(sys.argv[1:]))
"""


def run_until_signal(name: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", DIES % name, "eval", DATA], capture_output=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_and_started_again() -> None:
    write(gold(number) for number in range(9))
    assert run_until_signal("SIGKILL").returncode == -signal.SIGKILL
    assert len(lines()) == 1 + 5
    # A kill seldom hits the middle of a line, so cut one. A row that was answered is not asked again.
    with KEPT.open("r+b") as stream:
        stream.truncate(KEPT.stat().st_size - 5)
    answered = KEPT.read_bytes().splitlines(keepends=True)
    marked = json.loads(answered[1]) | {"milliseconds": 123456.0}
    KEPT.write_bytes(b"".join([answered[0], json.dumps(marked).encode() + b"\n", *answered[2:]]))
    ended = evaluate()
    assert (ended.status, ended.stderr) == (ExitStatus.OK, "")
    assert [answer["id"] for answer in lines()[1:]] == [f"row {number}" for number in range(9)]
    assert [answer["milliseconds"] == 123456.0 for answer in lines()[1:]] == [True, *[False] * 8]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child")
def test_interrupted_from_the_keyboard() -> None:
    write(gold(number) for number in range(9))
    ended = run_until_signal("SIGINT")
    assert ended.returncode == ExitStatus.INTERRUPTED
    assert ended.stderr.decode() == (
        f"error: interrupted; 5 rows answered in {KEPT} so far, and the same command goes on from there\n"
    )
    assert len(lines()) == 1 + 5


def test_killed_within_the_first_line() -> None:
    write([gold(0)])
    evaluate()
    KEPT.write_bytes(KEPT.read_bytes()[:40])
    assert evaluate().status == ExitStatus.OK
    assert len(lines()) == 2


def test_other_data_and_another_version_begin_anew() -> None:
    write(gold(number) for number in range(4))
    evaluate()
    write(gold(number, intent="feature") for number in range(4))
    assert evaluate().stderr == "", "labels are no part of what was asked"
    assert report()["contenders"][0]["measures"]["labels"]["intent"]["accuracy"]["count"] <= 4
    write(gold(number, text=f"other words {number}") for number in range(4))
    ended = evaluate()
    assert ended.status == ExitStatus.OK
    assert ended.stderr == f"note: {KEPT}: begun anew, for it answers other data\n"
    assert len(lines()) == 1 + 4

    header, *answers = lines()
    write([header | {"version": "0.0.1+old"}, *(answer | {"decision": None} for answer in answers)], KEPT)
    ended = evaluate()
    assert ended.stderr == (
        f"note: {KEPT}: begun anew, for it holds the answers of instant 0.0.1+old, not {header['version']}\n"
    )
    assert report()["contenders"][0]["measures"]["valid"]["count"] == 4


@pytest.mark.parametrize("content", [b"mine\n", b"{}\n", b'{"id": 1}'])
def test_a_file_of_somebody_else_is_left_alone(content: bytes) -> None:
    write([gold(0)])
    OUT.mkdir()
    KEPT.write_bytes(content)
    ended = evaluate()
    assert ended.status == ExitStatus.OUTPUT
    assert f"{KEPT}, line 1: " in ended.stderr
    assert "is no answers file" in ended.stderr
    assert KEPT.read_bytes() == content


@pytest.mark.parametrize("damage", ["broken", "taken out"])
def test_answers_damaged_in_the_middle_are_refused(damage: str) -> None:
    write(gold(number) for number in range(3))
    evaluate()
    answered = KEPT.read_bytes().splitlines(keepends=True)
    answered[2:3] = [b"{\n"] if damage == "broken" else []
    KEPT.write_bytes(b"".join(answered))
    ended = evaluate()
    assert ended.status == ExitStatus.OUTPUT
    assert f"{KEPT}, line 3: " in ended.stderr
    assert "remove the file to begin again" in ended.stderr
    assert KEPT.read_bytes() == b"".join(answered)


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_two_at_a_time_are_refused() -> None:
    import fcntl

    write([gold(0)])
    OUT.mkdir()
    with KEPT.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        ended = evaluate()
    assert (ended.status, ended.stderr) == (
        ExitStatus.OUTPUT, f"error: {KEPT}: another evaluation is writing it; wait for its end\n",
    )  # fmt: skip


# Broken rows


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"{", "Invalid JSON: EOF while parsing an object at column 1"),
        (b'{"id": "gr\xf6\xdfe"}', "Invalid JSON"),
        ([1, 2], "Input should be an object"),
        (gold(9, id=None), "id: "),
        (gold(9, id=1.5), "id: "),
        (gold(9, id="row 0"), 'the id "row 0" was used in line 1'),
        (gold(9, text=" \n"), "the text is empty"),
        (gold(9, text=5), "text: Input should be a valid string"),
        (gold(9, intent="bug"), "intent: Input should be 'debug', 'refactor'"),
        (gold(9, complexity=None), "complexity: "),
        (gold(9, route="small"), "route: Input should be 'small_local'"),
        (gold(9, missing=["stack trace"]), "missing.0: "),
        (gold(9, missing=[{"phrase": "stack trace", "kind": "trace"}]), "missing.0.kind: "),
        ({key: value for key, value in gold(9).items() if key != "missing"}, "missing: Field required"),
    ],
)
def test_a_broken_row_stops_the_command_with_its_line(broken: Any, reason: str) -> None:
    write([gold(0), b"", broken, gold(1)])
    ended = evaluate()
    assert ended.status == ExitStatus.INPUT
    assert ended.stderr.startswith(f"error: data.jsonl, line 3: {reason}")
    assert ended.stderr.count("\n") == 1
    assert not OUT.exists()


def test_data_that_cannot_be_read() -> None:
    assert "data.jsonl: cannot be read: no such file" in evaluate().stderr
    DATA.write_bytes(b"\n\n")
    ended = evaluate()
    assert (ended.status, ended.stderr) == (
        ExitStatus.INPUT,
        "error: data.jsonl: holds no rows, so there is nothing to measure\n",
    )


def test_a_folder_that_cannot_be_written() -> None:
    write([gold(0)])
    ended = evaluate("-o", DATA)
    assert (ended.status, ended.stderr) == (
        ExitStatus.OUTPUT, "error: data.jsonl: cannot be written: file exists\n",
    )  # fmt: skip


# Answers of other programs


def test_answers_of_another_program_are_compared_with_the_engine() -> None:
    rows = [gold(number, intent="other") for number in range(8)]
    write(rows)
    write(given([*rows, gold(99)]), Path("oracle.jsonl"))
    ended = evaluate("--answers", "oracle=oracle.jsonl")
    assert ended.status == ExitStatus.OK
    first, oracle = report()["contenders"]
    assert (first["name"], oracle["name"], oracle["version"]) == ("instant", "oracle", "1")
    assert first["comparison"] is None
    assert oracle["measures"]["labels"]["intent"]["accuracy"]["count"] == 8
    assert oracle["measures"]["gaps"]["phrases"]["f1"] == 1
    assert oracle["measures"]["latency"] == {"p50": 2.5, "p95": 2.5, "p99": 2.5}
    assert list(oracle["measures"]["calibration"]) == ["intent", "complexity"]
    assert oracle["measures"]["calibration"]["complexity"]["error"] == 0.5
    wrong = 8 - first["measures"]["labels"]["intent"]["accuracy"]["count"]
    assert oracle["comparison"]["intent"] == {
        "difference": wrong / 8,
        "only_first_right": 0,
        "only_second_right": wrong,
        "p_value": pytest.approx(2 * 0.5**wrong),
    }
    assert "## Against instant" in ended.stdout
    assert (OUT / "confusion-oracle.svg").exists()
    assert not (OUT / "answers-oracle.jsonl").exists()


RIGHT = given([gold(0), gold(1)])


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ([], "oracle.jsonl: is empty"),
        (RIGHT[1:], "oracle.jsonl, line 1: engine: Field required"),
        (RIGHT[:2], 'has no answer to 1 of 2 rows, the first being "row 1"'),
        ([*RIGHT[:2], RIGHT[1], RIGHT[2]], 'line 3: answers the row "row 0" again'),
        ([*RIGHT[:2], RIGHT[2] | {"text_sha256": "0" * 64}], "line 3: answers another text than the data's"),
        (
            [*RIGHT[:2], RIGHT[2] | {"decision": {"intent": "debug"}}],
            "line 3: decision.rewrite: Field required",
        ),
        ([*RIGHT[:2], RIGHT[2] | {"confidence": {"intent": 1.5}}], "line 3: confidence.intent: "),
        ([*RIGHT[:2], RIGHT[2] | {"confidence": {"rewrite": 1}}], "line 3: confidence.rewrite"),
        ([*RIGHT[:2], RIGHT[2] | {"milliseconds": -1}], "line 3: milliseconds: "),
        ([*RIGHT[:2], RIGHT[2] | {"gaps": ["full stack trace"]}], "line 3: gaps.0: "),
        ([*RIGHT[:2], b"{"], "line 3: Invalid JSON"),
    ],
)
def test_answers_of_a_wrong_form_are_refused(written: list[dict[str, Any] | bytes], says: str) -> None:
    write([gold(0), gold(1)])
    write(written, Path("oracle.jsonl"))
    ended = evaluate("--answers", "oracle=oracle.jsonl")
    assert ended.status == ExitStatus.INPUT
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not OUT.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--answers", "oracle.jsonl"], "is not NAME=FILE"),
        (["--answers", "../up=oracle.jsonl"], "is not NAME=FILE"),
        (["--answers", "instant=oracle.jsonl"], "two sets of answers are named 'instant'"),
        (["--engine", "auto"], "invalid choice: 'auto'"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str) -> None:
    ended = evaluate(*arguments)
    assert ended.status == ExitStatus.USAGE
    assert says in ended.stderr


# Models


class StagedModel:
    """A model engine that answers as the instant one does, or fails from its third row on."""

    name = "staged"
    fields = frozenset(FIELDS)

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.asked: list[Draft] = []

    async def state(self) -> EngineState:
        return EngineState(Health.OK, "Staged.")

    async def decide(self, draft: Draft, _on_progress: object = None) -> Answer:
        from devrouter.engines.instant.engine import InstantEngine

        self.asked.append(draft)
        if self._error and len(self.asked) > 2:
            raise self._error
        return InstantEngine().answer(draft)


def staged(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> StagedModel:
    model = StagedModel(error)
    monkeypatch.setattr(
        "devrouter.app.engines.build_model_engine",
        lambda settings: None if settings.engine == "instant" else model,
    )
    return model


def test_two_engines_are_compared_and_only_agents_drafts_are_for_agents(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(gold(number) for number in range(6))
    model = staged(monkeypatch)
    assert main.main(["eval", "data.jsonl", "--engine", "instant", "--engine", "ollama"]) == ExitStatus.OK
    assert [draft.destination is Destination.AGENT for draft in model.asked] == [
        False, True, True, False, True, True,
    ]  # fmt: skip
    assert capsys.readouterr().out.startswith("# Evaluation of instant, ollama\n")
    comparison = report()["contenders"][1]["comparison"]
    assert list(comparison) == ["intent", "complexity", "route"]
    assert comparison["intent"] == {
        "difference": 0.0, "only_first_right": 0, "only_second_right": 0, "p_value": 1.0,
    }  # fmt: skip


def test_a_failed_call_is_a_decision_that_is_not_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    write(gold(number) for number in range(4))
    staged(monkeypatch, ReplyBroken("The reply is cut."))
    assert main.main(["eval", "data.jsonl", "--engine", "ollama"]) == ExitStatus.OK
    answers = lines(OUT / "answers-ollama.jsonl")[1:]
    assert [answer["decision"] is None for answer in answers] == [False, False, True, True]
    assert answers[3]["problem"] == "The reply is cut."
    assert report()["contenders"][0]["measures"]["valid"]["count"] == 2


@pytest.mark.parametrize(
    "error",
    [EngineUnreachable("Nothing answers.", "ollama serve"), ModelMissing("It is gone.", "ollama pull x")],
)
def test_a_model_that_goes_away_ends_the_command_and_it_goes_on_later(
    error: EngineUnreachable | ModelMissing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(gold(number) for number in range(4))
    command = ["eval", "data.jsonl", "--engine", "ollama"]
    staged(monkeypatch, error)
    assert main.main(command) == ExitStatus.ENGINE
    assert capsys.readouterr().err == (
        f"error: {str(error).rstrip('.')}; to mend it: {error.mend}; 2 rows answered in "
        f"{OUT / 'answers-ollama.jsonl'} so far, and the same command goes on from there\n"
    )
    assert not (OUT / "report.json").exists()
    model = staged(monkeypatch)
    assert main.main(command) == ExitStatus.OK
    assert len(model.asked) == 2


def test_a_server_that_is_not_there() -> None:
    write([gold(0)])
    # The discard port: nothing listens there.
    ended = evaluate("--engine", "ollama", environment={"OLLAMA_HOST": "127.0.0.1:9"})
    assert ended.status == ExitStatus.ENGINE
    assert "ollama serve" in ended.stderr
    assert list(OUT.iterdir()) == []


def test_labels_of_a_model_that_gives_none_are_called_placeholders(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write([gold(0)])
    staged(monkeypatch).fields = frozenset({"rewrite", "missing"})
    main.main(["eval", "data.jsonl", "--engine", "ollama"])
    assert "intent, complexity and route are placeholders" in capsys.readouterr().out


# Changed texts


def test_robustness_is_kept_and_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [gold(number) for number in range(3)]
    write([*plain, gold(3, text="WHY DOES IT STOP", paraphrase="what makes my program stop")])
    model = staged(monkeypatch)
    command = ["eval", "data.jsonl", "--engine", "ollama", "--robustness"]
    assert main.main(command) == ExitStatus.OK
    changes = report()["contenders"][0]["robustness"]
    assert {name: each["rows"] for name, each in changes.items()} == {
        "typos": 4, "lower": 1, "capitals": 3, "paraphrase": 1, "polite": 4, "code": 4,
    }  # fmt: skip
    assert len(lines(OUT / "answers-ollama.typos.jsonl")) == 1 + 4
    asked = len(model.asked)
    assert main.main(command) == ExitStatus.OK
    assert len(model.asked) == asked
    # Another seed makes other typos, and changes nothing else.
    assert main.main([*command, "--seed", "1"]) == ExitStatus.OK
    assert len(model.asked) == asked + 4


# What it needs


@pytest.mark.parametrize("module", ["matplotlib", "sklearn", "scipy"])
def test_a_missing_package_is_named_with_what_to_install(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main.main(["eval", "data.jsonl"]) == ExitStatus.EXTRA
    error = capsys.readouterr().err
    assert module.removeprefix("sk") in error
    assert "pip install 'devrouter-ls[eval]'" in error
    assert error.count("\n") == 1
