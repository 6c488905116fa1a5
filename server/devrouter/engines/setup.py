"""Make a true `devrouter` in Ollama: fetch or import a GGUF, derive its prompt, create, prove, then name it.

The model is built under a name of its own and copied to `devrouter` once it has answered a real draft: a
failure or a cancel at any time leaves what was there before.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from devrouter.engines import chat_template, gguf, trial, verify
from devrouter.engines.engine import EngineError, ModelMissing
from devrouter.engines.ollama import GREEDY, OllamaEngine, OllamaOptions, OllamaServer, connect, server_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from devrouter.core.decision import Answer

DEFAULT_SOURCE = "hf.co/aipster/DevRouter-1.5B-GGUF:Q8_0"
"""Where the model's own GGUF files are published."""

_BUILDING = "devrouter-being-set-up"
_BLOCK = 1 << 22  # Bytes read, hashed and sent at a time.


class SetupRefused(EngineError):
    """The GGUF cannot become a true `devrouter`. `str(error)` is the sentence the user sees."""


@dataclass(frozen=True, slots=True)
class Step:
    """What setting up does now; `done` of `total` bytes where there is something to count."""

    text: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What Ollama will be told about the model. `warning` is a sentence, where there is something to say."""

    template: str
    system: str
    parameters: Mapping[str, Any]
    warning: str | None

    def modelfile(self, source: str) -> str:
        """The same as a Modelfile for `ollama create`. Raises `SetupRefused` where it cannot be one."""
        if '"""' in self.template + self.system:
            raise SetupRefused('The prompt holds """, which a Modelfile cannot: leave --print out.')
        lines = [f"FROM {source}", f'TEMPLATE """{self.template}"""', f'SYSTEM """{self.system}"""']
        for name, value in self.parameters.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"PARAMETER {name} {json.dumps(one)}" for one in values]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """The model as it was set up, and the decision it was proved with."""

    plan: Plan
    verification: verify.Verification
    answer: Answer


def plan(path: Path, system: str | None, options: OllamaOptions) -> Plan:
    """What the GGUF at `path` needs. `system` replaces its baked-in prompt. Raises `SetupRefused`."""
    try:
        metadata = gguf.read_metadata(path)
        own = chat_template.derive_chat_template(metadata)
    except OSError as error:
        raise SetupRefused(f"{path} cannot be read: {error.strerror or error}.") from None
    except (gguf.GGUFError, chat_template.ChatTemplateError) as error:
        raise SetupRefused(f"{path.name} cannot be set up: {str(error).rstrip('.')}.") from None
    text = _system_prompt(path, own.system, system)
    warning = None
    if metadata.quantization not in verify.GOOD_QUANTIZATIONS:
        warning = (
            f"{path.name} is {metadata.quantization}: coarser than Q8_0, the model may break its own JSON."
        )
    context = min(options.num_ctx, metadata.context_length or options.num_ctx)
    return Plan(
        template=own.for_ollama(system_given=system is not None),
        system=text,
        parameters={
            **GREEDY,
            "num_ctx": context,
            "num_predict": options.num_predict,
            "stop": list(chat_template.stop_tokens(own, metadata)),
        },
        warning=warning,
    )


def _system_prompt(path: Path, own: str | None, given: str | None) -> str:
    if given is not None:
        if not verify.is_triage_prompt(given):
            raise SetupRefused(
                "The text of --system does not ask for triage: it names none of the five fields."
            )
        return given
    if own is not None and verify.is_triage_prompt(own):
        return own
    what = "no system prompt" if own is None else "a base model's own system prompt"
    raise SetupRefused(
        f"{path.name} holds {what}, so it would not know its task. If it is a devrouter whose prompt was "
        "lost, give the text it was tuned with.",
        f"{verify.SETUP} --from {path} --system FILE",
    )


async def plan_for(source: str | Path, system: str | None, options: OllamaOptions) -> tuple[str, Plan]:
    """The plan for a file, or for a model that Ollama already has, and what FROM names. Changes nothing."""
    if isinstance(source, Path):
        return str(source), await asyncio.to_thread(plan, source, system, options)
    engine = OllamaEngine(options)
    async with connect(engine.endpoint, options) as server:
        if await server.find(source) is None:
            raise ModelMissing(
                f"{server_of(server.endpoint).title} has no model {source!r} yet.", f"ollama pull {source}"
            )
        path = await _path_of(server, source)
        return source, await asyncio.to_thread(plan, path, system, options)


