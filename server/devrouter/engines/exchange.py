"""One exchange with a model server: its limits, its faults in words, and from streamed text to an `Answer`.

What Ollama and the OpenAI-compatible servers share. A client lives for one call: its end closes the
connection, so a cancelled task frees the server's slot.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import ssl
import sys
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from devrouter.core.decision import Answer
from devrouter.core.gaps import gaps_from_phrases
from devrouter.engines.engine import (
    DraftTooLong,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    ModelMissing,
    ReplyBroken,
    ServerStopped,
)
from devrouter.engines.prompting import ALL_FIELDS, BORROWED_FIELDS, tokens_needed
from devrouter.engines.reply import OnProgress, ReplyReader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from devrouter.core.draft import Draft
    from devrouter.engines.endpoint import Endpoint
    from devrouter.engines.verify import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What the user decided about a model server. Times in seconds, lengths in tokens.

    `allowed_hosts` are the remote hosts that drafts may be sent to, by name.
    """

    model: str = "devrouter"
    num_ctx: int = 8192
    num_predict: int = 1408
    connect_timeout: float = 2.0
    first_token_timeout: float = 30.0
    total_timeout: float = 60.0
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """How to speak of a server: its name, its group of settings, the commands that start it and that unload
    the model from it."""

    title: str
    settings: str
    start: str | None
    unload: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of streamed reply. The last one has `done`, and `cut` where a length limit ended it."""

    text: str = ""
    done: bool = False
    cut: bool = False
    prompt_tokens: int | None = None


async def load_client(module: str, endpoint: Endpoint, server: Server, options: ModelOptions) -> None:
    """Import a client's package the first time: in a thread, for it takes a while, and typing goes on.

    Where no local server listens there is nothing to import it for. Raises `EngineError` then.
    """
    if module in sys.modules:
        return
    if endpoint.is_local:
        await _knock(endpoint, server, options)
    await asyncio.to_thread(importlib.import_module, module)


async def _knock(endpoint: Endpoint, server: Server, options: ModelOptions) -> None:
    address = urlsplit(endpoint.url)
    try:
        async with asyncio.timeout(options.connect_timeout):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
    except TimeoutError:
        raise _slow_to_connect(server, options) from None
    except OSError:
        raise _absent(server) from None
    writer.close()


def client_settings(endpoint: Endpoint, options: ModelOptions) -> dict[str, Any]:
    """Arguments for an `httpx.AsyncClient`: no proxy for a local server, no redirect to anywhere else."""
    import httpx

    settings: dict[str, Any] = {
        "timeout": httpx.Timeout(None, connect=options.connect_timeout),
        "trust_env": not endpoint.is_local,
        "follow_redirects": False,
    }
    if endpoint.url.startswith("http://"):
        settings["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # Never used; the default costs 25 ms.
    return settings


def require_fit(draft: Draft, verification: Verification, options: ModelOptions) -> None:
    """Raises `DraftTooLong` where the prompt and a rewrite as long as the draft cannot both fit."""
    context = context_of(verification, options)
    prompt, reply = tokens_needed(draft.text, verification.system)
    if reply > options.num_predict:
        raise DraftTooLong(
            f"The draft is too long for the model: its rewrite needs about {reply:,} tokens, "
            f"and a reply may have {options.num_predict:,}. Nothing was sent."
        )
    if prompt + reply > context:
        raise DraftTooLong(
            f"The draft is too long for the model: with its rewrite it needs about {prompt + reply:,} "
            f"tokens, and the context holds {context:,}. Nothing was sent."
        )


def context_of(verification: Verification, options: ModelOptions) -> int:
    """The context in tokens: what the user set, or less where the model has less."""
    return min(options.num_ctx, verification.context_length or options.num_ctx)


def answers_of(model: str, verification: Verification, options: ModelOptions) -> str:
    """The sentence for an engine's state: what of a decision this model may answer, and why."""
    about = f"{model}, context {context_of(verification, options):,} tokens"
    if verification.verified:
        return f"{about}: answers all five fields; {verification.reason}."
    return f"{about}: answers only the rewrite and what is missing, for {verification.reason}."


def fields_of(verification: Verification | None) -> frozenset[str]:
    return ALL_FIELDS if verification is not None and verification.verified else BORROWED_FIELDS


async def read_answer(
    draft: Draft,
    chunks: AsyncGenerator[Chunk, None],
    *,
    server: Server,
    options: ModelOptions,
    verification: Verification,
    on_progress: OnProgress | None,
) -> Answer:
    """Read a streamed reply to its end and make it an answer; `engine` and `version` are the caller's.

    Raises `EngineTimeout`, `DraftTooLong` or `ReplyBroken`; the limits' clock starts now.
    """
    started = perf_counter()
    reader = ReplyReader(fields_of(verification))
    last = await _read(chunks, reader, server, options, on_progress)
    context = context_of(verification, options)
    if last.prompt_tokens is not None and last.prompt_tokens >= context:
        raise DraftTooLong(
            f"{server.title} cut the prompt to its context of {context:,} tokens, so the reply is not used: "
            f"shorten the draft or raise `{server.settings}.num_ctx`."
        )
    limit = (
        f"the limit of {options.num_predict:,} tokens a reply: a shorter draft helps" if last.cut else None
    )
    decision, problems = reader.finish(cut_by=limit)
    gaps = gaps_from_phrases(decision.missing, draft.text)
    return Answer(
        decision=replace(decision, missing=tuple(gap.phrase for gap in gaps)),
        gaps=gaps,
        confidence={},
        engine=options.model,
        version="",
        milliseconds=(perf_counter() - started) * 1000,
        problems=problems,
    )


