"""Compare two runs that differ in the order of the fields: how right, how faithful, how soon the labels.

    python scripts/train/tune.py work/splits -o labels/tuned --set training.recipe=labels_first
    ... merge.py and export.py of the same folder ...
    python scripts/train/orders.py work labels --data data/test.jsonl -o work/measured

Each run's folder holds `gguf/`, and where they are there `tuned/` and `measured/`. Both are asked the same
rows on llama.cpp as `validate.py` asks them, whose replies are not asked for again. Of some rows the replies
are streamed as well, one of each in turn, to tell after how many tokens and how much time intent, complexity
and route are known. Writes `orders.md` and `orders.json`; the same command goes on where it was stopped.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.core.fidelity import guard
from devrouter.evaluation.labels import Share, share
from devrouter.evaluation.measures import Comparison, compare, mcnemar, measure
from devrouter.evaluation.report import shown, table, this_machine
from train.asked import Answered, Mode, order_of, read_data
from train.config import Quantization, parser, run_command, settings_of
from train.export import Export, exports_in
from train.manifest import manifest_path, write_manifest
from train.merge import ORDERS, tuned_weights
from train.rows import FileError, write_text
from train.streamed import Pair, medians, stream_in_turn
from train.validate import answers_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

_MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two: where it lies, the export that is asked, and the order in which that writes."""

    folder: Path
    export: Export
    order: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its recipe, or the order of a prompt that no recipe made."""
        return next((name for name, order in ORDERS.items() if order == self.order), ", ".join(self.order))


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. `offered` and `withheld` are what the guard makes of the rewrites of all rows, constrained."""

    valid: Mapping[Mode, Share]
    accuracy: Mapping[Mode, Mapping[str, Share]]
    offered: Share
    withheld: Share


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    runs = [_run(folder, options.quantization) for folder in (options.first, options.second)]
    if runs[0].order == runs[1].order:
        raise FileError(
            f"{runs[0].export.path} and {runs[1].export.path}: both write {runs[0].name}, so there are no "
            "orders to compare"
        )
    data = read_data(options.data, options.rows)
    answered = [answers_of(run.export, [data], run.folder / "measured", options.slots) for run in runs]
    kept = options.output / "orders.streamed.jsonl"
    pairs = stream_in_turn([run.export for run in runs], read_data(options.data, options.streamed), kept)
    report = {
        "runs": [run.name for run in runs],
        "quantization": options.quantization,
        "data": options.data.name,
        "rows": len(data.rows),
        "machine": this_machine(),
        "also_different": also_different(runs),
        "measured": {run.name: asdict(measured(each)) for run, each in zip(runs, answered, strict=True)},
        "paired": {name: asdict(each) for name, each in paired(*answered).items()},
        "streamed": {"rows": len(pairs), **streamed_figures(runs, pairs)},
    }
    made = options.output / "orders.json"
    write_text(made, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    write_text(options.output / "orders.md", "\n".join(_document(report)) + "\n")
    write_manifest(
        made,
        "orders",
        settings={"quantization": options.quantization, "rows": len(data.rows), "streamed": len(pairs)},
        seed=settings.seed,
        inputs=[*(run.export.path for run in runs), options.data],
    )
    print((options.output / "orders.md").read_text(encoding="utf-8"), end="")


def measured(answered: Mapping[Mode, Answered]) -> Measured:
    """What one run's answers are worth by themselves."""
    measures = {mode: measure(each.rows, each.answers) for mode, each in answered.items()}
    outcomes = [_outcome(*each) for each in _rewrites(answered["constrained"])]
    return Measured(
        valid={mode: each.valid for mode, each in measures.items()},
        accuracy={
            mode: {field: labels.accuracy for field, labels in each.labels.items()}
            for mode, each in measures.items()
        },
        offered=share(outcomes.count("offered"), len(outcomes)),
        withheld=share(outcomes.count("withheld"), len(outcomes)),
    )


def paired(first: Mapping[Mode, Answered], second: Mapping[Mode, Answered]) -> dict[str, Comparison]:
    """The two on the same rows, by what is compared."""
    found = {}
    for mode in _MODES:
        one, other = first[mode], second[mode]
        valid = [[answer.decision is not None for answer in each.answers] for each in (one, other)]
        found[f"valid, {mode}"] = mcnemar(*valid)
        for field, comparison in compare(one.rows, one.answers, other.answers).items():
            found[f"{field}, {mode}"] = comparison
    faithful = [
        [_outcome(*rewrite) in {"offered", "same"} for rewrite in _rewrites(each["constrained"])]
        for each in (first, second)
    ]
    return {**found, "rewrite faithful, constrained": mcnemar(*faithful)}


def streamed_figures(runs: Sequence[Run], pairs: Sequence[Pair]) -> dict[str, Any]:
    """Medians over the rows that both replied to with a decision; nothing where there are none."""
    by_run = zip(runs, zip(*pairs, strict=True), strict=False)
    return {run.name: asdict(medians(timings)) for run, timings in by_run}


def also_different(runs: Sequence[Run]) -> list[str] | None:
    """In what else the runs differ, for which the order is not to blame; None where that is not known."""
    known = []
    for run in runs:
        try:
            known.append(json.loads(manifest_path(tuned_weights(run.folder / "tuned")).read_text("utf-8")))
        except (FileError, OSError, ValueError):
            return None
    one, other = (_training(manifest) for manifest in known)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _training(manifest: Mapping[str, Any]) -> dict[str, object]:
    """Settings, seed, input files and number of rows of what was tuned, without the recipe."""
    inputs = {Path(name).name: sha256 for name, sha256 in manifest["inputs"].items()}
    settings = {name: value for name, value in manifest["settings"].items() if name != "recipe"}
    # One recipe can learn from rows that the other cannot.
    learned = manifest["counts"].get("rows")
    return {"seed": manifest["seed"], **settings, **inputs, "rows": learned}


def _run(folder: Path, quantization: str) -> Run:
    for export in exports_in(folder / "gguf"):
        if export.quantization == quantization:
            return Run(folder, export, order_of(export.path))
    raise FileError(
        f"{folder / 'gguf'}: holds no {quantization}; export.py writes it, or name --quantization"
    )


def _rewrites(answered: Answered) -> Iterator[tuple[str, str | None]]:
    """Each draft with its rewrite, None where there is no decision."""
    for row, answer in zip(answered.rows, answered.answers, strict=True):
        yield row.text, answer.decision.rewrite if answer.decision else None


def _outcome(draft: str, rewrite: str | None) -> str:
    """What a user would get to see of a rewrite."""
    if rewrite is None:
        return "invalid"
    guarded = guard(draft.strip(), rewrite.strip())
    if guarded.withheld:
        return "withheld"
    return "same" if guarded.rewrite is None else "offered"


# Parts of the document, each a list of lines


def _document(report: Mapping[str, Any]) -> Iterator[str]:
    first, second = report["runs"]
    yield from (f"# {first} against {second}", "")
    yield (
        f"On {report['rows']:,} rows of `{report['data']}`, {report['quantization']} on llama.cpp. "
        f"{_difference(report['also_different'])} Intervals are Wilson's at 95 %; a reply that is no "
        "decision counts as wrong."
    )
    yield ""
    yield from table(["", first, second], _figures(report))
    yield from (
        "",
        "## On the same rows",
        "",
        "McNemar's exact test on the rows that one of the two got right.",
        "",
    )
    yield from table(
        ["", "difference", f"only {first} right", f"only {second} right", "p"],
        (
            [
                name,
                f"{100 * each['difference']:+.1f} points",
                f"{each['only_first_right']:,}",
                f"{each['only_second_right']:,}",
                f"{each['p_value']:.2g}",
            ]
            for name, each in report["paired"].items()
        ),
    )
    yield from ("", f"Machine: {report['machine']}.")


def _difference(also_different: list[str] | None) -> str:
    if also_different is None:
        return (
            "What the two were tuned with is not known, so the order need not be to blame for a difference."
        )
    if also_different:
        named = ", ".join(f"`{name}`" for name in also_different)
        return f"**The two were tuned with other {named} as well**, which may be to blame for a difference."
    return "The two were tuned with the same rows and settings but for the order."


def _figures(report: Mapping[str, Any]) -> Iterator[list[str]]:
    """One row a figure, one column a run."""
    runs = [report["measured"][name] for name in report["runs"]]
    for mode in _MODES:
        yield [f"valid decisions, {mode}", *(_shown(run["valid"][mode]) for run in runs)]
    for mode in _MODES:
        for field in runs[0]["accuracy"][mode]:
            yield [f"{field}: accuracy, {mode}", *(_shown(run["accuracy"][mode][field]) for run in runs)]
    yield ["rewrites that may be offered", *(_shown(run["offered"]) for run in runs)]
    yield ["rewrites withheld by the guard", *(_shown(run["withheld"]) for run in runs)]
    streamed = [report["streamed"].get(name) for name in report["runs"]]
    if all(streamed):
        rows = f"median of {report['streamed']['rows']:,} rows"
        for name, title in _STREAMED.items():
            yield [f"{title}, {rows}", *(f"{figures[name]:,.0f}" for figures in streamed)]


_STREAMED = {
    "tokens_to_labels": "tokens until the labels are known",
    "tokens": "tokens of the reply",
    "milliseconds_to_labels": "milliseconds until the labels are known",
    "milliseconds": "milliseconds of the reply",
}


def _shown(figures: Mapping[str, Any]) -> str:
    return shown(Share(**figures))


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("first", type=Path, help="the folder of a run")
    made.add_argument("second", type=Path, help="that of a run with another training.recipe")
    made.add_argument("--data", type=Path, required=True, help="labelled rows, such as data/test.jsonl")
    made.add_argument(
        "--rows", type=int, help="how many of them are asked, chosen by their ids; all if not given"
    )
    made.add_argument("--streamed", type=int, default=40, help="how many are streamed; default: 40")
    made.add_argument("--quantization", choices=get_args(Quantization), default="Q8_0", help="default: Q8_0")
    made.add_argument("--slots", type=int, default=1, help="rows asked at a time; default: 1")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for orders.md and orders.json")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