async def set_up(
    source: str | Path, system: str | None, options: OllamaOptions, report: Callable[[Step], None]
) -> Proof:
    """Make `options.model` from a GGUF file (a `Path`) or a model's name. Raises `EngineError`.

    A model that Ollama already has is taken as it is, any other name is pulled.

    Cancelling the task stops at the next step and leaves no half-made model.
    """
    engine = OllamaEngine(replace(options, model=_BUILDING))
    async with connect(engine.endpoint, options) as server:
        if isinstance(source, Path):
            made = await asyncio.to_thread(plan, source, system, options)
            digest = await _upload(server, source, report)
        else:
            if await server.find(source) is None:
                await _pull(server, source, report)
            path = await _path_of(server, source)
            made = await asyncio.to_thread(plan, path, system, options)
            digest = path.name.replace("-", ":", 1)
        try:
            report(Step("creating the model"))
            await _create(server, digest, made)
            report(Step("asking it for a first decision"))
            proof = await _prove(engine, made)
            report(Step(f"naming it {options.model}"))
            await server.api.copy(_BUILDING, options.model)
        finally:
            await _remove(server)
    return proof


async def _pull(server: OllamaServer, name: str, report: Callable[[Step], None]) -> None:
    async for part in await server.api.pull(name, stream=True):
        report(Step(f"pulling {name}: {part.status}", part.completed, part.total))


async def _path_of(server: OllamaServer, name: str) -> Path:
    """The model's GGUF. Raises `SetupRefused` where it cannot be read from here."""
    path = (await server.show(name)).path
    if path is None or not await asyncio.to_thread(path.is_file):
        raise SetupRefused(
            f"The file of {name} cannot be read from here ({path or 'Ollama does not name it'}), so its own "
            "prompt cannot be derived: download the GGUF and give the file.",
            "devrouter model setup --from FILE.gguf",
        )
    return path


async def _upload(server: OllamaServer, path: Path, report: Callable[[Step], None]) -> str:
    """Hand the file to Ollama, if it has not got it yet; its digest."""
    with path.open("rb") as file:
        total = file.seek(0, os.SEEK_END)
        file.seek(0)
        hashed = hashlib.sha256()
        async for block in _blocks(file, lambda done: report(Step(f"reading {path.name}", done, total))):
            hashed.update(block)
        digest = f"sha256:{hashed.hexdigest()}"
        address = f"/api/blobs/{digest}"
        if (await server.http.head(address)).status_code == 200:
            return digest
        file.seek(0)
        blocks = _blocks(file, lambda done: report(Step(f"importing {path.name}", done, total)))
        response = await server.http.post(address, content=blocks, timeout=None)
    if not response.is_success:
        raise EngineError(f"Ollama did not take {path.name}: status {response.status_code}.")
    return digest


async def _blocks(file: BinaryIO, count: Callable[[int], None]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, _BLOCK):
        count(file.tell())
        yield block


async def _create(server: OllamaServer, digest: str, made: Plan) -> None:
    """Create the model. Ollama goes on creating when its client leaves, so a cancel waits for the end."""
    creating = asyncio.create_task(
        server.api.create(
            _BUILDING,
            files={"model.gguf": digest},
            template=made.template,
            system=made.system,
            parameters=dict(made.parameters),
        )
    )
    try:
        await asyncio.shield(creating)
    except asyncio.CancelledError:
        await asyncio.wait([creating])
        raise


async def _prove(engine: OllamaEngine, made: Plan) -> Proof:
    verification = await engine.verification()
    if not verification.verified:
        raise EngineError(f"The model was created, but is no true devrouter: {verification.reason}.")
    answer = await engine.decide(trial.DRAFT)
    return Proof(made, verification, answer)


async def _remove(server: OllamaServer) -> None:
    """Take the working name away; what it named stays where another name holds it."""
    if await server.find(_BUILDING) is not None:
        await server.api.delete(_BUILDING)
