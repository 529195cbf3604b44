"""Runs ``imc accuracy``, with metrics of one's own."""
from __future__ import annotations

import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from ._cli import run


def accuracy(model: str | os.PathLike[str], data: str | os.PathLike[str], target: str | os.PathLike[str], *,
             arguments: Sequence[str | os.PathLike[str]] = (),
             metric: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """What ``imc accuracy --json`` says of ``model`` on ``target``.

    ``arguments`` are further options of the command, as in ``["--noise", "pcm-aihwkit", "--time", "3600"]``.

    ``metric`` is called once per trial with the model's outputs, a NumPy array of samples x classes in float64 (it
    needs NumPy); what it returns is the list ``"metric"`` of the result. ``IMCError`` when the command fails.
    """
    command = ["accuracy", model, "--data", data, "--target", target, "--json", "-", *arguments]
    result: dict[str, Any]
    if metric is None:
        result = json.loads(run(*command))
        return result
    import numpy

    with tempfile.TemporaryDirectory() as folder:
        result = json.loads(run(*command, "--output", folder))
        trials = len(result["arrays"]["top1_by_trial"])
        result["metric"] = [metric(numpy.load(pathlib.Path(folder) / f"trial_{i}.npy")) for i in range(trials)]
    return result
