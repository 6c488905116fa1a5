"""Write the model card: what the model is, how good and how fast, how it was made, and how to use it.

    python scripts/train/card.py work -o work/README.md
    python scripts/train/card.py work -o work/README.md --compare instant=evaluation/answers-instant.jsonl \\
        --set card.license=apache-2.0 --set card.base_license=apache-2.0

Every figure and fact is read from the manifests in the run's folder and from what `validate.py`, `compare.py`
and `performance.py` left in its `measured/`. What was not measured is called so; a file of another model than
the exports, or a broken one, is refused by name. `--compare` puts the answers of another engine beside, as
`devrouter eval` keeps them. The card is Markdown with the front matter of Hugging Face, to lie beside the
GGUF files; the picture of the losses is put beside it. It holds no prompt of the data and no path.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.core.decision import Complexity, Intent, Route, decision_schema
from devrouter.engines.prompting import field_order
from devrouter.evaluation.report import table
from train import card_made as made
from train import card_measured as measured
from train import card_results as results
from train.asked import LIMIT
from train.card_evidence import NOT_MEASURED, read_run
from train.config import parser, run_command, settings_of
from train.export import shown_types
from train.rows import FileError, write_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from train.card_evidence import Manifest, Run
    from train.config import CardSettings

UNKNOWN = "unknown"


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    run = read_run(options.run, options.data, dict(map(_named, options.compare)))
    write_text(options.output, card(run, settings.card))
    tune = run.steps.get("tune")
    picture = run.file(made.loss_picture(tune)) if tune else None
    if picture:
        shutil.copyfile(picture, options.output.with_name("loss.svg"))
    for name, value in _licenses(run, settings.card).items():
        if value == UNKNOWN:
            print(f"the card calls {name} unknown: say --set card.{name}=...", file=sys.stderr)
    print(options.output)


def card(run: Run, settings: CardSettings) -> str:
    """The whole card. Raises `FileError` for a measured file that is broken or of another model."""
    served = served_export(run)
    sections = {
        "How to use it": usage(served, field_order(made.system_prompt_of(run) or "")),
        "What it is for": purpose(),
        "Quality": quality(run, served),
        "Exports": exports(run),
        "Runtimes": runtimes(run),
        "Speed": results.speed(run),
        "The prompt": prompt(run),
        "Training data": made.data(run),
        "Training": made.training(run),
        "Limits": limits(run, served),
        "Licence": license_section(run, settings),
        "How it was made": how(run),
    }
    lines = [*front_matter(run, settings), *summary(run, served, settings)]
    for title, section in sections.items():
        lines += ["", f"## {title}", "", *section]
    return "\n".join(lines) + "\n"


def served_export(run: Run) -> Manifest:
    """The coarsest export that passed the gate; where none did, the finest that was asked, or the finest."""
    validation = results.validation_of(run)
    passed = validation.passed if validation else ()
    asked = {each.name for answers in run.sets.values() for each in answers}
    by_merit = [
        *(each for each in reversed(run.exports) if _quantization(each) in passed),
        *(each for each in run.exports if _quantization(each) in asked),
        *run.exports,
    ]
    return by_merit[0]


# The top: what it is, and the figures that one looks for first


def front_matter(run: Run, settings: CardSettings) -> Iterator[str]:
    base = settings.base_model or made.base_of(run)
    content: dict[str, Any] = {"license": _licenses(run, settings)["license"]}
    if base and made.is_on_hub(base):
        content |= {"base_model": base, "base_model_relation": "finetune"}
    content |= {
        "language": list(settings.language),
        "pipeline_tag": "text-generation",
        "tags": ["devrouter", "prompt-engineering", "routing", "text-classification", "json", "gguf"],
    }
    yield from ("---", *yaml.safe_dump(content, sort_keys=False).splitlines(), "---")


def summary(run: Run, served: Manifest, settings: CardSettings) -> Iterator[str]:
    tune, file = run.steps.get("tune"), PurePosixPath(served.made)
    name = settings.base_model or made.base_of(run)
    base = f"`{name}`" if name else "a base model that nothing here names,"
    learned = f" on {tune.counts['rows']:,} labelled prompts" if tune else ""
    yield from ("", f"# {file.name.removesuffix(f'-{_quantization(served)}.gguf')}", "")
    yield (
        f"Triages the prompts that developers write for a coding assistant. It is {base} tuned{learned} to "
        "reply to a prompt not with an answer but with one JSON object of five fields:"
    )
    yield from ("", *_fields(), "")
    yield f"{_standing(run, served)} Its figures in llama.cpp, held to the JSON schema as DevRouter does it:"
    yield from ("", *measured.headline(run, _quantization(served)), "")
    yield _sets(run)
    yield from ("", results.speed_in_a_sentence(run, _quantization(served)))


def _fields() -> Iterator[str]:
    def values(of: type[Intent | Complexity | Route]) -> str:
        return ", ".join(f"`{value}`" for value in of)

    yield from table(
        ["field", "what it says"],
        [
            ["`rewrite`", "the same request, clearer; code, names, paths and numbers as they stand"],
            ["`intent`", values(Intent)],
            ["`complexity`", values(Complexity)],
            ["`route`", f"the smallest tier that would answer well: {values(Route)}"],
            ["`missing`", "at most five things that a good answer needs and the prompt lacks"],
        ],
    )


def _standing(run: Run, served: Manifest) -> str:
    """Which file to take, and why."""
    name = f"`{PurePosixPath(served.made).name}`"
    validation = results.validation_of(run)
    if validation is None:
        return f"Whether a quantisation damaged it was {NOT_MEASURED}; take {name}."
    if _quantization(served) in validation.passed:
        return f"Take {name}, which is no worse than F16 by more than the [stated margin](#exports)."
    return f"No coarser export [passed](#exports): take {name}."


def _sets(run: Run) -> str:
    """What the sets are, of those that were measured: known by their hashes, for a name says nothing."""
    own = "is a labelled file of its own"
    known = {
        "train": "are prompts that it learned from",
        "validation": "are prompts of the sources that it was trained on, kept from training",
        "holdout": "are prompts of sources that it was not trained on",
    }
    told = {}
    if split := run.steps.get("split"):
        told = dict.fromkeys(
            split.inputs.values(), f"{own}, checked to share no prompt with what it learned from"
        )
        parts = {PurePosixPath(name).stem: sha256 for name, sha256 in split.outputs.items()}
        told |= {parts[name]: what for name, what in known.items() if name in parts}
    described = [f"*{name}* {told.get(found[0].data_sha256, own)}" for name, found in run.sets.items()]
    return f"In brackets 95 % intervals (Wilson's). {'; '.join([*described, *_absent(run)])}."


def _absent(run: Run) -> Iterator[str]:
    """What the card's form has a place for, and this run has not."""
    split = run.steps.get("split")
    for name in ("validation", "holdout"):
        if split and split.counts.get(name) == 0:
            yield f"there is no *{name}*: the split has no such rows"
        elif name not in run.sets:
            yield f"*{name}* was {NOT_MEASURED}"


