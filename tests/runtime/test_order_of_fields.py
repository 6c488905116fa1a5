"""A model writes the fields in the order that its baked-in prompt lists them in, constrained to no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from devrouter.core.draft import Destination, Draft
from devrouter.engines import setup
from devrouter.engines.ollama import OllamaEngine, OllamaOptions
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from runtime.tiny_gguf import write_tiny_gguf
from tests.runtime.conftest import llama_server
from tests.runtime.editing import TEXT, draft_in, editing, options_for, until_progress
from tests.runtime.fake_server import OPENAI
from train.merge import ORDERS, system_prompt

if TYPE_CHECKING:
    from pathlib import Path

    from devrouter.engines.engine import ModelEngine
    from devrouter.engines.reply import Progress

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

each_recipe = pytest.mark.parametrize("recipe", ORDERS)
PATIENCE = {"first_token_timeout": 120.0, "total_timeout": 120.0}
LABELS = {"intent", "complexity", "route"}


def tiny(folder: Path, recipe: str, *, endless: bool = False) -> Path:
    path = folder / "tiny.gguf"
    write_tiny_gguf(path, system=system_prompt(recipe), endless=endless)
    return path


async def written_in_order(engine: ModelEngine) -> tuple[str, ...]:
    """The fields in the order in which the model wrote them; the labels count once they are written."""
    heard: list[Progress] = []
    answer = await engine.decide(Draft(TEXT, 1, "en", Destination.CHAT), heard.append)
    order = tuple(dict.fromkeys(progress.field for progress in heard if progress.field))
    assert engine.fields == set(order)
    decision = answer.decision
    labels = {"intent": decision.intent, "complexity": decision.complexity, "route": decision.route}
    for progress in heard:
        if progress.field not in LABELS:
            before = order[: order.index(progress.field)] if progress.field else ()
            assert progress.labels == tuple(labels[name] for name in before if name in labels)
    return order


@each_recipe
async def test_llama_cpp(recipe: str, tmp_path: Path) -> None:
    with llama_server(tiny(tmp_path, recipe)) as (url, _):
        engine = OpenAIEngine(OpenAIOptions(base_url=url, num_ctx=2048, **PATIENCE), {})  # type: ignore[arg-type]
        assert await written_in_order(engine) == ORDERS[recipe]


@each_recipe
async def test_ollama(recipe: str, ollama_url: str, tmp_path: Path) -> None:
    options = OllamaOptions(host=ollama_url, num_ctx=2048, model=recipe, **PATIENCE)  # type: ignore[arg-type]
    await setup.set_up(tiny(tmp_path, recipe), None, options, lambda _: None)
    assert await written_in_order(OllamaEngine(options, {})) == ORDERS[recipe]


async def test_the_editor_tells_the_labels_while_the_rewrite_is_written(tmp_path: Path) -> None:
    uri = draft_in(tmp_path)
    with llama_server(tiny(tmp_path, "labels_first", endless=True)) as (url, _):
        options = options_for(OPENAI, url, model="", trigger="request", **PATIENCE)
        async with editing(tmp_path, options) as editor:
            editor.open(uri, TEXT)
            action = await editor.action(uri, "Ask the model")
            asking = asyncio.create_task(editor.code_action_resolve_async(action))
            told = r"^[a-z]+ · (low|medium|high) · \w+ · rewrite: \d+ characters$"
            token = await until_progress(editor, told)
            editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
            with pytest.raises(Exception, match="cancel"):
                await asking
