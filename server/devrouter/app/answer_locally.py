"""The local tier at work: its model answers the prompt itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devrouter.app.engines import ollama_options
from devrouter.engines.engine import ModelMissing

if TYPE_CHECKING:
    from devrouter.app.settings import Settings
    from devrouter.core.draft import Draft
    from devrouter.engines.local_answer import OnPiece


async def answer_locally(draft: Draft, settings: Settings, on_piece: OnPiece) -> None:
    """Have the local tier's first model that Ollama has answer the draft. Raises `EngineError`."""
    from devrouter.engines.local_answer import answer

    # A chat's model picker names the vendor too.
    models = [model.removeprefix("ollama/") for model in settings.tiers.small_local.models]
    if not models:
        raise ModelMissing("No model is set for the local tier: name one in `tiers.small_local.models`.")
    await answer(draft, models, replace(ollama_options(settings), model=models[0]), on_piece)
