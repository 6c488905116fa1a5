"""What is to be beaten: the majority class, a random router, and untuned TF-IDF with logistic regression.

python scripts/evaluate/baselines.py data/test.jsonl --train data/train.jsonl -o evaluation
devrouter eval data/test.jsonl --answers majority=evaluation/majority.jsonl ...
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import sklearn
from answers import Row, answer, read_rows, write_answers
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = ("intent", "complexity", "route")
SEED = 0


def main() -> None:
    options = _arguments()
    rows = read_rows(options.data)
    known = [row for path in options.train for row in read_rows(path)]
    for name, lines in (
        ("majority", majority(rows, known)),
        ("random", guessed(rows, known)),
        ("tfidf", regressed(rows, known)),
    ):
        write_answers(options.output / f"{name}.jsonl", name, sklearn.__version__, options.data, lines)


def majority(rows: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    """Always the label that is most frequent in training, and nothing missing."""
    usual = {name: Counter(row[name] for row in known).most_common(1)[0][0] for name in LABELS}
    return [answer(row, usual) for row in rows]


def guessed(rows: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    """The labels of a training row drawn by chance, for each prompt another."""
    chance = random.Random(SEED)  # noqa: S311  (no secret)
    drawn = [chance.choice(known) for _ in rows]
    return [
        answer(row, {name: other[name] for name in LABELS}, kinds=_kinds(other))
        for row, other in zip(rows, drawn, strict=True)
    ]


def regressed(rows: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    """Words and pairs of words, and scikit-learn's defaults for everything else."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    seen = vectorizer.fit_transform([row["text"] for row in known])
    asked = vectorizer.transform([row["text"] for row in rows])
    called, sure = {}, {}
    for name in LABELS:
        model = LogisticRegression(max_iter=1000).fit(seen, [row[name] for row in known])
        called[name] = model.predict(asked)
        sure[name] = model.predict_proba(asked).max(axis=1)
    binarizer = MultiLabelBinarizer()
    wanted = binarizer.fit_transform([_kinds(row) for row in known])
    gaps = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(seen, wanted)
    kinds = binarizer.inverse_transform(gaps.predict(asked))
    return [
        answer(
            row,
            {name: str(called[name][index]) for name in LABELS},
            kinds=kinds[index],
            confidence={name: float(sure[name][index]) for name in LABELS},
        )
        for index, row in enumerate(rows)
    ]


def _kinds(row: Row) -> list[str]:
    return list(dict.fromkeys(item["kind"] for item in row["missing"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--train", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("evaluation"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
