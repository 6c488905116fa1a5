"""What is sent to a model: the draft alone, or our instructions with examples that keep our own rules."""

from __future__ import annotations

import json

import pytest

from devrouter.core.decision import FIELDS, decision_schema
from devrouter.core.fidelity import check_rewrite
from devrouter.core.gaps import gaps_from_phrases
from devrouter.engines.prompting import field_order, messages_for, schema_for, tokens_needed
from devrouter.engines.reply import ReplyReader

MESSAGES = messages_for("my draft", verified=False)
EXAMPLES = list(zip(MESSAGES[1:-1:2], MESSAGES[2:-1:2], strict=True))


def test_a_tuned_model_gets_nothing_but_the_draft() -> None:
    assert messages_for(" my draft\n", verified=True) == [{"role": "user", "content": " my draft\n"}]


def test_any_other_model_gets_instructions_examples_and_then_the_draft() -> None:
    roles = [message["role"] for message in MESSAGES]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert MESSAGES[-1]["content"] == "my draft"
    schema = schema_for(None)
    assert list(schema["properties"]) == schema["required"] == ["rewrite", "missing"]


LABELS_FIRST = ("intent", "complexity", "route", "missing", "rewrite")


@pytest.mark.parametrize("line", ["{}: what it holds", '- "{}": what it holds', "  * **{}** : it"])
def test_a_tuned_model_is_held_to_the_order_its_prompt_lists_the_fields_in(line: str) -> None:
    prompt = "Reply with JSON: rewrite and labels.\n\n" + "\n".join(map(line.format, LABELS_FIRST))
    schema = schema_for(prompt + '\nExample: {"rewrite": "x"}\nrewrite: as above')
    assert list(schema["properties"]) == schema["required"] == list(LABELS_FIRST)
    assert schema == decision_schema(LABELS_FIRST)
    assert schema["properties"] == decision_schema()["properties"]


@pytest.mark.parametrize(
    "prompt",
    [
        "Triage the prompt. First the intent: then the rewrite.",
        "Reply with intent, complexity, route, missing, rewrite.",
        "intent: a\ncomplexity: b\nroute: c\nrewrite: d",
        "intentions: a\ncomplexity: b\nroute: c\nmissing: d\nrewrite: e",
    ],
)
def test_a_prompt_that_does_not_list_all_fields_means_the_contracts_order(prompt: str) -> None:
    assert field_order(prompt) == FIELDS
    assert list(schema_for(prompt)["properties"]) == list(FIELDS)


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
