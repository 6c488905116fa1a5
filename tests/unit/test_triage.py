"""A model that answers everything: the same triage as beside a whole instant answer, and none is computed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devrouter.app.settings import Settings
from devrouter.app.triage import Triager, merge
from devrouter.cli.route import draft_of_text
from devrouter.core.decision import FIELDS, Answer, Complexity, Decision, Intent, Route
from devrouter.core.gaps import gaps_from_phrases
from devrouter.engines.engine import EngineState, Health
from devrouter.engines.instant.engine import InstantEngine

if TYPE_CHECKING:
    from devrouter.core.draft import Draft
    from devrouter.engines.reply import OnProgress

DATA = Path(__file__).parents[2] / "data" / "test.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()[:40]]
REWRITES = {
    "labelled": [row.get("rewrite") or row["text"] for row in ROWS],
    "as it is": [row["text"] for row in ROWS],
    "withheld": [f"{row['text']}\n\n```\nrm -rf {number}\n```" for number, row in enumerate(ROWS)],
    "empty": ["" for _ in ROWS],
}


@dataclass
class StagedModel:
    """Replies at once with this rewrite."""

    rewrite: str
    name: str = "staged"
    fields: frozenset[str] = frozenset(FIELDS)

    async def state(self) -> EngineState:
        return EngineState(Health.OK, "staged")

    async def slots(self) -> int | None:
        return 1

    async def decide(self, draft: Draft, on_progress: OnProgress | None = None) -> Answer:  # noqa: ARG002
        gaps = gaps_from_phrases(("full stack trace",), draft.text)
        phrases = tuple(gap.phrase for gap in gaps)
        decision = Decision(self.rewrite, Intent.REVIEW, Complexity.HIGH, Route.LARGE_API, phrases)
        return Answer(decision, gaps, {}, self.name, "1", 1.0)


@pytest.mark.parametrize("rewrites", REWRITES)
async def test_the_same_triage_as_beside_a_whole_instant_answer(rewrites: str) -> None:
    instant, settings = InstantEngine(), Settings()
    for row, rewrite in zip(ROWS, REWRITES[rewrites], strict=True):
        draft, model = draft_of_text(row["text"]), StagedModel(rewrite)
        found = await Triager(instant, model).ask_model(draft, settings)
        whole = merge(draft, instant.answer(draft), await model.decide(draft), model.fields, settings)
        assert replace(found, milliseconds=0, secrets=()) == replace(whole, milliseconds=0)


async def test_a_model_that_answers_everything_needs_no_weights_of_the_instant_engine(tmp_path: Path) -> None:
    triager = Triager(InstantEngine(tmp_path / "nowhere"), StagedModel(""))
    triage = await triager.ask_model(draft_of_text("pls fix the the typo in src/app.py"), Settings())
    assert triage.answered_by == {**dict.fromkeys(FIELDS, "staged"), "rewrite": "instant"}
    assert triage.decision.rewrite != ""
    with pytest.raises(OSError, match="nowhere"):
        triager.instant(draft_of_text("another"), Settings())
