"""What is sent to a model: the draft alone, or our instructions with examples that keep our own rules."""

from __future__ import annotations

import json

import pytest

from devrouter.core.decision import decision_schema
from devrouter.core.fidelity import check_rewrite
from devrouter.core.gaps import gaps_from_phrases
from devrouter.engines.prompting import messages_for, schema_for, tokens_needed
from devrouter.engines.reply import ReplyReader

MESSAGES = messages_for("my draft", verified=False)
EXAMPLES = list(zip(MESSAGES[1:-1:2], MESSAGES[2:-1:2], strict=True))


def test_a_tuned_model_gets_nothing_but_the_draft() -> None:
    assert messages_for(" my draft\n", verified=True) == [{"role": "user", "content": " my draft\n"}]
    assert schema_for(verified=True) == decision_schema()


def test_any_other_model_gets_instructions_examples_and_then_the_draft() -> None:
    roles = [message["role"] for message in MESSAGES]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert MESSAGES[-1]["content"] == "my draft"
    schema = schema_for(verified=False)
    assert list(schema["properties"]) == schema["required"] == ["rewrite", "missing"]


@pytest.mark.parametrize(("asked", "replied"), EXAMPLES)
def test_an_example_keeps_the_rules_it_teaches(asked: dict[str, str], replied: dict[str, str]) -> None:
    """Its reply is one we would accept, its rewrite passes the guard, and its gaps are real ones."""
    reader = ReplyReader(frozenset({"rewrite", "missing"}))
    reader.feed(replied["content"])
    decision, problems = reader.finish()
    assert problems == ()
    assert check_rewrite(asked["content"], decision.rewrite).kept
    gaps = gaps_from_phrases(decision.missing, asked["content"])
    assert [gap.phrase for gap in gaps] == json.loads(replied["content"])["missing"]


def test_room_is_counted_for_the_prompt_and_a_rewrite_as_long_as_the_draft() -> None:
    short, long = tokens_needed("a word", "system"), tokens_needed("a word " * 1000, "system")
    assert long[0] - short[0] == pytest.approx(long[1] - short[1], rel=0.01)
    assert tokens_needed("a word", None)[0] > short[0] + 200
