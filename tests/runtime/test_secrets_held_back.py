"""A draft with a secret goes to a model on this machine and to no other, whatever the user allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devrouter.engines.engine import EndpointRefused, EngineUnreachable, SecretHeldBack
from tests.runtime.editing import (
    NAME,
    TEXT,
    draft_in,
    editing,
    options_for,
    staged,
    until_health,
    until_shown,
)
from tests.runtime.fake_server import BORROWED, OLLAMA, OPENAI, Kind, fake_server, whole
from tests.runtime.test_faults import DRAFT, engine_for
from tests.unit.made_up_secrets import ALPHANUMERIC, Maker

if TYPE_CHECKING:
    from pathlib import Path

LEAKY = replace(DRAFT, holds_secret=True)
REMOTE = "http://models.example:1234"
TOKEN = "ghp_" + Maker(21).some(ALPHANUMERIC, 36)

both_kinds = pytest.mark.parametrize("kind", [OLLAMA, OPENAI], ids=lambda kind: kind.name)


@both_kinds
async def test_a_local_model_may_see_it(kind: Kind) -> None:
    async with fake_server(kind.answers(kind.replies(BORROWED))) as server:
        await engine_for(kind, server.url).decide(LEAKY)
        assert len(server.asked(kind.chat_path)) == 1


@both_kinds
async def test_an_allowed_remote_model_does_not(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy would see whatever was sent."""
    async with fake_server({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        engine = engine_for(kind, REMOTE, {"HTTP_PROXY": proxy.url}, allowed_hosts=("models.example",))
        with pytest.raises(SecretHeldBack, match=r"not sent to models\.example\. Mask the secret"):
            await engine.decide(LEAKY)
        assert proxy.requests == []


@pytest.mark.parametrize("said_by", ["the list", "the model"])
async def test_a_model_that_ollama_runs_elsewhere_does_not(said_by: str) -> None:
    """An Ollama that names the host only when it is asked about the model is no way around."""
    elsewhere = {"remote_host": "https://ollama.com:443", "remote_model": "big"}
    listed = {"name": "devrouter:latest", "digest": "c" * 64, **(elsewhere if said_by == "the list" else {})}
    answers = OLLAMA.answers(OLLAMA.replies(BORROWED), models=whole({"models": [listed]}))
    answers["/api/show"] = whole({"template": "{{ .Prompt }}", **elsewhere})
    async with fake_server(answers) as server:
        with pytest.raises(EndpointRefused, match=r"ollama\.com"):
            await engine_for(OLLAMA, server.url).decide(DRAFT)
        with pytest.raises(SecretHeldBack, match=r"not sent to ollama\.com"):
            await engine_for(OLLAMA, server.url, allowed_hosts=("ollama.com",)).decide(LEAKY)
        assert server.asked("/api/chat") == []
        await engine_for(OLLAMA, server.url, allowed_hosts=("ollama.com",)).decide(DRAFT)
        assert len(server.asked("/api/chat")) == 1


async def test_the_refusal_looks_like_one_and_ends_with_the_secret(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, text = draft_in(tmp_path), f"{TEXT}, my token is {TOKEN}"
    config = home / ".config" / "devrouter" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[remote]\nallowed = ["models.example"]\n', encoding="utf-8")
    async with fake_server({}) as proxy:
        answers = staged(OLLAMA, OLLAMA.replies({"rewrite": TEXT, "missing": ["Werkzeug version"]}))
        proxy.answers.update({f"{REMOTE}{path}": answer for path, answer in answers.items()})
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with editing(tmp_path, options_for(OLLAMA, REMOTE)) as editor:
            editor.open(uri, text)
            told = await until_health(editor, "error")
            assert "holds a secret, so it was not sent to models.example" in told["message"]
            assert [one.code for one in editor.diagnostics[uri] if one.code == "secret"]
            start = text.index(TOKEN)
            editor.replace(uri, start, start + len(TOKEN), "<github-token>")
            await until_shown(editor, uri)
            await until_health(editor, "ok")
        assert any(request.path.endswith("/api/chat") for request in proxy.requests), NAME
        assert not [request for request in proxy.requests if TOKEN.encode() in request.body]


@pytest.mark.parametrize("proxy_variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_host_in_the_environment_is_as_remote_as_one_in_the_settings(
    proxy_variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with the variable's name, and once allowed the proxy that it passes is named."""
    async with fake_server({}) as proxy:
        answers = OLLAMA.answers(OLLAMA.replies(BORROWED))
        proxy.answers.update({f"{REMOTE}{path}": answer for path, answer in answers.items()})
        environment = {"OLLAMA_HOST": REMOTE, proxy_variable: proxy.url}
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(EndpointRefused, match=r"models\.example \(from OLLAMA_HOST\)"):
            await engine_for(OLLAMA, "", environment).decide(DRAFT)
        assert proxy.requests == []
        allowed = engine_for(OLLAMA, "", environment, allowed_hosts=("models.example",))
        with pytest.raises(SecretHeldBack):
            await allowed.decide(LEAKY)
        assert proxy.requests == []
        await allowed.decide(DRAFT)
        assert len(proxy.asked(f"{REMOTE}/api/chat")) == 1
        assert f"through the proxy {proxy.url.removeprefix('http://')}" in (await allowed.state()).message


async def test_no_proxy_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that passes no proxy is not said to pass one; here nobody answers it."""
    async with fake_server({}) as proxy:
        environment = {"OLLAMA_HOST": "http://models.invalid:1", "HTTP_PROXY": proxy.url}
        environment["NO_PROXY"] = "models.invalid"
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        engine = engine_for(OLLAMA, "", environment, allowed_hosts=("models.invalid",))
        with pytest.raises(EngineUnreachable):
            await engine.decide(DRAFT)
        assert proxy.requests == []
