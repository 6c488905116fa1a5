"""The model that is tuned: a name on the hub, a folder, or a GGUF file, whose weights are dequantised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.rows import FileError

if TYPE_CHECKING:
    from collections.abc import Callable


def tokenizer_of(base: str) -> Any:  # noqa: ANN401  (transformers has no types)
    """The base's tokenizer. Raises `FileError`."""
    from transformers import AutoTokenizer

    return _loaded(AutoTokenizer.from_pretrained, base)


def model_of(base: str, **options: Any) -> Any:  # noqa: ANN401
    """The base as a causal language model; `options` are those of `from_pretrained`. Raises `FileError`."""
    from transformers import AutoModelForCausalLM

    return _loaded(AutoModelForCausalLM.from_pretrained, base, **options)


def files_of(base: str) -> list[Path]:
    """The base as an input of a manifest; a name on the hub has no file here."""
    return [Path(base)] if Path(base).exists() else []


def is_gguf(base: str) -> bool:
    return Path(base).suffix == ".gguf"


def _loaded(load: Callable[..., Any], base: str, **options: Any) -> Any:  # noqa: ANN401
    name, gguf = base, {}
    if is_gguf(base):
        if not Path(base).is_file():
            raise FileError(f"{base}: is not there (training.base)")
        name, gguf = str(Path(base).parent), {"gguf_file": Path(base).name}
    try:
        return load(name, **gguf, **options)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FileError(f"{base}: cannot be loaded as the base (training.base): {reason}") from None