async def _read(
    chunks: AsyncGenerator[Chunk, None],
    reader: ReplyReader,
    server: Server,
    options: ModelOptions,
    on_progress: OnProgress | None,
) -> Chunk:
    import httpx

    clock_start = asyncio.get_running_loop().time()
    whole = clock_start + options.total_timeout
    started = False
    try:
        async with (
            asyncio.timeout_at(min(whole, clock_start + options.first_token_timeout)) as clock,
            aclosing(chunks),
        ):
            async for chunk in chunks:
                if not started and (chunk.text or chunk.done):
                    started = True
                    clock.reschedule(whole)
                reader.feed(chunk.text)
                if on_progress is not None:
                    on_progress(reader.progress)
                if chunk.done:
                    return chunk
    except TimeoutError:
        if started:
            raise EngineTimeout(
                f"{server.title} did not finish its reply within {options.total_timeout:g} s "
                "(`model.total_timeout`)."
            ) from None
        waited = min(options.first_token_timeout, options.total_timeout)
        # Ollama loses the slot of a call that is cancelled just as a token comes (ollama/ollama#17131); every
        # later call then waits for it, until the model is unloaded.
        why = (
            "it is still loading the model, or it waits for a call that was cancelled long ago."
            if server.unload
            else "it may still be loading the model."
        )
        raise EngineTimeout(
            f"{server.title} sent no first token within {waited:g} s (`model.first_token_timeout`): {why}",
            server.unload,
        ) from None
    except httpx.TransportError:
        if not started:
            raise
        raise ServerStopped(
            f"{server.title} stopped: its reply broke off {reader.place}.", server.start
        ) from None
    reader.finish(cut_by="the end of the server's stream")
    return Chunk(done=True)  # The server forgot to say that it is done, but its decision is whole.


@contextmanager
def faults_in_words(server: Server, options: ModelOptions) -> Iterator[None]:
    """Turn what the HTTP client raises into the engine's errors."""
    import httpx
    import pydantic

    try:
        yield
    except httpx.ConnectTimeout:
        raise _slow_to_connect(server, options) from None
    except httpx.TimeoutException:
        raise EngineTimeout(
            f"{server.title} accepts connections but does not answer.", server.start
        ) from None
    except (httpx.ConnectError, ConnectionError):
        raise _absent(server) from None
    except (httpx.TransportError, httpx.StreamError):
        raise EngineUnreachable(f"{server.title} stopped before it replied.", server.start) from None
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        json.JSONDecodeError,
        UnicodeDecodeError,
        pydantic.ValidationError,
        UnknownForm,
    ):
        raise ReplyBroken(f"{server.title} answers in an unknown form: is it the right server?") from None


def _absent(server: Server) -> EngineUnreachable:
    return EngineUnreachable(f"{server.title} is not there: nothing answers.", server.start)


def _slow_to_connect(server: Server, options: ModelOptions) -> EngineTimeout:
    return EngineTimeout(
        f"{server.title} did not accept a connection within {options.connect_timeout:g} s "
        "(`model.connect_timeout`).",
        server.start,
    )


class UnknownForm(ValueError):
    """An answer that is JSON but not of the API's form."""


def refused(server: Server, status: int, message: str, model: str, mend: str | None) -> EngineError:
    """The error for an HTTP status that is no success."""
    said = in_a_line(message)
    if status == 404:
        return ModelMissing(f"{server.title} has no model {model!r}.", mend)
    if status in {401, 403}:
        return EngineError(
            f"{server.title} refused the key (status {status}): set `{server.settings}.api_key_variable`."
        )
    if 300 <= status < 400:
        return EngineError(
            f"{server.title} answered with a redirect (status {status}), which is not followed."
        )
    if status < 0:  # The `ollama` package's number for an error in the middle of a stream.
        return EngineError(f"{server.title} failed: {said}")
    return EngineError(f"{server.title} answered with status {status}: {said or 'no reason given'}")


def in_a_line(text: str) -> str:
    """A server's own words, as one short line."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:199]}…"


def error_message(body: str) -> str:
    """The message inside an error body: `{"error": "…"}` and `{"error": {"message": "…"}}` are both usual."""
    try:
        value = json.loads(body)
    except ValueError:
        return body
    error = value.get("error", body) if isinstance(value, dict) else body
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)
