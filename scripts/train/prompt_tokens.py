"""The prompt that each runtime makes of a user's message, as text and in tokens; each is asked itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from train.asked import MODEL
from train.base import tokenizer_of
from train.merge import prompt_for
from train.rows import FileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIMEOUT = 600.0  # Seconds; the first call to Ollama loads the model.


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads before it answers."""

    text: str
    tokens: tuple[int, ...]


def by_transformers(merged: Path, texts: Sequence[str]) -> list[Prompt]:
    """By the tokenizer of the merged model. Raises `FileError`."""
    tokenizer = tokenizer_of(str(merged))
    prompts = [prompt_for(tokenizer, text) for text in texts]
    return [
        Prompt(prompt, tuple(tokenizer(prompt, add_special_tokens=False).input_ids)) for prompt in prompts
    ]


def by_llama_cpp(url: str, texts: Sequence[str]) -> list[Prompt]:
    """By the chat template that llama.cpp runs, and its tokenizer. Raises `FileError`."""
    with _client(url) as http:
        prompts = [
            str(_asked(http, "/apply-template", {"messages": _message(text)}, "prompt")) for text in texts
        ]
        return [Prompt(prompt, _tokens(http, prompt)) for prompt in prompts]


def by_ollama(url: str, llama_cpp_url: str, texts: Sequence[str]) -> list[Prompt]:
    """By the TEMPLATE that Ollama runs. It tells no tokens, so llama.cpp cuts its text, as Ollama has it do.

    Raises `FileError`.
    """
    body = {"model": MODEL, "stream": False, "_debug_render_only": True}
    with _client(url) as http, _client(llama_cpp_url) as tokenizer:
        rendered = [
            _asked(http, "/api/chat", {**body, "messages": _message(text)}, "_debug_info") for text in texts
        ]
        prompts = [str(each.get("rendered_template", "")) for each in rendered]
        return [Prompt(prompt, _tokens(tokenizer, prompt)) for prompt in prompts]


def _message(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _tokens(http: httpx.Client, prompt: str) -> tuple[int, ...]:
    """As llama.cpp cuts what it is asked: with a first token where the model wants one."""
    body = {"content": prompt, "add_special": True, "parse_special": True}
    return tuple(_asked(http, "/tokenize", body, "tokens"))


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=_TIMEOUT)


def _asked(http: httpx.Client, path: str, body: dict[str, Any], key: str) -> Any:  # noqa: ANN401  (JSON)
    try:
        return http.post(path, json=body).raise_for_status().json()[key]
    except httpx.TransportError as error:
        raise FileError(f"{http.base_url}: the server went away: {error}") from None
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
        raise FileError(f"{http.base_url}: does not answer {path} as is known of it") from None
