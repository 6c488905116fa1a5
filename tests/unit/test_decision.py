"""The contract is strict: five fields, nothing coerced, and a refusal names the field."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.decision import (
    FIELDS,
    Complexity,
    Decision,
    DecisionError,
    Intent,
    Route,
    decision_schema,
)

# The shape of an answer as the model writes it: rewrite first.
REPLY: dict[str, Any] = {
    "rewrite": "Why does my Flask app return a 500 error when I upload a file larger than 16 MB?",
    "intent": "debug",
    "complexity": "medium",
    "route": "medium_api",
    "missing": ["Flask version", "the full stack trace"],
}

decisions = st.builds(
    Decision,
    rewrite=st.text(),
    intent=st.sampled_from(Intent),
    complexity=st.sampled_from(Complexity),
    route=st.sampled_from(Route),
    missing=st.lists(st.text()).map(tuple),
)


def test_a_whole_reply_is_a_decision() -> None:
    assert Decision.from_json(json.dumps(REPLY)) == Decision(
        rewrite=REPLY["rewrite"],
        intent=Intent.DEBUG,
        complexity=Complexity.MEDIUM,
        route=Route.MEDIUM_API,
        missing=("Flask version", "the full stack trace"),
    )


def test_bytes_order_and_white_space_do_not_matter() -> None:
    shuffled = json.dumps(dict(reversed(REPLY.items())), indent=2)
    assert Decision.from_json(f" \n{shuffled}\n".encode()) == Decision.from_json(json.dumps(REPLY))


@given(decisions)
def test_what_is_written_is_read_again(decision: Decision) -> None:
    assert Decision.from_json(decision.to_json()) == decision
    assert list(json.loads(decision.to_json())) == list(FIELDS)


def with_field(name: str, value: object) -> str:
    return json.dumps({**REPLY, name: value})


def without_field(name: str) -> str:
    return json.dumps({key: value for key, value in REPLY.items() if key != name})


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        *((without_field(name), f"{name}: Field required") for name in REPLY),
        (with_field("confidence", 0.5), "confidence: is not one of the five fields"),
        (with_field("a\nb" * 200, 0.5), "a ba b"),
        (with_field("intent", "fix"), "intent: Input should be 'debug'"),
        (with_field("intent", "Debug"), "intent: Input should be 'debug'"),
        (with_field("intent", 1), "intent: "),
        (with_field("complexity", "trivial"), "complexity: Input should be 'low', 'medium' or 'high'"),
        (with_field("route", "huge_api"), "route: Input should be 'small_local'"),
        (with_field("route", None), "route: "),
        (with_field("rewrite", None), "rewrite: "),
        (with_field("rewrite", 12), "rewrite: "),
        (with_field("rewrite", ["a"]), "rewrite: "),
        (with_field("missing", "Flask version"), "missing: "),
        (with_field("missing", {"a": "b"}), "missing: "),
        (with_field("missing", ["a", 2]), "missing.1: "),
        (with_field("missing", [None]), "missing.0: "),
        (json.dumps(REPLY)[:-1] + ', "intent": "other"}', "intent: is given more than once"),
        (json.dumps(REPLY) * 2, "reply: Invalid JSON"),
        (json.dumps(REPLY) + " Hope this helps!", "reply: Invalid JSON"),
        (f"```json\n{json.dumps(REPLY)}\n```", "reply: Invalid JSON"),
        (json.dumps(REPLY)[:40], "reply: Invalid JSON"),
        (json.dumps([REPLY]), "reply: Input should be an object"),
        ('"debug"', "reply: Input should be an object"),
        ("null", "reply: Input should be an object"),
        ("", "reply: Invalid JSON"),
        ("Sure! Here is the rewrite.", "reply: Invalid JSON"),
        ("[" * 100_000, "reply: Invalid JSON"),
        ("\ud800", "reply: "),
    ],
)
def test_a_reply_that_breaks_the_contract_is_refused_by_field(reply: str, message: str) -> None:
    with pytest.raises(DecisionError) as refusal:
        Decision.from_json(reply)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 250


@given(st.text() | st.binary())
def test_garbage_is_refused_and_never_breaks(reply: str | bytes) -> None:
    with pytest.raises(DecisionError):
        Decision.from_json(reply)


def test_the_schema_asks_for_the_five_fields_in_the_order_of_the_contract() -> None:
    schema = decision_schema()
    assert list(schema["properties"]) == ["rewrite", "intent", "complexity", "route", "missing"]
    assert list(schema["properties"]) == schema["required"] == [field.name for field in fields(Decision)]
    assert schema["additionalProperties"] is False


def test_the_schema_offers_the_same_values_that_are_accepted() -> None:
    properties = decision_schema()["properties"]
    for name in ("intent", "complexity", "route"):
        for value in properties[name]["enum"]:
            assert getattr(Decision.from_json(with_field(name, value)), name) == value
