"""Every way a model server can fail, staged exactly: its own message, and nothing sent that must not be."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.core.decision import Complexity, Decision, Intent, Route
from devrouter.core.draft import Destination, Draft
from devrouter.engines.engine import (
    DraftTooLong,
    EndpointRefused,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    Health,
    ModelMissing,
    ReplyBroken,
    ServerStopped,
)
from devrouter.engines.ollama import OllamaEngine, OllamaOptions
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from tests.runtime.fake_server import BORROWED, DECISION, OLLAMA, OPENAI, Connection, Kind, fake_server, whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devrouter.engines.reply import Progress
    from tests.runtime.fake_server import Answer

DRAFT = Draft("why does my flask app give 500??", 1, "en", Destination.CHAT)
REPLY = json.dumps(BORROWED)

both_kinds = pytest.mark.parametrize("kind", [OLLAMA, OPENAI], ids=lambda kind: kind.name)


def engine_for(
    kind: Kind, url: str, environment: dict[str, str] | None = None, **options: Any
) -> OllamaEngine | OpenAIEngine:
    limits = {"connect_timeout": 0.5, "first_token_timeout": 20.0, "total_timeout": 20.0} | options
    if kind is OLLAMA:
        return OllamaEngine(OllamaOptions(host=url, **limits), environment or {})
    return OpenAIEngine(OpenAIOptions(base_url=url, **limits), environment or {})


@both_kinds
async def test_a_reply_becomes_an_answer_and_progress_shows(kind: Kind) -> None:
    heard: list[Progress] = []
    async with fake_server(kind.answers(kind.replies(BORROWED))) as server:
        engine = engine_for(kind, server.url)
        answer = await engine.decide(DRAFT, heard.append)
    assert answer.decision.rewrite == DECISION["rewrite"]
    assert [gap.phrase for gap in answer.gaps] == list(answer.decision.missing) == ["full stack trace"]
    assert engine.fields == {"rewrite", "missing"}
    assert (answer.engine, answer.problems) == (engine.name, ())
    lengths = [progress.rewrite_length for progress in heard]
    assert lengths == sorted(lengths)
    assert lengths[-1] == len(DECISION["rewrite"])
    assert {progress.field for progress in heard} == {None, "rewrite", "missing"}


@both_kinds
async def test_another_model_gets_our_instructions_and_a_schema_of_two_fields(kind: Kind) -> None:
    async with fake_server(kind.answers(kind.replies(BORROWED))) as server:
        await engine_for(kind, server.url).decide(DRAFT)
        sent = server.asked(kind.chat_path)[0].json()
    roles = [message["role"] for message in sent["messages"]]
    assert roles[0] == "system"
    assert sent["messages"][-1] == {"role": "user", "content": DRAFT.text}
    schema = sent["format"] if kind is OLLAMA else sent["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["rewrite", "missing"]
    limits = sent["options"] if kind is OLLAMA else sent
    assert limits["temperature"] == 0
    assert "repeat_penalty" not in limits  # A model that was never tuned may need its own.


async def _prose(connection: Connection) -> None:
    await connection.whole("<html>not a model server</html>")


async def _never(connection: Connection) -> None:
    await connection.client_leaves()


async def _dies_at_once(connection: Connection) -> None:
    connection.kill()


def _stops_after(kind: Kind, text: str, then: Callable[[Connection], Awaitable[None]]) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.begin()
        await connection.piece(kind.part(text))
        await then(connection)

    return answer


async def _killed(connection: Connection) -> None:
    await asyncio.sleep(0)  # Lets what was written reach the socket.
    connection.writer.write_eof()
    connection.writer.close()


async def _ended(connection: Connection) -> None:
    await connection.end()


def _says(kind: Kind, line: str) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.begin()
        await connection.piece(line if kind is OLLAMA else f"data: {line}\n")
        await connection.end()

    return answer


STARTED = '{"rewrite": "Why does my'
FAULTS: dict[str, tuple[Callable[[Kind], Answer], type[EngineError], str]] = {
    "killed in mid-stream": (
        lambda kind: _stops_after(kind, STARTED, _killed),
        ServerStopped,
        "broke off inside the rewrite, after 11 characters",
    ),
    "killed before it replied": (lambda _: _dies_at_once, EngineUnreachable, "stopped before it replied"),
    "stream ends without an end": (
        lambda kind: _stops_after(kind, STARTED, _ended),
        ReplyBroken,
        "cut inside the rewrite, after 11 characters by the end of the server's stream",
    ),
    "cut at the limit": (
        lambda kind: kind.replies(STARTED, cut=True),
        ReplyBroken,
        "cut inside the rewrite, after 11 characters by the limit of 1,408 tokens",
    ),
    "prompt cut to the context": (
        lambda kind: kind.replies(BORROWED, prompt_tokens=8192),
        DraftTooLong,
        "cut the prompt to its context of 8,192 tokens",
    ),
    "words instead of JSON": (lambda kind: kind.replies("Sure! Here you go."), ReplyBroken, "in words"),
    "nothing": (lambda kind: kind.replies(""), ReplyBroken, "replied nothing"),
    "a field too many": (
        lambda kind: kind.replies(DECISION),
        ReplyBroken,
        '"intent" is no field that was asked for',
    ),
    "a wrong type": (lambda kind: kind.replies({"rewrite": 1, "missing": []}), ReplyBroken, "rewrite: "),
    "an HTML page": (lambda _: _prose, ReplyBroken, "unknown form"),
    "a stream of something else": (lambda kind: _says(kind, "[1, 2]\n"), ReplyBroken, "unknown form"),
    "an error in mid-stream": (
        lambda kind: _says(kind, '{"error": "llama runner has stopped"}\n'),
        EngineError,
        "llama runner has stopped",
    ),
    "the model is gone": (lambda _: whole({"error": "model not found"}, 404), ModelMissing, "has no model"),
    "status 500": (
        lambda _: whole({"error": {"message": "out of memory"}}, 500),
        EngineError,
        "status 500: ",
    ),
    "no key": (lambda _: whole("denied", 401), EngineError, "refused the key"),
}


@both_kinds
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_has_its_own_message(kind: Kind, fault: str) -> None:
    chat, error_type, message = FAULTS[fault]
    async with fake_server(kind.answers(chat(kind))) as server:
        with pytest.raises(EngineError, match=message) as caught:
            await engine_for(kind, server.url).decide(DRAFT)
    assert type(caught.value) is error_type
    assert "\n" not in str(caught.value)


@both_kinds
async def test_a_fenced_object_from_a_server_that_ignores_the_schema_is_accepted(kind: Kind) -> None:
    async with fake_server(kind.answers(kind.replies(f"\n```json\n{REPLY}\n```\n"))) as server:
        answer = await engine_for(kind, server.url).decide(DRAFT)
    assert answer.decision.rewrite == DECISION["rewrite"]


@both_kinds
async def test_no_server(kind: Kind) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    engine = engine_for(kind, url)
    with pytest.raises(EngineUnreachable, match="nothing answers") as caught:
        await engine.decide(DRAFT)
    assert caught.value.mend == ("ollama serve" if kind is OLLAMA else None)
    state = await engine.state()
    assert (state.health, state.message, state.mend) == (
        Health.ERROR,
        str(caught.value),
        caught.value.mend,
    )


@both_kinds
async def test_slow_to_connect(kind: Kind) -> None:
    """A listening socket whose queue is full accepts nothing more."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for filler in (first, second):
            filler.setblocking(False)  # noqa: FBT003
            filler.connect_ex(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(EngineTimeout, match=r"did not accept a connection within 0\.1 s"):
            await engine_for(kind, url, connect_timeout=0.1).decide(DRAFT)


@both_kinds
async def test_accepts_but_does_not_answer(kind: Kind) -> None:
    async with fake_server(kind.answers(_never, models=_never)) as server:
        with pytest.raises(EngineTimeout, match="accepts connections but does not answer"):
            await engine_for(kind, server.url, first_token_timeout=0.1).decide(DRAFT)


@both_kinds
async def test_slow_to_its_first_token(kind: Kind) -> None:
    async with fake_server(kind.answers(_never)) as server:
        engine = engine_for(kind, server.url)
        await engine.state()
        slow = engine_for(kind, server.url, first_token_timeout=0.5)
        with pytest.raises(EngineTimeout, match=r"sent no first token within 0\.5 s"):
            await slow.decide(DRAFT)


@both_kinds
async def test_slow_to_its_end(kind: Kind) -> None:
    async with fake_server(kind.answers(_stops_after(kind, STARTED, _never))) as server:
        with pytest.raises(EngineTimeout, match=r"did not finish its reply within 0\.5 s"):
            await engine_for(kind, server.url, total_timeout=0.5).decide(DRAFT)


@both_kinds
async def test_cancelling_closes_the_connection(kind: Kind) -> None:
    left = asyncio.Event()

    async def wait(connection: Connection) -> None:
        await connection.client_leaves()
        left.set()

    started = asyncio.Event()
    async with fake_server(kind.answers(_stops_after(kind, STARTED, wait))) as server:
        engine = engine_for(kind, server.url)
        task = asyncio.create_task(engine.decide(DRAFT, lambda _: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await left.wait()


@both_kinds
async def test_a_draft_that_cannot_fit_is_not_sent(kind: Kind) -> None:
    long = Draft("please rename this variable " * 400, 1, "en", Destination.CHAT)
    async with fake_server(kind.answers(kind.replies(BORROWED))) as server:
        with pytest.raises(DraftTooLong, match=r"its rewrite needs about .* a reply may have 1,408"):
            await engine_for(kind, server.url).decide(long)
        with pytest.raises(DraftTooLong, match="the context holds 512"):
            await engine_for(kind, server.url, num_ctx=512).decide(DRAFT)
        assert server.asked(kind.chat_path) == []


@both_kinds
async def test_a_model_that_is_not_there(kind: Kind) -> None:
    none = whole({"models": [], "data": []})
    async with fake_server(kind.answers(kind.replies(BORROWED), models=none)) as server:
        engine = engine_for(kind, server.url, model="devrouter")
        with pytest.raises(ModelMissing, match="no model 'devrouter'") as caught:
            await engine.decide(DRAFT)
        assert server.asked(kind.chat_path) == []
        assert (await engine.state()).health is Health.ERROR
    assert caught.value.mend == ("devrouter model setup" if kind is OLLAMA else None)


@both_kinds
async def test_a_redirect_leads_nowhere(kind: Kind) -> None:
    async with fake_server(kind.answers(kind.replies(BORROWED))) as other:
        away = whole("", 307, f"Location: {other.url}{kind.chat_path}\r\n")
        async with fake_server(kind.answers(away)) as server:
            with pytest.raises(EngineError, match="redirect"):
                await engine_for(kind, server.url).decide(DRAFT)
        assert other.requests == []


@both_kinds
async def test_a_local_call_passes_no_proxy(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fake_server({}) as proxy, fake_server(kind.answers(kind.replies(BORROWED))) as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, proxy.url)
        await engine_for(kind, server.url, {"HTTP_PROXY": proxy.url}).decide(DRAFT)
        assert proxy.requests == []


@both_kinds
async def test_a_remote_server_is_refused_by_name_until_it_is_allowed(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once allowed, the call goes through the proxy, which here plays the remote server as well."""
    remote = "http://models.example:1234"
    async with fake_server({}) as server:
        behind_the_proxy = {
            f"{remote}{path}": answer for path, answer in kind.answers(kind.replies(BORROWED)).items()
        }
        server.answers.update(behind_the_proxy)
        monkeypatch.setenv("HTTP_PROXY", server.url)
        environment = {"HTTP_PROXY": server.url}
        refused = engine_for(kind, remote, environment)
        with pytest.raises(EndpointRefused, match=r"models\.example .*remote\.allowed") as caught:
            await refused.decide(DRAFT)
        assert f"through the proxy {server.url.removeprefix('http://')}" in str(caught.value)
        assert (await refused.state()).health is Health.ERROR
        assert server.requests == []
        allowed = engine_for(kind, remote, environment, allowed_hosts=("models.example",))
        answer = await allowed.decide(DRAFT)
        assert answer.decision.rewrite == DECISION["rewrite"]
        assert "Drafts leave this machine for models.example" in (await allowed.state()).message


@pytest.mark.parametrize(
    "model",
    [
        {"name": "devrouter:latest", "remote_host": "https://ollama.com:443", "remote_model": "x"},
        {"name": "devrouter:120b-cloud"},
    ],
    ids=["remote_host", "cloud tag"],
)
async def test_a_model_that_ollama_runs_elsewhere_is_refused(model: dict[str, str]) -> None:
    listed = whole({"models": [{"digest": "b" * 64, **model}]})
    async with fake_server(OLLAMA.answers(OLLAMA.replies(BORROWED), models=listed)) as server:
        name = model["name"]
        with pytest.raises(EndpointRefused, match=r"ollama\.com \(from Ollama, which runs"):
            await engine_for(OLLAMA, server.url, model=name).decide(DRAFT)
        assert server.asked("/api/chat") == []
        await engine_for(OLLAMA, server.url, model=name, allowed_hosts=("ollama.com",)).decide(DRAFT)
        assert len(server.asked("/api/chat")) == 1


async def test_a_prompt_over_llama_cpps_context() -> None:
    """llama.cpp answers 400 with both numbers."""
    error = {
        "code": 400,
        "message": "request (5000 tokens) exceeds the available context size (2048 tokens)",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 5000,
        "n_ctx": 2048,
    }
    async with fake_server(OPENAI.answers(whole({"error": error}, 400))) as server:
        with pytest.raises(DraftTooLong, match=r"5000 tokens.*2048 tokens"):
            await engine_for(OPENAI, server.url).decide(DRAFT)


async def test_the_key_is_sent_and_never_shown() -> None:
    async with fake_server(OPENAI.answers(OPENAI.replies(BORROWED))) as server:
        engine = OpenAIEngine(OpenAIOptions(base_url=server.url, api_key="sesame"), {})
        await engine.decide(DRAFT)
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer sesame"}
    assert "sesame" not in repr(engine.options)


async def test_a_verified_devrouter_on_llama_cpp_gets_the_draft_alone() -> None:
    template = (
        "{% if messages[0].role == 'system' %}<S>{{ messages[0].content }}</S>"
        "{% else %}<S>Triage: reply in JSON.</S>{% endif %}"
        "{% for m in messages if m.role == 'user' %}<U>{{ m.content }}</U>{% endfor %}"
    )

    async def apply(connection: Connection) -> None:
        said = connection.request.json()["messages"][0]["content"]
        await connection.whole(json.dumps({"prompt": f"<S>Triage: reply in JSON.</S><U>{said}</U>"}))

    answers = OPENAI.answers(OPENAI.replies(DECISION), whole({"data": [{"id": "x", "owned_by": "llamacpp"}]}))
    props = {"chat_template": template, "default_generation_settings": {"n_ctx": 4096}}
    answers |= {"/props": whole(props), "/apply-template": apply}
    async with fake_server(answers) as server:
        engine = engine_for(OPENAI, server.url)
        answer = await engine.decide(DRAFT)
        sent = server.asked(OPENAI.chat_path)[0].json()
    assert engine.fields == {"rewrite", "intent", "complexity", "route", "missing"}
    assert sent["messages"] == [{"role": "user", "content": DRAFT.text}]
    assert answer.decision == Decision(
        rewrite=DECISION["rewrite"],  # type: ignore[arg-type]
        intent=Intent.DEBUG,
        complexity=Complexity.LOW,
        route=Route.SMALL_LOCAL,
        missing=("full stack trace",),
    )
