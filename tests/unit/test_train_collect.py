"""Collecting prompts: each once, without secrets, and what cannot be read is told."""

from __future__ import annotations

import json
import secrets as random_values
from typing import TYPE_CHECKING

import pytest

from tests.unit.training import prompt, read, run, write
from train.collect import collect, files_in
from train.config import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from train.collect import Collected

LONG = (
    "Why does my Flask app crash when I upload a large file to the server that listens on port 5000 at night?"
)


def collected(*paths: Path) -> Collected:
    return collect(files_in(paths), read_settings().collect)


def test_prompts_of_every_kind_of_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(
        "# Notes\n\n```prompt\nExplain this\n```\n\n```prompt\nFix that\n```\n", encoding="utf-8"
    )
    (tmp_path / "add.prompt.md").write_text("---\nagent: agent\n---\nAdd paging\n", encoding="utf-8")
    (tmp_path / "plain.txt").write_text("A whole file\r\nis one prompt\r\n", encoding="utf-8")
    write(
        tmp_path / "talk.jsonl", [{"text": "From a row", "group": 7}, {"text": "Its turn", "source": "forum"}]
    )
    (tmp_path / ".hidden.txt").write_text("not this", encoding="utf-8")
    found = collected(tmp_path)
    assert [(item.text, item.source, item.group, item.form) for item in found.prompts] == [
        ("Add paging", "add.prompt.md", None, "agent"),
        ("Explain this", "notes.md", None, "chat"),
        ("Fix that", "notes.md", None, "chat"),
        ("A whole file\nis one prompt", "plain.txt", None, "chat"),
        ("From a row", "talk", "talk: 7", None),
        ("Its turn", "forum", None, None),
    ]
    assert found.broken == []


def test_a_file_without_a_known_ending_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "export").write_text('{"text": "From a row"}\n', encoding="utf-8")
    (tmp_path / "draft").write_text("Just words", encoding="utf-8")
    found = collected(tmp_path / "export", tmp_path / "draft")
    assert [item.text for item in found.prompts] == ["From a row", "Just words"]


def test_the_field_of_the_text_can_be_named(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", [{"body": "Here"}])
    found = collect([rows], read_settings(None, ["collect.text_field=body"]).collect)
    assert [item.text for item in found.prompts] == ["Here"]


def test_what_says_the_same_is_kept_once_and_the_first_stays(tmp_path: Path) -> None:
    texts = [LONG, LONG.replace(" at night?", " at night ?\r\n"), f"{LONG} Thanks", "cafe\u0301", "caf\u00e9"]
    rows = write(tmp_path / "rows.jsonl", [{"text": text} for text in texts])
    found = collected(rows)
    assert [item.text for item in found.prompts] == [LONG, "caf\u00e9"]
    assert found.counts["equal"] + found.counts["nearly equal"] == 3


def test_no_secret_is_kept_and_prompts_that_differ_in_it_alone_are_one(tmp_path: Path) -> None:
    keys = [f"ghp_{random_values.token_hex(18)}" for _ in range(2)]
    texts = [f"Why is my token {key} refused by the API of GitHub when I push?" for key in keys]
    rows = write(tmp_path / "rows.jsonl", [{"text": text} for text in texts])
    out = tmp_path / "out" / "prompts.jsonl"
    done = run("collect", rows, "-o", out)
    assert done.returncode == 0, done.stderr
    assert len(read(out)) == 1
    for path in out.parent.iterdir():
        assert not any(key in path.read_text(encoding="utf-8") for key in keys)


def test_what_was_collected_stays_as_it_is_when_collected_again(tmp_path: Path) -> None:
    key = f"ghp_{random_values.token_hex(18)}"
    rows = write(tmp_path / "rows.jsonl", [{"text": f"Is {key} a token?"}, {"text": LONG, "form": "forum"}])
    assert run("collect", rows, "-o", tmp_path / "once.jsonl").returncode == 0
    assert run("collect", tmp_path / "once.jsonl", "-o", tmp_path / "twice.jsonl").returncode == 0
    assert read(tmp_path / "once.jsonl") == read(tmp_path / "twice.jsonl")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'{"text": "half', "is not JSON"),
        (b"[1]", "is no object"),
        (b'{"prompt": "x"}', 'has no text "text"'),
        (b'{"text": 5}', 'has no text "text"'),
        (b'{"text": " \\n "}', "is empty"),
        (b'{"text": "\\ud83d"}', "half a surrogate pair"),
        (b'{"text": "\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "is not JSON that can be read"),
    ],
)
def test_a_broken_row_is_named_and_the_others_are_kept(tmp_path: Path, row: bytes, reason: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(json.dumps(prompt("one")).encode() + b"\n" + row + b"\n" + b'{"text": "two"}\n')
    done = run("collect", rows, "-o", tmp_path / "prompts.jsonl")
    assert done.returncode == 0, done.stderr
    assert [item["text"] for item in read(tmp_path / "prompts.jsonl")] == ["one", "two"]
    (broken,) = read(tmp_path / "prompts.broken.jsonl")
    assert (broken["file"], broken["line"]) == (str(rows), 2)
    assert reason in broken["reason"]
    assert "prompts.broken.jsonl" in done.stderr


def test_files_that_hold_no_prompt_are_named(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("# Words\n", encoding="utf-8")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\x00")
    (tmp_path / "old.txt").write_bytes("Gr\u00fc\u00dfe".encode("latin-1"))
    (tmp_path / "zeros.txt").write_bytes(b"a\0b")
    found = collected(tmp_path)
    reasons = {item.file.rpartition("/")[2]: item.reason for item in found.broken}
    assert reasons == {
        "readme.md": "holds no prompt",
        "picture.txt": "is not UTF-8 (at byte 0)",
        "old.txt": "is not UTF-8 (at byte 2)",
        "zeros.txt": "is no text",
    }
    done = run("collect", tmp_path, "-o", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert "no prompt was found" in done.stderr


def test_an_input_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("collect", tmp_path / "gone.jsonl", "-o", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert "gone.jsonl: is not there" in done.stderr
