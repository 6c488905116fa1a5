"""The linear half of the instant engine: a row of eight-bit weights a feature, a column a label.

The file is a line of JSON (scales, biases), the hashes of the features as little-endian 32-bit numbers in
ascending order, and the rows. A hash is the CRC-32 of the block's name and the feature's. Sums over rows are
whole numbers, so the order of features cannot change a score.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devrouter.engines.instant.features import Features

WEIGHTS = "linear.bin"


class LinearModel:
    """Reads a weights file's bytes. Raises `ValueError` where they are not what the header says."""

    def __init__(self, data: bytes) -> None:
        line, _, body = data.partition(b"\n")
        header: dict[str, Any] = json.loads(line)
        count = header["features"]
        self._block_scales: Mapping[str, float] = header["block_scales"]
        self._biases: Sequence[float] = header["biases"]
        self._scales: Sequence[float] = header["scales"]
        self._width = len(self._biases)
        if len(body) != count * (4 + self._width):
            raise ValueError(f"{WEIGHTS}: {len(body)} bytes of weights, {count * (4 + self._width)} expected")
        # Searched where they are: a dictionary of them would take longer to make than many drafts to read.
        self._hashes = array("I", body[: 4 * count])
        if sys.byteorder == "big":
            self._hashes.byteswap()
        self._rows = array("b", body[4 * count :])

    def scores(self, features: Features) -> list[float]:
        """Raw scores, a column a label."""
        sums = [0.0] * self._width
        for block, levels, norm in blocks(features):
            factor = self._block_scales[block] / norm
            for column, total in enumerate(self._weigh(levels)):
                sums[column] += total * factor
        return [
            bias + scale * total for bias, scale, total in zip(self._biases, self._scales, sums, strict=True)
        ]

    def _weigh(self, levels: Mapping[int, int]) -> list[int]:
        """The sum of the rows of the features, each times its level. The loop over columns runs in C."""
        by_level: dict[int, list[array[int]]] = {}
        for key, level in levels.items():
            row = bisect_left(self._hashes, key)
            if row < len(self._hashes) and self._hashes[row] == key:
                start = row * self._width
                by_level.setdefault(level, []).append(self._rows[start : start + self._width])
        sums = [0] * self._width
        for level, rows in by_level.items():
            for column, values in enumerate(zip(*rows, strict=True)):
                sums[column] += level * sum(values)
        return sums


def blocks(features: Features) -> Iterator[tuple[str, dict[int, int], float]]:
    """For each block its name, the level of each feature by hash, and the length of the vector of levels.

    The level of a count is one plus its logarithm to base two, rounded down, and four at most.
    """
    for block, counts in features.blocks():
        start = crc32(block.encode())
        levels = {
            crc32(name.encode("utf-8", "surrogatepass"), start): min(count.bit_length(), 4)
            for name, count in counts.items()
        }
        if levels:
            yield block, levels, math.sqrt(sum(level * level for level in levels.values()))
