"""The split: conversations whole, intents even, holdout apart, and nothing trained on that is tested on."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.training import ROOT, labelled, read, run, write
from train.config import read_settings
from train.manifest import check_manifest
from train.rows import FileError, Labelled, read_rows
from train.split import contamination, split

if TYPE_CHECKING:
    from pathlib import Path

    from train.config import SplitSettings

TEXT = (
    "Why does the nightly import of customer orders stop after the third file with a timeout of the database?"
)
INTENTS = {"debug": 60, "feature": 30, "review": 10}


def settings(**values: Any) -> SplitSettings:
    return read_settings(None, [f"split.{key}={json.dumps(value)}" for key, value in values.items()]).split


def rows_of(path: Path, rows: list[dict[str, Any]]) -> list[Labelled]:
    return read_rows(write(path / "rows.jsonl", rows), Labelled)


def many() -> list[dict[str, Any]]:
    """A hundred rows; every third belongs to a conversation of four, and a tenth come from another source."""
    rows = []
    for intent, count in INTENTS.items():
        for number in range(count):
            name = f"{intent}-{number:02}"
            group = f"talk {intent} {number // 12}" if number % 3 == 0 else None
            source = "issues" if number % 10 == 9 else "chat"
            text = f"{name} {chr(97 + number % 26) * 3} asks"
            rows.append(labelled(text, id=name, intent=intent, group=group, source=source))
    return rows


def test_a_conversation_is_whole_and_each_row_stands_once(tmp_path: Path) -> None:
    splits = split(rows_of(tmp_path, many()), settings(holdout_sources=["issues"], validation_share=0.2), 1)
    assert Counter(row.id for rows in splits.values() for row in rows) == Counter(row["id"] for row in many())
    sides: dict[str, set[str]] = {}
    for name, rows in splits.items():
        for row in rows:
            sides.setdefault(row.conversation, set()).add(name)
    assert all(len(side) == 1 for side in sides.values())


def test_what_comes_from_a_holdout_source_is_held_out_with_its_conversations(tmp_path: Path) -> None:
    splits = split(rows_of(tmp_path, many()), settings(holdout_sources=["issues"]), 1)
    for name in ("train", "validation"):
        assert {row.source for row in splits[name]} == {"chat"}
    held = {row.conversation for row in splits["holdout"] if row.source == "issues"}
    assert {row.conversation for row in splits["holdout"]} == held
    assert any(row.source == "chat" for row in splits["holdout"])


def test_each_intent_gives_its_share_to_validation(tmp_path: Path) -> None:
    splits = split(rows_of(tmp_path, many()), settings(validation_share=0.2), 1)
    counted = Counter(row.intent.value for row in splits["validation"])
    assert counted == {"debug": 12, "feature": 6, "review": 2}


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does(tmp_path: Path) -> None:
    rows = many()
    once = split(rows_of(tmp_path, rows), settings(), 1)
    assert split(rows_of(tmp_path, rows[::-1]), settings(), 1) == once
    assert split(rows_of(tmp_path, rows), settings(), 2)["validation"] != once["validation"]


def test_a_holdout_source_that_no_row_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no row comes from issue, only from chat, issues"):
        split(rows_of(tmp_path, many()), settings(holdout_sources=["issue"]), 1)


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (TEXT, "same text"),
        (TEXT.upper().replace("?", " ?!"), "same words"),
        (TEXT.replace("nightly", "daily"), "alike"),
    ],
)
def test_a_training_row_that_is_tested_on_is_found(tmp_path: Path, other: str, how: str) -> None:
    (row,) = rows_of(tmp_path, [labelled(TEXT, id="a")])
    (copy,) = rows_of(tmp_path, [labelled(other, id="b")])
    (unlike,) = rows_of(tmp_path, [labelled("Write a Dockerfile for a Go service, please", id="c")])
    for where in ("validation", "holdout"):
        splits = {"train": [row], "validation": [], "holdout": []} | {where: [unlike, copy]}
        (pair,) = contamination(splits, {}, settings())
        assert (pair.row, pair.other, pair.where) == ("a", "b", where)
        assert how in pair.how
    (pair,) = contamination({"train": [row]}, {"test.jsonl": [copy, unlike]}, settings())
    assert (pair.other, pair.where) == ("b", "test.jsonl")
    assert contamination({"train": [row], "holdout": [unlike]}, {}, settings()) == []


class TestCommand:
    def test_a_split_that_is_contaminated_is_refused_with_the_pairs_or_mended(self, tmp_path: Path) -> None:
        tested = read(ROOT / "data" / "test.jsonl")[0]
        rows = [*many(), labelled(TEXT, id="held", source="forum"), labelled(f"{TEXT} Thanks!", id="taken")]
        rows.append(labelled(tested["text"], id="tested"))
        source = write(tmp_path / "judged.jsonl", rows)
        # Rows that are drawn for validation are not trained on, so none is.
        sets = ["--set", 'split.holdout_sources=["forum"]', "--set", "split.validation_share=0.0"]
        arguments: list[str | Path] = [source, "-o", tmp_path / "splits", *sets]
        done = run("split", *arguments)
        assert done.returncode == 1
        assert "taken and held of holdout: " in done.stderr
        assert f"tested and {tested['id']} of data/test.jsonl: same text" in done.stderr
        assert "nothing was written: 2 pairs" in done.stderr
        assert not (tmp_path / "splits").exists()
        done = run("split", *arguments, "--drop")
        assert done.returncode == 0, done.stderr
        trained = {row["id"] for row in read(tmp_path / "splits" / "train.jsonl")}
        assert trained == {row["id"] for row in many()}
        assert [row["id"] for row in read(tmp_path / "splits" / "holdout.jsonl")] == ["held"]
        assert check_manifest(tmp_path / "splits")["counts"]["dropped"] == 2

    def test_test_splits_of_one_name_are_all_looked_at(self, tmp_path: Path) -> None:
        source = write(tmp_path / "judged.jsonl", [*many(), labelled(TEXT, id="tested")])
        for folder, text in (("one", TEXT), ("two", "Write a Dockerfile for a Go service, please")):
            (tmp_path / folder).mkdir()
            write(tmp_path / folder / "test.jsonl", [labelled(text, id=folder)])
        against = json.dumps([f"{tmp_path}/{folder}/test.jsonl" for folder in ("one", "two")])
        sets = ["--set", f"split.against={against}", "--set", "split.validation_share=0.0"]
        done = run("split", source, "-o", tmp_path / "splits", *sets)
        assert done.returncode == 1
        assert f"tested and one of {tmp_path}/one/test.jsonl: same text" in done.stderr

    def test_the_dataset_of_the_repository_can_be_split(self, tmp_path: Path) -> None:
        """Nothing of it says what its test split says, as the README of the data has it."""
        source = ROOT / "data" / "train.jsonl"
        done = run("split", source, "-o", tmp_path, "--set", 'split.holdout_sources=["b5"]')
        assert done.returncode == 0, done.stderr
        counts = check_manifest(tmp_path)["counts"]
        assert counts["holdout"] == 400
        assert 500 < counts["validation"] < 600

    def test_broken_rows_are_refused_by_line(self, tmp_path: Path) -> None:
        source = write(tmp_path / "judged.jsonl", [labelled("one"), labelled("two", complexity="hard")])
        done = run("split", source, "-o", tmp_path / "splits")
        assert done.returncode == 1
        assert "line 2: complexity" in done.stderr

    def test_no_row_left_to_train_on_is_told(self, tmp_path: Path) -> None:
        source = write(tmp_path / "judged.jsonl", [labelled("one")])
        done = run("split", source, "-o", tmp_path / "splits", "--set", 'split.holdout_sources=["test"]')
        assert done.returncode == 1
        assert "no row is left to train on" in done.stderr
