"""A model's own chat template, taken apart: what stands before, between and after the two messages.

A tuned model holds its system prompt inside the Jinja template of its GGUF. Ollama does not run that
template, so the prompt is lost on import. Here it is derived again, never invented: the template is rendered
with one user message, and once more with a system message; the two renderings say which text is whose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from devrouter.engines.gguf import Metadata

_SYSTEM, _USER = "devrouter-system-mark", "devrouter-user-mark"
# A Go template comment: it renders to nothing, and says in Ollama itself where the system prompt came from.
_GIVEN_BY_THE_USER = "{{/* devrouter: the system prompt was given with --system */}}"


class ChatTemplateError(ValueError):
    """The chat template is absent, cannot be rendered, or has no place for a system prompt. One sentence."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The prompt for one user message is `head + system + middle + user + tail`.

    `system` is the text baked into the template, None where it holds none.
    """

    head: str
    middle: str
    tail: str
    system: str | None

    def render(self, system: str, user: str) -> str:
        return f"{self.head}{system}{self.middle}{user}{self.tail}"

    def for_ollama(self, *, system_given: bool) -> str:
        """The same as a Go template (Ollama's TEMPLATE), marked where the system prompt was given."""
        mark = _GIVEN_BY_THE_USER if system_given else ""
        return f"{mark}{self.head}{{{{ .System }}}}{self.middle}{{{{ .Prompt }}}}{self.tail}"


def derive_chat_template(metadata: Metadata) -> ChatTemplate:
    """Take the GGUF's chat template apart. Raises `ChatTemplateError`."""
    if metadata.chat_template is None:
        raise ChatTemplateError("the GGUF holds no chat template")
    user = {"role": "user", "content": _USER}
    alone = _render(metadata, [user])
    both = _render(metadata, [{"role": "system", "content": _SYSTEM}, user])
    if both.count(_SYSTEM) != 1 or both.count(_USER) != 1 or both.index(_SYSTEM) > both.index(_USER):
        raise ChatTemplateError(
            "the GGUF's chat template has no place for a system prompt before the user's text"
        )
    head, rest = both.split(_SYSTEM)
    middle, tail = rest.split(_USER)
    if "{{" in head + middle + tail:
        raise ChatTemplateError("the GGUF's chat template prints '{{', which Ollama's templates cannot hold")
    end = middle + _USER + tail
    baked = alone[len(head) : -len(end)] if alone.startswith(head) and alone.endswith(end) else ""
    return ChatTemplate(head, middle, tail, baked or None)


def stop_tokens(template: ChatTemplate, metadata: Metadata) -> tuple[str, ...]:
    """Where generation must stop: the end token, and every control token that the prompt's own form uses."""
    form = template.head + template.middle + template.tail
    used = {token for token in metadata.control_tokens if token in form}
    return tuple(sorted(used | {metadata.eos_token} - {""}))


def _render(metadata: Metadata, messages: list[dict[str, str]]) -> str:
    """Render as Hugging Face's `apply_chat_template` does, but in Jinja's sandbox: it is foreign code."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message: str) -> NoReturn:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = raise_exception
    names: dict[str, Any] = {
        "messages": messages,
        "add_generation_prompt": True,
        # A tokenizer that adds the first token itself must not find it in the text as well.
        "bos_token": "" if metadata.adds_bos else metadata.bos_token,
        "eos_token": metadata.eos_token,
    }
    try:
        return environment.from_string(metadata.chat_template or "").render(names)
    except Exception as error:  # noqa: BLE001  A foreign template can raise whatever it likes.
        raise ChatTemplateError(f"the GGUF's chat template cannot be rendered: {error}") from None
