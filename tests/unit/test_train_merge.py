"""A tuned model is served the prompt that it was trained on: its chat template holds it, byte for byte."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devrouter.core.decision import Decision
from devrouter.engines.prompting import field_order
from tests.unit.training import labelled
from train.config import read_settings
from train.merge import ORDERS, SYSTEM_PROMPT, bake, check_baked, system_prompt
from train.rows import FileError, Labelled, parsed
from train.tiny import TEMPLATE
from train.tune import reply_of

if TYPE_CHECKING:
    from pathlib import Path

GREETING = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}" + TEMPLATE
)
"""As Qwen2.5's own template does, it greets where nobody gives a system prompt."""
SYSTEMS = (
    *map(system_prompt, ORDERS),
    'Reply with JSON.\nKeep it\'s "quotes", \\n and {{ braces }} as {% they %} are.\n\nÜber 你好.',
)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("template", [TEMPLATE, GREETING])
def test_the_users_message_alone_gives_the_whole_prompt(template: str, system: str) -> None:
    form = check_baked(bake(template, system), system)
    assert form.render(system, "why does it crash?") == (
        f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\nwhy does it crash?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_template_that_lost_its_prompt_is_refused() -> None:
    with pytest.raises(FileError, match=r"lost the system prompt .* it holds none"):
        check_baked(TEMPLATE, system_prompt())
    with pytest.raises(FileError, match="it holds another"):
        check_baked(GREETING, system_prompt())
    with pytest.raises(FileError, match="holds no chat template"):
        check_baked(None, system_prompt())


@pytest.mark.parametrize("recipe", ORDERS)
def test_a_prompt_lists_the_fields_in_the_order_of_the_reply(recipe: str) -> None:
    prompt = system_prompt(recipe)
    assert field_order(prompt) == ORDERS[recipe]
    assert sorted(prompt.splitlines()) == sorted(system_prompt().splitlines())


@pytest.mark.parametrize("recipe", ORDERS)
def test_a_reply_is_the_same_decision_in_the_order_of_its_recipe(recipe: str) -> None:
    row = parsed(json.dumps(labelled("grüße {x}", rewrite="Grüße {x}")).encode(), Labelled, "row")
    reply = reply_of(row, recipe)
    assert tuple(json.loads(reply)) == ORDERS[recipe]
    assert Decision.from_json(reply) == row.decision
    assert recipe != "rewrite_first" or reply == row.decision.to_json()


def test_a_reply_without_a_rewrite_is_how_one_with_it_begins() -> None:
    row = parsed(json.dumps(labelled("grüße {x}", rewrite="Grüße {x}")).encode(), Labelled, "row")
    begun = reply_of(replace(row, rewrite=None), "labels_first")
    assert begun.endswith('"rewrite":')
    assert reply_of(row, "labels_first") == f'{begun} "Grüße {{x}}"}}'


def test_the_default_prompt_is_the_file_as_it_stands() -> None:
    assert system_prompt() == SYSTEM_PROMPT.read_text(encoding="utf-8").strip()


def test_a_model_of_one_recipe_with_the_prompt_of_the_other_is_refused() -> None:
    template = bake(TEMPLATE, system_prompt("rewrite_first"))
    with pytest.raises(FileError, match=r"it holds that of training.recipe=rewrite_first"):
        check_baked(template, system_prompt("labels_first"))


def test_a_prompt_of_ones_own_must_explain_each_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "system_prompt.txt"
    own.write_text("Triage. Reply with JSON.\nrewrite: better\nintent: one\n", encoding="utf-8")
    monkeypatch.setattr("train.merge.SYSTEM_PROMPT", own)
    assert system_prompt() == own.read_text(encoding="utf-8").strip()
    with pytest.raises(FileError, match="its last 5 lines must explain one field each"):
        system_prompt("labels_first")


def test_a_recipe_that_is_none_is_refused() -> None:
    with pytest.raises(FileError, match=r"settings: training.recipe: Input should be 'rewrite_first' or"):
        read_settings(single=["training.recipe=route_first"])


def test_a_template_without_a_place_for_a_system_prompt_is_refused() -> None:
    with pytest.raises(FileError, match="no place for a system prompt"):
        bake(
            "{% for message in messages %}{{ message['content'] }}{% endfor %}{{ messages[0] }}",
            system_prompt(),
        )


def test_a_prompt_that_speaks_of_no_triage_is_refused() -> None:
    with pytest.raises(FileError, match="would not know its task"):
        bake(TEMPLATE, "You are a pirate.")
