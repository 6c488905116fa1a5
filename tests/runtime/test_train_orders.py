"""Two runs that differ in the order of the fields, compared through a real llama.cpp, and what is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import httpx
import pytest

from devrouter.core.decision import Complexity, Decision, Intent, Route, decision_schema
from devrouter.evaluation.rows import RowAnswer
from runtime.tiny_gguf import write_tiny_gguf
from train import orders
from train.asked import Answered, Mode, read_data
from train.export import Export
from train.manifest import write_manifest
from train.merge import ORDERS, system_prompt
from train.rows import FileError
from train.serving import llama_cpp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devrouter.evaluation.rows import GoldRow

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

on_one_thread = partial(llama_cpp, threads=1)  # The quickest for a model so small.
LABELS = {"intent": "debug", "complexity": "low", "route": "small_local"}
RIGHT = Intent.DEBUG, Complexity.LOW, Route.SMALL_LOCAL
MODES: tuple[Mode, ...] = get_args(Mode)
MADE = Export(Path("devrouter-Q8_0.gguf"), "Q8_0", "0" * 64)
REWRITES = {
    "flask app throws 500 when i upload a file, how fix??": (
        "My Flask app returns a 500 error when I upload a file. How do I fix it?"
    ),
    "pls fix the typo in src/app.py, thats all": "Please fix the typo in `src/app.py`. That's all.",
    "can u make this query faster its slow on prod since we passed 2M rows": (
        "Can you make this query faster? It has been slow in production since we passed 2M rows."
    ),
}
DRAFTS = tuple(REWRITES)


def run_of(folder: Path, recipe: str, learned: int = 60, **settings: Any) -> Path:
    """A run's folder: an export that nobody trained, and the manifest of what would have been tuned."""
    path = folder / recipe / "gguf" / "devrouter-Q8_0.gguf"
    path.parent.mkdir(parents=True)
    write_tiny_gguf(path, system=system_prompt(recipe), context=1100)
    write_manifest(path, "export", settings={"quantization": "Q8_0"}, seed=0, inputs=[])
    adapter = folder / recipe / "tuned" / "adapter"
    adapter.mkdir(parents=True)
    write_manifest(
        adapter,
        "tune",
        settings={"recipe": recipe, "epochs": 2, **settings},
        seed=0,
        inputs=[],
        counts={"rows": learned},
    )
    return folder / recipe


