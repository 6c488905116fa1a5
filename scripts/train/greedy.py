"""What the merged model replies in Transformers: greedily, in full precision, to the user's message alone."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from devrouter.cli.terminal import progress_bar
from train.asked import LIMIT, Replies, Reply, Respondent, finish, together
from train.base import model_of, tokenizer_of
from train.manifest import manifest_path, sha256_of
from train.merge import prompt_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.asked import Answered, Data


def greedy_replies(merged: Path, data: Sequence[Data], measured: Path) -> Answered:
    """Ask the rows that were not asked yet; all replies are free. Raises `FileError`."""
    respondent = Respondent("transformers", "F16", "free", merged, sha256_of(manifest_path(merged)))
    model = None
    parts = []
    for each in data:
        with Replies.of(respondent, each, measured) as replies:
            waiting = replies.waiting(each.rows)
            done, title = len(each.rows) - len(waiting), f"{respondent.name} {each.name}"
            with progress_bar(len(each.rows), done=done, title=title) as bar:
                for row in waiting:
                    model = model or _Model(merged)
                    replies.keep(row, model.reply(row.text))
                    bar.update()
            parts.append(finish(respondent, each, measured, replies))
    return together(parts)


class _Model:
    """The merged model, in memory."""

    def __init__(self, merged: Path) -> None:
        import torch
        from transformers import GenerationConfig

        self._tokenizer = tokenizer_of(str(merged))
        self._model = model_of(str(merged), dtype=torch.float32).eval()
        own = self._model.generation_config.eos_token_id
        ends = {self._tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])} - {None}
        # A model's own sampling and its penalty on repetition would change the reply.
        self._model.generation_config = GenerationConfig(
            do_sample=False, eos_token_id=sorted(ends), pad_token_id=min(ends)
        )
        self._ends = ends

    def reply(self, text: str) -> Reply:
        import torch

        began = perf_counter()
        prompt = self._tokenizer(
            prompt_for(self._tokenizer, text), add_special_tokens=False, return_tensors="pt"
        )
        length = int(prompt["input_ids"].shape[1])
        room = min(LIMIT, self._model.config.max_position_embeddings - length)
        if room < 1:
            problem = f"the prompt has {length:,} tokens, more than the context"
            return Reply(None, cut=False, tokens_in=length, tokens_out=0, milliseconds=0.0, problem=problem)
        with torch.inference_mode():
            written: Any = self._model.generate(**prompt, max_new_tokens=room)[0][length:]
        return Reply(
            text=self._tokenizer.decode(written, skip_special_tokens=True),
            cut=int(written[-1]) not in self._ends,
            tokens_in=length,
            tokens_out=len(written),
            milliseconds=round((perf_counter() - began) * 1000, 3),
        )
