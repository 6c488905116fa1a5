"""A model's text, in pieces or whole, becomes a decision or a sentence that says what is wrong with it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.decision import Complexity, Decision, Intent, Route
from devrouter.engines.engine import ReplyBroken
from devrouter.engines.reply import MAXIMUM_CHARACTERS, Progress, ReplyReader

GOOD = Decision(
    'Say "hi"\n\tin {braces} [\\] é \U0001f600', Intent.DEBUG, Complexity.LOW, Route.SMALL_LOCAL, ("a log",)
)
TEXT = GOOD.to_json()


def read(text: str, **arguments: frozenset[str]) -> tuple[Decision, tuple[str, ...]]:
    reader = ReplyReader(**arguments)
    reader.feed(text)
    return reader.finish()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"  \n\t{TEXT}\n\n",
        GOOD.to_json(indent=4),
        json.dumps(GOOD.to_dict()),  # Every other character escaped.
        f"```json\n{TEXT}\n```",
        f"\n```\r\n{TEXT}\r\n```\n",
    ],
    ids=["plain", "white space", "indented", "escaped", "fence", "fence, CRLF"],
)
def test_accepted(text: str) -> None:
    assert read(text) == (GOOD, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "replied nothing"),
        ("  \n ", "replied nothing"),
        ("```json\n```", "replied nothing"),
        ("Sure! Here is the prompt.", "in words"),
        (f"Here: {TEXT}", "in words"),
        ("[]", "in another form"),
        ('"text"', "in another form"),
        (f"{TEXT} I hope this helps.", "wrote more after"),
        (f"{TEXT}{TEXT}", "wrote more after"),
        (f"```json\n{TEXT}\n```\nDone.", "in words"),
        (TEXT[:20], "breaks off inside the rewrite, after 6 characters"),
        (TEXT[:-1], 'breaks off inside "missing"'),
        ('{"rewrite"', "breaks off"),
        ("{", "breaks off before its first field"),
        ('{"rewrite": hello}', "not valid JSON: Expecting value at character 12"),
        ("{'rewrite': 1}", "not valid JSON"),
        (TEXT.replace('"debug"', '"fixing"'), "intent: "),
        (TEXT.replace('["a log"]', '"a log"'), "missing: "),
        (TEXT.replace('"low"', "NaN"), "complexity: "),
        (TEXT.replace('"low"', "null"), "complexity: "),
        (TEXT[:-1] + ', "reason": "x"}', '"reason" is no field that was asked for'),
        (TEXT[:-1] + ', "rewrite": "x"}', '"rewrite" stands in it twice'),
        (TEXT.replace(', "missing": ["a log"]', ""), "missing: it is not there"),
        (TEXT.replace("Say", "\\ud800"), "is not a decision"),
        (TEXT.replace("Say", "\\u001b[2J"), "control characters"),
        ("[" * 100_000, "in another form"),
        ('{"a":' + "[" * 100_000, "nested too deep"),
    ],
)
def test_refused_with_a_sentence(text: str, message: str) -> None:
    with pytest.raises(ReplyBroken) as caught:
        read(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_model_that_was_asked_for_two_fields_gives_labels_that_do_not_count() -> None:
    fields = frozenset({"rewrite", "missing"})
    decision, _ = read('{"rewrite": "x", "missing": []}', fields=fields)
    assert decision == Decision("x", Intent.OTHER, Complexity.MEDIUM, Route.MEDIUM_API, ())
    with pytest.raises(ReplyBroken, match='"intent" is no field'):
        read(TEXT, fields=fields)


def test_a_reply_cut_by_a_limit_says_where_and_by_what() -> None:
    reader = ReplyReader()
    reader.feed(TEXT[:30])
    with pytest.raises(ReplyBroken, match="cut inside the rewrite, after 13 characters by the limit"):
        reader.finish(cut_by="the limit")


def test_a_whole_decision_stands_although_the_limit_ended_the_reply() -> None:
    """Some models write white space after the object until the limit stops them."""
    reader = ReplyReader()
    reader.feed(TEXT + "\n" * 50)
    assert reader.finish(cut_by="the limit") == (GOOD, ())


def test_an_endless_reply_is_stopped() -> None:
    reader = ReplyReader()
    reader.feed("x" * MAXIMUM_CHARACTERS)
    with pytest.raises(ReplyBroken, match="longer than 200,000 characters"):
        reader.feed("x")


def test_phrases_are_bounded() -> None:
    missing = ["  the\nfull   log ", "", "the full log", "x" * 121, "2", "3", "4", "5", "6", "\x1b[31mred"]
    decision, problems = read(json.dumps(GOOD.to_dict() | {"missing": missing}))
    assert decision.missing == ("the full log", "2", "3", "4", "5")
    assert problems == ("1 of the model's missing items were no short phrases and are left out.",)


@given(data=st.data(), rewrite=st.text(max_size=60), ascii_only=st.booleans())
def test_progress_is_the_same_however_the_reply_is_cut_into_pieces(
    *, data: st.DataObject, rewrite: str, ascii_only: bool
) -> None:
    fields = GOOD.to_dict() | {"rewrite": rewrite}
    text = json.dumps(fields, ensure_ascii=ascii_only)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    reader = ReplyReader()
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        reader.feed(text[start:end])
    units = len(rewrite.encode("utf-16-le", "surrogatepass")) // 2 if ascii_only else len(rewrite)
    assert reader.progress == Progress("missing", units, ("debug", "low", "small_local"))


def test_labels_are_told_as_soon_as_they_are_written() -> None:
    reader = ReplyReader()
    reader.feed('{"intent": "de')
    assert reader.progress == Progress("intent")
    reader.feed('bug", "complexity": "low", "route": "large_api", "rewrite": "fast')
    assert reader.progress == Progress("rewrite", 4, ("debug", "low", "large_api"))


def test_what_is_no_label_and_what_was_not_asked_for_is_not_told() -> None:
    reader = ReplyReader()
    reader.feed('{"missing": ["debug"], "intent": "hack", "complexity": 1, "route": ["low"], "x": "low"')
    assert reader.progress.labels == ()
    borrowed = ReplyReader(frozenset({"rewrite", "missing"}))
    borrowed.feed('{"intent": "debug",')
    assert borrowed.progress.labels == ()
