"""Is this model a true `devrouter`: does its server send the prompt that the model was tuned with?

Two renderings are compared: what the GGUF's own chat template makes of one user message, and what the
server will send. A true `devrouter` is a model where both agree and hold a system prompt that speaks of
triage; a base model's own greeting ("You are a helpful assistant") is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.engines.chat_template import ChatTemplateError, derive_chat_template
from devrouter.engines.gguf import GGUFError, Metadata, read_metadata

if TYPE_CHECKING:
    from pathlib import Path

SETUP = "devrouter model setup"
GOOD_QUANTIZATIONS = frozenset({"Q8_0", "F16", "BF16", "F32"})
"""Coarser ones break the JSON, says the model card."""

PROBE = "devrouter-user-mark"
"""A user message to have rendered, to see what stands around it."""

_SPEAKS_OF_TRIAGE = re.compile(r"devrouter|triage|rewrite|\bintent\b|\bcomplexity\b|\bjson\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verification:
    """`reason` is the sentence to show. `system` is the baked-in prompt of a verified model, else None.

    `context_length` is what the model was trained for, in tokens; None and "unknown" where nobody knows.
    """

    verified: bool
    reason: str
    system: str | None
    quantization: str
    context_length: int | None


def is_triage_prompt(system: str) -> bool:
    """Whether a system prompt can be the one `devrouter` was tuned with, and is no base model's default."""
    return _SPEAKS_OF_TRIAGE.search(system) is not None


def verify_in_ollama(path: Path | None, template: str, system: str) -> Verification:
    """Compare the GGUF at `path` with the `template` and `system` that Ollama's `show` reports.

    Blocking: reads the file's metadata, a few tenths of a second for a large vocabulary.
    """
    if path is None:
        return unverified("Ollama does not say where the model's file is, so its own prompt cannot be read")
    try:
        metadata = read_metadata(path)
    except OSError as error:
        return unverified(f"the model's file {path} cannot be read ({error.strerror or error})")
    except GGUFError as error:
        return unverified(str(error).rstrip("."))
    return _compare(metadata, template, system)


def verify_rendering(*, template: str, prompt: str, context_length: int | None) -> Verification:
    """Compare the Jinja `template` a server holds with the `prompt` it makes of the one message `PROBE`."""
    metadata = Metadata(
        "", "unknown", context_length, template, "", "", adds_bos=False, control_tokens=frozenset()
    )
    try:
        own = derive_chat_template(metadata)
    except ChatTemplateError as error:
        return unverified(str(error), metadata)
    if own.system is None:
        return unverified(
            "its chat template holds no system prompt, so it is not a tuned devrouter", metadata
        )
    if not prompt.endswith(
        own.render(own.system, PROBE)
    ):  # A first token of the tokenizer's may stand before.
        return unverified("its server does not send the system prompt of its own chat template", metadata)
    if not is_triage_prompt(own.system):
        return unverified("its system prompt is a base model's own, so it is not a tuned devrouter", metadata)
    return Verification(
        verified=True,
        reason="its server sends the system prompt baked into its GGUF",
        system=own.system,
        quantization="unknown",
        context_length=context_length,
    )


def unverified(reason: str, metadata: Metadata | None = None) -> Verification:
    if metadata is None:
        return Verification(
            verified=False, reason=reason, system=None, quantization="unknown", context_length=None
        )
    return Verification(
        verified=False,
        reason=reason,
        system=None,
        quantization=metadata.quantization,
        context_length=metadata.context_length,
    )


def _compare(metadata: Metadata, template: str, system: str) -> Verification:
    try:
        own = derive_chat_template(metadata)
    except ChatTemplateError as error:
        return unverified(str(error), metadata)
    given = template == own.for_ollama(system_given=True)
    if not given and template != own.for_ollama(system_given=False):
        return unverified(
            "its chat format was lost on import: Ollama's TEMPLATE is not the GGUF's own", metadata
        )
    if not given and own.system is None:
        return unverified("its GGUF holds no system prompt, so it is not a tuned devrouter", metadata)
    if not given and system != own.system:
        return unverified(
            "its baked-in system prompt was lost on import: Ollama's SYSTEM is another", metadata
        )
    if not is_triage_prompt(system):
        return unverified("its system prompt is a base model's own, so it is not a tuned devrouter", metadata)
    origin = "the system prompt you gave" if given else "the system prompt baked into its GGUF"
    return Verification(
        verified=True,
        reason=f"Ollama sends {origin}, in the GGUF's own chat format",
        system=system,
        quantization=metadata.quantization,
        context_length=metadata.context_length,
    )
