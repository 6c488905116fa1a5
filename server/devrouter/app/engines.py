"""From settings to the model engine they name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devrouter.app.settings import Settings
    from devrouter.engines.engine import ModelEngine
    from devrouter.engines.ollama import OllamaOptions


def build_model_engine(settings: Settings) -> ModelEngine | None:
    """The engine that the settings name; None for `instant`. Nothing is asked or connected yet."""
    model, allowed = settings.model, settings.remote.allowed
    if settings.engine == "instant":
        return None
    if settings.engine == "openai":
        from devrouter.engines.openai import OpenAIEngine, OpenAIOptions

        variable = settings.openai.api_key_variable
        return OpenAIEngine(
            OpenAIOptions(
                model=settings.openai.model,
                connect_timeout=model.connect_timeout,
                first_token_timeout=model.first_token_timeout,
                total_timeout=model.total_timeout,
                allowed_hosts=allowed,
                base_url=settings.openai.base_url,
                api_key=os.environ.get(variable, "") if variable else "",
            )
        )
    from devrouter.engines.ollama import OllamaEngine

    return OllamaEngine(ollama_options(settings))


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
