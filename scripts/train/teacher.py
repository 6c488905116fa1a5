"""A model that is asked many questions: the teacher, or the judge.

Any OpenAI-compatible server, or Ollama, over plain HTTP. Calls run side by side within the limits of the
settings. A busy, broken or silent server is asked again, later each time; a pause that it asks for holds all
calls. A local server is never reached through a proxy, and redirects are not followed.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import TYPE_CHECKING, Any

import httpx

from devrouter.core.tiers import estimate_tokens
from devrouter.engines.endpoint import Endpoint, ollama_endpoint, openai_endpoint
from devrouter.engines.engine import EngineError
from devrouter.engines.exchange import error_message, in_a_line
from devrouter.engines.ollama import GREEDY
from devrouter.evaluation.rows import FileError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from train.config import ModelSettings

Message = dict[str, str]


class CallFailed(Exception):
    """This call got no reply; another may. `str(error)` says why."""


class CannotGoOn(Exception):
    """No call will get a reply: the key, the model or the address is wrong, or the server asks for hours."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply, and what it cost in tokens; estimated where the server does not say."""

    text: str
    cut: bool
    tokens_in: int
    tokens_out: int


def endpoint_of(settings: ModelSettings) -> Endpoint:
    """Where the model is. Raises `FileError` for an address that is none."""
    locate = ollama_endpoint if settings.api == "ollama" else openai_endpoint
    try:
        return locate(settings.url, os.environ)
    except EngineError as error:
        raise FileError(f"settings: model.url: {error}") from None


@asynccontextmanager
async def connected(settings: ModelSettings, schema: dict[str, Any], seed: int) -> AsyncIterator[Teacher]:
    """A teacher whose replies are held to a JSON schema. Raises `FileError` where the key is not there."""
    endpoint = endpoint_of(settings)
    headers = {}
    if settings.key_variable:
        key = os.environ.get(settings.key_variable, "")
        if not key:
            raise FileError(
                f"settings: model.key_variable: {settings.key_variable} is not set in the environment"
            )
        headers["Authorization"] = f"Bearer {key}"
    async with httpx.AsyncClient(
        base_url=endpoint.url,
        headers=headers,
        timeout=settings.timeout,
        trust_env=not endpoint.is_local,
        limits=httpx.Limits(max_connections=settings.concurrency),
    ) as http:
        yield Teacher(http, settings, schema, seed)


