"""A small BERT (Devlin et al. 2019) read by numpy: pieces of words in, scores of all labels out.

It is distilled from a larger one by `scripts/train/instant/`. The file is a line of JSON (sizes, names and
shapes, the vocabulary) and the weights: matrices as eight-bit numbers with a scale for each column, vectors
as 32-bit floats. Beside the matrices of the layers, which are kept as floats, nothing is unpacked.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from devrouter.engines.instant.wordpiece import END, GAP, START, WordPiece

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from devrouter.engines.instant.features import Parts

    Floats = NDArray[np.float32]

WEIGHTS = "encoder.bin"

_READ_OF_CODE = 400
_EPSILON = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class Window:
    """How many pieces are read: of the prose its head and its tail, of the code its head."""

    head: int
    tail: int
    code: int

    @property
    def longest(self) -> int:
        """Pieces at most, with the special ones."""
        return self.head + self.tail + self.code + 4


class Encoder:
    """Reads a weights file's bytes. Raises `ValueError` where they are not what the header says."""

    def __init__(self, data: bytes) -> None:
        end = data.find(b"\n") + 1
        header: dict[str, Any] = json.loads(data[:end])
        self.window = Window(**header["window"])
        self.pieces = WordPiece(header["vocabulary"])
        self._heads: int = header["attention_heads"]
        arrays = _unpacked(header["arrays"], memoryview(data)[end:])
        self._table, self._table_scales = arrays["pieces"], arrays["pieces.scales"]
        if len(self._table) != len(self.pieces.numbers):
            raise ValueError(
                f"{WEIGHTS}: {len(self.pieces.numbers)} pieces, {len(self._table)} rows of weights"
            )
        self._positions, self._first_norm = arrays["positions"], _norm(arrays, "norm")
        self._layers = [_Layer.of(arrays, f"layer{number}") for number in range(header["layers"])]
        self._out, self._out_bias = _matrix(arrays, "out"), arrays["out.bias"]

    def scores(self, parts: Parts) -> list[float]:
        """Raw scores, a column a label, of one draft."""
        numbers = numbers_of(parts, self.pieces, self.window)
        states = self._table[numbers] * self._table_scales + self._positions[: len(numbers)]
        states = _normed(states, *self._first_norm)
        for layer in self._layers:
            states = layer.apply(states, self._heads)
        pooled = np.concatenate([states[0], states.mean(axis=0)])
        scores: list[float] = (pooled @ self._out + self._out_bias).tolist()
        return scores


def numbers_of(parts: Parts, pieces: WordPiece, window: Window) -> list[int]:
    """The pieces of a draft: start, prose, and the head of its code; a long prose loses its middle."""
    special = pieces.numbers
    prose = pieces.encode(parts.prose, len(parts.prose))
    if len(prose) > window.head + window.tail:
        prose = [*prose[: window.head], special[GAP], *prose[len(prose) - window.tail :]]
    code = pieces.encode(parts.code[:_READ_OF_CODE], window.code)
    return [special[START], *prose, special[END], *code, *([special[END]] if code else [])]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of a BERT: attention, then two dense layers, each added to what came in and normed."""

    attention: tuple[Floats, Floats]
    joined: tuple[Floats, Floats]
    attention_norm: tuple[Floats, Floats]
    wide: tuple[Floats, Floats]
    narrow: tuple[Floats, Floats]
    norm: tuple[Floats, Floats]

    @classmethod
    def of(cls, arrays: Mapping[str, Any], name: str) -> _Layer:
        def dense(part: str) -> tuple[Floats, Floats]:
            return _matrix(arrays, f"{name}.{part}"), arrays[f"{name}.{part}.bias"]

        return cls(
            attention=dense("attention"),
            joined=dense("joined"),
            attention_norm=_norm(arrays, f"{name}.attention_norm"),
            wide=dense("wide"),
            narrow=dense("narrow"),
            norm=_norm(arrays, f"{name}.norm"),
        )

    def apply(self, states: Floats, heads: int) -> Floats:
        """States [pieces, width] to states of the same shape."""
        length, width = states.shape
        mixed = (states @ self.attention[0] + self.attention[1]).reshape(length, 3, heads, width // heads)
        query, key, value = mixed.transpose(1, 2, 0, 3)
        weights = query @ key.transpose(0, 2, 1)  # The query's columns carry the scale already.
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        seen = (weights @ value).transpose(1, 0, 2).reshape(length, width)
        states = _normed(states + (seen @ self.joined[0] + self.joined[1]), *self.attention_norm)
        inner = _gelu(states @ self.wide[0] + self.wide[1])
        return _normed(states + (inner @ self.narrow[0] + self.narrow[1]), *self.norm)


def _gelu(values: Floats) -> Floats:
    """The Gaussian error linear unit in its tanh form (Hendrycks and Gimpel 2016)."""
    inner = values * values
    inner *= values
    inner *= np.float32(0.044715)
    inner += values
    inner *= np.float32(0.7978845608)
    np.tanh(inner, out=inner)
    inner += np.float32(1)
    inner *= values
    inner *= np.float32(0.5)
    return inner


def _normed(states: Floats, scale: Floats, bias: Floats) -> Floats:
    """Each row at mean 0 and variance 1, then scaled and moved."""
    centred = states - states.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred)[:, None] / np.float32(states.shape[1])
    normed: Floats = centred / np.sqrt(variance + _EPSILON) * scale + bias
    return normed


def _unpacked(described: Sequence[Mapping[str, Any]], body: memoryview) -> dict[str, Any]:
    """The arrays by name: views into the file's bytes; of vectors copies, at addresses that suit floats."""
    kinds = [np.dtype(item["type"]) for item in described]
    sizes = [math.prod(item["shape"]) * kind.itemsize for item, kind in zip(described, kinds, strict=True)]
    if len(body) != sum(sizes):
        raise ValueError(f"{WEIGHTS}: {len(body)} bytes of weights, {sum(sizes)} expected")
    arrays: dict[str, Any] = {}
    start = 0
    for item, kind, size in zip(described, kinds, sizes, strict=True):
        values = np.require(np.frombuffer(body, kind, size // kind.itemsize, start), requirements=["ALIGNED"])
        arrays[item["name"]] = values.reshape(item["shape"])
        start += size
    return arrays


def _matrix(arrays: Mapping[str, Any], name: str) -> Floats:
    weights: Floats = np.multiply(arrays[name], arrays[f"{name}.scales"], dtype=np.float32)
    return weights


def _norm(arrays: Mapping[str, Any], name: str) -> tuple[Floats, Floats]:
    return arrays[f"{name}.scale"], arrays[f"{name}.bias"]