# What does not depend on the run


def usage(served: Manifest, order: Sequence[str]) -> Iterator[str]:
    file = PurePosixPath(served.made).name
    modelfile = PurePosixPath(file).with_suffix(".Modelfile")
    yield "The system prompt is in the chat template: send the user's message alone, at temperature 0."
    yield from ("", "With DevRouter, in an editor or on the command line, out of Ollama:", "", "```sh")
    yield f"devrouter model setup --from {file}"
    yield f'devrouter route "{_EXAMPLE}"'
    yield from (
        "```",
        "",
        "With Ollama alone; `FROM` a GGUF file without this Modelfile would lose the prompt:",
    )
    yield from ("", "```sh", f"ollama create devrouter -f {modelfile}", f'ollama run devrouter "{_EXAMPLE}"')
    yield from ("```", "", 'With llama.cpp, which DevRouter uses with `engine = "openai"`:', "", "```sh")
    yield f"llama-server -m {file} --jinja --port 8080"
    yield "curl http://127.0.0.1:8080/v1/chat/completions -d \\"
    yield f"""  '{{"messages": [{{"role": "user", "content": "{_EXAMPLE}"}}], "temperature": 0}}'"""
    yield from (
        "```",
        "",
        "With Transformers, out of the merged folder:",
        "",
        "```python",
        *_TRANSFORMERS,
        "```",
    )
    yield ""
    yield "As DevRouter does, hold the reply to this schema (`response_format`, or Ollama's `format`):"
    yield from ("", "```json", json.dumps(decision_schema(order)), "```")


_EXAMPLE = "flask app gives a 500 when i upload a file, how do i fix it"
_TRANSFORMERS = f"""\
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("merged")
model = AutoModelForCausalLM.from_pretrained("merged")
message = {{"role": "user", "content": "{_EXAMPLE}"}}
prompt = tokenizer.apply_chat_template(
    [message], add_generation_prompt=True, return_tensors="pt", return_dict=True
)
reply = model.generate(**prompt, max_new_tokens={LIMIT}, do_sample=False)[0]
print(tokenizer.decode(reply[prompt["input_ids"].shape[1] :], skip_special_tokens=True))""".splitlines()


