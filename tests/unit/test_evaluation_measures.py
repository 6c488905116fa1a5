"""Measures of an evaluation, each against a case that was worked out by hand."""

from __future__ import annotations

from math import comb, isclose
from typing import TYPE_CHECKING

import pytest

from devrouter.core.decision import Complexity, Decision, Intent
from devrouter.core.gaps import GapKind
from devrouter.core.tiers import MISROUTE_COSTS, Route
from devrouter.evaluation.gaps import gap_measures, matched_phrases
from devrouter.evaluation.labels import INVALID, label_measures, share
from devrouter.evaluation.measures import (
    Comparison,
    calibration,
    compare,
    difference_interval,
    latency,
    mcnemar,
    measure,
    robustness,
    route_measures,
)
from devrouter.evaluation.rows import GoldRow, Missing, RowAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

VALUES = ("low", "medium", "high")
SMALL, MEDIUM, LARGE = (route.value for route in Route)


def about(value: float | None, expected: float) -> bool:
    return value is not None and isclose(value, expected, abs_tol=5e-5)


def gap(phrase: str, kind: str) -> Missing:
    return Missing(phrase, GapKind(kind))


def row(
    number: int, missing: Sequence[Missing] = (), form: str | None = None, intent: Intent = Intent.DEBUG
) -> GoldRow:
    return GoldRow(
        number, f"prompt {number}", intent, Complexity.LOW, Route.SMALL_LOCAL, tuple(missing), form
    )


def answer(
    to: GoldRow,
    gaps: Sequence[Missing] = (),
    intent: Intent = Intent.DEBUG,
    confidence: float | None = None,
) -> RowAnswer:
    phrases = tuple(item.phrase for item in gaps)
    decision = Decision(to.text, intent, Complexity.LOW, Route.SMALL_LOCAL, phrases)
    given = {} if confidence is None else {"intent": confidence}
    return RowAnswer(to.id, to.text_sha256, decision, tuple(gaps), given, 1.0, None)  # type: ignore[arg-type]


def failed(to: GoldRow) -> RowAnswer:
    return RowAnswer(to.id, to.text_sha256, None, (), {}, 9.0, "The reply is cut.")


# Shares


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # Worked with z = 1.959964: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_interval(count: int, total: int, low: float, high: float) -> None:
    found = share(count, total)
    assert about(found.value, count / total)
    assert about(found.low, low)
    assert about(found.high, high)


def test_a_share_of_nothing_is_unknown() -> None:
    found = share(0, 0)
    assert (found.count, found.total, found.value, found.low, found.high) == (0, 0, None, None, None)


# Labels


def test_labels() -> None:
    gold = ["low", "low", "low", "medium", "medium", "high"]
    called = ["low", "low", "medium", "medium", INVALID, "low"]
    found = label_measures(gold, called, VALUES)
    assert (found.accuracy.count, found.accuracy.total) == (3, 6)
    low, medium, high = (found.scores[value] for value in VALUES)
    # low: 2 of 3 called, 2 of 3 found; medium: 1 of 2 and 1 of 2; high: never called.
    assert about(low.precision, 2 / 3)
    assert about(low.recall, 2 / 3)
    assert about(low.f1, 2 / 3)
    assert (medium.precision, medium.recall, medium.f1) == (0.5, 0.5, 0.5)
    assert (high.precision, high.recall, high.f1) == (0, 0, 0)
    assert [found.scores[value].support for value in VALUES] == [3, 2, 1]
    assert about(found.macro_f1, (2 / 3 + 1 / 2 + 0) / 3)
    assert found.confusion.gold == VALUES
    assert found.confusion.called == (*VALUES, INVALID)
    assert found.confusion.counts == ((2, 1, 0, 0), (0, 1, 0, 1), (1, 0, 0, 0))


def test_a_label_that_the_gold_lacks_is_no_part_of_the_macro_average() -> None:
    found = label_measures(["low", "low"], ["low", "high"], VALUES)
    # Two of the one label's: precision 1, recall 1/2.
    assert about(found.macro_f1, 2 / 3)


# Routes


def test_what_routes_cost() -> None:
    gold = [SMALL, MEDIUM, MEDIUM, LARGE, LARGE, LARGE]
    called = [LARGE, SMALL, MEDIUM, SMALL, MEDIUM, INVALID]
    found = route_measures(gold, called)
    # 2 too large, 1.1 and 0, then 6 and 1.25; what is not valid costs as much as the worst.
    assert about(found.mean_cost, (2 + 1.1 + 0 + 6 + 1.25 + 6) / 6)
    assert (found.large_called_small.count, found.large_called_small.total) == (2, 3)


