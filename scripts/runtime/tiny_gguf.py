"""Write a random-weight model of the Qwen2 architecture, half a megabyte large, that real servers load.

python3 scripts/runtime/tiny_gguf.py OUT.gguf [--no-system] [--endless] [--context 2048]

Its replies mean nothing, but under a schema they are decisions: it closes a string as soon as it may or, with
--endless, never. Standard library only; the format is llama.cpp's GGUF, version 3.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path

SYSTEM = (
    "You triage prompts that developers write. Reply with one JSON object: rewrite, intent, complexity, "
    "route, missing. Never answer the prompt itself."
)

_HIDDEN, _LAYERS, _HEADS, _KEY_HEADS, _FEED_FORWARD = 64, 2, 4, 2, 128
_STRING, _ARRAY, _UINT32, _INT32, _FLOAT32, _BOOL = 8, 9, 4, 5, 6, 7
_NORMAL, _CONTROL = 1, 3
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# Between the values of a decision: one token each, so that a reply takes few steps.
_PHRASES = ('{"rewrite":"', '","intent":"', '","complexity":"', '","route":"', '","missing":[]}')
_SPREAD = 0.02  # Standard deviation of a weight.


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    shape: tuple[int, ...]  # Innermost first, as GGUF has it.
    values: array[float]


def write_tiny_gguf(
    path: Path, *, system: str | None = SYSTEM, endless: bool = False, context: int = 2048
) -> None:
    """Write the model. `system` is baked into its chat template; None leaves it out."""
    tokens = [*_byte_tokens(), *_PHRASES, *_SPECIAL]
    types = [_CONTROL if token in _SPECIAL else _NORMAL for token in tokens]
    pairs = [
        _pair("general.architecture", "qwen2"),
        _pair("general.name", "devrouter-tiny"),
        _number("general.file_type", 0),
        _number("qwen2.context_length", context),
        _number("qwen2.embedding_length", _HIDDEN),
        _number("qwen2.block_count", _LAYERS),
        _number("qwen2.feed_forward_length", _FEED_FORWARD),
        _number("qwen2.attention.head_count", _HEADS),
        _number("qwen2.attention.head_count_kv", _KEY_HEADS),
        _real("qwen2.attention.layer_norm_rms_epsilon", 1e-6),
        _real("qwen2.rope.freq_base", 1e6),
        _pair("tokenizer.ggml.model", "gpt2"),
        _pair("tokenizer.ggml.pre", "qwen2"),
        _texts("tokenizer.ggml.tokens", tokens),
        _numbers("tokenizer.ggml.token_type", types),
        _texts("tokenizer.ggml.merges", []),
        _number("tokenizer.ggml.eos_token_id", tokens.index("<|im_end|>")),
        _number("tokenizer.ggml.bos_token_id", tokens.index("<|endoftext|>")),
        _number("tokenizer.ggml.padding_token_id", tokens.index("<|endoftext|>")),
        _key("tokenizer.ggml.add_bos_token", _BOOL) + struct.pack("<?", False),  # noqa: FBT003
        _pair("tokenizer.chat_template", chat_template(system)),
    ]
    _write(path, pairs, _tensors(tokens, endless=endless))


def chat_template(system: str | None) -> str:
    """ChatML in Jinja, with `system` where the caller sends no system message."""
    baked = ""
    if system is not None:
        text = system.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        baked = f"{{% else %}}{{{{ '<|im_start|>system\\n{text}<|im_end|>\\n' }}}}"
    return (
        "{% if messages[0]['role'] == 'system' %}"
        "{{ '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
        + baked
        + "{% endif %}{% for message in messages %}{% if message['role'] != 'system' %}"
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
        "{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )


def _byte_tokens() -> list[str]:
    """GPT-2's spelling of the 256 bytes: printable ones as they are, the others from U+0100 on."""
    spare = iter(range(0x100, 0x200))
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]


def _liking(spelling: str, *, endless: bool) -> float:
    """How much the model likes to write a token, whatever went before."""
    if spelling == '"':
        return -30.0 if endless else 6.0
    if spelling in _PHRASES:
        return 8.0 if spelling.startswith("{") or not endless else -30.0
    return 0.0 if len(spelling) == 1 and "!" <= spelling <= "~" and spelling != "\\" else -30.0


