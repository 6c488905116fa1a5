"""A model engine in this process, through Transformers: a folder with a merged model, or a name on the hub.

For whoever has torch and no model server. Everything heavy is loaded with the first draft, in the engine's
one thread, which also generates; a call that is cancelled or too slow stops it at its next token.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devrouter.engines import exchange, verify
from devrouter.engines.engine import (
    DraftTooLong,
    EngineError,
    EngineState,
    EngineTimeout,
    Health,
    ModelMissing,
)
from devrouter.engines.exchange import Chunk, ModelOptions, Server
from devrouter.engines.prompting import messages_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft
    from devrouter.engines.reply import OnProgress
    from devrouter.engines.verify import Verification

_INSTALL = "pip install 'devrouter-ls[transformers]'"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The model on its device, and whether it is a true `devrouter`; `ends` are its end tokens."""

    model: Any
    tokenizer: Any
    verification: Verification
    ends: frozenset[int]


class TransformersEngine:
    """Answers in this process, one draft at a time. `options.model` is a folder or a name on the hub.

    The reply is greedy and not constrained: a model that writes no JSON is told as a broken reply.
    """

    def __init__(self, options: ModelOptions) -> None:
        self.options = options
        self._thread: ThreadPoolExecutor | None = None
        self._loading: asyncio.Future[_Loaded] | None = None
        self._verification: Verification | None = None

    @property
    def name(self) -> str:
        return f"{Path(self.options.model).name or 'model'} (Transformers)"

    @property
    def fields(self) -> frozenset[str]:
        """Known once the model is loaded; until then the cautious two."""
        return exchange.fields_of(self._verification)

    async def state(self) -> EngineState:
        """Loads the model where that has not been done: only then it is known whether it answers."""
        try:
            found = (await self._load()).verification
        except EngineError as error:
            return EngineState(Health.ERROR, str(error), error.mend)
        return EngineState(Health.OK, exchange.answers_of(self.name, found, self.options))

    async def slots(self) -> int | None:
        """One thread generates."""
        return 1

    async def decide(self, draft: Draft, on_progress: OnProgress | None = None) -> Answer:
        """Ask the model. `on_progress` hears how far the reply is. Raises `EngineError`."""
        loaded = await self._load()
        exchange.require_fit(draft, loaded.verification, self.options)
        answer = await exchange.read_answer(
            draft,
            self._reply(draft, loaded),
            server=self._server,
            options=self.options,
            verification=loaded.verification,
            on_progress=on_progress,
        )
        return replace(answer, engine=self.name, version=self.options.model)

    @property
    def _server(self) -> Server:
        return Server(f"The model {self.options.model} in Transformers", "transformers", None)

    async def _load(self) -> _Loaded:
        """The model; loading goes on where a caller leaves, and is tried anew where it failed."""
        _require_usable(self.options.model)
        running = asyncio.get_running_loop()
        if self._loading is None or (self._loading.done() and self._loading.exception()):
            self._loading = running.run_in_executor(self._executor, _load, self.options.model)
            self._loading.add_done_callback(lambda loading: loading.cancelled() or loading.exception())
        try:
            async with asyncio.timeout(self.options.first_token_timeout):
                loaded = await asyncio.shield(self._loading)
        except TimeoutError:
            waited = f"{self.options.first_token_timeout:g} s (`model.first_token_timeout`)"
            raise EngineTimeout(f"{self._server.title} was not loaded within {waited}; ask again.") from None
        self._verification = loaded.verification
        return loaded

    @property
    def _executor(self) -> ThreadPoolExecutor:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "transformers")
        return self._thread

    async def _reply(self, draft: Draft, loaded: _Loaded) -> AsyncGenerator[Chunk, None]:
        """The reply in pieces. Leaving it early stops the thread at its next token."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[Chunk] = asyncio.Queue()
        stop = threading.Event()

        def emit(chunk: Chunk) -> None:
            if not stop.is_set():  # Else nobody listens, and the loop may be gone.
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)

        generating = loop.run_in_executor(self._executor, self._generate, draft, loaded, emit, stop)
        try:
            while not generating.done() or not chunks.empty():
                getting = asyncio.ensure_future(chunks.get())
                both: set[asyncio.Future[Any]] = {getting, generating}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    yield getting.result()
                else:
                    getting.cancel()
            generating.result()
        finally:
            stop.set()
            generating.add_done_callback(lambda done: done.cancelled() or done.exception())
            generating.cancel()  # One that has not begun never will.

    def _generate(
        self, draft: Draft, loaded: _Loaded, emit: Callable[[Chunk], None], stop: threading.Event
    ) -> None:
        """Generate one reply, in the engine's thread. Raises `EngineError`."""
        import torch
        from transformers import StoppingCriteriaList, TextStreamer

        def stopped(tokens: Any, _scores: object, **_: object) -> Any:  # noqa: ANN401
            return torch.full((tokens.shape[0],), stop.is_set(), dtype=torch.bool, device=tokens.device)

        def heard(text: str, stream_end: bool = False) -> None:  # noqa: ARG001, FBT001, FBT002
            if text:
                emit(Chunk(text))

        context = exchange.context_of(loaded.verification, self.options)
        streamer = TextStreamer(loaded.tokenizer, skip_prompt=True, skip_special_tokens=True)
        streamer.on_finalized_text = heard
        try:
            prompt = loaded.tokenizer.apply_chat_template(
                messages_for(draft.text, verified=loaded.verification.verified),
                add_generation_prompt=True,
                return_dict=True,
                return_tensors="pt",
            ).to(loaded.model.device)
            length = int(prompt["input_ids"].shape[1])
            if length >= context:
                raise DraftTooLong(
                    f"The draft is too long for the model: its prompt has {length:,} tokens, and the context "
                    f"holds {context:,}."
                )
            with torch.inference_mode():
                tokens = loaded.model.generate(
                    **prompt,
                    max_new_tokens=min(self.options.num_predict, context - length),
                    stopping_criteria=StoppingCriteriaList([stopped]),
                    streamer=streamer,
                )[0]
        except (RuntimeError, ValueError, MemoryError) as error:
            said = exchange.in_a_line(str(error))
            raise EngineError(f"{self._server.title} failed: {said or type(error).__name__}") from None
        emit(Chunk(done=True, cut=int(tokens[-1]) not in loaded.ends, prompt_tokens=length))


