"""A predicted kind becomes the concrete thing, said with the draft's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.decision import Intent
from devrouter.core.gaps import GapKind
from devrouter.engines.instant.features import shortened, split
from devrouter.engines.instant.phrases import Mentions, phrases_for

FIRST = [
    ("my flask app crashes on upload", Intent.DEBUG, GapKind.VERSION, "Flask version"),
    ("my flask app crashes on upload", Intent.DEBUG, GapKind.ERROR, "full stack trace"),
    ("the tests fail on my machine", Intent.DEBUG, GapKind.ERROR, "output of the failing test"),
    ("why is CI red, the pipeline is broken", Intent.DEBUG, GapKind.ERROR, "log of the failing job"),
    ("refactor utils/dates.py please", Intent.REFACTOR, GapKind.CODE, "content of `utils/dates.py`"),
    ("look at a.ts and b.ts", Intent.REVIEW, GapKind.CODE, "content of `a.ts` and `b.ts`"),
    ("what does `parse_row` return", Intent.EXPLAIN, GapKind.CODE, "code of `parse_row`"),
    ("the upload handler is slow", Intent.OPTIMIZE, GapKind.CODE, "the upload handler's code"),
    ("can you speed up this query", Intent.OPTIMIZE, GapKind.CODE, "the query"),
    ("this query is slow", Intent.OPTIMIZE, GapKind.SCALE, "row counts and the query plan"),
    ("review the branch", Intent.REVIEW, GapKind.CODE, "the diff"),
    ("implement the plan", Intent.FEATURE, GapKind.REQUIREMENTS, "content of the plan"),
    ("make the function faster", Intent.OPTIMIZE, GapKind.TARGET, "which function is meant"),
    ("fix it", Intent.DEBUG, GapKind.TARGET, 'what "it" is'),
    ("undo these", Intent.OTHER, GapKind.TARGET, 'what "these" are'),
    ("write unit tests for it", Intent.FEATURE, GapKind.STACK, "test framework"),
    ("add a dark mode to the website", Intent.FEATURE, GapKind.STACK, "frontend framework"),
    ("write a commit message", Intent.DOCUMENTATION, GapKind.AUDIENCE, "commit message convention"),
    ("design a chat service", Intent.ARCHITECTURE, GapKind.SCALE, "expected users, load and data volume"),
]


def mentions_of(text: str, intent: Intent) -> Mentions:
    return Mentions(text, split(shortened(text)), intent)


@pytest.mark.parametrize(("draft", "intent", "kind", "phrase"), FIRST)
def test_the_first_phrase_is_the_concrete_one(draft: str, intent: Intent, kind: GapKind, phrase: str) -> None:
    assert next(phrases_for(kind, mentions_of(draft, intent))) == phrase


@pytest.mark.parametrize("draft", ["Flask 3.0 is slow", "we use flask==2.1 here", "with Flask v3"])
def test_a_version_that_stands_there_is_not_asked_for(draft: str) -> None:
    assert "Flask version" not in list(phrases_for(GapKind.VERSION, mentions_of(draft, Intent.DEBUG)))


def test_a_name_whose_code_is_shown_is_not_asked_for() -> None:
    draft = "what does `parse_row` do?\n```\ndef parse_row(x):\n    return x\n```"
    assert "code of `parse_row`" not in list(phrases_for(GapKind.CODE, mentions_of(draft, Intent.EXPLAIN)))


@given(st.text(max_size=300), st.sampled_from(Intent), st.sampled_from(GapKind))
def test_a_phrase_is_one_short_line_whatever_the_draft(text: str, intent: Intent, kind: GapKind) -> None:
    for phrase in phrases_for(kind, mentions_of(text, intent)):
        assert phrase.strip()
        assert "\n" not in phrase
        assert len(phrase) <= 160
