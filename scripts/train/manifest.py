"""What an artefact was made of: beside a file or folder `X` stands `X.manifest.json`.

It holds the step, its settings and seed, the SHA-256 of every input and of everything made, the versions of
the packages, and what the step counted. It holds no time and no absolute path, so the same inputs make the
same manifest.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devrouter.cli.documents import write_atomically
from devrouter.evaluation.rows import FileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGES = (
    "devrouter-ls",
    "accelerate",
    "bitsandbytes",
    "datasketch",
    "gguf",
    "httpx",
    "numpy",
    "peft",
    "pydantic",
    "tokenizers",
    "torch",
    "transformers",
    "trl",
)
"""Those whose version can change an artefact; one that is not installed is left out."""


def manifest_path(made: Path) -> Path:
    return made.with_name(made.name + ".manifest.json")


def write_manifest(
    made: Path,
    step: str,
    *,
    settings: object,
    seed: int,
    inputs: Sequence[Path],
    counts: Mapping[str, Any] | None = None,
) -> Path:
    """Write the manifest of a file or folder that is whole. `settings` is a dataclass or a mapping."""
    path = manifest_path(made)
    content = {
        "step": step,
        "seed": seed,
        "settings": asdict(settings)
        if is_dataclass(settings) and not isinstance(settings, type)
        else settings,
        "inputs": {
            _named(file, path.parent): sha256_of(file) for given in inputs for file in files_in(given)
        },
        "outputs": {_named(file, path.parent): sha256_of(file) for file in files_in(made)},
        "versions": {"python": platform.python_version(), **versions()},
        "counts": counts or {},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n"
    write_atomically(path, text.encode())
    return path


def check_manifest(made: Path) -> dict[str, Any]:
    """The manifest of a file or folder, which is as it was made, of inputs that are as they were.

    An input that is no longer there is let pass. Raises `FileError` that names what differs.
    """
    path = manifest_path(made)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        outputs, inputs, step = content["outputs"], content["inputs"], content["step"]
    except FileNotFoundError:
        raise FileError(
            f"{made}: has no manifest ({path.name}), so its step did not end; run it again"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise FileError(f"{path}: is no manifest; run the step again") from None
    for name, wanted in outputs.items():
        file = path.parent / name
        if not file.is_file():
            raise FileError(f"{file}: is gone; run the step {step} again")
        if sha256_of(file) != wanted:
            raise FileError(f"{file}: was changed after the step {step} made it; run that again")
    for name, wanted in inputs.items():
        file = path.parent / name
        if file.is_file() and sha256_of(file) != wanted:
            raise FileError(f"{made}: was made of another {file}; run the step {step} again")
    return content


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Those of the packages that are installed here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def files_in(path: Path) -> list[Path]:
    """The file itself, or all files of a folder but manifests."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file())
    return [file for file in found if not file.name.endswith(".manifest.json")]


def _named(file: Path, folder: Path) -> str:
    """The file as seen from the folder, with forward slashes."""
    return Path(os.path.relpath(file, folder)).as_posix()
