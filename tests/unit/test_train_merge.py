"""A tuned model is served the prompt that it was trained on: its chat template holds it, byte for byte."""

from __future__ import annotations

import pytest

from train.merge import bake, check_baked, system_prompt
from train.rows import FileError
from train.tiny import TEMPLATE

GREETING = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}" + TEMPLATE
)
"""As Qwen2.5's own template does, it greets where nobody gives a system prompt."""
SYSTEMS = (
    system_prompt(),
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


def test_a_template_without_a_place_for_a_system_prompt_is_refused() -> None:
    with pytest.raises(FileError, match="no place for a system prompt"):
        bake(
            "{% for message in messages %}{{ message['content'] }}{% endfor %}{{ messages[0] }}",
            system_prompt(),
        )


def test_a_prompt_that_speaks_of_no_triage_is_refused() -> None:
    with pytest.raises(FileError, match="would not know its task"):
        bake(TEMPLATE, "You are a pirate.")
