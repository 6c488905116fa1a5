"""What a run left in its folder for the model card: manifests that fit each other, and measured files.

Nothing is taken on trust: a step made of something else than lies there, a measured file of another model and
a broken file are refused by name.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from devrouter.core.json_lines import numbered_rows
from devrouter.evaluation.rows import Gold, Header, RowAnswer, read_answers, read_gold, sha256_of
from train.config import ROOT, Quantization
from train.manifest import check_manifest
from train.manifest import sha256_of as sha256_of_file
from train.rows import FileError, read_json

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from devrouter.evaluation.rows import GoldRow

NOT_MEASURED = "not measured"

_SUFFIX = ".manifest.json"
_ANSWERS = re.compile(r"(llama_cpp|ollama|transformers)-(\w+)-(free|constrained)")
_STEPS = ("collect", "teach", "judge", "split", "tune", "merge")
"""What leads up to an export, in order."""

_MEASURING = ("validate", "compare", "performance")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One step. `made` and the names of inputs and outputs are paths as seen from the run's folder."""

    made: str
    step: str
    seed: int
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    versions: Mapping[str, str]
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """Who answered the rows of one set, and what; both in the same order.

    `name` is an export's quantisation, or what `--compare` calls another engine; that one has no `runtime`.
    `data_sha256` is the hash of the labelled file.
    """

    name: str
    runtime: str | None
    mode: str | None
    data_sha256: str
    rows: Sequence[GoldRow]
    answers: Sequence[RowAnswer]


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder: the steps that led to its exports, the exports, and what was measured of them.

    `measured` maps the steps that measure to their manifests, `sets` the names of labelled files to answers.
    """

    folder: Path
    steps: Mapping[str, Manifest]
    exports: Sequence[Manifest]
    measured: Mapping[str, Manifest]
    sets: Mapping[str, Sequence[Answers]]

    def result(self, step: str) -> Path | None:
        """The file that a measuring step wrote, None where it was not run."""
        return self.folder / self.measured[step].made if step in self.measured else None

    def file(self, name: str) -> Path | None:
        """A file of the run that is there still."""
        path = self.folder / name
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class _Content:
    """A manifest as it is written."""

    step: str
    seed: int
    settings: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    versions: dict[str, str]
    counts: dict[str, Any]

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}


def read_run(folder: Path, data: Sequence[Path] = (), compared: Mapping[str, Path] | None = None) -> Run:
    """Everything that a card needs. `data` are labelled files that lie elsewhere than when they were asked.

    Raises `FileError` that names the file that is broken, or of another model than the exports.
    """
    manifests = [_manifest(path, folder) for path in sorted(folder.rglob(f"*{_SUFFIX}"))]
    finest_first = list(get_args(Quantization))
    exports = sorted(
        (each for each in manifests if each.step == "export"),
        key=lambda export: finest_first.index(export.settings["quantization"]),
    )
    if not exports:
        raise FileError(f"{folder}: holds no export with its manifest; run export.py")
    for export in exports[1:]:
        if export.inputs != exports[0].inputs:
            raise FileError(
                f"{folder}: {exports[0].made} and {export.made} are exports of two models; give each a folder"
            )
    for export in exports:
        if (folder / export.made).is_file():
            check_manifest(folder / export.made)
    steps = _history(exports[0], manifests, folder)
    measured = {each.step: each for each in manifests if each.step in _MEASURING}
    for each in measured.values():
        check_manifest(folder / each.made)
        models = [sha256 for name, sha256 in each.inputs.items() if name.endswith(".gguf")]
        _require_model(folder / each.made, models, _models(exports))
    sets: dict[str, list[Answers]] = {}
    for path in sorted((folder / "measured" / "quality").glob("*/*.jsonl")):
        sets.setdefault(path.stem, []).append(_answers(path, folder, exports, steps.get("merge"), data))
    for name, path in (compared or {}).items():
        _compare(name, path, sets)
    return Run(
        folder, steps, exports, measured, {name: sets[name] for name in sorted(sets, key=_unseen_first)}
    )


def _models(exports: Iterable[Manifest]) -> set[str]:
    """The hashes of the exports' files."""
    return {sha256 for export in exports for sha256 in export.outputs.values()}


def _require_model(path: Path, named: Iterable[str], known: Container[str]) -> None:
    """Raises `FileError` where a measured file names the hash of a model that is not known."""
    if strange := [sha256 for sha256 in named if sha256 not in known]:
        raise FileError(
            f"{path}: was measured on another model (SHA-256 {strange[0][:16]}...) than the exports here; "
            "measure again, or remove it"
        )


def _unseen_first(name: str) -> tuple[int, str]:
    """A file of its own, then other sources, then the sources that were trained on."""
    return {"holdout": 1, "validation": 2}.get(name, 0), name


