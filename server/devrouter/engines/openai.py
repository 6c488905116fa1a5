"""A model engine for any OpenAI-compatible server: llama.cpp's, vLLM, LM Studio.

Plain HTTP over httpx, which the Ollama client brings anyway: one endpoint is used, and its stream is read
line by line. llama.cpp runs the GGUF's own chat template, so there a true `devrouter` can be told apart.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from devrouter.engines import exchange, verify
from devrouter.engines.endpoint import Endpoint, openai_endpoint
from devrouter.engines.engine import DraftTooLong, EngineError, EngineState, Health, ModelMissing
from devrouter.engines.exchange import Chunk, ModelOptions, Server, UnknownForm
from devrouter.engines.prompting import messages_for, schema_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    import httpx

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft
    from devrouter.engines.reply import OnProgress
    from devrouter.engines.verify import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIOptions(ModelOptions):
    """`base_url` ends in `/v1` as a rule; `origin` says where the user wrote it. An empty `model` means the
    first that the server offers."""

    model: str = ""
    base_url: str = "http://127.0.0.1:8080/v1"
    origin: str = "`openai.base_url`"
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found out about the server: its model's name, and whether that is a true `devrouter`."""

    model: str
    verification: Verification


class OpenAIEngine:
    """Answers through `POST /chat/completions`. `environment` stands for the process's own, for proxies."""

    def __init__(self, options: OpenAIOptions, environment: Mapping[str, str] | None = None) -> None:
        self.options = options
        self._environment = os.environ if environment is None else environment
        self._seen: _Seen | None = None

    @property
    def name(self) -> str:
        model = self.options.model or (self._seen.model if self._seen else "model")
        return (
            f"{model} ({urlsplit(self.options.base_url).netloc.rpartition('@')[2] or self.options.base_url})"
        )

    @property
    def fields(self) -> frozenset[str]:
        """Known once the server has been looked at, by `state` or `decide`; until then the cautious two."""
        return exchange.fields_of(self._seen.verification if self._seen else None)

    @property
    def endpoint(self) -> Endpoint:
        """Where the server is. Raises `EndpointRefused` for an address that is none."""
        return openai_endpoint(self.options.base_url, self._environment, self.options.origin)

    async def state(self) -> EngineState:
        """A few short requests; no reply is generated."""
        try:
            async with self._connect() as http:
                seen = self._seen = await self._look(http)
        except EngineError as error:
            return EngineState(Health.ERROR, str(error), error.mend)
        answers = exchange.answers_of(self.name, seen.verification, self.options)
        return EngineState(Health.OK, answers + self.endpoint.remark)

    async def verification(self) -> Verification:
        """Whether the model is a true `devrouter`. Raises `EngineError`."""
        async with self._connect() as http:
            self._seen = await self._look(http)
            return self._seen.verification

    async def slots(self) -> int | None:
        """llama.cpp tells its number of slots; other servers take what they get. Raises `EngineError`."""
        async with self._connect() as http:
            shown = await self._quick(http, "GET", f"{self._root}/props")
            try:
                slots = shown.json()["total_slots"] if shown.is_success else None
            except (KeyError, TypeError, ValueError):
                slots = None
        return slots if isinstance(slots, int) and slots > 0 else None

    async def decide(self, draft: Draft, on_progress: OnProgress | None = None) -> Answer:
        """Ask the model. `on_progress` hears how far the reply is. Raises `EngineError`."""
        try:
            self.endpoint.require_no_secret(draft)
            async with self._connect() as http:
                seen = self._seen = self._seen or await self._look(http)
                exchange.require_fit(draft, seen.verification, self.options)
                answer = await exchange.read_answer(
                    draft,
                    self._chat(http, draft, seen),
                    server=self._server,
                    options=self.options,
                    verification=seen.verification,
                    on_progress=on_progress,
                )
                return replace(answer, engine=self.name, version=seen.model)
        except EngineError:
            self._seen = None  # The server may be another one the next time.
            raise

    @property
    def _server(self) -> Server:
        return Server(f"The model server at {self.endpoint.url}", "openai", None)

    @property
    def _root(self) -> str:
        """Where llama.cpp has what is its own, beside the API that it shares with others."""
        return self.endpoint.url.removesuffix("/v1")

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[httpx.AsyncClient]:
        endpoint = self.endpoint
        endpoint.require_allowed(self.options.allowed_hosts)
        await exchange.load_client("httpx", endpoint, self._server, self.options)
        import httpx

        headers = {"Authorization": f"Bearer {self.options.api_key}"} if self.options.api_key else {}
        settings = exchange.client_settings(endpoint, self.options)
        with exchange.faults_in_words(self._server, self.options):
            async with httpx.AsyncClient(base_url=endpoint.url, headers=headers, **settings) as http:
                yield http

    async def _look(self, http: httpx.AsyncClient) -> _Seen:
        response = await self._quick(http, "GET", "/models")
        if not response.is_success:
            raise self._refused(response.status_code, response.text)
        try:
            listed = response.json()["data"]
            models = [str(model["id"]) for model in listed]
            llama_cpp = any(model.get("owned_by") == "llamacpp" for model in listed)
        except (KeyError, TypeError, AttributeError):
            raise UnknownForm from None
        if not models or not (llama_cpp or self.options.model in {"", *models}):
            raise ModelMissing(
                f"The model server at {self.endpoint.url} has no model {self.options.model!r}: "
                f"it offers {exchange.in_a_line(', '.join(models)) or 'none'} (`openai.model`)."
            )
        verification = verify.unverified("its server does not show the prompt it sends")
        if llama_cpp:
            verification = await self._verify(http)
        return _Seen(self.options.model or models[0], verification)

    async def _verify(self, http: httpx.AsyncClient) -> Verification:
        """llama.cpp shows its chat template, and what it makes of one user message."""
        shown = await self._quick(http, "GET", f"{self._root}/props")
        message = [{"role": "user", "content": verify.PROBE}]
        applied = await self._quick(http, "POST", f"{self._root}/apply-template", {"messages": message})
        if not shown.is_success or not applied.is_success:
            return verify.unverified("its server does not show the prompt it sends")
        properties = shown.json()
        settings = properties.get("default_generation_settings") or {}
        return await asyncio.to_thread(
            verify.verify_rendering,
            template=properties.get("chat_template") or "",
            prompt=applied.json().get("prompt") or "",
            context_length=settings.get("n_ctx"),
        )

    async def _quick(
        self, http: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        """A request that is answered at once or not at all."""
        connect, read = self.options.connect_timeout, self.options.first_token_timeout
        return await http.request(method, path, json=body, timeout=(connect, read, read, connect))

    async def _chat(self, http: httpx.AsyncClient, draft: Draft, seen: _Seen) -> AsyncGenerator[Chunk, None]:
        verification = seen.verification
        schema = {"name": "decision", "strict": True, "schema": schema_for(verification.system)}
        body = {
            "model": seen.model,
            "messages": messages_for(draft.text, verified=verification.verified),
            "response_format": {"type": "json_schema", "json_schema": schema},
            "temperature": 0,
            "max_tokens": self.options.num_predict,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        async with http.stream("POST", "/chat/completions", json=body) as response:
            if not response.is_success:
                await response.aread()
                raise self._refused(response.status_code, response.text)
            async for chunk in _events(response, self._server):
                yield chunk

    def _refused(self, status: int, text: str) -> EngineError:
        """llama.cpp says that a prompt is too long with status 400, a type of its own, and both numbers."""
        said = exchange.error_message(text)
        if status in {400, 413} and "exceed" in text and "context" in text:
            return DraftTooLong(f"The draft is too long for {self.endpoint.url}: {exchange.in_a_line(said)}")
        return exchange.refused(self._server, status, said, self.options.model, None)


async def _events(response: httpx.Response, server: Server) -> AsyncIterator[Chunk]:
    """Server-sent events to chunks. The last one says why the reply ended and how long the prompt was."""
    seen, reason, prompt_tokens = False, None, None
    async for line in response.aiter_lines():
        name, _, data = line.partition(":")
        data = data.strip()
        if data == "[DONE]":
            break
        if name not in {"data", "error"} or not data:
            continue
        seen = True
        event = json.loads(data)
        if name == "error" or "error" in event:
            raise EngineError(f"{server.title} failed: {exchange.in_a_line(exchange.error_message(data))}")
        try:
            text, ended, tokens = _parts(event)
        except (AttributeError, KeyError, TypeError):
            raise UnknownForm from None
        reason, prompt_tokens = ended or reason, tokens or prompt_tokens
        if text:
            yield Chunk(text)
    if not seen:
        raise UnknownForm
    if reason:
        yield Chunk(done=True, cut=reason == "length", prompt_tokens=prompt_tokens)


def _parts(event: dict[str, Any]) -> tuple[str, str | None, int | None]:
    """An event's text, and in the last ones why the reply ended and how long the prompt was."""
    tokens = (event.get("usage") or {}).get("prompt_tokens")
    for choice in event["choices"]:
        return (choice.get("delta") or {}).get("content") or "", choice.get("finish_reason"), tokens
    return "", None, tokens
