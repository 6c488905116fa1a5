"""The linear half of the instant engine: read whole or refused, and the same sums in any order."""

from __future__ import annotations

from collections import Counter

import pytest

from devrouter.engines.instant.features import Features, extract, split
from devrouter.engines.instant.linear import WEIGHTS, LinearModel
from devrouter.engines.instant.model import PACKAGED


@pytest.fixture(scope="module")
def data() -> bytes:
    return (PACKAGED / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b"{}\n", lambda _: b""]
)
def test_a_damaged_file_is_refused(data: bytes, change: object) -> None:
    assert callable(change)
    with pytest.raises((ValueError, KeyError)):
        LinearModel(change(data))


def test_the_order_of_features_does_not_matter(data: bytes) -> None:
    model = LinearModel(data)
    text = "Why does my script fail with a KeyError? It worked yesterday, and I changed nothing."
    features = extract(split(text), len(text))
    reverse = (Counter(dict(reversed(counts.items()))) for _, counts in features.blocks())
    assert model.scores(features) == model.scores(Features(*reverse))