def _manifest(path: Path, folder: Path) -> Manifest:
    content = read_json(path, _Content, "run the step again")

    def seen(names: Mapping[str, str]) -> dict[str, str]:
        return {
            Path(os.path.relpath(path.parent / name, folder)).as_posix(): sha256
            for name, sha256 in names.items()
        }

    made = path.with_name(path.name.removesuffix(_SUFFIX)).relative_to(folder).as_posix()
    return Manifest(
        made,
        content.step,
        content.seed,
        content.settings,
        seen(content.inputs),
        seen(content.outputs),
        content.versions,
        content.counts,
    )


def _history(export: Manifest, manifests: Sequence[Manifest], folder: Path) -> dict[str, Manifest]:
    """The steps that led to the export, each by the files that it made, in their order.

    Raises `FileError` where one of them was made of other files than the step before made.
    """
    makers = {name: each for each in manifests if each.step in _STEPS for name in each.outputs}
    found: dict[str, Manifest] = {}
    waiting = [export]
    while waiting:
        later = waiting.pop()
        for name, sha256 in later.inputs.items():
            if (maker := makers.get(name)) is None:
                continue
            if maker.outputs[name] != sha256:
                raise FileError(
                    f"{folder / later.made}: was made of another {name} than that of the step {maker.step}; "
                    f"run the step {later.step} again"
                )
            if maker.step not in found:
                found[maker.step] = maker
                waiting.append(maker)
    return {step: found[step] for step in _STEPS if step in found}


def _answers(
    path: Path, folder: Path, exports: Sequence[Manifest], merged: Manifest | None, data: Sequence[Path]
) -> Answers:
    """One answers file, whole, and of a model of this run."""
    who = _ANSWERS.fullmatch(path.parent.name)
    if who is None:
        raise FileError(f"{path.parent}: is no folder of answers by its name; remove it")
    runtime, quantization, mode = who.groups()
    made = check_manifest(path)
    gold, sha256 = _gold(path, made["inputs"], data)
    header, rows, answers = _read(path, gold)
    # Transformers runs the merged folder, which is known by the hash of its manifest.
    models = {sha256_of_file(folder / f"{merged.made}{_SUFFIX}")} if merged else set()
    if runtime != "transformers":
        models = _models(each for each in exports if each.settings["quantization"] == quantization)
    _require_model(path, [header.version], models)
    return Answers(quantization, runtime, mode, sha256, rows, answers)


def _gold(path: Path, inputs: Mapping[str, str], data: Sequence[Path]) -> tuple[Gold, str]:
    """The labelled rows that an answers file answers: where they were, or among `data`, or in data/.

    Together with the hash of their file.
    """
    for name, sha256 in inputs.items():
        if Path(name).name != path.name:
            continue
        for candidate in (*data, path.parent / name, ROOT / "data" / path.name):
            if candidate.name == path.name and candidate.is_file() and sha256_of_file(candidate) == sha256:
                return read_gold(candidate.read_bytes(), str(candidate)), sha256
    raise FileError(f"{path}: the rows that it answers are not where they were; name them with --data")


def _read(path: Path, gold: Gold) -> tuple[Header, list[GoldRow], list[RowAnswer]]:
    """The answers and the rows that were asked, which may be part of the data's, in the order of the file."""
    content = path.read_bytes()
    header, _ = read_answers(content, str(path), ())
    rows = {row.id: row for row in gold.rows}
    asked = []
    for number, line in list(numbered_rows(content.splitlines()))[1:]:
        row = rows.get(json.loads(line)["id"])
        if row is None:
            raise FileError(f"{path}, line {number}: answers no row of {gold.file}; measure again")
        asked.append(row)
    if not asked or sha256_of(asked) != header.data_sha256:
        raise FileError(f"{path}: does not answer all the rows that were asked; let its program go on")
    return header, asked, read_answers(content, str(path), asked)[1]


def _compare(name: str, path: Path, sets: Mapping[str, list[Answers]]) -> None:
    """Add another engine's answers to each set whose rows they answer. Raises `FileError` where none is.

    Of a set whose rows not all exports were asked, it is those of the export that was asked most.
    """
    content = path.read_bytes()
    read_answers(content, str(path), ())
    ids = {json.loads(line).get("id") for _, line in numbered_rows(content.splitlines())}
    of_it = [found for found in sets.values() if ids & {row.id for row in found[0].rows}]
    if not of_it:
        raise FileError(f"{path}: answers no row of {', '.join(sets) or 'any set that was measured'}")
    for found in of_it:
        most = max(found, key=lambda each: len(each.rows))
        answers = read_answers(content, str(path), most.rows)[1]
        found.append(Answers(name, None, None, most.data_sha256, most.rows, answers))
