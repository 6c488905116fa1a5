"""Merge what was tuned into its base, with the router's system prompt baked into the chat template.

    python scripts/train/merge.py work/tuned -o work/merged

The prompt of a served model is what its chat template makes of the user's message alone, so the system prompt
stands in the template. `bake` puts it there and `prompt_for` renders it; training uses the same two, so a
model is served the prompt that it was trained on, byte for byte. The result is a folder of safetensors
(float16) for Transformers, and what `export.py` reads.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.core.decision import FIELDS
from devrouter.engines.chat_template import ChatTemplate, ChatTemplateError, derive_chat_template
from devrouter.engines.gguf import Metadata
from devrouter.engines.prompting import field_order
from devrouter.engines.verify import is_triage_prompt
from train.base import model_of, tokenizer_of
from train.config import parser, run_command, settings_of
from train.manifest import check_manifest, write_manifest
from train.rows import FileError

if TYPE_CHECKING:
    import argparse

SYSTEM_PROMPT = Path(__file__).with_name("system_prompt.txt")
"""Its last five lines explain a field each, which another recipe puts in another order."""

ORDERS = {
    "rewrite_first": FIELDS,
    "labels_first": ("intent", "complexity", "route", "missing", "rewrite"),
}
"""The order of the fields in a reply, by `training.recipe`."""


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    tuned = tuned_weights(options.tuned)
    settled = check_manifest(tuned)["settings"]
    about = {key: settled[key] for key in ("base", "recipe")}
    merge(tuned, about["base"], options.output, about["recipe"])
    write_manifest(options.output, "merge", settings=about, seed=settings.seed, inputs=[tuned])
    print(f"{options.output} holds the merged model; its chat template holds the system prompt")


def system_prompt(recipe: str = "rewrite_first") -> str:
    """The recipe's prompt, which explains the fields in the order of the reply. Raises `FileError`.

    By that the product knows the order, so that it constrains a model to no other (`field_order`).
    """
    text, order = SYSTEM_PROMPT.read_text(encoding="utf-8").strip(), ORDERS[recipe]
    if field_order(text) == order:
        return text
    lines = text.splitlines()
    fields = {line.partition(":")[0]: line for line in lines[-len(order) :]}
    if fields.keys() != set(order):
        raise FileError(f"{SYSTEM_PROMPT}: its last {len(order)} lines must explain one field each")
    return "\n".join([*lines[: -len(order)], *(fields[name] for name in order)])


def bake(template: str, system: str) -> str:
    """The chat template with `system` as the system prompt of who sends none.

    A base model's own greeting gives way to it. Raises `FileError` where the template has no place for a
    system prompt, or `system` is none of triage.
    """
    escaped = system.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    message = f"{{'role': 'system', 'content': '{escaped}'}}"
    baked = (
        "{% if not messages or messages[0]['role'] != 'system' %}"
        f"{{% set messages = [{message}] + messages %}}"
        "{% endif %}" + template
    )
    check_baked(baked, system)
    return baked


def check_baked(template: str | None, system: str) -> ChatTemplate:
    """The template, taken apart as the product does it. Raises `FileError` if it does not hold `system`."""
    if not is_triage_prompt(system):
        raise FileError("the system prompt names none of the five fields: the model would not know its task")
    metadata = Metadata("", "unknown", None, template, "", "", adds_bos=False, control_tokens=frozenset())
    try:
        form = derive_chat_template(metadata)
    except ChatTemplateError as error:
        raise FileError(str(error).replace("GGUF", "model")) from None
    if form.system != system:
        recipe = next((name for name in ORDERS if form.system == system_prompt(name)), None)
        another = f"that of training.recipe={recipe}" if recipe else f"another ({form.system!r:.40} ...)"
        held = "none" if form.system is None else another
        raise FileError(
            f"the chat template lost the system prompt that the model is trained with, it holds {held}; "
            "bake it in anew"
        )
    return form


def baked_tokenizer(base: str, recipe: str = "rewrite_first") -> Any:  # noqa: ANN401  (transformers has no types)
    """The base's tokenizer, its chat template with the recipe's prompt. Raises `FileError`."""
    tokenizer = tokenizer_of(base)
    if not tokenizer.chat_template:
        raise FileError(f"{base}: has no chat template, so it cannot be asked; name an instruct model")
    tokenizer.chat_template = bake(tokenizer.chat_template, system_prompt(recipe))
    return tokenizer


def prompt_for(tokenizer: Any, text: str) -> str:  # noqa: ANN401
    """What the model reads before it answers: the baked template, of the user's message alone."""
    message = {"role": "user", "content": text}
    prompt: str = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    return prompt


def tuned_weights(folder: Path) -> Path:
    """What `tune.py` left in its folder: an adapter, or a whole model. Raises `FileError`."""
    found = next((folder / name for name in ("adapter", "model") if (folder / name).is_dir()), None)
    if found is None:
        raise FileError(f"{folder}: holds neither adapter nor model, so tune.py did not end; run it again")
    return found


def merge(tuned: Path, base: str, output: Path, recipe: str) -> None:
    """Write the merged model. Raises `FileError` where the tuned tokenizer lost the recipe's prompt."""
    import torch

    tokenizer = tokenizer_of(str(tuned))
    try:
        check_baked(tokenizer.chat_template, system_prompt(recipe))
    except FileError as error:
        raise FileError(f"{tuned}: {error}") from None
    if (tuned / "adapter_config.json").is_file():
        from peft import PeftModel

        model = PeftModel.from_pretrained(model_of(base, dtype=torch.float32), str(tuned)).merge_and_unload()
    else:
        model = model_of(str(tuned), dtype=torch.float32)
    model.to(torch.float16).save_pretrained(output)
    tokenizer.save_pretrained(output)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("tuned", type=Path, help="the folder of tune.py")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for the merged model")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
