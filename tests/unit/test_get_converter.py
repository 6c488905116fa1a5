"""llama.cpp's converter is taken as it was published, or not at all."""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING

import pytest

from runtime import get_converter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of the same form in place of the one on the package index, and an empty cache."""
    tree = tmp_path / f"llama_cpp_python-{get_converter.VERSION}" / "vendor" / "llama.cpp"
    for name in ("LICENSE", "conversion/__init__.py", "gguf-py/gguf/__init__.py", "src/llama.cpp"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(tree.parents[1], tree.parents[1].name)
    monkeypatch.setattr(get_converter, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(get_converter, "_download", lambda _: archive)
    return archive


def test_what_the_converter_needs_is_kept_and_nothing_else(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_converter, "SHA256", hashlib.sha256(published.read_bytes()).hexdigest())
    folder = get_converter.fetch()
    assert folder == get_converter.path()
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert kept == {"LICENSE", "conversion/__init__.py", "gguf-py/gguf/__init__.py"}
    monkeypatch.delattr(get_converter, "_download")  # What is there is not fetched again.
    assert get_converter.fetch() == folder
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_another_archive_is_refused_and_leaves_nothing(published: Path) -> None:
    found = hashlib.sha256(published.read_bytes()).hexdigest()
    with pytest.raises(SystemExit, match=f"its SHA-256 is {found}, not {get_converter.SHA256}"):
        get_converter.fetch()
    assert list(get_converter.CACHE.iterdir()) == []
