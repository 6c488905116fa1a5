"""From settings to the model engine they name."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devrouter.app.settings import Settings
    from devrouter.engines.engine import ModelEngine
    from devrouter.engines.ollama import OllamaOptions
    from devrouter.engines.openai import OpenAIEngine, OpenAIOptions


def build_model_engine(settings: Settings) -> ModelEngine | None:
    """The engine that the settings name; None for `instant`. Nothing is asked or connected yet."""
    if settings.engine == "instant":
        return None
    if settings.engine == "openai":
        from devrouter.engines.openai import OpenAIEngine

        return OpenAIEngine(openai_options(settings))
    if settings.engine == "transformers":
        from devrouter.engines.exchange import ModelOptions
        from devrouter.engines.transformers import TransformersEngine

        limits = settings.model
        return TransformersEngine(
            ModelOptions(
                model=settings.transformers.model,
                first_token_timeout=limits.first_token_timeout,
                total_timeout=limits.total_timeout,
            )
        )
    from devrouter.engines.ollama import OllamaEngine

    return OllamaEngine(ollama_options(settings))


def build_endpoint_engines(settings: Settings, urls: Sequence[str]) -> list[OpenAIEngine]:
    """One engine for each OpenAI-compatible endpoint of the command line, else as the settings say.

    Raises `EndpointRefused` for an address that is none, and for a host that the user has not allowed.
    """
    from devrouter.engines.openai import OpenAIEngine

    options = openai_options(settings)
    engines = [OpenAIEngine(replace(options, base_url=url, origin="`--endpoint`")) for url in urls]
    for engine in engines:
        engine.endpoint.require_allowed(options.allowed_hosts)
    return engines


def openai_options(settings: Settings) -> OpenAIOptions:
    """What the settings say about an OpenAI-compatible server."""
    from devrouter.engines.openai import OpenAIOptions

    variable = settings.openai.api_key_variable
    return OpenAIOptions(
        model=settings.openai.model,
        connect_timeout=settings.model.connect_timeout,
        first_token_timeout=settings.model.first_token_timeout,
        total_timeout=settings.model.total_timeout,
        allowed_hosts=settings.remote.allowed,
        base_url=settings.openai.base_url,
        api_key=os.environ.get(variable, "") if variable else "",
    )


def ollama_options(settings: Settings) -> OllamaOptions:
    """What the settings say about Ollama."""
    from devrouter.engines.ollama import OllamaOptions

    return OllamaOptions(
        model=settings.ollama.model,
        num_ctx=settings.ollama.num_ctx,
        num_predict=settings.ollama.num_predict,
        connect_timeout=settings.model.connect_timeout,
        first_token_timeout=settings.model.first_token_timeout,
        total_timeout=settings.model.total_timeout,
        allowed_hosts=settings.remote.allowed,
        host=settings.ollama.host,
        keep_alive=settings.ollama.keep_alive,
    )
