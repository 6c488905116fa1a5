"""When each engine is asked, and what becomes of its answer: the model's part, staged exactly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from devrouter.app.configuration import Configuration
from devrouter.app.feedback import Feedback
from devrouter.app.feedback_file import FeedbackFile
from devrouter.app.ignores import Ignores
from devrouter.app.model_calls import ModelCalls
from devrouter.app.opened import OpenDocument, TextChanged
from devrouter.app.session import Session
from devrouter.app.triage import Triager
from devrouter.core.decision import FIELDS, Answer, Complexity, Decision, Intent, Route
from devrouter.core.draft import Document, Draft
from devrouter.core.gaps import GapKind, make_gap
from devrouter.engines.engine import EngineState, EngineUnreachable, Health
from devrouter.engines.instant.engine import InstantEngine
from devrouter.engines.reply import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devrouter.app.findings import Finding
    from devrouter.app.status import Status
    from devrouter.engines.reply import OnProgress

URI = "untitled:Untitled-1"
TEXT = "the login page is slow since we moved to the new server, can you make it faster"
WAIT = 10.0


@dataclass
class StagedModel:
    """A model whose every call waits until the test lets it answer or fail."""

    name: str = "staged"
    fields: frozenset[str] = frozenset(FIELDS)
    asked: list[Draft] = field(default_factory=list)
    hears: OnProgress | None = None
    found: EngineState = field(default_factory=lambda: EngineState(Health.OK, "staged"))
    cancelled: int = 0
    replies: asyncio.Queue[str | Exception] = field(default_factory=asyncio.Queue)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def state(self) -> EngineState:
        return self.found

    async def slots(self) -> int | None:
        return 1

    async def decide(self, draft: Draft, on_progress: OnProgress | None = None) -> Answer:
        self.asked.append(draft)
        self.hears = on_progress
        self.called.set()
        try:
            reply = await self.replies.get()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(reply, Exception):
            raise reply
        gaps = (make_gap(reply, GapKind.SCALE, draft.text),)
        decision = Decision(draft.text, Intent.OPTIMIZE, Complexity.HIGH, Route.LARGE_API, (reply,))
        return Answer(decision, gaps, {}, self.name, "1", 1.0)


@dataclass
class Screen:
    """Records what is shown, and wakes whoever waits for something to be shown."""

    shown: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    _waiters: list[tuple[Callable[[], bool], asyncio.Event]] = field(default_factory=list)

    def findings_changed(self, opened: OpenDocument, findings: tuple[Finding, ...]) -> None:
        version = opened.viewed.version if opened.viewed else -1
        self.shown.append((version, tuple(finding.gap.phrase for finding in findings)))
        self._wake()

    def status_changed(self, status: Status) -> None:
        self.statuses.append(status)
        self._wake()

    async def until(self, condition: Callable[[], bool]) -> None:
        event = asyncio.Event()
        self._waiters.append((condition, event))
        self._wake()
        await asyncio.wait_for(event.wait(), WAIT)

    @property
    def phrases(self) -> tuple[str, ...]:
        return self.shown[-1][1]

    @property
    def health(self) -> Health | None:
        return self.statuses[-1].state.health if self.statuses else None

    def _wake(self) -> None:
        for condition, event in self._waiters:
            if condition():
                event.set()


@dataclass
class Desk:
    """A session with its staged model and its screen."""

    model: StagedModel
    screen: Screen
    session: Session

    def opens(self, text: str, version: int = 1, uri: str = URI) -> None:
        self.session.opened(Document(uri, "prompt", version, text))

    def types(self, text: str, version: int, uri: str = URI) -> None:
        self.session.changed(Document(uri, "prompt", version, text))

    async def asked(self, times: int) -> None:
        while len(self.model.asked) < times:
            self.model.called.clear()
            await asyncio.wait_for(self.model.called.wait(), WAIT)


def desk(tmp_path: Path, options: dict[str, object], model: StagedModel | None = None) -> Desk:
    model = model or StagedModel()
    settings_of = Configuration(
        {
            "findings": {"delay_seconds": 0.01},
            "model": {"pause_seconds": 0.02, **options},
            "engine": "ollama",
        },
        tmp_path / "config.toml",
    )
    triager = Triager(InstantEngine(), model)
    screen = Screen()
    calls = ModelCalls(triager, settings_of.user())
    ignores, feedback = Ignores(tmp_path / "ignored"), Feedback(FeedbackFile(tmp_path / "feedback.jsonl"))
    return Desk(model, screen, Session(screen, triager, calls, settings_of, ignores, feedback))


async def test_the_models_answer_takes_its_place_when_typing_pauses(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "pause"})
    on.opens(TEXT)
    await on.asked(1)
    on.model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: "requests per second" in on.screen.phrases)
    status = on.screen.statuses[-1]
    assert status.triage is not None
    assert status.triage.decision.route is Route.LARGE_API
    await on.session.close()


async def test_a_newer_text_cancels_the_call_and_its_answer_is_never_shown(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "pause"})
    on.opens(TEXT)
    await on.asked(1)
    on.types(TEXT + " today", 2)
    await on.asked(2)
    assert on.model.cancelled == 1
    on.model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: "requests per second" in on.screen.phrases)
    assert on.model.asked[-1].text == TEXT + " today"
    assert all("requests per second" not in phrases for version, phrases in on.screen.shown if version == 1)
    await on.session.close()


async def test_ten_drafts_in_a_row_from_a_fast_typist_cause_one_call(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "pause", "pause_seconds": 0.2})
    on.opens(TEXT)
    for version in range(2, 12):
        on.types(TEXT + " and please keep it short"[: version * 2], version)
        await on.session.settled(URI)
    await on.asked(1)
    on.model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: "requests per second" in on.screen.phrases)
    assert len(on.model.asked) == 1
    await on.session.close()


async def test_a_text_already_answered_is_not_sent_again(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "save"})
    on.opens(TEXT)
    on.session.saved(URI)
    await on.asked(1)
    on.model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: "requests per second" in on.screen.phrases)
    on.types(TEXT + "!", 2)
    on.types(TEXT, 3)
    on.session.saved(URI)
    await on.screen.until(lambda: on.screen.shown[-1] == (3, ("requests per second",)))
    assert len(on.model.asked) == 1
    await on.session.close()


async def test_a_failed_call_shows_in_the_status_and_the_instant_findings_stay(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "save"})
    on.opens(TEXT)
    await on.session.settled(URI)
    before = on.screen.phrases
    on.session.saved(URI)
    await on.asked(1)
    on.model.replies.put_nowait(EngineUnreachable("Ollama does not answer.", "ollama serve"))
    await on.screen.until(lambda: on.screen.health is Health.ERROR)
    assert on.screen.statuses[-1].state == EngineState(
        Health.ERROR, "Ollama does not answer.", "ollama serve"
    )
    assert on.screen.phrases == before
    await on.session.close()


async def test_after_a_failure_the_next_good_answer_clears_the_status(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "save"})
    on.opens(TEXT)
    on.session.saved(URI)
    on.model.replies.put_nowait(EngineUnreachable("Ollama does not answer.", "ollama serve"))
    await on.screen.until(lambda: on.screen.health is Health.ERROR)
    on.session.saved(URI)
    on.model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: on.screen.health is Health.OK)
    await on.session.close()


async def test_on_request_the_caller_waits_and_a_newer_text_ends_the_wait(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "request"})
    on.opens(TEXT)
    opened = await on.session.settled(URI)
    assert opened is not None
    waiting = asyncio.create_task(on.session.ask_model(opened))
    await on.asked(1)
    on.types(TEXT + " now", 2)
    with pytest.raises(TextChanged):
        await asyncio.wait_for(waiting, WAIT)
    assert on.model.cancelled == 1
    await on.session.close()


async def test_cancelling_the_request_cancels_the_call(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "request"})
    on.opens(TEXT)
    opened = await on.session.settled(URI)
    assert opened is not None
    waiting = asyncio.create_task(on.session.ask_model(opened))
    await on.asked(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert on.model.cancelled == 1
    await on.session.close()


async def test_two_documents_do_not_wait_for_each_other(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "pause"})
    on.opens(TEXT)
    await on.asked(1)
    other = "untitled:Untitled-2"
    on.opens("why does my query take ten seconds", uri=other)
    await on.asked(2)
    assert {draft.text for draft in on.model.asked} == {TEXT, "why does my query take ten seconds"}
    await on.session.close()


async def test_a_closed_document_gets_no_more_answers(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "pause"})
    on.opens(TEXT)
    await on.asked(1)
    on.session.closed(URI)
    shown = len(on.screen.shown)
    on.opens("why does my query take ten seconds", uri="untitled:Untitled-2")
    await on.asked(2)
    assert on.model.cancelled == 1
    assert all(version == 1 for version, _ in on.screen.shown[shown:])
    await on.session.close()


async def test_a_model_that_may_not_label_leaves_the_labels_to_the_instant_engine(tmp_path: Path) -> None:
    model = StagedModel(fields=frozenset({"rewrite", "missing"}))
    on = desk(tmp_path, {"trigger": "pause"}, model)
    on.opens(TEXT)
    await on.asked(1)
    model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: "requests per second" in on.screen.phrases)
    triage = on.screen.statuses[-1].triage
    assert triage is not None
    assert triage.answered_by["missing"] == "staged"
    assert triage.answered_by["route"] == "instant"
    await on.session.close()


async def test_a_model_that_was_slow_three_times_is_asked_on_request_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devrouter.app.model_calls.SLOW_SECONDS", -1.0)
    on = desk(tmp_path, {"trigger": "save"})
    on.opens(TEXT)
    for version in range(2, 5):
        on.session.saved(URI)
        await on.asked(version - 1)
        on.model.replies.put_nowait("requests per second")
        await on.screen.until(lambda: "requests per second" in on.screen.phrases)
        on.types(f"Something else, number {version}: why is it slow?", version)
        await on.session.settled(URI)
    await on.screen.until(lambda: "on request only" in on.screen.statuses[-1].state.message)
    on.session.saved(URI)
    await on.session.settled(URI)
    assert len(on.model.asked) == 3
    await on.session.close()


async def test_a_save_right_after_a_keystroke_asks_again(tmp_path: Path) -> None:
    """The former call is still closing its connection then."""
    on = desk(tmp_path, {"trigger": "save"})
    on.opens(TEXT)
    on.session.saved(URI)
    await on.asked(1)
    on.types(TEXT + "!", 2)
    on.session.saved(URI)
    await on.asked(2)
    assert on.model.asked[-1].text == TEXT + "!"
    assert on.model.cancelled == 1
    await on.session.close()


async def test_how_the_model_is_found_is_told_to_every_document(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "request"})
    other = "untitled:Untitled-2"
    on.opens(TEXT)
    on.opens(TEXT, uri=other)
    await on.session.settled(URI)
    await on.session.settled(other)
    on.model.found = EngineState(Health.WARNING, "The template was lost.", "devrouter model setup")
    await on.session.check_model()
    told = {status.uri: status.state for status in on.screen.statuses}
    assert {state.health for state in told.values()} == {Health.WARNING}
    assert told[other].message == "The template was lost. Asked on request."
    assert told[other].mend == "devrouter model setup"
    await on.session.close()


async def test_an_answer_clears_a_failure_everywhere_but_not_a_warning(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "save"})
    other = "untitled:Untitled-2"
    on.opens(TEXT)
    on.opens("why does my query take ten seconds", uri=other)
    on.session.saved(URI)
    on.model.replies.put_nowait(EngineUnreachable("Ollama does not answer.", "ollama serve"))
    await on.screen.until(lambda: on.screen.health is Health.ERROR)
    on.model.found = EngineState(Health.WARNING, "The template was lost.", "devrouter model setup")
    on.session.saved(other)
    on.model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: on.screen.health is Health.WARNING)
    last = {status.uri: status for status in on.screen.statuses}
    assert {status.state.mend for status in last.values()} == {"devrouter model setup"}
    assert not any(status.busy for status in last.values())
    await on.session.close()


async def test_calls_that_failed_slowly_count_as_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devrouter.app.model_calls.SLOW_SECONDS", -1.0)
    on = desk(tmp_path, {"trigger": "save"})
    on.opens(TEXT)
    for times in range(1, 4):
        on.session.saved(URI)
        await on.asked(times)
        on.model.replies.put_nowait(EngineUnreachable("Ollama does not answer.", "ollama serve"))
        await on.screen.until(lambda: not on.screen.statuses[-1].busy)
    assert on.screen.statuses[-1].state.message.startswith("Ollama does not answer. It took over")
    on.session.saved(URI)
    await on.session.settled(URI)
    assert len(on.model.asked) == 3
    await on.session.close()


async def test_a_model_set_up_anew_does_not_label_what_it_answered_before(tmp_path: Path) -> None:
    """Labels of a model that may not label are placeholders; a later set-up does not make them true."""
    model = StagedModel(fields=frozenset({"rewrite", "missing"}))
    on = desk(tmp_path, {"trigger": "save"}, model)
    on.opens(TEXT)
    on.session.saved(URI)
    await on.asked(1)
    model.replies.put_nowait("requests per second")
    await on.screen.until(lambda: "requests per second" in on.screen.phrases)
    model.fields = frozenset(FIELDS)
    on.session.reload()
    opened = await on.session.settled(URI)
    assert opened is not None
    assert opened.views[0].by_model
    assert opened.views[0].triage.answered_by["route"] == "instant"
    await on.session.close()


async def test_who_asks_hears_how_far_the_reply_is(tmp_path: Path) -> None:
    on = desk(tmp_path, {"trigger": "request"})
    on.opens(TEXT)
    opened = await on.session.settled(URI)
    assert opened is not None
    heard: list[Progress] = []
    waiting = asyncio.create_task(on.session.ask_model(opened, heard.append))
    await on.asked(1)
    assert on.model.hears is not None
    on.model.hears(Progress("rewrite", 12))
    on.model.replies.put_nowait("requests per second")
    await waiting
    assert heard == [Progress("rewrite", 12)]
    await on.session.close()
