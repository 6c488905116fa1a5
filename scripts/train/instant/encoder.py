"""The encoder half of the instant engine: a teacher tuned from a small BERT, a student distilled from it.

A base is a folder as the hub lays it out, with `config.json`, `model.safetensors` and the `vocab.txt` of a
lower-case WordPiece: all-MiniLM-L6-v2, for one.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name that every PyTorch user reads)
from rows import COMPLETE, EXCLUSIVE, HEADS, columns, gold_of
from torch import nn
from transformers import AutoModel

from devrouter.engines.instant.encoder import Window, numbers_of
from devrouter.engines.instant.features import shortened, split
from devrouter.engines.instant.wordpiece import SPECIAL, WordPiece

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rows import Row

HEAD_WEIGHTS = {"intent": 1.0, "complexity": 0.7, "route": 0.7}
GAPS_WEIGHT = 3.0
SMOOTHING = 0.05
SECOND_INTENT = 0.2
"""The share of a row's intent that goes to its close second, where the annotator named one."""
BATCHES_SORTED = 16
_NAMES = {
    "<pad>": "[PAD]", "<s>": "[CLS]", "</s>": "[SEP]", "<mask>": "[MASK]", "<unk>": "[UNK]",
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How one network is trained. `rate` is the peak learning rate of the encoder, `head_rate` the head's."""

    epochs: int
    rate: float
    head_rate: float
    batch: int
    seed: int = 0
    temperature: float = 1.5
    taught: float = 0.6
    """The share of the loss that follows the teacher, where there is one."""


class Network(nn.Module):  # type: ignore[misc]
    """An encoder and one linear layer over its first state and the mean of all, a column a label."""

    def __init__(self, bert: nn.Module, pieces: WordPiece, window: Window) -> None:
        super().__init__()
        self.bert, self.pieces, self.window = bert, pieces, window
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(2 * bert.config.hidden_size, sum(map(len, HEADS.values())))

    def forward(self, numbers: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Numbers of pieces and mask [rows, pieces] to scores [rows, columns]."""
        states = self.bert(input_ids=numbers, attention_mask=mask).last_hidden_state
        weights = mask[..., None].to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1)
        scores: torch.Tensor = self.head(self.drop(torch.cat([states[:, 0], mean], dim=1)))
        return scores

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [numbers_of(split(shortened(text)), self.pieces, self.window) for text in texts]


def from_base(base: Path, window: Window) -> Network:
    """A base with a new head."""
    vocabulary = (base / "vocab.txt").read_text(encoding="utf-8").splitlines()
    named = [_NAMES.get(piece, piece) for piece in vocabulary]
    return Network(AutoModel.from_pretrained(base), WordPiece(named), window)


def student_of(
    tuned: Network, layers: Sequence[int], texts: Sequence[str], pieces: int, window: Window
) -> Network:
    """Some layers of a tuned BERT, and of its vocabulary the pieces that these texts use most."""
    counts = Counter(number for numbers in tuned.encode(texts) for number in numbers)
    names = {number: name for name, number in tuned.pieces.numbers.items()}
    single = [name for name in names.values() if len(name.removeprefix("##")) == 1 and name.isascii()]
    used = [names[number] for number, count in counts.most_common() if count > 1]
    vocabulary = list(dict.fromkeys([*SPECIAL, *single, *used]))[:pieces]
    bert = tuned.bert
    bert.encoder.layer = nn.ModuleList([bert.encoder.layer[index] for index in layers])
    bert.config.num_hidden_layers = len(layers)
    for layer in bert.encoder.layer:
        layer.intermediate.intermediate_act_fn = nn.GELU(approximate="tanh")
    embeddings = bert.embeddings
    kept = torch.tensor([tuned.pieces.numbers[name] for name in vocabulary])
    embeddings.word_embeddings = nn.Embedding.from_pretrained(
        embeddings.word_embeddings.weight.data[kept], freeze=False
    )
    student = Network(bert, WordPiece(vocabulary), window)
    student.head.load_state_dict(tuned.head.state_dict())
    return student


def train(
    network: Network,
    rows: Sequence[Row],
    recipe: Recipe,
    *,
    teacher: NDArray[np.float32] | None = None,
) -> None:
    """Train in place. `teacher` holds scores [rows, columns] to follow.

    A row without "intent" has no gold, only the teacher's scores. A row with another reader's labels in
    "second" counts half for either.
    """
    torch.manual_seed(recipe.seed)
    order = np.random.default_rng(recipe.seed)
    numbers = network.encode([row["text"] for row in rows])
    loss = _Loss(rows, teacher, recipe)
    optimizer = torch.optim.AdamW(
        [
            {"params": network.bert.parameters(), "lr": recipe.rate},
            {"params": network.head.parameters(), "lr": recipe.head_rate},
        ],
        weight_decay=0.01,
    )
    steps = recipe.epochs * math.ceil(len(rows) / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.08 * steps), max(0.0, (steps - step) / (0.92 * steps)))
    )
    begin = time.monotonic()
    for epoch in range(recipe.epochs):
        network.train()
        total = 0.0
        batches = _batches(order.permutation(len(rows)), numbers, recipe.batch)
        for batch in order.permutation(len(batches)):
            chosen = batches[batch]
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(*_padded([numbers[index] for index in chosen], network.pieces))
            value = loss.of(scores.float(), torch.tensor(chosen))
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += value.item()
        print(
            f"  epoch {epoch + 1} of {recipe.epochs}: loss {total / len(batches):.3f}, "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )


def scores_of(network: Network, texts: Sequence[str]) -> NDArray[np.float32]:
    """Scores [texts, columns]."""
    network.eval()
    numbers = network.encode(texts)
    scores = np.zeros((len(texts), sum(map(len, HEADS.values()))), dtype=np.float32)
    with torch.inference_mode():
        for batch in _batches(np.arange(len(texts)), numbers, 64, sort_all=True):
            found = network(*_padded([numbers[index] for index in batch], network.pieces))
            scores[batch] = found.float().numpy()
    return scores


class _Loss:
    """Cross entropy of every head with the gold, and with the teacher at a raised temperature."""

    def __init__(self, rows: Sequence[Row], teacher: NDArray[np.float32] | None, recipe: Recipe) -> None:
        self._has_gold = torch.tensor(["intent" in row for row in rows])
        first = [row if "intent" in row else _NO_GOLD for row in rows]
        second = [row.get("second", row) for row in first]
        self._exclusive = {name: (_smoothed(name, first) + _smoothed(name, second)) / 2 for name in EXCLUSIVE}
        self._binary = (_binary(first) + _binary(second)) / 2
        self._teacher = None if teacher is None else torch.tensor(teacher)
        self._temperature, self._taught = recipe.temperature, recipe.taught
        self._columns = columns()
        self._binary_columns = slice(self._columns["gaps"].start, self._columns[COMPLETE].stop)

    def of(self, scores: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch: of rows without gold, all from the teacher."""
        if self._teacher is None:
            return self._from_gold(scores, batch).mean()
        share = self._has_gold[batch] * (1 - self._taught)
        taught = self._from_teacher(scores, self._teacher[batch])
        return (share * self._from_gold(scores, batch) + (1 - share) * taught).mean()

    def _from_gold(self, scores: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        loss = self._of_binary(scores, self._binary[batch])
        for name, wanted in self._exclusive.items():
            mine = scores[:, self._columns[name]]
            loss = loss + HEAD_WEIGHTS[name] * F.cross_entropy(mine, wanted[batch], reduction="none")
        return loss

    def _from_teacher(self, scores: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
        t = self._temperature
        loss = self._of_binary(scores, torch.sigmoid(taught[:, self._binary_columns]))
        for name in EXCLUSIVE:
            mine, wanted = scores[:, self._columns[name]] / t, taught[:, self._columns[name]] / t
            follow = F.cross_entropy(mine, F.softmax(wanted, dim=1), reduction="none")
            loss = loss + HEAD_WEIGHTS[name] * t * t * follow
        return loss

    def _of_binary(self, scores: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        mine = scores[:, self._binary_columns]
        return GAPS_WEIGHT * F.binary_cross_entropy_with_logits(mine, wanted, reduction="none").mean(1)


_NO_GOLD: Row = {"intent": "other", "complexity": "low", "route": "small_local", "missing": []}


def _smoothed(name: str, rows: Sequence[Row]) -> torch.Tensor:
    """The gold of an exclusive head as probabilities [rows, labels]."""
    labels = HEADS[name]
    wanted = F.one_hot(torch.tensor([labels.index(row[name]) for row in rows]), len(labels)).float()
    if name == "intent":
        for index, row in enumerate(rows):
            if (second := row.get("alt_intent")) in labels:
                wanted[index] *= 1 - SECOND_INTENT
                wanted[index, labels.index(second)] += SECOND_INTENT
    return wanted * (1 - SMOOTHING) + SMOOTHING / len(labels)


def _binary(rows: Sequence[Row]) -> torch.Tensor:
    """The gold of the kinds of gap and of "complete" as ones and zeros [rows, labels]."""
    gold = gold_of(rows)
    return torch.tensor(np.hstack([gold["gaps"], gold[COMPLETE]]), dtype=torch.float)


def _batches(
    order: NDArray[Any], numbers: Sequence[list[int]], size: int, *, sort_all: bool = False
) -> list[list[int]]:
    """Batches of rows of about the same length, so that little is padded."""
    span = len(order) if sort_all else size * BATCHES_SORTED
    batches = []
    for start in range(0, len(order), max(span, 1)):
        by_length = sorted(order[start : start + span].tolist(), key=lambda index: len(numbers[index]))
        batches += [by_length[at : at + size] for at in range(0, len(by_length), size)]
    return batches


def _padded(numbers: Sequence[list[int]], pieces: WordPiece) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, numbers))
    padding = pieces.numbers["[PAD]"]
    filled = [[*row, *[padding] * (longest - len(row))] for row in numbers]
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in numbers]
    return torch.tensor(filled), torch.tensor(mask)


def pack_encoder(network: Network) -> bytes:
    """The weights file, as `devrouter.engines.instant.encoder` reads it."""
    file = _File()
    bert, window = network.bert, network.window
    heads = bert.config.num_attention_heads
    embeddings = bert.embeddings
    pieces = _numpy(embeddings.word_embeddings.weight)
    file.add_packed("pieces", pieces)
    positions = embeddings.position_embeddings.weight[: window.longest]
    file.add("positions", _numpy(positions + embeddings.token_type_embeddings.weight[0]))
    file.add_norm("norm", embeddings.LayerNorm)
    for number, layer in enumerate(bert.encoder.layer):
        name, attention = f"layer{number}", layer.attention.self
        scale = (bert.config.hidden_size // heads) ** -0.5
        parts = [(attention.query, scale), (attention.key, 1.0), (attention.value, 1.0)]
        file.add_dense(
            f"{name}.attention",
            np.hstack([_numpy(part.weight).T * factor for part, factor in parts]),
            np.hstack([_numpy(part.bias) * factor for part, factor in parts]),
        )
        for part, dense in (
            ("joined", layer.attention.output.dense),
            ("wide", layer.intermediate.dense),
            ("narrow", layer.output.dense),
        ):
            file.add_dense(f"{name}.{part}", _numpy(dense.weight).T, _numpy(dense.bias))
        file.add_norm(f"{name}.attention_norm", layer.attention.output.LayerNorm)
        file.add_norm(f"{name}.norm", layer.output.LayerNorm)
    file.add_dense("out", _numpy(network.head.weight).T, _numpy(network.head.bias))
    header = {
        "window": asdict(window),
        "attention_heads": heads,
        "layers": len(bert.encoder.layer),
        "arrays": file.described,
        "vocabulary": list(network.pieces.numbers),
    }
    return json.dumps(header, ensure_ascii=False).encode() + b"\n" + b"".join(file.parts)


class _File:
    """Arrays in the order of the file, and their description for its header."""

    def __init__(self) -> None:
        self.described: list[dict[str, Any]] = []
        self.parts: list[bytes] = []

    def add(self, name: str, values: NDArray[Any], kind: str = "<f4") -> None:
        self.described.append({"name": name, "type": kind, "shape": list(values.shape)})
        self.parts.append(np.ascontiguousarray(values.astype(kind)).tobytes())

    def add_packed(self, name: str, values: NDArray[np.float32]) -> None:
        """A matrix as eight-bit numbers, each column with a scale of its own."""
        scales = np.maximum(np.abs(values).max(axis=0), 1e-8) / 127
        self.add(name, np.rint(values / scales), "|i1")
        self.add(f"{name}.scales", scales)

    def add_dense(self, name: str, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self.add_packed(name, weights)
        self.add(f"{name}.bias", bias)

    def add_norm(self, name: str, norm: nn.LayerNorm) -> None:
        self.add(f"{name}.scale", _numpy(norm.weight))
        self.add(f"{name}.bias", _numpy(norm.bias))


def _numpy(values: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.detach().float().numpy()
    return array
