"""`devrouter feedback`: counted, exported in the training format, deleted; and the file that holds it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.app import feedback_file
from devrouter.app.feedback_file import FeedbackFile, default_feedback_file
from devrouter.cli.exit_status import ExitStatus
from devrouter.cli.feedback import training_rows
from devrouter.evaluation.rows import read_gold
from tests.unit.command import devrouter

if TYPE_CHECKING:
    from pathlib import Path

LABELS = {
    "sha256": "0" * 64,
    "intent": "debug",
    "complexity": "low",
    "route": "small_local",
    "gaps": ["error"],
}
TEXT = "my flask app crash, why? it has 3 workers"
REWRITE = "My Flask app crashes, why? It has 3 workers"


def row(event: str, **more: str) -> dict[str, Any]:
    missing = [{"phrase": "the error message", "kind": "error"}]
    return {"event": event, **LABELS, "text": TEXT, "missing": missing, **more}


class TestCommand:
    def test_nothing_is_kept_and_how_to_turn_it_on(self) -> None:
        ended = devrouter("feedback")
        assert (ended.status, ended.stdout) == (ExitStatus.OK, "No feedback is kept.\n")
        assert "feedback.keep" in ended.stderr

    def test_each_kind_of_row_is_counted_and_the_file_named(self) -> None:
        file = default_feedback_file()
        for event in ("accepted", "accepted", "gap_filled"):
            file.append({"event": event, **LABELS})
        ended = devrouter("feedback")
        lines = [line.split(maxsplit=1) for line in ended.stdout.splitlines()]
        assert lines == [
            ["2", "accepted"],
            ["1", "gap filled"],
            ["3", "rows, 0 with text, in:"],
            [str(file.file)],
        ]

    def test_of_labels_nothing_can_be_exported(self, tmp_path: Path) -> None:
        default_feedback_file().append({"event": "accepted", **LABELS})
        ended = devrouter("feedback", "export", "-o", tmp_path / "out.jsonl")
        assert ended.status == ExitStatus.INPUT
        assert "nothing can be exported: it holds hashes and labels, no text" in ended.stderr
        assert not (tmp_path / "out.jsonl").exists()

    def test_what_is_exported_is_labelled_data_and_said_in_numbers(self, tmp_path: Path) -> None:
        file = default_feedback_file()
        for kept in (row("accepted", rewrite=REWRITE), {"event": "refused", **LABELS}):
            file.append(kept)
        ended = devrouter("feedback", "export", "--output", tmp_path / "out.jsonl")
        assert (ended.status, ended.stdout) == (ExitStatus.OK, "")
        assert "1 prompt, 1 with a rewrite; 1 of 2 events have no text" in ended.stderr
        (gold,) = read_gold((tmp_path / "out.jsonl").read_bytes(), "out.jsonl").rows
        assert (gold.text, gold.intent, gold.missing[0].kind) == (TEXT, "debug", "error")
        (printed,) = map(json.loads, devrouter("feedback", "export").stdout.splitlines())
        assert printed["rewrite"] == REWRITE
        assert printed["source"] == "feedback"

    def test_clear_asks_and_without_anybody_to_ask_deletes_nothing(self) -> None:
        default_feedback_file().append(row("refused", rewrite=REWRITE))
        ended = devrouter("feedback", "clear")
        assert ended.status == ExitStatus.USAGE
        assert "--yes" in ended.stderr
        assert default_feedback_file().files()

    def test_clear_deletes_all_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feedback_file, "_MOST_BYTES", 1000)
        file = default_feedback_file()
        for _ in range(6):
            file.append(row("refused", rewrite=REWRITE))
        assert len(file.files()) == 2
        assert "rows of feedback deleted" in devrouter("feedback", "clear", "--yes").stdout
        assert file.files() == []

    def test_a_torn_line_is_left_out_and_told(self) -> None:
        file = default_feedback_file()
        file.append(row("refused", rewrite=REWRITE))
        with file.file.open("ab") as stream:
            stream.write(b'\n{"event": "acce')
        file.append(row("accepted", rewrite=REWRITE))
        ended = devrouter("feedback")
        assert "2 rows" in ended.stdout
        assert "1 line cannot be read" in ended.stderr


class TestTrainingRows:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([row("accepted", rewrite=REWRITE)], {"rewrite": REWRITE, "route": "small_local"}),
            ([row("refused", rewrite=REWRITE)], {"rewrite": None}),
            ([row("accepted", rewrite=REWRITE), row("refused", rewrite=REWRITE)], {"rewrite": None}),
            ([row("refused", rewrite=REWRITE), row("accepted", rewrite=REWRITE)], {"rewrite": REWRITE}),
            ([row("edited", rewrite="x", final=f"{REWRITE}?")], {"rewrite": f"{REWRITE}?"}),
            ([row("edited", rewrite=REWRITE, final="Explain what a monad is.")], {"rewrite": None}),
            (
                [row("tier_overruled", chosen="large_api"), row("accepted", rewrite=REWRITE)],
                {"route": "large_api", "rewrite": REWRITE},
            ),
            ([row("gap_ignored", phrase="the error message")], {"missing": []}),
            ([row("gap_filled", phrase="the error message")], {"missing": row("")["missing"]}),
        ],
    )
    def test_the_users_word_wins_and_the_last_one_counts(
        self, rows: list[dict[str, Any]], expected: dict[str, Any]
    ) -> None:
        (made,) = training_rows(rows)
        assert {name: made[name] for name in expected} == expected
        assert (made["text"], made["intent"], made["complexity"]) == (TEXT, "debug", "low")

    def test_each_prompt_is_one_row_with_an_id_of_its_own(self) -> None:
        rows = [row("accepted", rewrite=REWRITE), {**row("refused", rewrite="x"), "text": "other"}]
        made = list(training_rows(rows))
        assert len({one["id"] for one in made}) == 2


class TestFile:
    def test_it_is_bounded_and_the_latest_rows_stay(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feedback_file, "_MOST_BYTES", 2000)
        file = FeedbackFile(tmp_path / "state" / "feedback.jsonl")
        for number in range(100):
            file.append({"event": "accepted", "number": number})
        rows, broken = file.rows()
        numbers = [one["number"] for one in rows]
        assert numbers == list(range(numbers[0], 100))
        assert not broken
        assert sum(path.stat().st_size for path in file.files()) <= 4000
        assert len(list(file.file.parent.glob("*.jsonl"))) == 2

    def test_servers_that_write_at_once_lose_nothing(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from devrouter.app.feedback_file import FeedbackFile\n"
            "file = FeedbackFile(Path(sys.argv[1])); sys.stdin.readline()\n"
            "for number in range(50): file.append({'event': sys.argv[2], 'number': number})\n"
        )
        target = tmp_path / "feedback.jsonl"
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(target), name], stdin=subprocess.PIPE, text=True
            )
            for name in ("one", "two", "three")
        ]
        for writer in writers:
            writer.communicate("go\n", timeout=60)
            assert writer.returncode == 0
        rows, broken = FeedbackFile(target).rows()
        assert (len(rows), broken) == (150, 0)