def purpose() -> Iterator[str]:
    yield (
        "For showing a developer, before a prompt is sent, what it still lacks, how it could be worded, and "
        "which size of model will do; and for routing prompts to models, where an error costs a worse or a "
        "dearer answer."
    )
    yield ""
    yield "Not for:"
    yield ""
    yield "- answering prompts, or judging anything but prompts to a coding assistant;"
    yield "- decisions about people, or about what somebody may do;"
    yield (
        "- replacing a prompt by its rewrite unseen. DevRouter's guard withholds a rewrite that loses or "
        "adds something; without that, show it and let the user choose."
    )


# What was measured and how it was made


def quality(run: Run, served: Manifest) -> Iterator[str]:
    yield (
        "A reply that is not valid JSON of exactly the five fields counts as wrong in every line. *Free* is "
        "the reply as it came, *schema* the reply held to it. The guard is DevRouter's, which withholds a "
        "rewrite that is not the same request."
    )
    yield from measured.quality(run, _quantization(served))
    yield from ("", "### Beside others", "", *measured.beside(run, _quantization(served)))


def exports(run: Run) -> Iterator[str]:
    rows = [
        [
            f"`{PurePosixPath(export.made).name}`",
            _size(run.file(export.made)),
            shown_types(export.counts.get("weights", {})) or UNKNOWN,
            f"`{sha256}`",
        ]
        for export in run.exports
        for sha256 in export.outputs.values()
    ]
    yield from table(["file", "size", "weights", "SHA-256"], rows)
    yield from ("", *results.gate(run))


def runtimes(run: Run) -> Iterator[str]:
    yield from results.same_everywhere(run)
    yield from measured.runtimes(run)


def prompt(run: Run) -> Iterator[str]:
    text = made.system_prompt_of(run)
    if text is None:
        yield "Not known here: neither an export nor the merged model is in this folder any more."
        return
    if made.is_trained_on(run, text):
        yield "Baked into the chat template, and the prompt that it was trained with, byte for byte:"
    else:
        yield "Baked into the chat template. No manifest here shows that it was trained with this prompt:"
    yield from ("", "```text", *text.splitlines(), "```")


def limits(run: Run, served: Manifest) -> Iterator[str]:
    yield "- It reads the prompt alone: neither the repository nor the conversation before it."
    if tune := run.steps.get("tune"):
        yield (
            f"- It learned from {tune.counts['rows']:,} prompts, none of which took more than "
            f"{tune.settings['max_length']:,} tokens with its reply."
        )
    yield from (f"- {sentence}" for sentence in measured.weak_points(run, _quantization(served)))
    yield from (f"- {sentence[0].upper()}{sentence[1:]}." for sentence in _absent(run))
    validation = results.validation_of(run)
    if validation and validation.remark:
        yield f"- {validation.remark}"


def license_section(run: Run, settings: CardSettings) -> Iterator[str]:
    found = _licenses(run, settings)
    rows = [
        ["this model", found["license"]],
        [f"its base, {settings.base_model or made.base_of(run) or UNKNOWN}", found["base_license"]],
        ["the labelled data", found["data_license"]],
    ]
    yield from table(["of", "licence"], rows)
    if UNKNOWN in found.values():
        yield from (
            "",
            "Unknown is what nobody stated to who made this card: ask before you use or share it.",
        )


def how(run: Run) -> Iterator[str]:
    yield (
        "With the commands of `scripts/train/` in DevRouter's repository; `work/` is the run's folder, and "
        "settings that are not named are those of `config.toml`. Each step's manifest holds the hashes of "
        "all its files."
    )
    yield from ("", *made.commands(run), "", *made.hashes(run))


def _licenses(run: Run, settings: CardSettings) -> Mapping[str, str]:
    """The licences by the name of their setting."""
    readme = made.data_readme(run)
    beside_the_data = made.license_in(readme) if readme else None
    return {
        "license": settings.license or UNKNOWN,
        "base_license": settings.base_license or UNKNOWN,
        "data_license": settings.data_license or beside_the_data or UNKNOWN,
    }


def _quantization(export: Manifest) -> str:
    return str(export.settings["quantization"])


def _size(path: Path | None) -> str:
    return f"{path.stat().st_size / 1e6:,.0f} MB" if path else "-"


def _named(written: str) -> tuple[str, Path]:
    """`NAME=FILE` of `--compare`."""
    name, equals, file = written.partition("=")
    if not equals or not name or not file:
        raise FileError(f"--compare {written}: is not of the form NAME=FILE")
    return name, Path(file)


def _arguments() -> argparse.Namespace:
    parsed = parser(__doc__)
    parsed.add_argument("run", type=Path, help="the folder in which all steps wrote")
    parsed.add_argument("-o", "--output", type=Path, required=True, help="README.md")
    parsed.add_argument("--data", type=Path, nargs="+", default=[], help="labelled files that were moved")
    parsed.add_argument(
        "--compare", action="append", default=[], metavar="NAME=FILE", help="answers of another engine"
    )
    return parsed.parse_args()


if __name__ == "__main__":
    run_command(main)
