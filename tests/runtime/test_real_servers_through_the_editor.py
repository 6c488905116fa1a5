"""A real Ollama and a real llama.cpp behind the language server, as an editor sees them."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lsprotocol import types

from devrouter.engines import setup
from devrouter.engines.ollama import OllamaOptions
from tests.runtime.conftest import SLOT_LOST_AFTER, import_carelessly, llama_server, with_its_slot
from tests.runtime.editing import (
    NEOVIM,
    TEXT,
    VSCODE,
    draft_in,
    editing,
    hover,
    options_for,
    times_told,
    until_health,
    until_progress,
)
from tests.runtime.fake_server import OLLAMA, OPENAI, Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lsp.harness import Editor
    from tests.runtime.conftest import Models

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

PATIENCE = {"first_token_timeout": 120, "total_timeout": 120}
OVERLONG = "rename it " * 260
"""The tiny models take a token a byte, four times the estimate, so only the server notices."""


@pytest.fixture(scope="module")
def true_devrouter(ollama_url: str, models: Models) -> str:
    """`devrouter`, set up by our own command's function from a GGUF with a baked-in prompt."""
    options = OllamaOptions(host=ollama_url, num_ctx=2048, first_token_timeout=120, total_timeout=120)
    asyncio.run(setup.set_up(models.brief, None, options, lambda _: None))
    return options.model


def on_ollama(url: str, model: str, **when: Any) -> dict[str, Any]:
    options = options_for(OLLAMA, url, model=model, **{**PATIENCE, **when})
    options["ollama"]["num_ctx"] = 2048
    return options


async def answered(editor: Editor, uri: str, engine: str) -> str:
    """The hover, once the status says that this engine answered the document."""
    await editor.until(
        lambda: any(
            engine in (status["engine"] or "") and not status["busy"]
            for status in editor.statuses
            if status["uri"] == uri and status["version"] == editor.versions[uri]
        )
    )
    return await hover(editor, uri)


async def test_a_true_devrouter_answers_all_five_fields(
    ollama_url: str, true_devrouter: str, tmp_path: Path
) -> None:
    uri = draft_in(tmp_path)
    async with editing(tmp_path, on_ollama(ollama_url, true_devrouter)) as editor:
        editor.open(uri, TEXT)
        said = await answered(editor, uri, true_devrouter)
        assert "instant: rewrite; devrouter (Ollama): intent, complexity, route, missing" in said or (
            "Answered by devrouter (Ollama) in" in said
        )
        status = await until_health(editor, "ok")
        assert "answers all five fields" in status["message"]


async def test_the_same_model_whose_prompt_was_lost_answers_two_until_it_is_set_up(
    ollama_url: str, true_devrouter: str, tmp_path: Path
) -> None:
    uri, name = draft_in(tmp_path), "devrouter:lost"
    copy = {"source": "lost", "destination": name}
    async with httpx.AsyncClient(base_url=ollama_url, trust_env=False, timeout=60) as ollama:
        (await ollama.post("/api/copy", json=copy)).raise_for_status()
        async with editing(tmp_path, on_ollama(ollama_url, name)) as editor:
            editor.open(uri, TEXT)
            said = await answered(editor, uri, name)
            assert "instant: intent, complexity, route" in said.replace("instant: rewrite, ", "instant: ")
            told = await until_health(editor, "warning")
            assert "was lost on import" in told["message"]
            assert told["mend"] == "devrouter model setup"
            (await ollama.post("/api/copy", json=copy | {"source": true_devrouter})).raise_for_status()
            editor.type(uri, "?")
            told = await until_health(editor, "ok")
            assert "answers all five fields" in told["message"]
            assert times_told(editor, "warning") == 1


async def test_any_other_model_leaves_the_labels_to_the_instant_engine(
    ollama_url: str, smollm2: Path, tmp_path: Path
) -> None:
    uri = draft_in(tmp_path)
    with httpx.Client(base_url=ollama_url, trust_env=False, timeout=60) as client:
        import_carelessly(client, "smollm2", smollm2)
    async with editing(tmp_path, on_ollama(ollama_url, "smollm2")) as editor:
        editor.open(uri, TEXT)
        said = await answered(editor, uri, "smollm2")
        assert "smollm2 (Ollama): " in said
        labels = said.partition("instant: ")[2].partition(";")[0]
        assert {"intent", "complexity", "route"} <= set(labels.partition(", in ")[0].split(", "))
        await until_health(editor, "ok")


async def test_llama_cpp_with_and_without_a_baked_in_prompt(
    llama_url: str, models: Models, tmp_path: Path
) -> None:
    uri = draft_in(tmp_path)
    async with editing(tmp_path, options_for(OPENAI, llama_url, model="", **PATIENCE)) as editor:
        editor.open(uri, TEXT)
        said = await answered(editor, uri, "brief")
        assert "instant: intent" not in said
        assert "all five fields" in (await until_health(editor, "ok"))["message"]
    with llama_server(models.bare) as (url, _):
        async with editing(tmp_path, options_for(OPENAI, url, model="", **PATIENCE)) as editor:
            editor.open(uri, TEXT)
            said = await answered(editor, uri, "bare")
            assert "instant: intent, complexity, route" in said.replace("instant: rewrite, ", "instant: ")
            told = await until_health(editor, "ok")
            assert "only the rewrite and what is missing" in told["message"]


