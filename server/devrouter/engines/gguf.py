"""Read what a GGUF file says about itself: its chat template, special tokens, context and quantisation.

The format is llama.cpp's (ggml's `docs/gguf.md`): a magic, a version, two counts, then key-value pairs. Only
the pairs are read, never the tensors, and every length is bounded: a file from the network is not trusted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

_MAXIMUM_PAIRS = 4096
_MAXIMUM_STRING = 1 << 20  # Bytes; a chat template is a few thousand.
_MAXIMUM_ITEMS = 1 << 21  # Entries of one array; the largest vocabularies have about 260,000.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_CONTROL_TOKEN = 3
# llama.cpp's `llama_ftype`; a number that is not here is shown as it is.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    32: "BF16",
}  # fmt: skip


class GGUFError(ValueError):
    """The file is no GGUF, or a damaged one. `str(error)` is one sentence that names the file."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What verification and set-up need. `context_length` is in tokens; tokens are given as their text.

    `control_tokens` are those the tokenizer marks as control, `<|im_end|>` for one, the end token among them.
    """

    architecture: str
    quantization: str
    context_length: int | None
    chat_template: str | None
    bos_token: str
    eos_token: str
    adds_bos: bool
    control_tokens: frozenset[str]


def read_metadata(path: Path) -> Metadata:
    """Read `path`'s metadata. Raises `GGUFError` for what is no GGUF, `OSError` where it cannot be read."""
    with path.open("rb") as file:
        try:
            values = _read_pairs(file, path)
        except (struct.error, UnicodeDecodeError, KeyError, EOFError) as error:
            raise GGUFError(f"{path} is damaged: its metadata cannot be read ({error}).") from None
    tokens = values.get("tokenizer.ggml.tokens")
    types = values.get("tokenizer.ggml.token_type")
    texts = tokens if isinstance(tokens, list) else []
    kinds = types if isinstance(types, list) else []

    def token(key: str) -> str:
        index = values.get(f"tokenizer.ggml.{key}_token_id")
        return str(texts[index]) if isinstance(index, int) and 0 <= index < len(texts) else ""

    architecture = str(values.get("general.architecture", ""))
    context = values.get(f"{architecture}.context_length")
    file_type = values.get("general.file_type")
    template = values.get("tokenizer.chat_template")
    control = {str(text) for text, kind in zip(texts, kinds, strict=False) if kind == _CONTROL_TOKEN}
    return Metadata(
        architecture=architecture,
        quantization=_FILE_TYPES.get(file_type, f"type {file_type}")
        if isinstance(file_type, int)
        else "unknown",
        context_length=context if isinstance(context, int) else None,
        chat_template=template if isinstance(template, str) else None,
        bos_token=token("bos"),
        eos_token=token("eos"),
        adds_bos=values.get("tokenizer.ggml.add_bos_token") is True,
        control_tokens=frozenset(control | {token("eos")} - {""}),
    )


def _read_pairs(file: BinaryIO, path: Path) -> dict[str, object]:
    if file.read(4) != b"GGUF":
        raise GGUFError(f"{path} is no GGUF file.")
    version = _scalar(file, "I")
    if version not in {2, 3}:
        raise GGUFError(f"{path} is a GGUF of version {version}; versions 2 and 3 are known.")
    _tensors, count = _scalar(file, "Q"), _scalar(file, "Q")
    if count > _MAXIMUM_PAIRS:
        raise EOFError(f"{count} entries")
    values: dict[str, object] = {}
    for _ in range(int(count)):
        key = _string(file)
        values[key] = _value(file, int(_scalar(file, "I")), skip=key in _UNUSED)
    return values


# Long arrays that nobody here needs: passed over without decoding.
_UNUSED: Container[str] = frozenset({"tokenizer.ggml.merges", "tokenizer.ggml.scores"})


def _value(file: BinaryIO, kind: int, *, skip: bool) -> object:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _scalar(file, _SCALARS[kind])
    item, count = int(_scalar(file, "I")), int(_scalar(file, "Q"))
    if count > _MAXIMUM_ITEMS:
        raise EOFError(f"an array of {count} items")
    if item == _STRING:
        return [
            None if skip else text.decode("utf-8", "replace") for text in (_bytes(file) for _ in range(count))
        ]
    layout = f"<{count}{_SCALARS[item]}"
    return list(struct.unpack(layout, _exactly(file, struct.calcsize(layout))))


def _scalar(file: BinaryIO, code: str) -> int | float | bool:
    layout = f"<{code}"
    value: int | float | bool = struct.unpack(layout, _exactly(file, struct.calcsize(layout)))[0]
    return value


def _string(file: BinaryIO) -> str:
    return _bytes(file).decode("utf-8")


def _bytes(file: BinaryIO) -> bytes:
    length = int(_scalar(file, "Q"))
    if length > _MAXIMUM_STRING:
        raise EOFError(f"a string of {length} bytes")
    return _exactly(file, length)


def _exactly(file: BinaryIO, length: int) -> bytes:
    block = file.read(length)
    if len(block) != length:
        raise EOFError("it ends too early")
    return block
