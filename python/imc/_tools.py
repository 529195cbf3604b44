"""Import, compile, price and run models: the commands of ``imc`` as functions, arrays in and out."""
from __future__ import annotations

import json
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._cli import run
from ._front import KnobValue

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

Path = str | os.PathLike[str]
Shapes = Mapping[str, Sequence[int] | int]


def _shapes(shapes: Shapes) -> list[str]:
    words: list[str] = []
    for name, shape in shapes.items():
        text = str(shape) if isinstance(shape, int) else "x".join(map(str, shape))
        words += ["--shape", f"{name}={text}"]
    return words


def _settings(knobs: Mapping[str, KnobValue]) -> list[str]:
    return [word for knob, value in knobs.items() for word in ("--set", f"{knob}={value}")]


def import_model(model: Path, *, shapes: Shapes | None = None, output: Path | None = None) -> str | None:
    """Imports an ONNX model. Returns the MLIR text, or writes ``output`` (``.mlir``, ``.mlirbc``) and returns nothing.

    ``shapes`` binds inputs (``{"image": (1, 3, 224, 224)}``) or symbols (``{"N": 1}``). ``IMCError`` names the node or
    operand that cannot be imported.
    """
    return _to_text(["import", model, *_shapes(shapes or {})], output)


def compile(model: Path, target: Path, *, to: str = "costed", knobs: Mapping[str, KnobValue] | None = None,
            shapes: Shapes | None = None, output: Path | None = None) -> str | None:
    """Compiles a model for a target up to a phase (``imported`` … ``costed``). Returns the MLIR text, or writes ``output``.

    ``knobs`` sets ``machine.*`` and ``pass.*``, as a design of a front does: ``knobs=design.design``.
    """
    command = ["compile", model, "--target", target, "--to", to, *_settings(knobs or {}), *_shapes(shapes or {})]
    return _to_text(command, output)


def _to_text(command: list[str | os.PathLike[str]], output: Path | None) -> str | None:
    if output is not None:
        run(*command, "-o", output)
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "model.mlir"
        run(*command, "-o", file)
        return file.read_text(encoding="utf-8")


def cost(models: Path | Sequence[Path], target: Path, *, knobs: Mapping[str, KnobValue] | None = None,
         shapes: Shapes | None = None, batch: int | None = None) -> dict[str, Any]:
    """What ``imc cost --json`` says of one model or several on a target: energies in J, latencies in s, areas in mm²."""
    paths = [models] if isinstance(models, (str, os.PathLike)) else list(models)
    command = ["cost", *paths, "--target", target, *_settings(knobs or {}), *_shapes(shapes or {})]
    if batch is not None:
        command += ["--batch", str(batch)]
    result: dict[str, Any] = json.loads(run(*command, "--json", "-"))
    return result


def run_model(model: Path, inputs: Sequence[NDArray[Any]], *, at: str | None = None, target: Path | None = None,
              knobs: Mapping[str, KnobValue] | None = None, shapes: Shapes | None = None) -> list[NDArray[Any]]:
    """Runs a model, imported or (``at``) at a later phase on a target. Arrays in graph order, in and out."""
    import numpy

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "in").mkdir()
        (folder / "out").mkdir()
        for i, array in enumerate(inputs):
            numpy.save(folder / "in" / f"input_{i}.npy", array)
        command: list[Path] = ["run", model, "--input", folder / "in", "--output", folder / "out"]
        if at is not None:
            command += ["--at", at]
        if target is not None:
            command += ["--target", target]
        run(*command, *_settings(knobs or {}), *_shapes(shapes or {}))
        outputs = sorted((folder / "out").glob("output_*.npy"), key=lambda path: int(path.stem.split("_")[1]))
        return [numpy.load(path) for path in outputs]


def targets() -> list[str]:
    """The machines that come with imc."""
    return [line.split()[0] for line in run("targets").splitlines() if line.strip()]


def report(study: Path, output: Path) -> None:
    """Draws a study as one HTML page that loads nothing from elsewhere."""
    run("report", study, "-o", output)


def space(file: Path) -> dict[str, Any]:
    """What ``imc space --json`` says of a space file or module: knobs, conditions, constraints, objectives, size."""
    result: dict[str, Any] = json.loads(run("space", file, "--json", "-"))
    return result
