"""The parts of the model card that say how the model was made: data, training, commands and hashes."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from devrouter.core.decision import Complexity, Intent, Route
from devrouter.engines.chat_template import ChatTemplateError, derive_chat_template
from devrouter.engines.gguf import GGUFError, Metadata, read_metadata
from devrouter.evaluation.report import table
from train.config import ROOT, read_settings
from train.manifest import check_manifest, sha256_of
from train.merge import SYSTEM_PROMPT, system_prompt
from train.rows import FileError, Labelled, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from train.card_evidence import Manifest, Run

_SPLITS = ("train", "validation", "holdout")
_NAMED = 12  # Sources and inputs that are named; of more the others are counted.
_SECTIONS = {"tune": "training"}
"""The table of config.toml of a step that is named otherwise."""

_PRIVATE = frozenset({"url", "key_variable"})
"""Settings that say nothing of the model, and much of whose machine it was."""

_WEIGHTY = (".safetensors", ".gguf", ".jsonl", "system_prompt.txt")
"""The ends of the names of files whose hash is worth a line."""

_LICENSES = (
    r"Apache-2\.0|MIT|BSD-\d-Clause|CC0-1\.0|CC-BY(?:-NC)?(?:-SA|-ND)?-\d\.\d|ODbL-1\.0|CDLA-[\w.-]*\d"
)


def is_trained_on(run: Run, prompt: str) -> bool:
    """Whether the manifest of the training shows that it was trained with this prompt."""
    tune = run.steps.get("tune")
    if tune is None or sha256_of(SYSTEM_PROMPT) not in tune.inputs.values():
        return False
    return prompt == system_prompt(tune.settings["recipe"])


def system_prompt_of(run: Run) -> str | None:
    """The prompt that is baked into the exports, or into the model they are of; None if both are gone."""
    metadata = None
    for export in run.exports:
        if path := run.file(export.made):
            try:
                metadata = read_metadata(path)
            except GGUFError as error:
                raise FileError(f"{error} Run export.py again.") from None
            break
    else:
        name = next((name for name in run.exports[0].inputs if name.endswith("chat_template.jinja")), "")
        if path := run.file(name):
            text = path.read_text(encoding="utf-8")
            metadata = Metadata("", "", None, text, "", "", adds_bos=False, control_tokens=frozenset())
    if metadata is None:
        return None
    try:
        return derive_chat_template(metadata).system
    except ChatTemplateError as error:
        raise FileError(f"{run.folder}: {error}; run merge.py and export.py again") from None


def base_of(run: Run) -> str | None:
    """What was tuned: a name on the hub, or that of a file or folder without its place."""
    made = run.steps.get("tune") or run.steps.get("merge")
    base = str(made.settings["base"]) if made else None
    return base if base is None or is_on_hub(base) else PurePosixPath(base.replace("\\", "/")).name


def is_on_hub(base: str) -> bool:
    return re.fullmatch(r"[\w.-]+/[\w.-]+", base) is not None and not base.endswith(".gguf")


def data_readme(run: Run) -> str | None:
    """What stands beside the rows that were judged, as far as its first heading or list says it."""
    if judge := run.steps.get("judge"):
        for name in judge.inputs:
            path = run.folder / PurePosixPath(name).with_name("README.md")
            if path.is_file() and path.parent.resolve() != run.folder.resolve():
                return path.read_text(encoding="utf-8")
    return None


def license_in(readme: str) -> str | None:
    """The licence that a README names in a sentence on licences, as Hugging Face writes it."""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n\n", readme):
        if re.search(r"licen[cs]e", sentence, re.IGNORECASE) and (found := re.search(_LICENSES, sentence)):
            return found[0].lower()
    return None


def loss_picture(tune: Manifest) -> str:
    """Where `tune.py` drew the losses."""
    return PurePosixPath(tune.made).with_name("loss.svg").as_posix()


def data(run: Run) -> Iterator[str]:
    """Where the prompts and labels come from, and how many there are of what."""
    yield from _labels(run)
    split = run.steps.get("split")
    rows = _split_rows(run, split)
    if not rows or split is None:
        yield from (
            "",
            "What the training rows hold is not known: the splits are not in this folder any more.",
        )
        return
    near, run_length = split.settings["near"], split.settings["run"]
    yield ""
    yield (
        f"{len(rows['train']):,} rows are for training. {split.counts['dropped']:,} were left out, for they "
        f"say what a row of another set says: the same words, or {near:.0%} of their runs of {run_length} "
        "words. A conversation is never on two sides."
    )
    every = [row for found in rows.values() for row in found]
    sources = [source for source, _ in Counter(row.source for row in every).most_common()]
    forms = [form for form, _ in Counter(row.form or "-" for row in every).most_common()]
    yield from _counted("intent", list(Intent), rows)
    yield from _counted("complexity", list(Complexity), rows)
    yield from _counted("route", list(Route), rows)
    yield from _counted("form", forms, rows)
    yield from _counted("source", sources, rows)


def training(run: Run) -> Iterator[str]:
    """The recipe, what was learned from, and the losses."""
    tune = run.steps.get("tune")
    if tune is None:
        yield "How it was trained is not known: the manifest of `tune.py` is not in this folder any more."
        return
    counts = dict(tune.counts)
    losses = {
        name: counts.pop(name) for name in ("first_loss", "last_loss", "validation_loss") if name in counts
    }
    shown = {**tune.settings, "base": base_of(run), "seed": tune.seed}
    yield from table(["setting", "value"], ([name, f"`{_value(value)}`"] for name, value in shown.items()))
    yield ""
    learned = counts.pop("rows")
    left_out = "".join(f"; {name}: {count:,}" for name, count in counts.items())
    yield f"It learned from {learned:,} rows{left_out}."
    if losses:
        yield ""
        told = ", ".join(f"{name.removesuffix('_loss')} {loss:.3f}" for name, loss in losses.items())
        yield f"Loss a token, taken on the reply alone: {told}."
        if run.file(loss_picture(tune)):
            yield from ("", "![The loss over the steps](loss.svg)")
    yield ""
    yield f"With {', '.join(f'{name} {version}' for name, version in tune.versions.items())}."


def commands(run: Run) -> Iterator[str]:
    """The commands, as the manifests tell them."""
    yield "```sh"
    yield from (_command(manifest) for manifest in run.steps.values())
    # All exports of a folder are of one command.
    folders = {PurePosixPath(export.made).parent: export for export in run.exports}
    yield from (_export_command(export, run) for export in folders.values())
    yield from (_measuring_command(manifest) for manifest in run.measured.values())
    yield "```"


def hashes(run: Run) -> Iterator[str]:
    """SHA-256 of the files that decide."""
    made = [(name, sha256) for export in run.exports for name, sha256 in export.outputs.items()]
    for step in ("merge", "tune", "split"):
        if manifest := run.steps.get(step):
            given = [(name, sha256) for name, sha256 in manifest.inputs.items() if name.startswith("..")]
            made += [pair for pair in (*manifest.outputs.items(), *given) if pair[0].endswith(_WEIGHTY)]
    files = ([f"`{_place(name, sha256)}`", f"`{sha256}`"] for name, sha256 in dict(made).items())
    yield from table(["file", "SHA-256"], files)


# Data


def _labels(run: Run) -> Iterator[str]:
    judge, teach = run.steps.get("judge"), run.steps.get("teach")
    readme = data_readme(run)
    if teach is not None:
        guide = next((sha for name, sha in teach.inputs.items() if name.endswith("labelling_guide.md")), "")
        yield (
            f"A language model, `{teach.settings['model']['name']}`, wrote the labels by the labelling guide "
            f"(SHA-256 `{guide}`) for {teach.counts['labels']:,} of {teach.counts['prompts']:,} prompts; "
            f"{teach.counts['rejected']:,} of its replies were no decision."
        )
    elif judge is not None:
        names = ", ".join(f"`{place}`" for place in _places(judge) if not _is_scores(place))
        yield f"The labels came with the rows, from {names}."
    else:
        yield "How they were made is not known: the manifest of `judge.py` is not in this folder any more."
        return
    if readme is not None:
        parts = re.split(r"\n\s*\n", readme.partition("<!--")[0])
        prose = [part.strip() for part in parts if not part.startswith(("#", "|", "```"))]
        telling = [part for part in prose[1:] if re.search(r"label|licen[cs]e", part, re.IGNORECASE)]
        quoted = "\n\n".join([*prose[:1], *telling]).splitlines()
        yield from ("", "What their README says:", "", *(f"> {line}".rstrip() for line in quoted))
    if judge is not None:
        dropped = ", ".join(f"{count:,} ({reason})" for reason, count in judge.counts["dropped"].items())
        yield ""
        yield (
            f"Of these rows {judge.counts['kept']:,} were kept; dropped were {dropped or 'none'}. A rewrite "
            "that DevRouter's guard would withhold from a user is not learned from."
        )


def _split_rows(run: Run, split: Manifest | None) -> Mapping[str, Sequence[Labelled]]:
    """The rows of the splits; empty where there is no split any more."""
    if split is None or run.file(f"{split.made}/train.jsonl") is None:
        return {}
    check_manifest(run.folder / split.made)
    # A split without rows is an empty file.
    paths = {name: run.folder / split.made / f"{name}.jsonl" for name in _SPLITS}
    return {name: read_rows(path, Labelled) if path.stat().st_size else [] for name, path in paths.items()}


def _counted(field: str, values: Sequence[str], rows: Mapping[str, Sequence[Labelled]]) -> Iterator[str]:
    counts = {name: Counter(getattr(row, field) or "-" for row in found) for name, found in rows.items()}
    named, others = values[:_NAMED], values[_NAMED:]
    yield ""
    lines = [[value, *(f"{counts[name][value]:,}" for name in rows)] for value in named]
    if others:
        rest = [sum(counts[name][value] for value in others) for name in rows]
        lines.append([f"{len(others)} others", *(f"{count:,}" for count in rest)])
    yield from table([field, *rows], lines)


# Commands


def _command(manifest: Manifest) -> str:
    inputs = _places(manifest)
    made, given = f"work/{manifest.made}", inputs[:1]
    match manifest.step:
        case "collect":
            given = inputs if len(inputs) <= _NAMED else [*inputs[:_NAMED], "..."]
        case "judge":
            given = [inputs[0], *(word for place in inputs[1:] for word in _held_against(place))]
        case "split" if manifest.counts["dropped"]:
            given = [inputs[0], "--drop"]
        case "tune":
            given, made = [_folder(inputs[0])], _folder(made)
        case "merge":
            given = [_folder(_folder(inputs[0]))]
    return " ".join([f"python scripts/train/{manifest.step}.py", *given, "-o", made, *_changed(manifest)])


def _held_against(place: str) -> list[str]:
    """How `judge.py` was told of this input: what a model said, or other labels."""
    return ["--model"] if _is_scores(place) else ["--second", place]


def _is_scores(place: str) -> bool:
    return place.endswith(".scores.jsonl")


def _export_command(export: Manifest, run: Run) -> str:
    folder = PurePosixPath(export.made).parent
    of_it = [each for each in run.exports if PurePosixPath(each.made).parent == folder]
    names = json.dumps([each.settings["quantization"] for each in of_it], separators=(",", ":"))
    return (
        f"python scripts/train/export.py {_folder(_places(export)[0])} "
        f"-o work/{folder} --set 'export.quantizations={names}'"
    )


def _measuring_command(manifest: Manifest) -> str:
    inputs = _places(manifest)
    data_files = [name for name in inputs if name.endswith(".jsonl")]
    folders = dict.fromkeys(_folder(name) for name in inputs if name not in data_files)
    given = [*folders, *(["--data", *data_files] if data_files else [])]
    if rows := manifest.settings.get("rows"):
        given += ["--rows", str(rows)]
    command = [f"python scripts/train/{manifest.step}.py", *given, "-o", _folder(f"work/{manifest.made}")]
    return " ".join([*command, *_changed(manifest)])


def _place(name: str, sha256: str) -> str:
    """A file as a reader can find it: in the run's folder, in the repository, or by its name alone."""
    if not name.startswith("../"):
        return f"work/{name}"
    file = PurePosixPath(name).name
    for folder in ("data", "scripts/train"):
        path = ROOT / folder / file
        if path.is_file() and sha256_of(path) == sha256:
            return f"{folder}/{file}"
    return file


