"""Compare the runtimes that serve one model: the same prompt, token for token, and the same labels.

    python scripts/train/compare.py work/merged work/gguf --data data/test.jsonl -o work/measured
    python scripts/train/compare.py work/merged work/gguf --data data/test.jsonl --rows 200 -o work/measured

Ollama and llama.cpp serve the same GGUF file (`compare.quantization`) and are asked as DevRouter asks;
Transformers runs the merged folder on some of the rows, free, beside llama.cpp with F16. Writes `compare.md`
and `compare.json`. Ends with status 1 where a prompt differs by a token, or where Ollama and llama.cpp give
the same three labels on fewer rows than `compare.agreement`; the rows are named by their ids. A run that was
stopped goes on.
"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.core.json_lines import RowId  # noqa: TC001  (pydantic reads it)
from devrouter.evaluation.labels import Share, called_of, share
from devrouter.evaluation.report import percent, shown, table
from devrouter.evaluation.rows import LABELS
from train.asked import MODEL, Respondent, ask, context_for
from train.config import parser, run_command, settings_of
from train.export import exports_in
from train.gate import VALID, figures_of, identical
from train.greedy import greedy_replies
from train.manifest import check_manifest, write_manifest
from train.prompt_tokens import by_llama_cpp, by_ollama, by_transformers
from train.rows import FileError, write_text
from train.serving import llama_cpp, ollama
from train.validate import add_arguments, read_all

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from devrouter.evaluation.rows import GoldRow, RowAnswer
    from train.asked import Answered, Data
    from train.export import Export
    from train.prompt_tokens import Prompt


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of all rows. `differing` are those that are not the same in all three runtimes.

    `counted` says of how many rows Ollama told the number of tokens that it read, which then is the same too.
    """

    identical: Share
    counted: int
    differing: tuple[RowId, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two runtimes on the same rows: how often the three labels, and the whole replies, are the same.

    Labels are compared where at least one of the two gave a decision. `valid` is how often each did, and
    `differing` are the rows whose labels are not the same.
    """

    same_labels: Share
    same_replies: Share
    valid: tuple[Share, Share]
    differing: tuple[RowId, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was compared, and all of `compare.json`.

    `file` is what llama.cpp and Ollama served, `needed` the share of labels in which they have to agree.
    """

    file: str
    sha256: str
    needed: float
    rows: int
    prompts: Prompts
    servers: Agreement
    transformers: Agreement


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    check_manifest(options.merged)
    exports = {export.quantization: export for export in exports_in(options.gguf)}
    served, whole = (_export(exports, name, options.gguf) for name in (settings.compare.quantization, "F16"))
    data = read_all(options.data, options.rows)
    part = read_all(options.data, min(settings.compare.transformers_rows, options.rows or sys.maxsize))
    needed = settings.compare.agreement
    compared = compare(options.merged, served, whole, data, part, options.output, needed)
    report = "\n".join(_report(compared, served, whole)) + "\n"
    write_text(options.output / "compare.md", report)
    text = json.dumps(asdict(compared), indent=1, ensure_ascii=False) + "\n"
    write_text(options.output / "compare.json", text)
    write_manifest(
        options.output / "compare.json",
        "compare",
        settings=asdict(settings.compare) | {"rows": options.rows},
        seed=settings.seed,
        inputs=[options.merged, served.path, whole.path, *(each.path for each in data)],
        counts={"rows": compared.rows, "same labels": compared.servers.same_labels.count},
    )
    print(report)
    if found := list(failures(compared)):
        sys.exit("\n".join(found))


def compare(
    merged: Path,
    served: Export,
    whole: Export,
    data: Sequence[Data],
    part: Sequence[Data],
    measured: Path,
    needed: float,
) -> Comparison:
    """Ask all runtimes. `part` are the rows that Transformers and llama.cpp with F16 are asked."""
    rows = [row for each in data for row in each.rows]
    texts = [row.text for row in rows]
    prompts = {"transformers": by_transformers(merged, texts)}
    with (
        llama_cpp(served.path, context=context_for(texts, served.path)) as url,
        ollama(served.path, MODEL) as other,
    ):
        prompts["llama_cpp"] = by_llama_cpp(url, texts)
        prompts["ollama"] = by_ollama(other, url, texts)
        first = Respondent("llama_cpp", served.quantization, "constrained", served.path, served.sha256)
        second = replace(first, runtime="ollama")
        by_llama = ask([first], data, measured, lambda: nullcontext(url))[0]
        by_other = ask([second], data, measured, lambda: nullcontext(other))[0]
    free = Respondent("llama_cpp", whole.quantization, "free", whole.path, whole.sha256)
    context = context_for((text for each in part for text in each.texts), whole.path)
    beside = ask([free], part, measured, lambda: llama_cpp(whole.path, context=context))
    return Comparison(
        file=served.path.name,
        sha256=served.sha256,
        needed=needed,
        rows=len(rows),
        prompts=same_prompts(rows, prompts, [reply.tokens_in for reply in by_other.replies]),
        servers=agreement(by_llama, by_other),
        transformers=agreement(beside[0], greedy_replies(merged, part, measured)),
    )


def same_prompts(
    rows: Sequence[GoldRow], prompts: Mapping[str, Sequence[Prompt]], counted: Sequence[int]
) -> Prompts:
    """Whether all make the same of each row. `counted` are the tokens that Ollama read, 0 where untold."""
    differing = [
        row.id
        for row, count, *made in zip(rows, counted, *prompts.values(), strict=True)
        if len({prompt.tokens for prompt in made}) > 1 or count not in {0, len(made[0].tokens)}
    ]
    same = share(len(rows) - len(differing), len(rows))
    return Prompts(same, sum(count > 0 for count in counted), tuple(differing))


def agreement(one: Answered, other: Answered) -> Agreement:
    """How far two runtimes agree on the same rows."""
    pairs = [
        (row.id, _labels(first), _labels(second))
        for row, first, second in zip(one.rows, one.answers, other.answers, strict=True)
    ]
    decided = [pair for pair in pairs if pair[1] or pair[2]]
    differing = tuple(name for name, first, second in decided if first != second)
    return Agreement(
        same_labels=share(len(decided) - len(differing), len(decided)),
        same_replies=identical(one, other),
        valid=(figures_of(one)[VALID], figures_of(other)[VALID]),
        differing=differing,
    )


def failures(compared: Comparison) -> Iterator[str]:
    """One sentence for each thing that is not as it must be."""
    if differing := compared.prompts.differing:
        yield (
            f"{len(differing):,} of {compared.rows:,} prompts are not the same tokens in all three runtimes: "
            f"{_named(differing)}"
        )
    same = compared.servers.same_labels
    if same.value is None:
        yield "neither Ollama nor llama.cpp gave a decision on any row"
    elif same.value < compared.needed:
        yield (
            f"Ollama and llama.cpp give the same labels on {percent(same.value)} of {same.total:,} rows, "
            f"less than {percent(compared.needed)}; they differ on {_named(compared.servers.differing)}"
        )


def _labels(answer: RowAnswer) -> tuple[str, ...] | None:
    return None if answer.decision is None else tuple(called_of(answer, field) for field in LABELS)


def _named(ids: Sequence[RowId]) -> str:
    return ", ".join(map(str, ids))


def _export(exports: Mapping[str, Export], quantization: str, folder: Path) -> Export:
    if quantization not in exports:
        raise FileError(
            f"{folder}: holds no {quantization} export; run export.py with it among export.quantizations"
        )
    return exports[quantization]


def _report(compared: Comparison, served: Export, whole: Export) -> Iterator[str]:
    prompts = compared.prompts
    yield from ("# One model in three runtimes", "", f"On {compared.rows:,} rows.", "", "## Prompts", "")
    yield (
        f"{prompts.identical.count:,} of {prompts.identical.total:,} prompts are the same tokens in Ollama, "
        "llama.cpp and Transformers: each runtime rendered its own, and Ollama's text was cut into tokens by "
        f"llama.cpp. For {prompts.counted:,} rows Ollama said how many tokens it read: that has to agree too."
    )
    yield from ("", "## Replies", "")
    heads = ("", "same labels", "same replies", "valid, the first", "valid, the second")
    rows = (
        (f"llama.cpp and Ollama, {served.quantization}, held to the schema", compared.servers),
        (f"llama.cpp, {whole.quantization}, and Transformers, free", compared.transformers),
    )
    yield from table(heads, ([name, *_figures(each)] for name, each in rows))
    yield ""
    yield (
        f"Labels are compared where at least one of the two gave a decision. The first two must agree on "
        f"{percent(compared.needed)}; the others are only reported, for they add numbers in other orders."
    )
    for title, differing in (
        ("prompts differ", prompts.differing),
        ("labels differ between llama.cpp and Ollama", compared.servers.differing),
        ("labels differ between llama.cpp and Transformers", compared.transformers.differing),
    ):
        if differing:
            yield from ("", f"Rows whose {title}: {_named(differing)}.")


def _figures(found: Agreement) -> list[str]:
    same = found.same_labels
    return [
        f"{same.count:,} of {same.total:,}, {shown(same)}",
        f"{found.same_replies.count:,} of {found.same_replies.total:,}",
        *(percent(valid.value) for valid in found.valid),
    ]


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("merged", type=Path, help="the folder of merge.py")
    add_arguments(made)
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
