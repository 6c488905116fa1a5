"""README says what is so: its generated parts are fresh and its links lead somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import readme

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [readme.README, *sorted((readme.README.parent / "docs").glob("*.md"))]


def test_the_generated_parts_are_fresh() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert text == readme.regenerated(text), "stale: run python3 scripts/readme.py"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
