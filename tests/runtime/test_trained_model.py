"""What a model was taught is what its user sees: each field, over both servers, on screen and as JSON."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devrouter.cli.exit_status import ExitStatus
from devrouter.engines import setup
from devrouter.engines.ollama import OllamaOptions
from tests.runtime.conftest import llama_server
from tests.runtime.editing import draft_in, editing, options_for
from tests.runtime.fake_server import OLLAMA, OPENAI
from tests.runtime.test_commands import run
from tests.runtime.test_real_servers_through_the_editor import answered
from train.run_tiny import LEARNED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.runtime.conftest import Trained
    from train.rows import Labelled

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

PATIENCE = {"first_token_timeout": 120, "total_timeout": 120}


@pytest.fixture(scope="module")
def in_ollama(ollama_url: str, trained: Trained) -> str:
    """`devrouter`, set up as by `devrouter model setup`. One thread: two that wait for each other spin."""
    options = OllamaOptions(host=ollama_url, num_ctx=2048, first_token_timeout=120, total_timeout=120)
    asyncio.run(setup.set_up(trained.gguf, None, options, lambda _: None))
    body = {"model": "devrouter", "from": "devrouter", "parameters": {"num_thread": 1}, "stream": False}
    httpx.post(f"{ollama_url}/api/create", json=body, trust_env=False, timeout=60).raise_for_status()
    return "devrouter"


@pytest.fixture(params=["ollama", "llama.cpp"])
def options(request: pytest.FixtureRequest, trained: Trained) -> Iterator[dict[str, Any]]:
    """What a user sets for a server that has the model."""
    if request.param == "llama.cpp":
        with llama_server(trained.gguf) as (url, _):
            yield options_for(OPENAI, url, model="", **PATIENCE)
        return
    url, model = (request.getfixturevalue(name) for name in ("ollama_url", "in_ollama"))
    served = options_for(OLLAMA, url, model=model, **PATIENCE)
    served["ollama"]["num_ctx"] = 2048
    yield served


async def test_what_it_learned_comes_back_from_check(
    options: dict[str, Any], trained: Trained, tmp_path: Path
) -> None:
    """All prompts in one run; each is labelled by the model, and most with all five fields as taught."""
    config = tmp_path / "config.toml"
    config.write_text(toml(options))
    for row in trained.rows:
        (tmp_path / f"{row.id}.prompt.txt").write_text(row.text)
    status, out, errors = await run("", "check", tmp_path, "--config", config, "--format", "json")
    assert status == ExitStatus.FINDINGS, errors
    prompts = {file["path"]: file["prompts"][0] for file in json.loads(out)["files"]}
    found = {row.id: prompts[str(tmp_path / f"{row.id}.prompt.txt")] for row in trained.rows}
    assert "instant" not in {prompt["answered_by"]["intent"] for prompt in found.values()}
    decisions = {name: prompt["decision"] for name, prompt in found.items()}
    assert known(decisions, trained.rows) >= LEARNED * len(trained.rows)


async def test_what_it_learned_comes_back_in_the_editor(
    options: dict[str, Any], trained: Trained, tmp_path: Path
) -> None:
    rows = [row for row in trained.rows if row.rewrite != row.text and row.missing][:20]
    decisions = {}
    async with editing(tmp_path, options) as editor:
        for row in rows:
            uri = draft_in(tmp_path, row.id)
            editor.open(uri, row.text)
            await answered(editor, uri, "devrouter")
            decisions[row.id] = (await editor.triage(uri))["prompts"][0]["decision"]
    assert known(decisions, rows) >= LEARNED * len(rows)


def known(decisions: dict[str, dict[str, Any]], rows: Iterable[Labelled]) -> int:
    """How many of the rows were answered with the five fields that were taught."""
    return sum(in_words(decisions[row.id]) == in_words(row.decision.to_dict()) for row in rows)


def in_words(decision: dict[str, Any]) -> dict[str, Any]:
    """The rewrite without case and punctuation: one that differs in nothing else is not shown."""
    return decision | {"rewrite": re.findall(r"\w+", decision["rewrite"].lower())}


def toml(options: dict[str, Any]) -> str:
    """The same settings as a user's configuration file."""
    tables = {name: value for name, value in options.items() if isinstance(value, dict)}
    lines = [f"engine = {json.dumps(options['engine'])}"]
    for name, values in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines)
