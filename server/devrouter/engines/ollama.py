"""The default model engine: `devrouter`, or any other model, on an Ollama server."""

from __future__ import annotations

import asyncio
import json
import os
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from devrouter.engines import exchange, verify
from devrouter.engines.endpoint import Endpoint, ollama_endpoint
from devrouter.engines.engine import EngineError, EngineState, Health, ModelMissing
from devrouter.engines.exchange import Chunk, ModelOptions, Server, UnknownForm
from devrouter.engines.prompting import messages_for, schema_for
from devrouter.engines.verify import SETUP, Verification

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    import httpx
    from ollama import AsyncClient

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft
    from devrouter.engines.reply import OnProgress

GREEDY = {"temperature": 0, "repeat_penalty": 1.0}
"""The likeliest token, as other servers take it.

Older versions of Ollama make a token less likely that stands among the last 64, unless they are told not to:
that bends JSON, and a rewrite that has to repeat the draft's own words. A tuned model is set up with this; a
call leaves it to the model, for one that was never tuned may repeat itself without end.
"""

_FROM_LINE = re.compile(r"^FROM (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaOptions(ModelOptions):
    """`host` as in `OLLAMA_HOST`, which counts where it is empty. `keep_alive` is in Ollama's own words."""

    host: str = ""
    keep_alive: str = "5m"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One line of Ollama's list of models. `remote_host` is set where Ollama itself runs it elsewhere."""

    name: str
    digest: str
    remote_host: str | None

    @property
    def elsewhere(self) -> Endpoint | None:
        """The machine that Ollama sends a draft on to; None where it runs the model itself."""
        if self.remote_host is None:
            return None
        origin = f"Ollama, which runs {self.name} there"
        return Endpoint(f"https://{self.remote_host}", self.remote_host, origin, is_local=False, proxy=None)


@dataclass(frozen=True, slots=True)
class Shown:
    """What Ollama says it will do with a model, and where its file lies on the server's machine."""

    template: str
    system: str
    path: Path | None
    quantization: str
    context_length: int | None
    remote_host: str | None


class OllamaServer:
    """An open connection to an Ollama server. `api` is the `ollama` package's client."""

    def __init__(self, endpoint: Endpoint, http: httpx.AsyncClient, api: AsyncClient) -> None:
        self.endpoint = endpoint
        self.http = http
        self.api = api

    async def find(self, name: str) -> LocalModel | None:
        """The model of this name, with or without its tag; Ollama does not mind upper and lower case."""
        wanted = {name.casefold(), f"{name.casefold()}:latest"}
        models = await self._json("GET", "/api/tags")
        try:
            for model in models["models"] or ():
                if model["name"].casefold() in wanted:
                    return LocalModel(model["name"], model["digest"], _remote_host(model))
        except (KeyError, TypeError, AttributeError):
            raise UnknownForm from None
        return None

    async def show(self, name: str) -> Shown:
        body = await self._json("POST", "/api/show", {"model": name})
        source = _FROM_LINE.search(body.get("modelfile", ""))
        info = body.get("model_info") or {}
        context = info.get(f"{info.get('general.architecture')}.context_length")
        return Shown(
            template=body.get("template", ""),
            system=body.get("system", ""),
            path=Path(source[1].strip().strip('"')) if source and self.endpoint.is_local else None,
            quantization=(body.get("details") or {}).get("quantization_level") or "unknown",
            context_length=context if isinstance(context, int) else None,
            remote_host=_remote_host({**body, "name": name}),
        )

    async def _json(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        response = await self.http.request(method, path, json=body)
        server = server_of(self.endpoint)
        if not response.is_success:
            message = exchange.error_message(response.text)
            raise exchange.refused(server, response.status_code, message, "", None)
        answer = response.json()
        if not isinstance(answer, dict):
            raise UnknownForm
        return answer


@asynccontextmanager
async def connect(endpoint: Endpoint, options: ModelOptions) -> AsyncIterator[OllamaServer]:
    """Open a connection; nothing is sent yet. Every fault inside the block becomes an `EngineError`."""
    endpoint.require_allowed(options.allowed_hosts)
    server = server_of(endpoint)
    await exchange.load_client("ollama", endpoint, server, options)
    import httpx
    import ollama

    settings = exchange.client_settings(endpoint, options)
    with exchange.faults_in_words(server, options):
        try:
            # The list of models is answered at once, or not at all; only the reply may take its time.
            quick = settings | {
                "timeout": httpx.Timeout(options.first_token_timeout, connect=options.connect_timeout)
            }
            async with (
                httpx.AsyncClient(base_url=endpoint.url, **quick) as http,
                ollama.AsyncClient(host=endpoint.url, **settings) as api,
            ):
                yield OllamaServer(endpoint, http, api)
        except ollama.ResponseError as error:
            # The package takes the error out of the answer's JSON as it is: a text as a rule, or an object.
            said = exchange.error_message(json.dumps({"error": error.error}))
            raise exchange.refused(server, error.status_code, said, options.model, SETUP) from None


def server_of(endpoint: Endpoint, model: str = "") -> Server:
    """How to speak of this Ollama; with a model, also how to unload that."""
    title = f"Ollama at {endpoint.url}"
    if not endpoint.is_local:
        return Server(title, "ollama", None)
    return Server(title, "ollama", "ollama serve", f"ollama stop {model}" if model else None)


class OllamaEngine:
    """Answers through Ollama. `environment` stands for the process's own, for `OLLAMA_HOST` and proxies."""

    def __init__(self, options: OllamaOptions, environment: Mapping[str, str] | None = None) -> None:
        self.options = options
        self._environment = os.environ if environment is None else environment
        self._verified: dict[str, Verification] = {}
        self._remote_hosts: dict[str, str | None] = {}
        self._current: Verification | None = None

    @property
    def name(self) -> str:
        return f"{self.options.model} (Ollama)"

    @property
    def fields(self) -> frozenset[str]:
        """Known once the model has been looked at, by `state` or `decide`; until then the cautious two."""
        return exchange.fields_of(self._current)

    @property
    def endpoint(self) -> Endpoint:
        """Where the server is. Raises `EndpointRefused` for an address that is none."""
        return ollama_endpoint(self.options.host, self._environment)

    async def state(self) -> EngineState:
        """Two short requests at most; the model is not loaded."""
        try:
            async with connect(self.endpoint, self.options) as server:
                _, found = await self._look(server)
        except EngineError as error:
            return EngineState(Health.ERROR, str(error), error.mend)
        model, remark = f"{self.name}, {found.quantization}", server.endpoint.remark
        if found.verified and found.quantization not in verify.GOOD_QUANTIZATIONS:
            context = exchange.context_of(found, self.options)
            coarse = f"{model}, context {context:,} tokens: coarser than Q8_0, it may break its own JSON."
            return EngineState(Health.WARNING, coarse + remark, SETUP)
        answers = exchange.answers_of(model, found, self.options) + remark
        if not found.verified and self.options.model.partition(":")[0] == "devrouter":
            return EngineState(Health.WARNING, answers, SETUP)
        return EngineState(Health.OK, answers)

    async def verification(self) -> Verification:
        """Whether the model is a true `devrouter`. Raises `EngineError`."""
        async with connect(self.endpoint, self.options) as server:
            return (await self._look(server))[1]

    async def slots(self) -> int | None:
        """OLLAMA_NUM_PARALLEL is the server's own; it is not told to clients."""
        return None

    async def decide(self, draft: Draft, on_progress: OnProgress | None = None) -> Answer:
        """Ask the model. `on_progress` hears how far the reply is. Raises `EngineError`."""
        endpoint = self.endpoint
        endpoint.require_no_secret(draft)
        async with connect(endpoint, self.options) as server:
            model, verification = await self._look(server)
            if model.elsewhere is not None:
                model.elsewhere.require_no_secret(draft)
            exchange.require_fit(draft, verification, self.options)
            answer = await exchange.read_answer(
                draft,
                self._chat(server, draft, verification),
                server=server_of(server.endpoint, self.options.model),
                options=self.options,
                verification=verification,
                on_progress=on_progress,
            )
            return replace(answer, engine=self.name, version=model.digest[:12])

    async def _look(self, server: OllamaServer) -> tuple[LocalModel, Verification]:
        """Find the model and whether it is true, the latter once a digest. Raises `EngineError`."""
        model = await server.find(self.options.model)
        if model is None:
            raise _missing(server.endpoint, self.options.model)
        if model.digest not in self._verified:
            shown = await server.show(model.name)
            self._verified[model.digest] = await verified(shown)
            self._remote_hosts[model.digest] = shown.remote_host
        # The list of models may leave out what is said of one alone.
        model = replace(model, remote_host=model.remote_host or self._remote_hosts[model.digest])
        if model.elsewhere is not None:
            model.elsewhere.require_allowed(self.options.allowed_hosts)
        self._current = self._verified[model.digest]
        return model, self._current

    async def _chat(
        self, server: OllamaServer, draft: Draft, verification: Verification
    ) -> AsyncGenerator[Chunk, None]:
        try:
            parts = await server.api.chat(
                model=self.options.model,
                messages=messages_for(draft.text, verified=verification.verified),
                format=schema_for(verification.system),
                stream=True,
                keep_alive=self.options.keep_alive,
                options={
                    "temperature": 0,
                    "num_ctx": self.options.num_ctx,
                    "num_predict": self.options.num_predict,
                },
            )
            async for part in parts:
                yield Chunk(
                    part.message.content or "",
                    done=bool(part.done),
                    cut=part.done_reason == "length",
                    prompt_tokens=part.prompt_eval_count,
                )
        except (AttributeError, TypeError):
            # The package takes every line for an object with the right keys.
            raise UnknownForm from None


async def verified(shown: Shown) -> Verification:
    """Look at the model's own file, in a thread: a large vocabulary takes a few tenths of a second."""
    found = await asyncio.to_thread(verify.verify_in_ollama, shown.path, shown.template, shown.system)
    if found.context_length is not None:
        return found
    return replace(found, quantization=shown.quantization, context_length=shown.context_length)


def _missing(endpoint: Endpoint, model: str) -> ModelMissing:
    mend = SETUP if model.partition(":")[0] == "devrouter" else f"ollama pull {model}"
    return ModelMissing(f"{server_of(endpoint).title} has no model {model!r}.", mend)


def _remote_host(model: dict[str, Any]) -> str | None:
    """Where Ollama sends prompts for this model, if not to its own engine."""
    host = model.get("remote_host") or ""
    if host:
        return urlsplit(host if "://" in host else f"https://{host}").hostname or host
    tag = model["name"].rpartition(":")[2]
    return "ollama.com" if model.get("remote_model") or tag == "cloud" or tag.endswith("-cloud") else None
