"""The Ollama engine and `devrouter model setup` against a real Ollama."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import httpx
import pytest

from devrouter.core.draft import Destination, Draft
from devrouter.engines import setup
from devrouter.engines.chat_template import derive_chat_template
from devrouter.engines.engine import (
    DraftTooLong,
    EngineError,
    EngineTimeout,
    Health,
    ModelMissing,
    ReplyBroken,
)
from devrouter.engines.gguf import read_metadata
from devrouter.engines.ollama import OllamaEngine, OllamaOptions
from runtime.tiny_gguf import SYSTEM
from tests.runtime.conftest import SLOT_LOST_AFTER, import_carelessly, with_its_slot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runtime.conftest import Models

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

DRAFT = Draft("why does my flask app give 500??", 1, "en", Destination.CHAT)
ALL = {"rewrite", "intent", "complexity", "route", "missing"}
PATIENCE = {"first_token_timeout": 120.0, "total_timeout": 120.0}


@pytest.fixture(scope="module")
def options(ollama_url: str) -> OllamaOptions:
    return OllamaOptions(host=ollama_url, num_ctx=2048, **PATIENCE)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def steps(options: OllamaOptions, models: Models) -> list[str]:
    """`devrouter`, set up by us from a GGUF with a baked-in prompt; the steps it took."""
    heard: list[str] = []
    proof = asyncio.run(setup.set_up(models.brief, None, options, lambda step: heard.append(step.text)))
    assert proof.verification.verified
    assert proof.verification.system == SYSTEM
    return heard


@pytest.fixture(scope="module")
def without_system(options: OllamaOptions, models: Models) -> str:
    """A `devrouter` with the right template, but without the SYSTEM that Ollama drops on import."""
    template = setup.plan(models.brief, None, options).template
    body = {"model": "devrouter:bare", "from": "lost", "template": template, "stream": False}
    httpx.post(f"{options.host}/api/create", json=body, trust_env=False, timeout=60).raise_for_status()
    return "devrouter:bare"


@pytest.fixture(scope="module")
def smollm2_in_ollama(options: OllamaOptions, smollm2: Path) -> str:
    with httpx.Client(base_url=options.host, trust_env=False, timeout=60) as client:
        import_carelessly(client, "smollm2", smollm2)
    return "smollm2"


def engine_of(options: OllamaOptions, model: str, **limits: int) -> OllamaEngine:
    return OllamaEngine(replace(options, model=model, **limits), {})  # type: ignore[arg-type]


def digests(url: str) -> dict[str, str]:
    """The models that Ollama has."""
    listed = httpx.get(f"{url}/api/tags", trust_env=False).json()["models"]
    return {model["name"].removesuffix(":latest"): model["digest"] for model in listed}


def rendered(url: str, model: str, text: str) -> str:
    """What Ollama itself says it would send to the model."""
    message = {"role": "user", "content": text}
    body = {"model": model, "messages": [message], "stream": False, "_debug_render_only": True}
    reply = httpx.post(f"{url}/api/chat", json=body, trust_env=False, timeout=120).json()
    prompt: str = reply["_debug_info"]["rendered_template"]
    return prompt


async def test_set_up_makes_a_true_devrouter(
    steps: list[str], options: OllamaOptions, models: Models
) -> None:
    assert steps[-3:] == [
        "creating the model",
        "asking it for a first decision",
        "naming it devrouter",
    ]
    assert "devrouter" in digests(options.host)
    assert "devrouter-being-set-up" not in digests(options.host)
    engine = engine_of(options, "devrouter")
    assert (await engine.state()).health is Health.OK
    answer = await engine.decide(DRAFT)
    assert engine.fields == ALL
    assert len(answer.version) == 12
    own = derive_chat_template(read_metadata(models.brief))
    assert rendered(options.host, "devrouter", "Hallo {{ x }}") == own.render(SYSTEM, "Hallo {{ x }}")


async def test_a_careless_import_loses_the_prompt_and_is_told(options: OllamaOptions) -> None:
    engine = engine_of(options, "lost")
    state = await engine.state()
    assert "its chat format was lost on import" in state.message
    assert engine.fields == {"rewrite", "missing"}
    await engine.decide(DRAFT)
    assert engine.fields == {"rewrite", "missing"}


async def test_a_devrouter_that_lost_its_prompt_is_a_warning_with_its_mend(
    without_system: str, options: OllamaOptions
) -> None:
    state = await engine_of(options, without_system).state()
    assert (state.health, state.mend) == (Health.WARNING, "devrouter model setup")
    assert "baked-in system prompt was lost" in state.message


async def test_the_printed_modelfile_makes_the_same_model(
    options: OllamaOptions, models: Models, ollama_program: Path, tmp_path: Path
) -> None:
    source, plan = await setup.plan_for(models.brief, None, options)
    (tmp_path / "Modelfile").write_text(plan.modelfile(source), encoding="utf-8")
    environment = {"OLLAMA_HOST": options.host, "HOME": str(tmp_path)}
    create = await asyncio.create_subprocess_exec(
        ollama_program, "create", "printed", "-f", tmp_path / "Modelfile", env=environment, stderr=DEVNULL
    )
    assert await create.wait() == 0
    verification = await engine_of(options, "printed").verification()
    assert verification.verified, verification.reason


async def test_a_file_without_a_system_prompt_is_refused_unless_one_is_given(
    options: OllamaOptions, models: Models
) -> None:
    with pytest.raises(setup.SetupRefused, match="holds no system prompt") as caught:
        await setup.set_up(models.bare, None, options, lambda _: None)
    assert caught.value.mend == f"devrouter model setup --from {models.bare} --system FILE"
    other = replace(options, model="given")
    given = "Triage the prompt.\nReply in JSON with rewrite, intent, complexity, route, missing.\n"
    proof = await setup.set_up(models.bare, given, other, lambda _: None)
    assert proof.verification.verified
    assert "the system prompt you gave" in proof.verification.reason
    assert rendered(options.host, "given", "x").startswith(f"<|im_start|>system\n{given}<|im_end|>")


async def test_a_base_model_is_refused(smollm2: Path, options: OllamaOptions) -> None:
    with pytest.raises(setup.SetupRefused, match="a base model's own system prompt"):
        await setup.set_up(smollm2, None, options, lambda _: None)


@pytest.mark.usefixtures("steps")
async def test_a_model_that_ollama_has_is_set_up_by_its_name(options: OllamaOptions) -> None:
    named = replace(options, model="devrouter-by-name")
    proof = await setup.set_up("lost", None, named, lambda _: None)
    assert proof.verification.verified


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("stage", ["importing", "creating", "asking", "naming"])
async def test_a_cancel_leaves_nothing_half_made(
    stage: str, options: OllamaOptions, models: Models, tmp_path: Path
) -> None:
    """A file Ollama has not seen yet is on its way when the user cancels."""
    file = tmp_path / "other.gguf"
    file.write_bytes(models.brief.read_bytes() + stage.encode())
    before = digests(options.host)
    reached = asyncio.Event()
    task = asyncio.create_task(
        setup.set_up(file, None, options, lambda step: reached.set() if step.text.startswith(stage) else None)
    )
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert digests(options.host) == before


@pytest.mark.usefixtures("steps")
async def test_a_failed_proof_leaves_the_old_model(options: OllamaOptions, models: Models) -> None:
    before = digests(options.host)
    hasty = replace(options, total_timeout=0.001)
    with pytest.raises(EngineTimeout):
        await setup.set_up(models.endless, None, hasty, lambda _: None)
    assert digests(options.host) == before


async def test_a_source_that_does_not_exist(options: OllamaOptions, tmp_path: Path) -> None:
    with pytest.raises(setup.SetupRefused, match="cannot be read: No such file"):
        await setup.set_up(tmp_path / "none.gguf", None, options, lambda _: None)
    (tmp_path / "text.gguf").write_text("not a model")
    with pytest.raises(setup.SetupRefused, match="is no GGUF file"):
        await setup.set_up(tmp_path / "text.gguf", None, options, lambda _: None)
    with pytest.raises(EngineError, match=r"Ollama at .* failed: pull model manifest"):
        await setup.set_up("127.0.0.1:9/no/such-model", None, options, lambda _: None)
    with pytest.raises(ModelMissing, match="no model 'no-such-model' yet"):
        await setup.plan_for("no-such-model", None, options)


@pytest.mark.usefixtures("steps")
async def test_a_prompt_over_the_context_is_not_answered(options: OllamaOptions) -> None:
    """The tiny model takes a token a byte, four times the estimate: Ollama cuts the prompt in silence."""
    long = Draft("rename it " * 260, 1, "en", Destination.CHAT)
    with pytest.raises(DraftTooLong, match=r"cut the prompt to its context of 2,048 tokens"):
        await engine_of(options, "devrouter").decide(long)


async def test_output_cut_and_cancelled(options: OllamaOptions, tell: Callable[[str], None]) -> None:
    """A model that never ends: its reply is cut at the limit, and a cancel frees the only slot."""
    with pytest.raises(ReplyBroken, match=r"cut inside the rewrite, after .* the limit of 200 tokens"):
        await engine_of(options, "endless", num_predict=200).decide(DRAFT)
    engine = engine_of(options, "endless", first_token_timeout=SLOT_LOST_AFTER)

    async def twice() -> tuple[float, float]:
        return await _to_first_token(engine), await _to_first_token(engine)

    first, freed = await with_its_slot(options.host, "endless", twice)
    tell(f"Ollama: first token after {first:.0f} ms, after a cancel {freed:.0f} ms")


async def test_a_real_model_writes_a_rewrite(options: OllamaOptions, smollm2_in_ollama: str) -> None:
    engine = engine_of(options, smollm2_in_ollama)
    answer = await engine.decide(DRAFT)
    assert answer.decision.rewrite
    assert engine.fields == {"rewrite", "missing"}


async def test_a_model_that_is_not_there(options: OllamaOptions) -> None:
    with pytest.raises(ModelMissing) as caught:
        await engine_of(options, "no-such-model").decide(DRAFT)
    assert caught.value.mend == "ollama pull no-such-model"


async def _to_first_token(engine: OllamaEngine) -> float:
    """Start a call, cancel it at its first token; milliseconds until that came."""
    started = asyncio.Event()
    begin = perf_counter()
    task = asyncio.create_task(engine.decide(DRAFT, lambda _: started.set()))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    elapsed = (perf_counter() - begin) * 1000
    waiting.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task  # Raises its own error where it ended without a token.
    return elapsed