def _tensors(tokens: list[str], *, endless: bool) -> list[Tensor]:
    """The first dimension of the residual stream is a constant that no layer writes to.

    So the first column of the output layer is a bias of each token. The other columns repeat the embedding of
    the token before it: left alone, the model recites the alphabet. A model that repeats one token for ever
    would be stopped by Ollama.
    """
    noise = random.Random(0)  # noqa: S311  (weights, not secrets)

    def matrix(rows: int, columns: int) -> array[float]:
        return array("f", (noise.gauss(0, _SPREAD) for _ in range(rows * columns)))

    def silent_first_row(rows: int, columns: int) -> array[float]:
        values = matrix(rows, columns)
        values[:columns] = array("f", bytes(4 * columns))
        return values

    ones, zeros = array("f", [1.0] * _HIDDEN), array("f", bytes(4 * _HIDDEN))
    embedding = matrix(len(tokens), _HIDDEN)
    output = array("f", (8 * value for value in embedding[-_HIDDEN:] + embedding[:-_HIDDEN]))
    for row, token in enumerate(tokens):
        embedding[row * _HIDDEN] = 4 * _SPREAD
        output[row * _HIDDEN] = _liking(token, endless=endless)
    keys = _HIDDEN // _HEADS * _KEY_HEADS
    tensors = [
        Tensor("token_embd.weight", (_HIDDEN, len(tokens)), embedding),
        Tensor("output.weight", (_HIDDEN, len(tokens)), output),
        Tensor("output_norm.weight", (_HIDDEN,), ones),
    ]
    for layer in range(_LAYERS):
        block = {
            "attn_norm.weight": ((_HIDDEN,), ones),
            "ffn_norm.weight": ((_HIDDEN,), ones),
            "attn_q.weight": ((_HIDDEN, _HIDDEN), matrix(_HIDDEN, _HIDDEN)),
            "attn_q.bias": ((_HIDDEN,), zeros),
            "attn_k.weight": ((_HIDDEN, keys), matrix(keys, _HIDDEN)),
            "attn_k.bias": ((keys,), zeros[:keys]),
            "attn_v.weight": ((_HIDDEN, keys), matrix(keys, _HIDDEN)),
            "attn_v.bias": ((keys,), zeros[:keys]),
            "attn_output.weight": ((_HIDDEN, _HIDDEN), silent_first_row(_HIDDEN, _HIDDEN)),
            "ffn_gate.weight": ((_HIDDEN, _FEED_FORWARD), matrix(_FEED_FORWARD, _HIDDEN)),
            "ffn_up.weight": ((_HIDDEN, _FEED_FORWARD), matrix(_FEED_FORWARD, _HIDDEN)),
            "ffn_down.weight": ((_FEED_FORWARD, _HIDDEN), silent_first_row(_HIDDEN, _FEED_FORWARD)),
        }
        tensors += [Tensor(f"blk.{layer}.{name}", shape, values) for name, (shape, values) in block.items()]
    return tensors


def _write(path: Path, pairs: list[bytes], tensors: list[Tensor]) -> None:
    """Header, pairs, tensor descriptions, then the tensors; everything aligned to 32 bytes."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    offset = 0
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack("<I", len(tensor.shape))
        head += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape) + struct.pack("<IQ", 0, offset)
        offset += _padded(4 * len(tensor.values))
    with path.open("wb") as file:
        file.write(head.ljust(_padded(len(head)), b"\0"))
        for tensor in tensors:
            data = tensor.values.tobytes()
            file.write(data.ljust(_padded(len(data)), b"\0"))


def _padded(length: int) -> int:
    return (length + 31) // 32 * 32


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _key(key: str, kind: int) -> bytes:
    return _text(key) + struct.pack("<I", kind)


def _pair(key: str, value: str) -> bytes:
    return _key(key, _STRING) + _text(value)


def _number(key: str, value: int) -> bytes:
    return _key(key, _UINT32) + struct.pack("<I", value)


def _real(key: str, value: float) -> bytes:
    return _key(key, _FLOAT32) + struct.pack("<f", value)


def _texts(key: str, values: list[str]) -> bytes:
    return _key(key, _ARRAY) + struct.pack("<IQ", _STRING, len(values)) + b"".join(map(_text, values))


def _numbers(key: str, values: list[int]) -> bytes:
    return _key(key, _ARRAY) + struct.pack(f"<IQ{len(values)}i", _INT32, len(values), *values)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--no-system", action="store_true", help="bake no system prompt into the chat template"
    )
    parser.add_argument("--endless", action="store_true", help="never close a string")
    parser.add_argument("--context", type=int, default=2048)
    arguments = parser.parse_args()
    system = None if arguments.no_system else SYSTEM
    write_tiny_gguf(arguments.out, system=system, endless=arguments.endless, context=arguments.context)
    return 0


if __name__ == "__main__":
    sys.exit(main())