class Teacher:
    """Asks, within the limits. `calls` counts the requests that were sent."""

    def __init__(
        self, http: httpx.AsyncClient, settings: ModelSettings, schema: dict[str, Any], seed: int
    ) -> None:
        self._http = http
        self._settings = settings
        self._schema = schema
        self._random = Random(seed)  # noqa: S311  (jitter is no secret)
        self._requests = _Pace(settings.requests_a_minute)
        self._tokens = _Pace(settings.tokens_a_minute)
        self._paused_until = 0.0
        self.calls = 0

    async def ask(self, messages: Sequence[Message], tokens: int) -> Reply:
        """The reply to a conversation of about so many `tokens`, its reply among them.

        Raises `CallFailed` after the last attempt, or where the server refuses this conversation, and
        `CannotGoOn`.
        """
        reason = ""
        for attempt in range(self._settings.attempts):
            if attempt:
                await asyncio.sleep(self._wait(attempt))
            await self._leave(tokens)
            self.calls += 1
            try:
                response = await self._send(messages)
            except httpx.TimeoutException:
                reason = f"no reply within {self._settings.timeout:g} s"
                continue
            except httpx.TransportError as error:
                reason = f"the connection failed ({in_a_line(str(error)) or type(error).__name__})"
                continue
            if response.status_code == 429 or response.status_code >= 500:
                reason = _told(response)
                self._pause(response)
                continue
            return self._read(response, messages)
        raise CallFailed(f"{reason}, {self._settings.attempts} times")

    async def _send(self, messages: Sequence[Message]) -> httpx.Response:
        settings = self._settings
        if settings.api == "ollama":
            options = {**GREEDY, "num_ctx": settings.context, "num_predict": settings.reply}
            body = {"format": self._schema, "options": options, "stream": False}
            path = "/api/chat"
        else:
            form = {"name": "answer", "strict": True, "schema": self._schema}
            body = {
                "response_format": {"type": "json_schema", "json_schema": form},
                "temperature": 0,
                "max_tokens": settings.reply,
            }
            path = "/chat/completions"
        return await self._http.post(path, json={"model": settings.name, "messages": messages, **body})

    def _read(self, response: httpx.Response, messages: Sequence[Message]) -> Reply:
        status = response.status_code
        if status in {401, 403, 404} or 300 <= status < 400:
            raise CannotGoOn(_told(response))
        if not response.is_success:
            raise CallFailed(_told(response))
        read = _ollama_reply if self._settings.api == "ollama" else _openai_reply
        try:
            text, cut, tokens_in, tokens_out = read(response.json())
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise CannotGoOn(
                f"{response.url.host} answers in an unknown form: is it the right server, and model.api?"
            ) from None
        asked = sum(estimate_tokens(message["content"]) for message in messages)
        return Reply(text, cut, tokens_in or asked, tokens_out or estimate_tokens(text))

    def _wait(self, attempt: int) -> float:
        """Seconds before this attempt: twice as long each time, less a random part, so that calls part."""
        longest = min(self._settings.longest_wait, self._settings.first_wait * 2.0 ** (attempt - 1))
        return longest * self._random.uniform(0.5, 1)

    async def _leave(self, tokens: int) -> None:
        """Wait until this call may be sent."""
        await self._requests.take(1)
        await self._tokens.take(tokens)
        loop = asyncio.get_running_loop()
        while (rest := self._paused_until - loop.time()) > 0:  # noqa: ASYNC110  (more may be asked for)
            await asyncio.sleep(rest)

    def _pause(self, response: httpx.Response) -> None:
        """Hold all calls for as long as the server asks. Raises `CannotGoOn` where that is too long."""
        seconds = retry_after(response.headers)
        if seconds > self._settings.longest_wait:
            raise CannotGoOn(
                f"{_told(response)}; it asks to wait for {seconds:,.0f} s, longer than model.longest_wait"
            )
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds that a server asks to wait, as a number or a date; 0 where it does not say."""
    written = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(written))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(written) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


class _Pace:
    """Lets so much through a minute, evenly."""

    def __init__(self, per_minute: float) -> None:
        self._seconds_each = 60 / per_minute
        self._free_at = 0.0

    async def take(self, amount: float) -> None:
        now = asyncio.get_running_loop().time()
        starts = max(now, self._free_at)
        self._free_at = starts + amount * self._seconds_each
        if starts > now:
            await asyncio.sleep(starts - now)


def _told(response: httpx.Response) -> str:
    said = in_a_line(error_message(response.text)) or "no reason given"
    return f"{response.url.host} answered with status {response.status_code}: {said}"


def _openai_reply(body: Any) -> tuple[str, bool, int, int]:  # noqa: ANN401  (JSON)
    choice = body["choices"][0]
    usage = body.get("usage") or {}
    text = choice["message"].get("content") or ""
    return (
        text,
        choice.get("finish_reason") == "length",
        *_counts(usage, "prompt_tokens", "completion_tokens"),
    )


def _ollama_reply(body: Any) -> tuple[str, bool, int, int]:  # noqa: ANN401  (JSON)
    text = body["message"].get("content") or ""
    return text, body.get("done_reason") == "length", *_counts(body, "prompt_eval_count", "eval_count")


def _counts(body: Mapping[str, Any], *names: str) -> tuple[int, ...]:
    return tuple(value if isinstance(value := body.get(name), int) else 0 for name in names)
