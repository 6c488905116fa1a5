"""What the comparison of runtimes says of answers and prompts, of those alike and of those not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.unit.measuring import good, run_here, work
from train.asked import Answered, Reply, answer_of
from train.compare import Comparison, agreement, failures, main, same_prompts
from train.prompt_tokens import Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devrouter.evaluation.rows import GoldRow

NEEDED = 0.98


def answered(rows: Sequence[GoldRow], texts: Sequence[str]) -> Answered:
    replies = tuple(Reply(text, cut=False, tokens_in=9, tokens_out=9, milliseconds=1.0) for text in texts)
    return Answered(tuple(rows), tuple(map(answer_of, rows, replies)), replies)


def compared(place_rows: Sequence[GoldRow], ollama: Sequence[str], transformers: Sequence[str]) -> Comparison:
    """llama.cpp replies as it should; the prompts are the same."""
    right = answered(place_rows, [good(0, row) for row in place_rows])
    one = [Prompt("p", (1, 2))] * len(place_rows)
    prompts = {"transformers": one, "llama_cpp": one, "ollama": one}
    return Comparison(
        file="devrouter-Q8_0.gguf",
        sha256="",
        needed=NEEDED,
        rows=len(place_rows),
        prompts=same_prompts(place_rows, prompts, [2] * len(place_rows)),
        servers=agreement(right, answered(place_rows, ollama)),
        transformers=agreement(right, answered(place_rows, transformers)),
    )


def other_label(row: GoldRow) -> str:
    return json.dumps(json.loads(good(0, row)) | {"route": "large_api"})


def test_two_of_a_hundred_may_differ_and_three_may_not(tmp_path: Path) -> None:
    rows = work(tmp_path, rows=100).data.rows
    right = [good(0, row) for row in rows]
    few = compared(rows, [*map(other_label, rows[:2]), *right[2:]], right)
    assert list(failures(few)) == []
    assert few.servers.differing == tuple(row.id for row in rows[:2])
    (said,) = failures(compared(rows, [*map(other_label, rows[:3]), *right[3:]], right))
    assert "same labels on 97.0 % of 100 rows, less than 98.0 %" in said
    assert all(str(row.id) in said for row in rows[:3])
    assert str(rows[3].id) not in said


def test_other_words_are_the_same_labels_and_another_reply(tmp_path: Path) -> None:
    rows = work(tmp_path, rows=4).data.rows
    reworded = [json.dumps(json.loads(good(0, row)) | {"rewrite": "other words"}) for row in rows]
    found = compared(rows, reworded, reworded).servers
    assert (found.same_labels.count, found.same_replies.count) == (4, 0)


def test_transformers_is_reported_and_refuses_nothing(tmp_path: Path) -> None:
    rows = work(tmp_path, rows=10).data.rows
    found = compared(rows, [good(0, row) for row in rows], [other_label(row) for row in rows])
    assert found.transformers.same_labels.count == 0
    assert list(failures(found)) == []


def test_a_row_that_one_of_two_did_not_answer_differs_and_one_that_neither_did_says_nothing(
    tmp_path: Path,
) -> None:
    rows = work(tmp_path, rows=4).data.rows
    right = [good(0, row) for row in rows]
    found = agreement(answered(rows, ["", "", *right[2:]]), answered(rows, ["", *right[1:]]))
    assert (found.same_labels.count, found.same_labels.total) == (2, 3)
    assert found.differing == (rows[1].id,)
    assert [share.count for share in found.valid] == [2, 3]
    nothing = replace(
        compared(rows, right, right), servers=agreement(answered(rows, [""] * 4), answered(rows, [""] * 4))
    )
    (said,) = failures(nothing)
    assert "neither Ollama nor llama.cpp gave a decision" in said


def test_prompts_that_differ_by_a_token_or_that_ollama_counts_otherwise_are_named(tmp_path: Path) -> None:
    rows = work(tmp_path, rows=4).data.rows
    same = [Prompt("p", (1, 2, 3))] * 4
    another = [Prompt("p", (1, 2, 4)), *same[1:]]
    found = same_prompts(rows, {"transformers": same, "llama_cpp": another, "ollama": another}, [3, 2, 3, 0])
    assert found.differing == (rows[0].id, rows[1].id)
    assert found.counted == 3
    right = [good(0, row) for row in rows]
    (said,) = failures(replace(compared(rows, right, right), prompts=found))
    assert said == f"2 of 4 prompts are not the same tokens in all three runtimes: {rows[0].id}, {rows[1].id}"


def test_an_export_that_is_to_be_compared_and_is_not_there_is_named(tmp_path: Path) -> None:
    place = work(tmp_path, ["F16"], rows=2)
    where = (place.folder / "merged", place.gguf, "--data", place.data.path, "-o", place.measured)
    done = run_here(main, *where)
    assert done.returncode == 1
    assert "holds no Q8_0 export; run export.py with it among export.quantizations" in done.stderr
