"""The weights file of the instant engine: small, read whole or refused, and the same sums in any order."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from devrouter.core.decision import Complexity, Intent
from devrouter.core.gaps import GapKind
from devrouter.core.tiers import Route
from devrouter.engines.instant.features import Features, extract, split
from devrouter.engines.instant.model import WEIGHTS, Model


@pytest.fixture(scope="module")
def data() -> bytes:
    return files("devrouter.engines.instant").joinpath(WEIGHTS).read_bytes()


def test_the_heads_are_the_contract(data: bytes) -> None:
    heads = {name: head.labels for name, head in Model(data).heads.items()}
    assert heads["intent"] == tuple(Intent)
    assert heads["complexity"] == tuple(Complexity)
    assert heads["route"] == tuple(Route)
    assert heads["gaps"] == tuple(GapKind)


def test_it_is_small_enough_for_a_wheel(data: bytes) -> None:
    assert len(data) <= 2_000_000


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b"{}\n", lambda _: b""]
)
def test_a_damaged_file_is_refused(data: bytes, change: object) -> None:
    assert callable(change)
    with pytest.raises((ValueError, KeyError)):
        Model(change(data))


def test_probabilities_of_one_label_sum_to_one_and_the_order_of_features_does_not_matter(data: bytes) -> None:
    model = Model(data)
    text = "Why does my script fail with a KeyError? It worked yesterday, and I changed nothing."
    features = extract(split(text), len(text))
    reverse = (Counter(dict(reversed(counts.items()))) for _, counts in features.blocks())
    forwards, backwards = model.probabilities(features), model.probabilities(Features(*reverse))
    assert forwards == backwards
    for name in ("intent", "complexity", "route"):
        assert sum(forwards[name].values()) == pytest.approx(1)
    assert all(0 <= value <= 1 for value in forwards["gaps"].values())
    assert max(forwards["intent"], key=lambda label: forwards["intent"][label]) == "debug"