async def test_faults_of_a_real_ollama(ollama_url: str, true_devrouter: str, tmp_path: Path) -> None:
    uri = draft_in(tmp_path)
    async with editing(tmp_path, on_ollama(ollama_url, true_devrouter)) as editor:
        editor.open(uri, OVERLONG)
        told = await until_health(editor, "error")
        assert "cut the prompt to its context of 2,048 tokens" in told["message"]
        editor.replace(uri, 0, len(OVERLONG), TEXT)
        await until_health(editor, "ok")
        assert times_told(editor, "error") == 1
    endless = on_ollama(ollama_url, "endless")
    endless["ollama"]["num_predict"] = 200
    async with editing(tmp_path, endless) as editor:
        editor.open(uri, TEXT)
        told = await until_health(editor, "error")
        assert "cut inside the rewrite" in told["message"]
        assert "the limit of 200 tokens" in told["message"]
    async with editing(tmp_path, on_ollama(ollama_url, "no-such-model")) as editor:
        editor.open(uri, TEXT)
        told = await until_health(editor, "error")
        assert told["mend"] == "ollama pull no-such-model"
        assert "Answered by instant in" in await hover(editor, uri)


async def test_faults_of_a_real_llama_cpp(models: Models, tmp_path: Path) -> None:
    """A prompt over the context, then a kill in mid-stream, then nobody there."""
    uri = draft_in(tmp_path)
    with llama_server(models.endless) as (url, process):
        options = options_for(OPENAI, url, model="", trigger="request", **PATIENCE)
        async with editing(tmp_path, options) as editor:
            editor.open(uri, OVERLONG)
            await editor.code_action_resolve_async(await editor.action(uri, "Ask the model"))
            assert "exceeds the available context size" in editor.messages[-1].message
            editor.replace(uri, 0, len(OVERLONG), TEXT)
            action = await editor.action(uri, "Ask the model")
            asking = asyncio.create_task(editor.code_action_resolve_async(action))
            await until_progress(editor, "rewrite")
            process.kill()
            await asking
            told = await until_health(editor, "error")
            assert "its reply broke off inside the rewrite" in told["message"]
            assert told["message"] in editor.messages[-1].message
            await editor.code_action_resolve_async(await editor.action(uri, "Ask the model"))
            assert "nothing answers" in editor.messages[-1].message
            assert "Answered by instant in" in await hover(editor, uri)


@pytest.mark.parametrize("client", [VSCODE, NEOVIM])
async def test_a_cancel_frees_ollamas_only_slot(
    client: str, ollama_url: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    options = on_ollama(ollama_url, "endless")
    freed = await with_its_slot(ollama_url, "endless", lambda: _freed(tmp_path, options, client, OLLAMA))
    tell(f"Ollama, {client}: {freed}")


async def test_a_cancel_frees_llama_cpps_only_slot(
    models: Models, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    with llama_server(models.endless) as (url, _):
        options = options_for(OPENAI, url, model="", **PATIENCE)
        tell(f"llama.cpp: {await _freed(tmp_path, options, VSCODE, OPENAI)}")


async def _freed(folder: Path, options: dict[str, Any], client: str, kind: Kind) -> str:
    """How long a call that waits for the slot needs to its first word, once the editor's call is cancelled.

    The same call on a free server is told beside it: the difference is the time in which the slot came free.
    """
    uri = draft_in(folder)
    options["model"]["trigger"] = "request"
    url = options[kind.name].get("host") or options[kind.name]["base_url"].removesuffix("/v1")
    # A server may close a connection that rests in the very moment in which it is used again.
    once = {"Connection": "close"}
    async with (
        editing(folder, options, client) as editor,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=SLOT_LOST_AFTER, headers=once) as other,
    ):
        await _first_word(other, kind)  # Loads the model.
        began = perf_counter()
        on_a_free_server = await _first_word(other, kind) - began
        editor.open(uri, TEXT)
        action = await editor.action(uri, "Ask the model")
        asking = asyncio.create_task(editor.code_action_resolve_async(action))
        token = await until_progress(editor, "rewrite")
        first_word = asyncio.create_task(_first_word(other, kind))
        await asyncio.sleep(0.2)  # Lets it arrive at the server; if it has not, the figure is too good.
        assert not first_word.done()
        cancelled = perf_counter()
        editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        with pytest.raises(Exception, match="cancel"):
            await asking
        after_the_cancel = await first_word - cancelled
    return (
        f"first word {after_the_cancel * 1000:.0f} ms after a cancel, {on_a_free_server * 1000:.0f} ms on a "
        "free server (goal: 100 ms apart)"
    )


async def _first_word(client: httpx.AsyncClient, kind: Kind) -> float:
    """When the only word of a short call of somebody else's came. It is read to its end, not cut off."""
    body: dict[str, Any] = {
        "model": "endless",
        "messages": [{"role": "user", "content": "a"}],
        "stream": True,
        "max_tokens": 1,
    }
    if kind is OLLAMA:
        # The context is ours: for another one Ollama would load the model anew.
        body["options"] = {"num_ctx": 2048, "num_predict": 1}
    came = 0.0
    async with client.stream("POST", kind.chat_path, json=body) as response:
        async for line in response.aiter_lines():
            if '"content"' in line and not came:
                came = perf_counter()
    return came
