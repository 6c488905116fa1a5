"""What decides the effective tier, and the sentence that says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.tiers import Route, TierPolicy, effective_tier, estimate_tokens

SMALL, MEDIUM, LARGE = Route
LIMITS = {SMALL: 4_000, MEDIUM: 100_000}


@pytest.mark.parametrize(
    ("route", "confidence", "length", "policy", "tier", "reason"),
    [
        (SMALL, None, 10, TierPolicy(), SMALL, "Suggested small_local."),
        (MEDIUM, 0.81, 10, TierPolicy(), MEDIUM, "Suggested medium_api at 0.81 confidence."),
        (MEDIUM, 0.5, 10, TierPolicy(), MEDIUM, "Suggested medium_api at 0.5 confidence."),
        (
            SMALL,
            0.41,
            10,
            TierPolicy(),
            MEDIUM,
            "Suggested small_local at 0.41 confidence, under your minimum of 0.5, so the larger tier.",
        ),
        (
            SMALL,
            0.4999,
            10,
            TierPolicy(),
            MEDIUM,
            "Suggested small_local at 0.49 confidence, under your minimum of 0.5, so the larger tier.",
        ),
        (
            LARGE,
            0.3,
            10,
            TierPolicy(),
            LARGE,
            "Suggested large_api at 0.3 confidence, under your minimum of 0.5; there is no larger tier.",
        ),
        (
            SMALL,
            0.9,
            10,
            TierPolicy(floor=MEDIUM),
            MEDIUM,
            "Suggested small_local at 0.9 confidence; your floor is medium_api.",
        ),
        (
            LARGE,
            None,
            10,
            TierPolicy(ceiling=SMALL),
            SMALL,
            "Suggested large_api; your ceiling is small_local.",
        ),
        (
            MEDIUM,
            0.2,
            10,
            TierPolicy(ceiling=MEDIUM),
            MEDIUM,
            (
                "Suggested medium_api at 0.2 confidence, under your minimum of 0.5, so the larger tier;"
                " your ceiling is medium_api."
            ),
        ),
        (
            SMALL,
            None,
            10,
            TierPolicy(floor=LARGE, ceiling=MEDIUM),
            MEDIUM,
            "Suggested small_local; your floor is large_api; your ceiling is medium_api.",
        ),
        (SMALL, None, 4_000, TierPolicy(context_limits=LIMITS), SMALL, "Suggested small_local."),
        (
            SMALL,
            None,
            4_001,
            TierPolicy(context_limits=LIMITS),
            MEDIUM,
            (
                "Suggested small_local; the draft of about 4001 tokens is over the 4000 of small_local,"
                " so medium_api."
            ),
        ),
        (
            SMALL,
            None,
            100_001,
            TierPolicy(context_limits=LIMITS),
            LARGE,
            (
                "Suggested small_local; the draft of about 100001 tokens is over the 4000 of small_local,"
                " so large_api."
            ),
        ),
        (
            SMALL,
            None,
            5_000,
            TierPolicy(ceiling=SMALL, context_limits=LIMITS),
            MEDIUM,
            (
                "Suggested small_local; the draft of about 5000 tokens is over the 4000 of small_local,"
                " so medium_api, beyond your ceiling."
            ),
        ),
        (
            MEDIUM,
            None,
            5_000,
            TierPolicy(ceiling=MEDIUM, context_limits={MEDIUM: 2_000}),
            SMALL,
            (
                "Suggested medium_api; the draft of about 5000 tokens is over the 2000 of medium_api,"
                " so small_local."
            ),
        ),
        (
            SMALL,
            None,
            5_000,
            TierPolicy(context_limits={SMALL: 1_000, MEDIUM: 3_000, LARGE: 2_000}),
            MEDIUM,
            (
                "Suggested small_local; the draft of about 5000 tokens is over the 1000 of small_local,"
                " and no tier holds more than 3000: shorten the draft or send it in parts."
            ),
        ),
    ],
)
def test_the_tier_and_its_reason(
    route: Route, confidence: float | None, length: int, policy: TierPolicy, tier: Route, reason: str
) -> None:
    result = effective_tier(route, confidence, length, policy)
    assert (result.route, result.reason) == (tier, reason)


routes = st.sampled_from(Route)
policies = st.builds(
    TierPolicy,
    floor=routes,
    ceiling=routes,
    minimum_confidence=st.floats(0, 1),
    context_limits=st.dictionaries(routes, st.integers(1, 10_000)),
)


@given(routes, st.none() | st.floats(0, 1), st.integers(0, 10_000), policies)
def test_a_tier_that_cannot_hold_the_draft_is_suggested_only_where_none_can(
    route: Route, confidence: float | None, length: int, policy: TierPolicy
) -> None:
    def holds(tier: Route) -> bool:
        return length <= policy.context_limits.get(tier, length)

    result = effective_tier(route, confidence, length, policy)
    assert holds(result.route) == any(map(holds, Route))
    assert result.reason.startswith(f"Suggested {route}")
    assert result.reason.endswith(".")


@given(routes, st.floats(0, 1), policies)
def test_an_unsure_suggestion_never_gets_a_smaller_tier_than_a_sure_one(
    route: Route, confidence: float, policy: TierPolicy
) -> None:
    unsure = effective_tier(route, confidence, 0, policy)
    sure = effective_tier(route, 1.0, 0, policy)
    assert unsure.route.size >= sure.route.size


def test_tokens_are_estimated_from_bytes() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("x") == 1
    assert 1_000 <= estimate_tokens("word " * 1_000) <= 1_500
    assert estimate_tokens("用户登录" * 100) > estimate_tokens("user" * 100)
    assert estimate_tokens("\ud800") > 0
