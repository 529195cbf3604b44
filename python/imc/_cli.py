"""Runs the ``imc`` program."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from ._front import Front


class IMCError(RuntimeError):
    """``imc`` ended with an error; the text is its diagnostic."""

    def __init__(self, command: Sequence[str], status: int, message: str) -> None:
        super().__init__(message.strip() or f"{command[0]} ended with status {status}")
        self.command, self.status = list(command), status


def find_tool(name: str = "imc") -> str:
    """The program: ``$IMC_BIN/name``, the one of this wheel, ``build/bin/name`` of this checkout, or the one on PATH."""
    here = pathlib.Path(__file__).resolve()
    folders = [here.parent / "_tools" / "bin", here.parents[2] / "build" / "bin"]
    if "IMC_BIN" in os.environ:
        folders.insert(0, pathlib.Path(os.environ["IMC_BIN"]))
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    found = shutil.which(name)
    if not found:
        raise FileNotFoundError(f"'{name}' is neither in {', '.join(map(str, folders))} nor on PATH: build it, or set IMC_BIN")
    return found


def run(*arguments: str | os.PathLike[str], timeout: float | None = None) -> str:
    """Runs ``imc ARGUMENTS`` and returns what it printed. ``IMCError`` when it fails."""
    command = [find_tool(), *(os.fspath(argument) for argument in arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if result.returncode != 0:
        raise IMCError(command, result.returncode, result.stderr)
    return result.stdout


def search(models: Sequence[str | os.PathLike[str]], space: str | os.PathLike[str], *, budget: int, seed: int,
           objectives: Sequence[str] = (), aggregate: str = "geomean", algorithm: str = "nsga2", jobs: int = 1,
           study: str | os.PathLike[str] | None = None, resume: bool = False, exact_layers: bool = False) -> Front:
    """Runs ``imc search`` and returns its front."""
    arguments: list[str | os.PathLike[str]] = [
        "search", *models, "--space", space, "--budget", str(budget), "--seed", str(seed), "--aggregate", aggregate,
        "--algorithm", algorithm, "--jobs", str(jobs)]
    if objectives:
        arguments += ["--objectives", ",".join(objectives)]
    if study is not None:
        arguments += ["--study", study]
    if resume:
        arguments.append("--resume")
    if exact_layers:
        arguments.append("--exact-layers")
    with tempfile.TemporaryDirectory() as folder:
        front = pathlib.Path(folder) / "front.json"
        run(*arguments, "--front", front)
        return Front.load(front)


def main() -> int:
    """The program ``imc`` of a wheel: runs the tool in its place."""
    tool = find_tool(pathlib.Path(sys.argv[0]).name)
    os.execv(tool, [tool, *sys.argv[1:]])
