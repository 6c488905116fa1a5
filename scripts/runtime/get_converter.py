"""Fetch llama.cpp's own converter to GGUF into the user's cache; prints the folder it lies in.

python3 scripts/runtime/get_converter.py    74 MB are fetched, 2 MB are kept

It comes out of the source archive of `llama-cpp-python`, which holds llama.cpp as it was released. Nothing is
built. The sum guards against a file that changed, not against a wrong publisher.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devrouter" / "runtime"
KEPT = ("LICENSE", "conversion", "gguf-py/gguf")
"""What the converter needs of llama.cpp's tree."""


def path() -> Path:
    """The folder that holds the packages `conversion` and `gguf-py/gguf`, once it is fetched."""
    return CACHE / f"llama-cpp-converter-{VERSION}"


def fetch() -> Path:
    """Fetch the converter unless it is there. Exits with a sentence where that fails."""
    target = path()
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        archive = _download(Path(folder))
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{archive.name}: its SHA-256 is {found}, not {SHA256}")
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        tree = Path(folder) / f"llama_cpp_python-{VERSION}" / "vendor" / "llama.cpp"
        arrived = Path(folder) / "converter"
        for name in KEPT:
            (arrived / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(tree / name, arrived / name)
        arrived.rename(target)
    return target


def _download(folder: Path) -> Path:
    # Only this package as source: pip reads its metadata with build tools that it takes ready-made.
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "llama-cpp-python"]
    requirement = f"llama-cpp-python=={VERSION}"
    if subprocess.run([*pip, "-d", str(folder), requirement], stdout=sys.stderr, check=False).returncode:
        sys.exit(f"{requirement} could not be fetched from the package index.")
    return next(folder.glob("llama_cpp_python-*.tar.gz"))


if __name__ == "__main__":
    print(fetch())
