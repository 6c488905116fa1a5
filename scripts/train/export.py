"""Export a merged model as GGUF files, each with its Modelfile.

    python scripts/train/export.py work/merged -o work/gguf
    python scripts/train/export.py work/merged -o work/gguf --set 'export.quantizations=["F16","Q6_K"]'

F16 and Q8_0 are written by llama.cpp's own converter, coarser ones by its `llama_model_quantize` out of F16.
The Modelfile is that of `devrouter model setup --print`, for `ollama create devrouter -f`.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.engines.exchange import in_a_line
from devrouter.engines.ollama import OllamaOptions
from devrouter.engines.setup import SetupRefused, plan
from train.base import tokenizer_of
from train.config import Quantization, parser, run_command, settings_of
from train.manifest import check_manifest, sha256_of, write_manifest
from train.merge import check_baked, system_prompt
from train.rows import FileError, write_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_CONVERT = Path(__file__).with_name("convert.py")
_CONVERTED = ("F16", "Q8_0")
_FILE_TYPES = {"Q6_K": 18, "Q5_K_M": 17, "Q4_K_M": 15}
"""llama.cpp's numbers of what it quantises itself."""


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    recipe = check_manifest(options.merged)["settings"]["recipe"]
    try:
        check_baked(tokenizer_of(str(options.merged)).chat_template, system_prompt(recipe))
    except FileError as error:
        raise FileError(f"{options.merged}: {error}") from None
    options.output.mkdir(parents=True, exist_ok=True)
    for quantization in settings.export.quantizations:
        path = options.output / f"{settings.export.name}-{quantization}.gguf"
        refused = refused_before(path)
        export(options.merged, path, quantization)
        weights = weight_types(path)
        write_manifest(
            path,
            "export",
            settings={"quantization": quantization},
            seed=settings.seed,
            inputs=[options.merged],
            counts={"weights": weights},
        )
        beside = _beside(path, refused)
        size = f"{path.stat().st_size / 1e6:,.1f} MB"
        print(f"{path} ({size}: {shown_types(weights)}), {beside.name}", flush=True)


@dataclass(frozen=True, slots=True)
class Export:
    """One GGUF file, as its manifest says."""

    path: Path
    quantization: str
    sha256: str


def exports_in(folder: Path) -> list[Export]:
    """The exports of a folder, the finest first. Raises `FileError` for one that changed, and for none."""
    found = []
    for path in folder.glob("*.gguf"):
        manifest = check_manifest(path)
        found.append(Export(path, manifest["settings"]["quantization"], manifest["outputs"][path.name]))
    if not found:
        raise FileError(f"{folder}: holds no GGUF file; run export.py")
    order = get_args(Quantization)
    return sorted(found, key=lambda export: (order.index(export.quantization), export.path.name))


def refusal_of(path: Path) -> Path:
    """Where `validate.py` says why it refused an export."""
    return path.with_suffix(".refused.md")


def refused_before(path: Path) -> str | None:
    """The hash of an export that was refused: one that comes out the same is not to be served either."""
    return sha256_of(path) if refusal_of(path).is_file() and path.is_file() else None


def export(merged: Path, path: Path, quantization: str) -> None:
    """Write one GGUF file, whole or not at all. Raises `FileError`."""
    partial = path.with_suffix(".partial.gguf")
    try:
        if quantization in _CONVERTED:
            _convert(merged, partial, quantization)
        else:
            _quantize(merged, partial, quantization)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def weight_types(path: Path) -> dict[str, float]:
    """The shares of a GGUF file's weights by the type they are kept in, the largest first.

    A file is named after the type it was asked for. Where the rows of a matrix are no multiple of 256 long,
    llama.cpp keeps it in a finer type, so that of a small model's Q6_K most may be Q8_0.
    """
    from gguf import GGUFReader

    counts: Counter[str] = Counter()
    for tensor in GGUFReader(path).tensors:
        counts[tensor.tensor_type.name] += int(tensor.n_elements)
    shares = {name: round(count / counts.total(), 3) for name, count in counts.most_common()}
    return {name: share for name, share in shares.items() if share}


def shown_types(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{share:.0%} {name}" for name, share in weights.items())


def write_modelfile(path: Path) -> Path:
    """The Modelfile beside a GGUF file. Raises `FileError` where it is no true devrouter."""
    try:
        text = plan(path, None, OllamaOptions()).modelfile(f"./{path.name}")
    except SetupRefused as error:
        raise FileError(str(error)) from None
    modelfile = path.with_suffix(".Modelfile")
    write_text(modelfile, text)
    return modelfile


def _beside(path: Path, refused: str | None) -> Path:
    """The Modelfile of an export; of one that is what was refused before, why it has none."""
    refusal = refusal_of(path)
    if refused and refused == sha256_of(path):
        return refusal
    refusal.unlink(missing_ok=True)
    return write_modelfile(path)


def _convert(merged: Path, path: Path, quantization: str) -> None:
    command = [sys.executable, str(_CONVERT), str(merged), str(path), quantization]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not path.is_file():
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FileError(f"{merged}: llama.cpp's converter could not convert it to {quantization}: {reason}")


def _quantize(merged: Path, path: Path, quantization: str) -> None:
    """What is coarser than Q8_0 is mixed tensor by tensor, by rules that are llama.cpp's own."""
    try:
        import llama_cpp
    except ImportError:
        raise FileError(
            f"{quantization} needs llama.cpp's quantiser: pip install llama-cpp-python (it is compiled)"
        ) from None
    said = []

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def keep(_level: int, text: bytes, _data: object) -> None:
        said.append(text.decode(errors="replace"))

    llama_cpp.llama_log_set(keep, None)  # Else it tells of each of hundreds of matrices.
    source = path.with_suffix(".f16")
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = _FILE_TYPES[quantization]
    try:
        _convert(merged, source, "F16")
        if llama_cpp.llama_model_quantize(str(source).encode(), str(path).encode(), parameters):
            reason = (in_a_line("".join(said[-5:])) or "no reason given").strip()
            raise FileError(f"{source}: llama.cpp could not quantise it to {quantization}: {reason}")
    finally:
        source.unlink(missing_ok=True)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("merged", type=Path, help="the folder of merge.py")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for the files")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
