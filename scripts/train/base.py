"""The model that is tuned: a name on the hub, a folder, or a GGUF file, whose weights are dequantised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from devrouter.engines.gguf import read_metadata
from train.rows import FileError

if TYPE_CHECKING:
    from collections.abc import Callable


def tokenizer_of(base: str) -> Any:  # noqa: ANN401  (transformers has no types)
    """The base's tokenizer. Raises `FileError`."""
    from transformers import AutoTokenizer

    tokenizer = _loaded(AutoTokenizer.from_pretrained, base)
    if is_gguf(base) and _cutter_of(base) in _DIGITS_ALONE:
        _cut_digits_first(tokenizer.backend_tokenizer)
    return tokenizer


def model_of(base: str, **options: Any) -> Any:  # noqa: ANN401
    """The base as a causal language model; `options` are those of `from_pretrained`. Raises `FileError`."""
    from transformers import AutoModelForCausalLM, GgufConfig

    if not is_gguf(base):
        return _loaded(AutoModelForCausalLM.from_pretrained, base, **options)
    plain = GgufConfig(dequantize=True)  # Else its weights may stay in blocks, which cannot be trained.
    return _loaded(AutoModelForCausalLM.from_pretrained, base, quantization_config=plain, **options)


def files_of(base: str) -> list[Path]:
    """The base as an input of a manifest; a name on the hub has no file here."""
    return [Path(base)] if Path(base).exists() else []


def is_gguf(base: str) -> bool:
    return Path(base).suffix == ".gguf"


_DIGITS_ALONE = frozenset({"codeshell", "command-r", "refact", "smollm", "starcoder"})
"""llama.cpp's names of the tokenizers that cut text at each digit before they cut it into words."""


def _cutter_of(base: str) -> str:
    from gguf import GGUFReader

    field = GGUFReader(base).get_field("tokenizer.ggml.pre")
    return str(field.contents()) if field else ""


def _cut_digits_first(backend: Any) -> None:  # noqa: ANN401
    """Transformers reads a GGUF file's words and merges but not this rule: spaces before a number differ."""
    from tokenizers.pre_tokenizers import Digits, Sequence

    backend.pre_tokenizer = Sequence([Digits(individual_digits=True), backend.pre_tokenizer])


def _loaded(load: Callable[..., Any], base: str, **options: Any) -> Any:  # noqa: ANN401
    name, gguf = base, {}
    if is_gguf(base):
        if not Path(base).is_file():
            raise FileError(f"{base}: is not there (training.base)")
        name, gguf = str(Path(base).parent), {"gguf_file": Path(base).name}
    try:
        if gguf:
            read_metadata(Path(base))  # Tells what is wrong with a file that was cut off.
        return load(name, **gguf, **options)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FileError(f"{base}: cannot be loaded as the base (training.base): {reason}") from None