def test_a_tier_too_small_costs_more_than_one_too_large() -> None:
    for wanted in Route:
        assert MISROUTE_COSTS[wanted][wanted] == 0
    assert (
        MISROUTE_COSTS[Route.MEDIUM_API][Route.SMALL_LOCAL]
        > MISROUTE_COSTS[Route.SMALL_LOCAL][Route.MEDIUM_API]
    )
    assert (
        MISROUTE_COSTS[Route.LARGE_API][Route.SMALL_LOCAL]
        > MISROUTE_COSTS[Route.SMALL_LOCAL][Route.LARGE_API]
    )


# Gaps


def test_gaps_by_kind() -> None:
    trace, code, version = (
        gap("stack trace", "error"),
        gap("the view", "code"),
        gap("Flask version", "version"),
    )
    rows = [row(1, [trace, code]), row(2, [code, gap("the form", "code")]), row(3, [])]
    answers = [answer(rows[0], [trace, version]), answer(rows[1], [code]), answer(rows[2], [])]
    found = gap_measures(rows, answers)
    # Two of a kind in one row count once. error 1 of 1, code 1 of 2 rows, version 0 with one called.
    assert (found.kinds["error"].f1, found.kinds["error"].support) == (1, 1)
    assert (found.kinds["code"].precision, found.kinds["code"].recall) == (1, 0.5)
    assert (found.kinds["version"].precision, found.kinds["version"].support) == (0, 0)
    assert (found.micro.precision, found.micro.recall, found.micro.support) == (2 / 3, 2 / 3, 3)
    # Phrases: two of three named, two of four wanted.
    assert (found.phrases.precision, found.phrases.recall, found.phrases.support) == (2 / 3, 0.5, 4)
    assert about(found.phrases.f1, 4 / 7)


@pytest.mark.parametrize(
    ("gold", "named", "matched"),
    [
        ([("the upload handler's code", "code")], [("upload view", "code")], 1),
        ([("the upload handler's code", "code")], [("upload view", "target")], 0),
        ([("login form template", "code")], [("login page", "code")], 1),
        ([("login form template", "code")], [("database schema settings", "code")], 0),
        ([("Flask version", "version")], [("flask version", "version")], 1),
        # Phrases that only say their kind are the same.
        ([("full stack trace", "error")], [("exact error message", "error")], 1),
        # One to one: a phrase that is named twice is right once.
        ([("login form", "code")], [("login form", "code"), ("login template", "code")], 1),
        ([("login form", "code"), ("login view", "code")], [("login page", "code")] * 2, 2),
        ([], [("login form", "code")], 0),
    ],
)
def test_phrases_match_by_kind_and_half_their_words(
    gold: list[tuple[str, str]], named: list[tuple[str, str]], matched: int
) -> None:
    assert matched_phrases([gap(*item) for item in gold], [gap(*item) for item in named]) == matched


def test_false_alarms_and_silence_by_destination() -> None:
    code = gap("the view", "code")
    rows = [
        row(1, []),
        row(2, []),
        row(3, [], "agent"),
        row(4, [code]),
        row(5, [code], "agent"),
        row(6, [code], "agent"),
    ]
    answers = [
        answer(rows[0], [code]),
        answer(rows[1]),
        answer(rows[2]),
        answer(rows[3]),
        answer(rows[4], [gap("Flask version", "version")]),
        answer(rows[5]),
    ]
    found = gap_measures(rows, answers)
    counted = {name: (each.count, each.total) for name, each in found.false_alarms.items()}
    assert counted == {"all": (1, 3), "chat": (1, 2), "agent": (0, 1)}
    counted = {name: (each.count, each.total) for name, each in found.silence.items()}
    assert counted == {"all": (2, 3), "chat": (1, 1), "agent": (1, 2)}


# Calibration and time


def test_expected_calibration_error() -> None:
    found = calibration([0.95, 0.95, 0.65, 0.65], [True, False, True, True])
    # Two of four are 0.45 off, two 0.35.
    assert about(found.error, 0.4)
    assert found.count == 4
    assert [each.count for each in found.bins] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 2]
    assert (found.bins[9].mean_confidence, found.bins[9].share_right) == (0.95, 0.5)
    assert (found.bins[0].mean_confidence, found.bins[0].share_right) == (None, None)


def test_bins_have_equal_width_and_hold_both_ends() -> None:
    found = calibration([0.0, 0.1, 0.5, 1.0], [True] * 4)
    assert [each.count for each in found.bins] == [1, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert [(each.low, each.high) for each in found.bins[:2]] == [(0.0, 0.1), (0.1, 0.2)]


def test_an_engine_without_confidence_has_no_calibration() -> None:
    assert measure([row(1)], [answer(row(1))]).calibration == {}


def test_latency() -> None:
    found = latency([float(value) for value in range(1, 102)])
    assert (found.p50, found.p95, found.p99) == (51, 96, 100)


# Two engines


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    # Two-sided: 2 (C(10,0) + C(10,1)) / 2¹⁰; an even split; one of one; nothing to tell them apart.
    [(1, 9, 22 / 1024), (5, 5, 1.0), (0, 1, 1.0), (0, 6, 2 / 64), (0, 0, 1.0)],
)
def test_mcnemar_exact(only_first: int, only_second: int, p_value: float) -> None:
    first = [True] * only_first + [False] * only_second + [True] * 8 + [False] * 2
    second = [False] * only_first + [True] * only_second + [True] * 8 + [False] * 2
    found = mcnemar(first, second)
    assert (found.only_first_right, found.only_second_right) == (only_first, only_second)
    assert about(found.difference, (only_second - only_first) / len(first))
    assert about(found.p_value, p_value)


