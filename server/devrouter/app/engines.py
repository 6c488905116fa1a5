"""From settings to the model engine they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devrouter.app.settings import Settings
    from devrouter.engines.engine import Engine


def build_model_engine(settings: Settings) -> Engine | None:
    """The engine that the settings name; None for `instant`. Nothing is asked or connected yet."""
    del settings
    return None
