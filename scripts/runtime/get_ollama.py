"""Build the real Ollama server from its Go module into the user's cache; prints the program's path.

python3 scripts/runtime/get_ollama.py    about five minutes on two cores the first time, nothing after that

Needs Go, a C++ compiler, and the headers of nlohmann-json3-dev and libstb-dev (Debian). Go's module archives
leave out folders named `vendor`, so those two and miniaudio (out of a package on the Python package index)
come from elsewhere. `-march=native` matters: without it replies come about ten times slower.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "v0.17.4"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devrouter" / "runtime"
HEADERS = {"nlohmann-json3-dev": "nlohmann/json.hpp", "libstb-dev": "stb/stb_image.h"}
"""Debian packages and a header of each."""


def path() -> Path:
    """Where the program lies once it is built."""
    return CACHE / f"ollama-{VERSION}" / "ollama"


def build() -> Path:
    """Build the server unless it is there. Exits with a sentence where something it needs is missing."""
    target = path()
    if target.exists():
        return target
    go = shutil.which("go") or sys.exit("Go is not installed, so Ollama cannot be built.")
    _require_headers()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        include = f"-I{_miniaudio(work)}"
        optimised = f"-O3 -march=native {include}"
        environment = {
            **os.environ,
            "GOPATH": str(work / "go"),
            "GOBIN": str(work / "bin"),
            "GOFLAGS": "-modcacherw",
            "CGO_CPPFLAGS": include,
            "CGO_CFLAGS": optimised,
            "CGO_CXXFLAGS": optimised,
        }
        command = [go, "install", f"github.com/ollama/ollama@{VERSION}"]
        if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode:
            sys.exit(f"Ollama {VERSION} could not be built.")
        target.parent.mkdir(parents=True, exist_ok=True)
        arrived = target.with_suffix(f".{os.getpid()}")
        shutil.move(work / "bin" / "ollama", arrived)
        arrived.rename(target)
    return target


def _require_headers() -> None:
    missing = [name for name, header in HEADERS.items() if not Path("/usr/include", header).exists()]
    if not missing:
        return
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing]
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        sys.exit(f"Ollama cannot be built without {' and '.join(missing)}.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], install):
        if subprocess.run(command, env=quiet, stdout=sys.stderr, check=False).returncode:
            sys.exit(f"{' and '.join(missing)} could not be installed.")


def _miniaudio(work: Path) -> Path:
    """A folder with `miniaudio/miniaudio.h`."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    if subprocess.run(
        [*command, "-d", str(work), "miniaudio==1.71"], stdout=sys.stderr, check=False
    ).returncode:
        sys.exit("miniaudio 1.71 could not be fetched from the package index.")
    with tarfile.open(next(work.glob("miniaudio-*.tar.gz"))) as archive:
        header = archive.extractfile("miniaudio-1.71/miniaudio/miniaudio.h")
        if header is None:
            sys.exit("miniaudio 1.71 holds no miniaudio.h.")
        target = work / "include" / "miniaudio" / "miniaudio.h"
        target.parent.mkdir(parents=True)
        target.write_bytes(header.read())
    return work / "include"


if __name__ == "__main__":
    print(build())