def _places(manifest: Manifest) -> list[str]:
    return [_place(name, sha256) for name, sha256 in manifest.inputs.items()]


def _folder(place: str) -> str:
    return PurePosixPath(place).parent.as_posix()


def _changed(manifest: Manifest) -> list[str]:
    """The settings that are not config.toml's, as options."""
    defaults = asdict(read_settings())
    section = _SECTIONS.get(manifest.step, manifest.step)
    changed = [] if manifest.seed == defaults["seed"] else [f"--set seed={manifest.seed}"]
    usual = dict(_flat(defaults.get(section) or {}, section))
    for key, value in _flat(manifest.settings, section):
        if key in usual and value != usual[key]:
            changed.append(f"--set {shlex.quote(f'{key}={_value(value)}')}")
    return changed


def _flat(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}.{name}")
        elif name not in _PRIVATE:
            yield f"{prefix}.{name}", list(value) if isinstance(value, tuple) else value


def _value(value: object) -> str:
    """A setting as it is written on a command line; of a path only its name."""
    if isinstance(value, list | tuple):
        return json.dumps([_value(item) if isinstance(item, str) else item for item in value])
    if isinstance(value, str):
        elsewhere = PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
        return re.split(r"[/\\]", value)[-1] if elsewhere or value.startswith(("~", "..")) else value
    return json.dumps(value)
