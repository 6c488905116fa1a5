"""Texts that say nearly the same: MinHash finds candidates, the true Jaccard similarity decides.

Compared are runs of words in lower case, so that case, punctuation and white space make no difference. The
permutations are fixed; the same texts give the same pairs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from datasketch import MinHash, MinHashLSH

if TYPE_CHECKING:
    from collections.abc import Hashable

_PERMUTATIONS = 128
_WEIGHTS = (0.1, 0.9)
"""How much false candidates and missed ones count: a false one costs only a comparison."""

Key = TypeVar("Key", bound="Hashable")


class NearIndex(Generic[Key]):
    """Texts by name. Two are near from a `threshold` of shared runs of `run` words (Jaccard, in [0, 1])."""

    def __init__(self, threshold: float, run: int) -> None:
        self._threshold = threshold
        self._run = run
        self._known: dict[Key, tuple[int, frozenset[str]]] = {}  # When it was added, and its runs.
        self._empty = MinHash(num_perm=_PERMUTATIONS)
        # It takes no threshold near one; what it finds beyond is compared and let go.
        self._candidates = MinHashLSH(min(threshold, 0.95), _PERMUTATIONS, weights=_WEIGHTS)

    def add(self, key: Key, text: str) -> None:
        runs = runs_of(text, self._run)
        self._known[key] = len(self._known), runs
        self._candidates.insert(key, self._signature(runs))

    def find(self, text: str) -> list[tuple[Key, float]]:
        """The near texts that were added, most alike first, then in the order in which they were added."""
        mine = runs_of(text, self._run)
        candidates = self._candidates.query(self._signature(mine))
        alike = [(key, _jaccard(mine, self._known[key][1])) for key in candidates]
        near = [pair for pair in alike if pair[1] >= self._threshold]
        return sorted(near, key=lambda pair: (-pair[1], self._known[pair[0]][0]))

    def _signature(self, runs: frozenset[str]) -> MinHash:
        signature = self._empty.copy()
        signature.update_batch([run.encode() for run in runs])
        return signature


def runs_of(text: str, length: int) -> frozenset[str]:
    """The runs of so many words in a text; a shorter text is one run, a text without words its characters."""
    words = re.findall(r"\w+", text.lower()) or text.split()
    return frozenset(
        " ".join(words[start : start + length]) for start in range(max(1, len(words) - length + 1))
    )


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