def _require_usable(model: str) -> None:
    """Raises `ModelMissing` or `EngineError` where there is nothing to load, or nothing to load it with."""
    if not model:
        raise ModelMissing(
            "No model is named for Transformers: set `transformers.model` to a folder or a name."
        )
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")):
        raise EngineError("The packages torch and transformers are not installed.", _INSTALL)
    if _is_path(model) and not (Path(model).expanduser() / "config.json").is_file():
        raise ModelMissing(f"{model} is no folder of a model: it has no config.json (`transformers.model`).")


def _is_path(model: str) -> bool:
    """Whether a folder is meant; a name on the hub is `owner/name`, and no folder here."""
    path = Path(model).expanduser()
    return path.exists() or path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1


def _load(name: str) -> _Loaded:
    """Blocking: seconds. Only a name on the hub goes to the network, and a model's own code is never run."""
    local = _is_path(name)
    if local:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # Read by the hub's client as it is imported.
    where = str(Path(name).expanduser()) if local else name
    title = f"The model {name} cannot be loaded by Transformers"
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

        device = "cuda" if torch.cuda.is_available() else "cpu"
        tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=local)
        model = AutoModelForCausalLM.from_pretrained(where, local_files_only=local, dtype="auto").to(device)
    except Exception as error:  # noqa: BLE001  (whatever foreign files make foreign code raise)
        said = exchange.in_a_line(str(error))
        raise EngineError(f"{title}: {said or type(error).__name__}") from None
    if not tokenizer.chat_template:
        raise EngineError(f"{title}: its tokenizer holds no chat template, so nobody knows how to ask it.")
    ends = _ends(model.generation_config.eos_token_id) | _ends(tokenizer.eos_token_id)
    # Greedy as the servers are: a model's own sampling and its penalty on repetition would change the reply.
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=None)
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=sorted(ends) or None, pad_token_id=padding
    )
    context = getattr(model.config, "max_position_embeddings", None)
    return _Loaded(model.eval(), tokenizer, _verified(tokenizer, context), ends)


def _verified(tokenizer: Any, context: int | None) -> Verification:  # noqa: ANN401
    """Whether the tokenizer's own chat template holds the prompt of a true `devrouter`."""
    probe = [{"role": "user", "content": verify.PROBE}]
    verification = verify.verify_rendering(
        template=tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else "",
        prompt=tokenizer.apply_chat_template(probe, add_generation_prompt=True, tokenize=False),
        context_length=context,
    )
    if verification.verified:
        return replace(verification, reason="its tokenizer's chat template holds the system prompt")
    return replace(verification, context_length=context)


def _ends(token: int | list[int] | None) -> frozenset[int]:
    return frozenset(token if isinstance(token, list) else [] if token is None else [token])
