"""What trains the instant engine agrees with what runs it, and keeps its splits apart."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from devrouter.engines.instant.features import extract, shortened, split
from devrouter.engines.instant.linear import LinearModel
from devrouter.engines.instant.model import Head

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "train" / "instant"
TEXTS = (
    "why does my flask app crash when i upload a file?",
    "Refactor the billing module into smaller functions, same behaviour.",
    "write a dockerfile for a node app",
    "why does the upload page crash in safari",
    "Refactor this loop into a comprehension",
    "a dockerfile for a go service please",
)
INTENTS = ("debug", "refactor", "boilerplate") * 2
COMPLEXITIES = ("medium", "high", "low") * 2
ROUTES = ("medium_api", "large_api", "small_local") * 2


def load(name: str) -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SCRIPTS))


def rows() -> list[dict[str, Any]]:
    labels = zip(TEXTS, INTENTS, COMPLEXITIES, ROUTES, strict=True)
    kinds = [*load("rows").HEADS["gaps"]]
    return [
        {
            "id": str(index),
            "group": str(index),
            "text": text,
            "intent": intent,
            "complexity": complexity,
            "route": route,
            # Every kind is there and absent, or no regression could be fitted.
            "missing": [{"phrase": kind, "kind": kind} for kind in kinds] if index % 2 else [],
        }
        for index, (text, intent, complexity, route) in enumerate(labels)
    ]


@pytest.fixture
def small_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the intents that the rows have: a regression knows those it has seen."""
    module = load("rows")
    monkeypatch.setitem(module.HEADS, "intent", ("debug", "refactor", "boilerplate"))


@pytest.mark.usefixtures("small_labels")
def test_the_packed_linear_half_scores_as_the_fitted_one() -> None:
    linear = load("linear")
    fit = linear.fit_linear(rows())
    packed = LinearModel(linear.pack_linear(fit))
    for row, scores in zip(rows(), fit.scores(rows()), strict=True):
        parts = split(shortened(row["text"]))
        found = packed.scores(extract(parts, len(row["text"])))
        assert found == pytest.approx(scores, abs=0.1)


@pytest.mark.usefixtures("small_labels")
def test_a_second_reader_who_agrees_changes_nothing() -> None:
    linear = load("linear")
    once = rows()
    twice = [
        row | {"second": {key: row[key] for key in ("intent", "complexity", "route", "missing")}}
        for row in once
    ]
    assert linear.fit_linear(twice).weights == pytest.approx(linear.fit_linear(once).weights, abs=0.05)


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_engine_mixes_the_halves_as_the_calibration_does(exclusive: bool) -> None:  # noqa: FBT001
    calibrate, module = load("calibrate"), load("rows")
    random = np.random.default_rng(1)
    columns = sum(map(len, module.HEADS.values()))
    linear, encoder = random.standard_normal((2, 5, columns))
    described, heads, start = [], {}, 0
    for name, labels in module.HEADS.items():
        biases = random.standard_normal(len(labels)).tolist()
        described.append(
            {
                "name": name,
                "labels": labels,
                "exclusive": exclusive,
                "linear": 0.3,
                "encoder": 0.8,
                "biases": biases,
            }
        )
        heads[name] = Head(labels, exclusive, start, 0.3, 0.8, tuple(biases))
        start += len(labels)
    predicted = calibrate.mixed(described, linear, encoder)
    for name, head in heads.items():
        for row in range(5):
            found = head.probabilities(linear[row].tolist(), encoder[row].tolist())
            assert list(found.values()) == pytest.approx(predicted[name][row])


def test_of_thresholds_as_good_the_highest_is_taken_and_none_is_made_up() -> None:
    calibrate = load("calibrate")
    wanted = np.array([1] * 30 + [0] * 30)
    sure = np.array([0.9] * 30 + [0.1] * 30)
    assert calibrate._best_threshold(wanted, sure) == 0.6
    assert calibrate._best_threshold(wanted[25:], sure[25:]) == 0.5


def test_rows_that_say_the_same_are_found_whatever_they_are_called() -> None:
    find = load("rows").near_duplicates
    one = {"id": "a", "text": "Why does my flask app crash when I upload a big file to the server?"}
    same = {"id": "a", "text": "why does my flask app crash when i upload a big file to the server"}
    other = {"id": "b", "text": "How do I upload a big file with flask without it crashing on the server?"}
    assert find([one], [same, other]) == {"a"}
    assert find([one], [other]) == set()


def test_a_group_is_whole_on_one_side_and_about_an_eighth_is_kept() -> None:
    module = load("rows")
    kept = [module.is_validation({"id": str(n), "group": f"talk {n // 3}"}) for n in range(3000)]
    assert all(len(set(kept[start : start + 3])) == 1 for start in range(0, 3000, 3))
    assert 0.08 < sum(kept) / len(kept) < 0.17


def test_variations_are_the_same_each_time_and_other_texts() -> None:
    variations = load("variations").variations_of(TEXTS)
    assert variations == load("variations").variations_of(TEXTS)
    assert len(variations) == 3 * len(TEXTS)
    assert not set(variations) & set(TEXTS) - {TEXTS[2]}