def data_in(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    rows = ({"id": str(number), "text": text, "missing": [], **LABELS} for number, text in enumerate(DRAFTS))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What `orders.py` reports of two runs."""

    def report(first: Path, second: Path, served: object = on_one_thread) -> dict[str, Any]:
        monkeypatch.setattr("train.validate.llama_cpp", served)
        monkeypatch.setattr("train.streamed.llama_cpp", served)
        data, out = data_in(tmp_path), tmp_path / "out"
        arguments = [first, second, "--data", data, "--streamed", "2", "-o", out]
        monkeypatch.setattr(sys, "argv", ["orders.py", *map(str, arguments)])
        orders.main()
        found: dict[str, Any] = json.loads((out / "orders.json").read_text(encoding="utf-8"))
        return found

    return report


def test_both_orders_are_asked_streamed_and_not_asked_again(
    tmp_path: Path, compared: Callable[..., dict[str, Any]]
) -> None:
    first, second = (run_of(tmp_path, recipe) for recipe in ORDERS)
    report = compared(first, second)
    assert report["runs"] == list(ORDERS)
    assert report["also_different"] == []
    for recipe, figures in report["measured"].items():
        assert figures["valid"]["constrained"]["value"] == 1
        replies = tmp_path / recipe / "measured" / "replies" / "llama_cpp-Q8_0-constrained" / "rows.jsonl"
        for line in replies.read_text(encoding="utf-8").splitlines():
            assert tuple(json.loads(json.loads(line)["text"])) == ORDERS[recipe]
    streamed = (tmp_path / "out" / "orders.streamed.jsonl").read_text(encoding="utf-8")
    kept = [json.loads(line) for line in streamed.splitlines()]
    assert len(kept) == report["streamed"]["rows"] == 2
    text = DRAFTS[int(kept[0]["id"])]
    for run, recipe, timing in zip((first, second), ORDERS, kept[0]["timings"], strict=True):
        assert [timing["tokens_to_labels"], timing["tokens"]] == counted(run, recipe, text)
    document = (tmp_path / "out" / "orders.md").read_text(encoding="utf-8")
    assert "| tokens until the labels are known, median of 2 rows |" in document
    assert compared(first, second, served=None) == report  # Nobody is there to be asked again.


def test_what_else_differs_is_named(tmp_path: Path) -> None:
    runs = [
        orders.Run(run_of(tmp_path, recipe, learned, rank=rank), MADE, ORDERS[recipe])
        for recipe, learned, rank in (("rewrite_first", 20, 16), ("labels_first", 60, 8))
    ]
    assert orders.also_different(runs) == ["rank", "rows"]
    (tmp_path / "labels_first" / "tuned" / "adapter.manifest.json").unlink()
    assert orders.also_different(runs) is None


def test_two_runs_of_one_order_and_a_missing_export_are_refused(
    tmp_path: Path, compared: Callable[..., dict[str, Any]]
) -> None:
    run = run_of(tmp_path, "labels_first")
    with pytest.raises(FileError, match="both write labels_first, so there are no orders to compare"):
        compared(run, run)
    export = run / "gguf" / "devrouter-Q8_0.gguf"
    write_manifest(export, "export", settings={"quantization": "F16"}, seed=0, inputs=[])
    with pytest.raises(FileError, match=r"gguf: holds no Q8_0; export.py writes it"):
        compared(run, run)


def test_rows_are_compared_in_pairs(tmp_path: Path) -> None:
    """Of three rows the first run gets all right; the second a label wrong, a path lost, and no decision."""
    rows = read_data(data_in(tmp_path)).rows
    good = [Decision(REWRITES[row.text], *RIGHT, ()) for row in rows]
    bad = [
        replace(good[0], intent=Intent.OTHER),
        replace(good[1], rewrite="Please fix the typo. That's all."),
        None,
    ]
    first, second = ({mode: answered(rows, each) for mode in MODES} for each in (good, bad))
    found = orders.paired(first, second)
    assert {name: (each.only_first_right, each.only_second_right) for name, each in found.items()} == {
        **{f"valid, {mode}": (1, 0) for mode in MODES},
        **{f"intent, {mode}": (2, 0) for mode in MODES},
        **{f"{name}, {mode}": (1, 0) for name in ("complexity", "route") for mode in MODES},
        "rewrite faithful, constrained": (2, 0),
    }
    assert orders.measured(second).withheld.count == orders.measured(second).offered.count == 1
    assert orders.measured(first).offered.count == 3


def answered(rows: Sequence[GoldRow], decisions: Sequence[Decision | None]) -> Answered:
    answers = [
        RowAnswer(row.id, row.text_sha256, decision, (), {}, 1.0, None)
        for row, decision in zip(rows, decisions, strict=True)
    ]
    return Answered(tuple(rows), tuple(answers), ())


def counted(run: Path, recipe: str, text: str) -> list[int]:
    """The tokens of a reply until its labels are known, and of all of it, as llama.cpp streams them."""
    form = {"name": "decision", "strict": True, "schema": decision_schema(ORDERS[recipe])}
    body = {
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "stream": True,
        "response_format": {"type": "json_schema", "json_schema": form},
    }
    pieces = []
    with (
        on_one_thread(run / "gguf" / "devrouter-Q8_0.gguf", context=1100) as url,
        httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=60) as response,
    ):
        for line in response.iter_lines():
            if line.startswith("data: {"):
                delta = json.loads(line.removeprefix("data: "))["choices"][0]["delta"]
                pieces.append(delta.get("content") or "")
    pieces = [piece for piece in pieces if piece]
    decision = json.loads("".join(pieces))
    last = max(LABELS, key=ORDERS[recipe].index)
    end = "".join(pieces).index(f'"{decision[last]}"') + len(decision[last]) + 2
    lengths = [len("".join(pieces[: count + 1])) for count in range(len(pieces))]
    return [next(count for count, length in enumerate(lengths, start=1) if length >= end), len(pieces)]
