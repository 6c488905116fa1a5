"""The encoder in numpy computes what a BERT computes, and refuses a file that is not whole."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from devrouter.engines.instant.encoder import Encoder, Window, numbers_of
from devrouter.engines.instant.features import Parts, split
from devrouter.engines.instant.wordpiece import SPECIAL, WordPiece

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEADS, INNER, LABELS, LAYERS = 8, 2, 16, 3, 2
VOCABULARY = [
    *SPECIAL,
    *"abcdefghijklmnopqrstuvwxyz",
    *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
]
WINDOW = Window(head=12, tail=6, code=4)


class Tiny:
    """A random encoder: its arrays, and its file."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self._packed("pieces", len(VOCABULARY), WIDTH)
        self.arrays["positions"] = self._floats(WINDOW.longest, WIDTH)
        self._norm("norm")
        for layer in range(LAYERS):
            self._dense(f"layer{layer}.attention", WIDTH, 3 * WIDTH)
            self._dense(f"layer{layer}.joined", WIDTH, WIDTH)
            self._norm(f"layer{layer}.attention_norm")
            self._dense(f"layer{layer}.wide", WIDTH, INNER)
            self._dense(f"layer{layer}.narrow", INNER, WIDTH)
            self._norm(f"layer{layer}.norm")
        self._dense("out", 2 * WIDTH, LABELS)

    def file(self) -> bytes:
        described = [
            {"name": name, "type": values.dtype.str, "shape": list(values.shape)}
            for name, values in self.arrays.items()
        ]
        header = {
            "window": {"head": WINDOW.head, "tail": WINDOW.tail, "code": WINDOW.code},
            "attention_heads": HEADS,
            "layers": LAYERS,
            "arrays": described,
            "vocabulary": VOCABULARY,
        }
        return json.dumps(header).encode() + b"\n" + b"".join(v.tobytes() for v in self.arrays.values())

    def matrix(self, name: str) -> np.ndarray[Any, Any]:
        unpacked: np.ndarray[Any, Any] = self.arrays[name].astype(float) * self.arrays[f"{name}.scales"]
        return unpacked

    def _floats(self, *shape: int) -> np.ndarray[Any, Any]:
        return self.random.standard_normal(shape).astype("<f4")

    def _packed(self, name: str, *shape: int) -> None:
        self.arrays[name] = self.random.integers(-127, 128, shape).astype("|i1")
        self.arrays[f"{name}.scales"] = (self.random.random(shape[1]) / 100).astype("<f4")

    def _dense(self, name: str, *shape: int) -> None:
        self._packed(name, *shape)
        self.arrays[f"{name}.bias"] = self._floats(shape[1])

    def _norm(self, name: str) -> None:
        self.arrays[f"{name}.scale"] = self._floats(WIDTH)
        self.arrays[f"{name}.bias"] = self._floats(WIDTH)


def by_the_book(tiny: Tiny, numbers: list[int]) -> list[float]:
    """BERT as its paper has it, a piece and a head at a time, in double precision."""

    def dense(name: str, row: Any) -> Any:
        return row @ tiny.matrix(name) + tiny.arrays[f"{name}.bias"]

    def norm(name: str, row: Any) -> Any:
        centred = row - row.mean()
        scaled = centred / math.sqrt((centred**2).mean() + 1e-12)
        return scaled * tiny.arrays[f"{name}.scale"] + tiny.arrays[f"{name}.bias"]

    def gelu(value: float) -> float:
        return 0.5 * value * (1 + math.tanh(math.sqrt(2 / math.pi) * (value + 0.044715 * value**3)))

    table, size = tiny.matrix("pieces"), WIDTH // HEADS
    rows = [norm("norm", table[n] + tiny.arrays["positions"][at]) for at, n in enumerate(numbers)]
    for layer in range(LAYERS):
        mixed = [dense(f"layer{layer}.attention", row) for row in rows]
        after = []
        for row, mine in zip(rows, mixed, strict=True):
            seen = []
            for head in range(HEADS):
                query, key, value = (
                    slice(part * WIDTH + head * size, part * WIDTH + (head + 1) * size) for part in range(3)
                )
                weights = np.exp([mine[query] @ other[key] for other in mixed])
                seen.append(
                    sum(w * other[value] for w, other in zip(weights / weights.sum(), mixed, strict=True))
                )
            state = norm(
                f"layer{layer}.attention_norm", row + dense(f"layer{layer}.joined", np.concatenate(seen))
            )
            inner = np.array([gelu(value) for value in dense(f"layer{layer}.wide", state)])
            after.append(norm(f"layer{layer}.norm", state + dense(f"layer{layer}.narrow", inner)))
        rows = after
    scores: list[float] = dense("out", np.concatenate([rows[0], np.mean(rows, axis=0)])).tolist()
    return scores


def test_it_computes_what_a_bert_computes() -> None:
    tiny = Tiny()
    encoder = Encoder(tiny.file())
    for text in ("a bc def", "", "x = 1;\nwhy"):
        parts = split(text)
        expected = by_the_book(tiny, numbers_of(parts, encoder.pieces, encoder.window))
        assert encoder.scores(parts) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_long_prose_loses_its_middle_and_its_code_the_end() -> None:
    pieces = WordPiece(VOCABULARY)
    numbers = numbers_of(
        Parts("a b c d e f g h i j k l m n o p q r s t u", "z y x w v u", 0, 0), pieces, WINDOW
    )
    text = "".join(f" {VOCABULARY[number]}" for number in numbers)
    assert text == " [CLS] a b c d e f g h i j k l [MASK] p q r s t u [SEP] z y x w [SEP]"
    assert len(numbers) <= WINDOW.longest


def test_the_tail_of_a_very_long_prose_is_its_end() -> None:
    pieces = WordPiece(VOCABULARY)
    numbers = numbers_of(Parts("a " * 2_900 + "x y z", "", 0, 0), pieces, WINDOW)
    assert [VOCABULARY[number] for number in numbers[-5:]] == ["a", "x", "y", "z", "[SEP]"]


@pytest.mark.parametrize(
    "change", [lambda file: file[:-1], lambda file: file[:-1000], lambda file: file + b"x"]
)
def test_a_file_that_is_not_whole_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match=r"encoder\.bin: \d+ bytes of weights"):
        Encoder(change(Tiny().file()))
