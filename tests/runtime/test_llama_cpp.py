"""The engine for OpenAI-compatible servers against a real llama.cpp."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from devrouter.core.draft import Destination, Draft
from devrouter.engines.engine import DraftTooLong, EngineUnreachable, Health, ReplyBroken
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from tests.runtime.conftest import llama_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runtime.conftest import Models

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

DRAFT = Draft("why does my flask app give 500??", 1, "en", Destination.CHAT)


def engine_at(url: str, **limits: int) -> OpenAIEngine:
    patience = {"first_token_timeout": 120.0, "total_timeout": 120.0}
    return OpenAIEngine(OpenAIOptions(base_url=url, **patience, **limits), {})  # type: ignore[arg-type]


async def test_a_true_devrouter_answers_all_five_fields(llama_url: str) -> None:
    engine = engine_at(llama_url)
    state = await engine.state()
    assert state.health is Health.OK
    assert "the system prompt baked into its GGUF" in state.message
    answer = await engine.decide(DRAFT)
    assert engine.fields == {"rewrite", "intent", "complexity", "route", "missing"}
    assert answer.engine == engine.name
    assert answer.decision.to_dict().keys() == engine.fields


async def test_without_a_system_prompt_it_answers_two_fields(models: Models) -> None:
    with llama_server(models.bare) as (url, _):
        engine = engine_at(url)
        await engine.decide(DRAFT)
        assert engine.fields == {"rewrite", "missing"}
        assert "holds no system prompt" in (await engine.state()).message


async def test_a_base_models_own_system_prompt_is_no_triage_prompt(smollm2: Path) -> None:
    with llama_server(smollm2) as (url, _):
        engine = engine_at(url, num_ctx=2048)
        answer = await engine.decide(DRAFT)
        assert answer.decision.rewrite
        assert engine.fields == {"rewrite", "missing"}
        assert "a base model's own" in (await engine.state()).message


async def test_a_prompt_over_the_context(llama_url: str) -> None:
    """The tiny model takes a token a byte, four times the estimate, so the server is the one to notice."""
    long = Draft("rename it " * 260, 1, "en", Destination.CHAT)
    with pytest.raises(DraftTooLong, match="exceeds the available context size"):
        await engine_at(llama_url).decide(long)


async def test_output_cut_killed_and_cancelled(models: Models, tell: Callable[[str], None]) -> None:
    """A model that never ends: its reply is cut; a cancel frees its only slot; a kill is told in words."""
    with llama_server(models.endless) as (url, process):
        cut = engine_at(url, num_predict=200)
        with pytest.raises(ReplyBroken, match=r"cut inside the rewrite, after .* the limit of 200 tokens"):
            await cut.decide(DRAFT)

        engine = engine_at(url)
        first = await _to_first_token(engine)
        freed = await _to_first_token(engine)
        tell(f"llama.cpp: first token after {first:.0f} ms, after a cancel {freed:.0f} ms")

        started = asyncio.Event()
        task = asyncio.create_task(engine.decide(DRAFT, lambda _: started.set()))
        await started.wait()
        process.kill()
        with pytest.raises(ReplyBroken, match="stopped: its reply broke off"):
            await task
        # Its socket listens until the process is gone.
        process.wait(10)
        with pytest.raises(EngineUnreachable, match="nothing answers"):
            await engine.decide(DRAFT)


async def _to_first_token(engine: OpenAIEngine) -> float:
    """Start a call, cancel it at its first token; milliseconds until that came."""
    started = asyncio.Event()
    begin = perf_counter()
    task = asyncio.create_task(engine.decide(DRAFT, lambda _: started.set()))
    await asyncio.wait([task, asyncio.ensure_future(started.wait())], return_when=asyncio.FIRST_COMPLETED)
    elapsed = (perf_counter() - begin) * 1000
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return elapsed
