"""The judge: what it drops and why, and that what stays would be shown to a user."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.core.decision import Intent
from tests.runtime.fake_server import Connection, fake_server
from tests.unit.training import labelled, read, run, write
from train.judge import cap, check, compare, read_labels, report_of

if TYPE_CHECKING:
    from pathlib import Path

    from train.judge import Judged

TEXT = "why does the upload to `/api/files` fail with error 413 on our server?"
GOOD = "Why does the upload to `/api/files` fail with error 413 on our server?"


def judged(folder: Path, *rows: dict[str, Any]) -> Judged:
    return read_labels(write(folder / "labels.jsonl", list(rows)))


def reasons(found: Judged) -> dict[str, str]:
    return {item.id: item.reason for item in found.dropped}


def test_a_good_label_stays_as_it_is(tmp_path: Path) -> None:
    row = labelled(TEXT, rewrite=GOOD, missing=[{"phrase": "server and its version", "kind": "environment"}])
    found = judged(tmp_path, row)
    before = found.kept
    check(found)
    assert (found.kept, found.dropped, found.phrases_removed) == (before, [], 0)


@pytest.mark.parametrize(
    ("rewrite", "reason"),
    [
        (None, "no rewrite"),
        ("", "rewrite withheld: empty"),
        (GOOD.replace("413", "404"), "rewrite withheld: number"),
        (GOOD.replace("`/api/files`", "the server"), "rewrite withheld: code"),
        (f"Sure! {GOOD}", "rewrite withheld: answer"),
        (GOOD * 5, "rewrite withheld: too long"),
    ],
)
def test_a_rewrite_that_a_user_would_not_be_offered_goes(
    tmp_path: Path, rewrite: str | None, reason: str
) -> None:
    row = labelled(TEXT, rewrite=rewrite)
    found = judged(tmp_path, row)
    check(found)
    assert (found.kept, reasons(found)) == ([], {row["id"]: reason})


def test_missing_items_that_would_not_be_shown_are_taken_out(tmp_path: Path) -> None:
    good = {"phrase": "server and its version", "kind": "environment"}
    advice = {"phrase": "be more specific", "kind": "requirements"}
    twice = {"phrase": "the server and its version", "kind": "version"}
    some, none = labelled(TEXT, missing=[advice, good, twice]), labelled("fix it", missing=[advice])
    found = judged(tmp_path, some, none)
    check(found)
    assert [[item.phrase for item in row.missing] for row in found.kept] == [["server and its version"]]
    assert found.kept[0].missing[0].kind == "environment"
    assert found.phrases_removed == 2
    assert reasons(found) == {none["id"]: "nothing missing holds"}


def test_broken_rows_are_dropped_by_line_and_key(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.jsonl", [labelled("one"), labelled("two", route="huge"), labelled("one")])
    path.write_bytes(path.read_bytes() + b"{half\n")
    found = read_labels(path)
    assert [row.text for row in found.kept] == ["one"]
    assert reasons(found) == {
        "line 2": "no labelled row",
        labelled("one")["id"]: "labelled before",
        "line 4": "no labelled row",
    }
    assert "route" in found.dropped[0].detail


def test_rows_that_a_second_labelling_labels_otherwise_go(tmp_path: Path) -> None:
    found = judged(tmp_path, *(labelled(text) for text in ("same", "other intent", "other tier", "absent")))
    second = [
        labelled("same", complexity="medium"),
        labelled("other intent", intent="review"),
        # Its name differs, as in exported feedback; the text counts.
        labelled("other tier", route="large_api", id="f-1"),
    ]
    compare(found, judged(tmp_path, *second).kept, ["intent", "route"])
    assert {row.text: row.score for row in found.kept} == {
        "same": pytest.approx(1 + 4 * 2 / 3),
        "absent": None,
    }
    assert sorted(reasons(found).values()) == [
        "second labelling: other intent",
        "second labelling: other route",
    ]


def test_an_intent_keeps_its_best_rows_and_of_equals_the_first_by_id(tmp_path: Path) -> None:
    found = judged(tmp_path, *(labelled(text, id=text) for text in "edcba"), labelled("f", intent="review"))
    found.kept = [replace(row, score={"d": 5.0, "b": 4.0}.get(row.id)) for row in found.kept]
    cap(found, 3)
    assert [row.text for row in found.kept] == ["d", "b", "a", "f"]
    assert set(reasons(found).values()) == {"over the cap"}


def test_rows_without_a_rewrite_can_stay_for_their_labels_and_give_way_to_those_with_one(
    tmp_path: Path,
) -> None:
    rows = [
        labelled("a", rewrite=None),
        labelled("b", rewrite=None),
        labelled("c"),
        labelled("d", rewrite=""),
    ]
    found = judged(tmp_path, *rows)
    check(found, needs_rewrite=False)
    assert [row.text for row in found.kept] == ["a", "b", "c"]
    assert set(reasons(found).values()) == {"rewrite withheld: empty"}
    cap(found, 1)
    assert [row.text for row in found.kept] == ["c"]


def test_the_report_counts_by_reason_and_intent(tmp_path: Path) -> None:
    found = judged(tmp_path, labelled("one"), labelled("two", intent="review", rewrite=None))
    check(found)
    report = report_of(found, "labels.jsonl")
    assert "1 of 2 rows" in report
    lines = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in report.splitlines() if "|" in line}
    review = list(Intent).index(Intent.REVIEW)
    dropped = [int(cell) for cell in lines["dropped: no rewrite"]]
    assert (dropped[review], dropped[-1], sum(dropped)) == (1, 1, 2)
    assert int(lines["kept"][list(Intent).index(Intent.DEBUG)]) == 1


async def test_a_model_scores_each_label_once(tmp_path: Path) -> None:
    rows = [labelled(text) for text in ("good prompt", "bad prompt", "odd prompt")]
    labels = write(tmp_path / "labels.jsonl", rows)
    asked = []

    async def score(connection: Connection) -> None:
        shown = json.loads(connection.request.json()["messages"][1]["content"])
        asked.append(shown)
        assert shown["label"]["intent"] == "debug"
        reply = {
            "good prompt": '{"reason": "fine", "score": 5}',
            "bad prompt": '{"reason": "it is a review", "score": 2}',
            "odd prompt": '{"reason": "perfect", "score": 11}',
        }[shown["prompt"]]
        await connection.whole(json.dumps({"choices": [{"message": {"content": reply}}]}))

    async with fake_server({"/v1/chat/completions": score}) as server:
        model = {"api": "openai", "url": server.url, "name": "big", "first_wait": 0.01}
        settings = [part for key, value in model.items() for part in ("--set", f"judge.model.{key}={value}")]
        arguments: list[str | Path] = [labels, "-o", tmp_path / "judged.jsonl", "--model", "--yes", *settings]
        done = await asyncio.to_thread(run, "judge", *arguments)
        calls = len(asked)
        await asyncio.to_thread(run, "judge", *arguments)
        assert len(asked) == calls == 4  # The odd one was asked for once more.
        write(labels, [rows[0] | {"complexity": "high"}, *rows[1:]])
        await asyncio.to_thread(run, "judge", *arguments)
        assert len(asked) == 5
    assert done.returncode == 0, done.stderr
    assert [(row["text"], row["score"]) for row in read(tmp_path / "judged.jsonl")] == [("good prompt", 5.0)]
    details = {row["reason"]: row["detail"] for row in read(tmp_path / "judged.dropped.jsonl")}
    assert details["judged under 4"] == "2: it is a review"
    assert "score" in details["the judge gave no score"]
    manifest = json.loads((tmp_path / "judged.jsonl.manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["inputs"]) == {"labels.jsonl", "judged.scores.jsonl"}


def test_a_run_writes_rows_report_and_manifest_and_says_where_none_is_left(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.jsonl", [labelled("one"), labelled("two", rewrite=None)])
    done = run("judge", labels, "-o", tmp_path / "out" / "judged.jsonl")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "judged.dropped.jsonl",
        "judged.jsonl",
        "judged.jsonl.manifest.json",
        "judged.md",
    ]
    write(labels, [labelled("two", rewrite=None)])
    done = run("judge", labels, "-o", tmp_path / "judged.jsonl")
    assert done.returncode == 1
    assert "no row is left" in done.stderr
    assert "no rewrite" in done.stderr
