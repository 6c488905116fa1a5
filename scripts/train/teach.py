"""Let a stronger model label prompts by the labelling guide.

    python scripts/train/teach.py work/prompts.jsonl -o work/labels.jsonl --dry-run
    python scripts/train/teach.py work/prompts.jsonl -o work/labels.jsonl \\
        --set teach.model.api=openai --set teach.model.url=https://api.example.com/v1 \\
        --set teach.model.name=large --set teach.model.key_variable=EXAMPLE_KEY \\
        --set teach.model.price_in=2.5 --set teach.model.price_out=10

Says first what it will cost, and asks. The output is only added to, a line for each prompt: stopped by
whatever means, the same command goes on from there, and nothing is paid twice. Replies that are no decision
are asked for once more; then the prompt goes to `labels.rejected.jsonl` with the reason. To have those tried
again, remove that file. Exit status 1 where prompts are left without an answer.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.core.decision import decision_schema
from devrouter.core.kinds import kind_of
from devrouter.engines.engine import ReplyBroken
from devrouter.engines.prompting import tokens_needed
from devrouter.engines.reply import ReplyReader
from train.asking import Inquiry, NoAnswer, Question, inquire
from train.config import Settings, parser, run_command, settings_of
from train.manifest import write_manifest
from train.rows import FileError, Prompt, id_of, read_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

GUIDE = Path(__file__).with_name("labelling_guide.md")


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    prompts = _collected(options.prompts)
    inquiry = inquiry_of(prompts, settings)
    answers = inquire(
        questions_of(prompts), inquiry, options.output, yes=options.yes, dry_run=options.dry_run
    )
    if answers is None:
        return
    if answers.rows:
        counts = {"prompts": len(prompts), "labels": len(answers.rows), "rejected": len(answers.rejected)}
        inputs = [options.prompts, GUIDE]
        write_manifest(
            options.output, "teach", settings=settings.teach, seed=settings.seed, inputs=inputs, counts=counts
        )
    sys.exit(answers.unfinished)


def questions_of(prompts: Sequence[Prompt]) -> list[Question]:
    """Each prompt as the teacher is asked about it: the guide, then the prompt and nothing else."""
    guide = GUIDE.read_text(encoding="utf-8")
    system = {"role": "system", "content": guide}
    return [
        Question(
            prompt.id,
            (system, {"role": "user", "content": prompt.text}),
            *tokens_needed(prompt.text, guide),
        )
        for prompt in prompts
    ]


def inquiry_of(prompts: Sequence[Prompt], settings: Settings) -> Inquiry:
    by_id = {prompt.id: prompt for prompt in prompts}
    guide = hashlib.sha256(GUIDE.read_bytes()).hexdigest()[:8]
    return Inquiry(
        model=settings.teach.model,
        schema=decision_schema(),
        seed=settings.seed,
        give_up_after=settings.teach.give_up_after,
        asked_by=f"{settings.teach.model.name}, guide {guide}",
        read=lambda question, text: labelled(by_id[question.id], text),
    )


def labelled(prompt: Prompt, reply: str) -> dict[str, Any]:
    """A labelled row. Raises `NoAnswer` where the reply is no decision."""
    reader = ReplyReader()
    try:
        reader.feed(reply)
        decision, problems = reader.finish()
    except ReplyBroken as error:
        raise NoAnswer(str(error)) from None
    if problems:
        raise NoAnswer(problems[0])
    values: Mapping[str, Any] = {
        "text": prompt.text,
        "source": prompt.source,
        "group": prompt.group,
        "form": prompt.form,
        **decision.to_dict(),
        "missing": [{"phrase": phrase, "kind": kind_of(phrase)} for phrase in decision.missing],
    }
    return {key: value for key, value in values.items() if value is not None}


def _collected(path: Path) -> list[Prompt]:
    """The prompts of a file. Raises `FileError` where an id is not that of its text."""
    prompts = read_rows(path, Prompt)
    for prompt in prompts:
        if prompt.id != id_of(prompt.text):
            raise FileError(
                f"{path}: the id {prompt.id} is not that of its text; run collect.py over the file"
            )
    return prompts


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("prompts", type=Path, help="what collect.py wrote")
    made.add_argument("-o", "--output", type=Path, required=True, help="labels.jsonl; is added to")
    made.add_argument("--dry-run", action="store_true", help="only say what it would cost")
    made.add_argument("--yes", action="store_true", help="do not ask before prompts are sent")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
