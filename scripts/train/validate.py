"""Ask every export the rows of labelled files, and refuse one that is worse than F16.

    python scripts/train/validate.py work/gguf --data data/test.jsonl -o work/measured
    python scripts/train/validate.py work/gguf --data data/test.jsonl work/splits/validation.jsonl \\
        --rows 300 -o work/measured

Each export answers on llama.cpp, once free and once held to the schema; `gate.py` states the rule. Writes
`validate.md` and `validate.json`, and each model's answers for `devrouter eval --answers`. The Modelfile of a
refused export is taken away, so that Ollama cannot be given it by accident, and `X.refused.md` says why;
where it passes later, the Modelfile is back. Ends with status 1 unless every export passed. A run that was
stopped goes on; `--rows` can be raised, and only the new rows are asked.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.engines.gguf import GGUFError, read_metadata
from train.asked import Respondent, ask, context_for, read_data
from train.config import parser, run_command, settings_of
from train.export import exports_in, refusal_of, write_modelfile
from train.gate import (
    FIGURES,
    Outcome,
    Verdict,
    figures_of,
    identical,
    judge,
    reasons,
    table_of_figures,
    table_of_verdicts,
    worst,
)
from train.manifest import manifest_path, write_manifest
from train.rows import FileError, write_text
from train.serving import llama_cpp

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from train.asked import Answered, Data, Mode
    from train.config import ValidateSettings
    from train.export import Export

REFERENCE = "F16"
_MODES: tuple[Mode, ...] = ("free", "constrained")
_RULE = """\
In brackets the difference to F16 on the same rows, in points, and its {confidence:g} % interval \
(Tango's, of pairs). An export passes where all four intervals lie above -{margin:g}. It is refused (✗) \
where one lies wholly below. Else these rows cannot tell (?), and more are needed. Valid JSON is counted \
in free replies, just as they came; the labels are those of replies held to the schema, as DevRouter asks \
for them."""
_WHOLE = frozenset({"F32", "F16", "BF16"})
"""File types of GGUF that hold a model's weights as they were trained."""


def main() -> None:
    arguments = parser(__doc__)
    add_arguments(arguments)
    options = arguments.parse_args()
    settings = settings_of(options)
    exports = compared_exports(options.gguf)
    data = read_all(options.data, options.rows)
    answers = {
        export.quantization: answers_of(export, data, options.output, settings.validate.slots)
        for export in exports
    }
    outcomes = [outcome_of(export, answers, settings.validate) for export in exports]
    remark = remark_on_reference(exports[0], settings.validate)
    report = "\n".join(_report(outcomes, data, remark, settings.validate)) + "\n"
    write_text(options.output / "validate.md", report)
    write_text(options.output / "validate.json", _as_json(outcomes, data, remark, settings.validate))
    write_manifest(
        options.output / "validate.json",
        "validate",
        settings=asdict(settings.validate) | {"rows": options.rows},
        seed=settings.seed,
        inputs=[*(export.path for export in exports), *(each.path for each in data)],
        counts={outcome.quantization: outcome.verdict for outcome in outcomes if outcome.judged},
    )
    print(report)
    for export, outcome in zip(exports[1:], outcomes[1:], strict=True):
        mark(export.path, outcome, settings.validate)
    if failing := [outcome for outcome in outcomes if outcome.verdict is not Verdict.PASSED]:
        named = ", ".join(f"{outcome.file} is {outcome.verdict}" for outcome in failing)
        sys.exit(f"not every export passed: {named}; see {options.output / 'validate.md'}")


def compared_exports(folder: Path) -> list[Export]:
    """The exports of one merged model, F16 first. Raises `FileError`, also where there is no F16."""
    exports = exports_in(folder)
    if exports[0].quantization != REFERENCE:
        raise FileError(
            f"{folder}: holds no {REFERENCE} export, and the others are compared with that; run export.py "
            f"with {REFERENCE} among export.quantizations"
        )
    names = [export.quantization for export in exports]
    for export in exports[1:]:
        if names.count(export.quantization) > 1:
            raise FileError(f"{folder}: holds two {export.quantization} exports; keep one of them")
        if _made_of(export) != _made_of(exports[0]):
            raise FileError(f"{export.path}: was not made of the same model as {exports[0].path.name}")
    return exports


def read_all(paths: Sequence[Path], count: int | None) -> list[Data]:
    """The rows of each file. Raises `FileError`, also where two files have the same name."""
    data = [read_data(path, count) for path in paths]
    names = [each.name for each in data]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise FileError(f"--data: two files are named {twice}, and answers are kept by name; rename one")
    return data


def answers_of(export: Export, data: Sequence[Data], measured: Path, slots: int) -> dict[Mode, Answered]:
    """What the export answers on llama.cpp, all files together, by mode."""
    respondents = [
        Respondent("llama_cpp", export.quantization, mode, export.path, export.sha256) for mode in _MODES
    ]
    gguf = export.path
    context = context_for((text for each in data for text in each.texts), gguf)
    answered = ask(respondents, data, measured, lambda: llama_cpp(gguf, slots=slots, context=context), slots)
    return dict(zip(_MODES, answered, strict=True))


def outcome_of(
    export: Export, answers: dict[str, dict[Mode, Answered]], settings: ValidateSettings
) -> Outcome:
    """The export beside F16; F16 itself has nothing to be judged by."""
    own, reference = answers[export.quantization], answers[REFERENCE]
    is_reference = export.quantization == REFERENCE
    judged = () if is_reference else judge(reference, own, settings)
    return Outcome(
        quantization=export.quantization,
        file=export.path.name,
        sha256=export.sha256,
        verdict=worst(each.verdict for each in judged),
        judged=judged,
        figures={mode: figures_of(own[mode]) for mode in _MODES},
        identical={} if is_reference else {mode: identical(reference[mode], own[mode]) for mode in _MODES},
    )


def mark(path: Path, outcome: Outcome, settings: ValidateSettings) -> None:
    """Take the Modelfile of a refused export away, and say beside it why; give it back to one that passed."""
    modelfile, refusal = path.with_suffix(".Modelfile"), refusal_of(path)
    if outcome.verdict is Verdict.REFUSED:
        lines = [f"{path.name} was refused, so its Modelfile was taken away: do not serve it.", ""]
        lines += [f"- {reason}" for reason in reasons(outcome, settings.margin)]
        write_text(refusal, "\n".join(lines) + "\n")
        modelfile.unlink(missing_ok=True)
    elif outcome.verdict is Verdict.PASSED and refusal.exists():
        write_modelfile(path)
        refusal.unlink()


def remark_on_reference(export: Export, settings: ValidateSettings) -> str | None:
    """A sentence where F16 itself may be damaged, for its base was made out of a quantised file."""
    source = settings.base_was
    if not source:
        base = _base_of(export)
        if base is None:
            return "Nothing is known of F16's base, for what merge.py wrote is gone."
        if base.suffix != ".gguf":
            return None
        try:
            quantization = read_metadata(base).quantization
        except (OSError, GGUFError):
            return (
                f"F16 may be a damaged reference: its base was {base.name}, which cannot be read any more to "
                "see whether it was quantised."
            )
        if quantization in _WHOLE:
            return None
        source = f"{base.name} ({quantization})"
    return (
        f"F16 is a damaged reference: its base was dequantised from {source}. What that lost, every export "
        "here has lost too, and no figure here shows it."
    )


def _made_of(export: Export) -> dict[str, str]:
    """The hash of each file of the merged model, as its manifest says."""
    content: dict[str, dict[str, str]] = json.loads(manifest_path(export.path).read_text(encoding="utf-8"))
    return content["inputs"]


def _base_of(export: Export) -> Path | None:
    """What was tuned, as `merge.py` wrote it down."""
    merged = {(export.path.parent / name).parent for name in _made_of(export)}
    manifests = [path for folder in merged if (path := manifest_path(folder)).is_file()]
    if not manifests:
        return None
    content: dict[str, dict[str, str]] = json.loads(manifests[0].read_text(encoding="utf-8"))
    return Path(content["settings"]["base"])


def _report(
    outcomes: Sequence[Outcome], data: Sequence[Data], remark: str | None, settings: ValidateSettings
) -> list[str]:
    rows = sum(len(each.rows) for each in data)
    sources = ", ".join(f"{len(each.rows):,} of {each.path.name}" for each in data)
    lines = ["# The exports against F16", "", f"On {rows:,} rows ({sources}), asked on llama.cpp.", ""]
    if remark:
        lines += [f"**{remark}**", ""]
    lines += [
        *table_of_verdicts(outcomes),
        "",
        _RULE.format(confidence=100 * settings.confidence, margin=100 * settings.margin),
    ]
    for outcome in outcomes:
        if found := list(reasons(outcome, settings.margin)):
            lines += ["", f"{outcome.file} is **{outcome.verdict}**:", ""]
            lines += [f"- {reason}" for reason in found]
    return [*lines, "", "## All figures", "", *table_of_figures(outcomes)]


def _as_json(
    outcomes: Sequence[Outcome], data: Sequence[Data], remark: str | None, settings: ValidateSettings
) -> str:
    content: dict[str, Any] = {
        "reference": REFERENCE,
        "remark": remark,
        "rule": {"figures": FIGURES, "margin": settings.margin, "confidence": settings.confidence},
        "data": {each.path.name: len(each.rows) for each in data},
        "exports": [asdict(outcome) for outcome in outcomes],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def add_arguments(made: argparse.ArgumentParser) -> None:
    """What is measured, on which rows, and where it is written."""
    made.add_argument("gguf", type=Path, help="the folder of export.py")
    made.add_argument("--data", type=Path, nargs="+", required=True, help="labelled files")
    made.add_argument("--rows", type=int, help="so many of each file, always the same; default: all")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for what was measured")


if __name__ == "__main__":
    run_command(main)
