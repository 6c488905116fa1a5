"""A model in Ollama answers a prompt itself, as any chat would: no triage, and no words of ours around it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from devrouter.core.tiers import estimate_tokens
from devrouter.engines.endpoint import ollama_endpoint
from devrouter.engines.engine import DraftTooLong, EngineTimeout, ModelMissing, ReplyBroken
from devrouter.engines.exchange import Chunk, UnknownForm
from devrouter.engines.ollama import connect, server_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from devrouter.core.draft import Draft
    from devrouter.engines.exchange import Server
    from devrouter.engines.ollama import LocalModel, OllamaOptions, OllamaServer

OnPiece = Callable[[str, str], None]
"""Hears the model's name and the next piece of its answer."""

_PLAIN_NAME = re.compile(r"[\w.:/-]+")


async def answer(draft: Draft, models: Sequence[str], options: OllamaOptions, on_piece: OnPiece) -> None:
    """Stream the answer of the first of `models` that Ollama has; cancelling the task frees the model.

    There is no limit for the whole: who waits sees it grow, and can cancel. Silence may last as long as the
    first token may take. Raises `EngineError`.
    """
    endpoint = ollama_endpoint(options.host, os.environ)
    endpoint.require_no_secret(draft)
    if estimate_tokens(draft.text) >= options.num_ctx:
        raise DraftTooLong(
            f"The prompt is too long for a context of {options.num_ctx:,} tokens (`ollama.num_ctx`). "
            "Nothing was sent."
        )
    async with connect(endpoint, options) as server:
        model = await _first(server, models)
        if model.elsewhere is not None:
            model.elsewhere.require_allowed(options.allowed_hosts)
            model.elsewhere.require_no_secret(draft)
        heard = False
        async with aclosing(_chat(server, model.name, draft.text, options)) as chunks:
            while not (chunk := await _next(chunks, server_of(server.endpoint, model.name), options)).done:
                if chunk.text:
                    heard = True
                    on_piece(model.name, chunk.text)
        if chunk.cut:
            raise ReplyBroken(f"The answer was cut at {options.num_ctx:,} tokens: raise `ollama.num_ctx`.")
        if not heard:
            raise ReplyBroken(f"{server_of(server.endpoint).title} ended its answer without a word.")


async def _first(server: OllamaServer, models: Sequence[str]) -> LocalModel:
    for name in models:
        if (model := await server.find(name)) is not None:
            return model
    # A name may hold anything, and the command is for a shell.
    pull = f"ollama pull {models[0]}" if _PLAIN_NAME.fullmatch(models[0]) else None
    raise ModelMissing(
        f"{server_of(server.endpoint).title} has none of the local tier's models: {', '.join(models)}.", pull
    )


async def _chat(
    server: OllamaServer, model: str, text: str, options: OllamaOptions
) -> AsyncGenerator[Chunk, None]:
    """The answer's pieces; one without text is a thought. The last has `done` and no text."""
    try:
        parts = await server.api.chat(
            model=model,
            messages=[{"role": "user", "content": text}],
            stream=True,
            keep_alive=options.keep_alive,
            options={"num_ctx": options.num_ctx},
        )
        async for part in parts:
            yield Chunk(part.message.content or "")
            if part.done:
                yield Chunk(done=True, cut=part.done_reason == "length")
    except (AttributeError, TypeError):
        # The package takes every line for an object with the right keys.
        raise UnknownForm from None


async def _next(chunks: AsyncGenerator[Chunk, None], server: Server, options: OllamaOptions) -> Chunk:
    import httpx

    try:
        async with asyncio.timeout(options.first_token_timeout):
            return await anext(chunks)
    except TimeoutError:
        limit = f"{options.first_token_timeout:g} s (`model.first_token_timeout`)"
        raise EngineTimeout(f"{server.title} sent nothing for {limit}.", server.unload) from None
    except (StopAsyncIteration, httpx.RemoteProtocolError, httpx.ReadError):
        raise ReplyBroken(f"{server.title} stopped before the answer was whole.", server.start) from None
