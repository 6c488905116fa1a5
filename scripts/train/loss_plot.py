"""The loss over the steps, as a picture; the same losses give the same bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def loss_svg(history: Sequence[dict[str, float]]) -> str:
    """Training loss as a line, validation loss as points; `history` is the trainer's log."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for key, label, style in (("loss", "training", "-"), ("eval_loss", "validation", "o--")):
        points = [(entry["step"], entry[key]) for entry in history if key in entry]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label)
    axes.set(xlabel="step", ylabel="loss a token of the reply")
    axes.set_ylim(bottom=0)
    axes.legend()
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "devrouter", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
