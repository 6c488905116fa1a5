"""The instant engine's model: the contract's labels, probabilities, and a size that fits a wheel."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING

import pytest

from devrouter.core.decision import Complexity, Intent
from devrouter.core.gaps import GapKind
from devrouter.core.tiers import Route
from devrouter.engines.instant import encoder, linear
from devrouter.engines.instant.features import split
from devrouter.engines.instant.model import CALIBRATION, PACKAGED, Model

if TYPE_CHECKING:
    from pathlib import Path

FILES = (CALIBRATION, linear.WEIGHTS, encoder.WEIGHTS)
TEXT = "Why does my script fail with a KeyError? It worked yesterday, and I changed nothing."


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


def test_the_heads_are_the_contract(model: Model) -> None:
    heads = {name: head.labels for name, head in model.heads.items()}
    assert heads["intent"] == tuple(Intent)
    assert heads["complexity"] == tuple(Complexity)
    assert heads["route"] == tuple(Route)
    assert heads["gaps"] == tuple(GapKind)
    assert set(model.thresholds) == {*GapKind, "complete"}


def test_it_is_small_enough_for_a_wheel() -> None:
    assert sum((PACKAGED / name).stat().st_size for name in FILES) <= 15_000_000


def test_probabilities_of_one_label_sum_to_one(model: Model) -> None:
    guesses = model.probabilities(split(TEXT), len(TEXT))
    for name in ("intent", "complexity", "route"):
        assert math.isclose(sum(guesses[name].values()), 1)
    assert all(0 <= value <= 1 for value in guesses["gaps"].values())
    assert max(guesses["intent"], key=lambda label: guesses["intent"][label]) == "debug"


def test_another_folder_is_another_model(model: Model, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(PACKAGED / name, tmp_path)
    assert Model(tmp_path).version == model.version
    text = (tmp_path / CALIBRATION).read_text(encoding="utf-8")
    (tmp_path / CALIBRATION).write_text(text + "\n", encoding="utf-8")
    assert Model(tmp_path).version != model.version
    (tmp_path / linear.WEIGHTS).unlink()
    with pytest.raises(FileNotFoundError, match=r"linear\.bin"):
        Model(tmp_path)