@pytest.mark.parametrize(
    ("gained", "lost", "total", "low", "high"),
    [
        # Worked by searching the likeliest shares for each difference.
        (1, 7, 21, -0.517, -0.026),
        # None differ: z² / (n + z²) on both sides.
        (0, 0, 50, -3.8415 / 53.8415, 3.8415 / 53.8415),
        # All are lost: (z² - n) / (n + z²) at most.
        (0, 50, 50, -1.0, (3.8415 - 50) / 53.8415),
    ],
)
def test_interval_of_a_difference_in_pairs(
    gained: int, lost: int, total: int, low: float, high: float
) -> None:
    compared = mcnemar([False] * gained + [True] * (total - gained), [True] * (total - lost) + [False] * lost)
    assert (compared.only_second_right, compared.only_first_right) == (gained, lost)
    found = difference_interval(compared, total, 0.95)
    assert found == pytest.approx((low, high), abs=5e-4)
    mirrored = Comparison(-compared.difference, gained, lost, compared.p_value)
    assert difference_interval(mirrored, total, 0.95) == pytest.approx((-found[1], -found[0]), abs=1e-6)


def test_interval_of_a_difference_holds_the_truth_as_often_as_it_says() -> None:
    """Of all ways in which 60 pairs can come out, by their probability, where 7 % are lost and 4 % gained."""
    pairs, lost, gained, held = 60, 0.07, 0.04, 0.0
    for first in range(25):
        for second in range(25):
            rest = pairs - first - second
            ways = comb(pairs, first) * comb(pairs - first, second)
            compared = Comparison((second - first) / pairs, first, second, 1.0)
            low, high = difference_interval(compared, pairs, 0.9)
            if low <= gained - lost <= high:
                held += ways * lost**first * gained**second * (1 - lost - gained) ** rest
    assert 0.88 < held < 0.94


def test_engines_are_compared_on_the_same_rows_field_by_field() -> None:
    rows = [row(number) for number in range(3)]
    first = [answer(rows[0], intent=Intent.OTHER), answer(rows[1]), answer(rows[2])]
    second = [answer(rows[0]), answer(rows[1]), failed(rows[2])]
    found = compare(rows, first, second)
    assert (found["intent"].only_first_right, found["intent"].only_second_right) == (1, 1)
    assert (found["route"].only_first_right, found["route"].only_second_right) == (1, 0)
    assert about(found["route"].difference, -1 / 3)


# Changed texts


def test_robustness() -> None:
    rows = [row(number) for number in range(4)]
    before = [answer(rows[0]), answer(rows[1], intent=Intent.OTHER), answer(rows[2]), failed(rows[3])]
    after = [answer(rows[0]), answer(rows[1]), failed(rows[2]), failed(rows[3])]
    found = robustness(rows, before, after)
    assert found.rows == 4
    # What fails before and after has not stayed the same.
    assert (found.same["intent"].count, found.same["complexity"].count) == (1, 2)
    assert (found.accuracy["intent"].count, found.accuracy_before["intent"].count) == (2, 2)


# What is not valid


def test_a_decision_that_is_not_valid_counts_as_wrong_everywhere() -> None:
    code = gap("the view", "code")
    rows = [row(1, [code]), row(2)]
    found = measure(rows, [failed(each) for each in rows])
    assert found.valid.count == 0
    for labels in found.labels.values():
        assert (labels.accuracy.count, labels.macro_f1) == (0, 0)
        assert sum(counts[-1] for counts in labels.confusion.counts) == 2
    assert found.route.mean_cost == 2
    assert (found.gaps.micro.f1, found.gaps.phrases.f1) == (0, 0)
    assert (found.gaps.false_alarms["all"].value, found.gaps.silence["all"].value) == (1, 1)
    assert found.calibration == {}
    assert found.latency.p50 == 9


def test_calibration_is_that_of_the_labels() -> None:
    rows = [row(number) for number in range(2)]
    answers = [answer(rows[0], confidence=0.9), answer(rows[1], intent=Intent.OTHER, confidence=0.7)]
    found = measure(rows, answers).calibration
    assert list(found) == ["intent"]
    assert about(found["intent"].error, (0.1 + 0.7) / 2)
