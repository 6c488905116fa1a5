"""A secret in a prompt, in a real workbench: sending it asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.made_up_secrets import ALPHANUMERIC, Maker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.editors.vscode.conftest import Scenario

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

TOKEN = "ghp_" + Maker(61).some(ALPHANUMERIC, 36)
PROMPT = f"Why does GitHub answer 401 to my token {TOKEN} when I list my repositories with curl?"


def test_send_asks_and_masks(scenario: Scenario, tmp_path: Path) -> None:
    heard = tmp_path / "heard" / "chat.jsonl"
    heard.parent.mkdir()
    scenario(
        "send-secret",
        files={"ask.prompt.md": f"{PROMPT}\n"},
        settings={
            "devrouter.engine": "instant",
            "devrouter.tiers.smallLocal.models": ["fake-small"],
            "devrouter.tiers.mediumApi.models": ["fake-medium"],
            "devrouter.tiers.largeApi.models": ["fake-large"],
            "chat.disableAIFeatures": False,
        },
        environment={"DEVROUTER_TEST_CHAT": str(heard)},
        chat=str(heard),
        masked=PROMPT.replace(TOKEN, "<github-token>"),
    )
