"""The client's own unit tests: locating the server, what the status shows, front matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.editors.vscode.conftest import npm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.real
@pytest.mark.timeout(300)
def test_unit_tests(node_modules: Path) -> None:
    npm("test", cwd=node_modules.parent)
