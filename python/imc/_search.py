"""Ask/tell and one-call searches over any evaluator, by the algorithms of ``imc``.

::

    knobs = {"rows": [64, 128, 256], "cell": ["sram", "rram"], "bits": Knob([1, 2, 4], when={"cell": ["rram"]})}
    with imc.Optimizer(knobs, ["energy", "latency"], budget=200, seed=1) as search:
        while trials := search.ask(8):
            for trial in trials:
                search.tell(trial, measure(trial.design))
        print(search.front())
"""
from __future__ import annotations

import concurrent.futures
import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from ._cli import IMCError, find_tool
from ._front import KnobValue

Design = Mapping[str, KnobValue]


@dataclass(frozen=True)
class Knob:
    """Values of a knob; ``when`` names knobs before it and the values at which this one has an effect."""

    values: Sequence[KnobValue]
    ordered: bool | None = None  # None: if all values are numbers
    when: Mapping[str, Sequence[KnobValue]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """A design to be evaluated."""

    id: int
    design: Design


@dataclass(frozen=True)
class Infeasible:
    """The answer to a design that breaks constraints: by how much (above 0), and which."""

    violation: float
    violations: Sequence[str]
    objectives: Sequence[float] | None = None


@dataclass(frozen=True)
class Failure:
    """The answer to a design that could not be evaluated. It never enters the front; the reason is stored."""

    reason: str


Answer = Sequence[float] | Infeasible | Failure


@dataclass(frozen=True)
class Point:
    """A non-dominated design."""

    design: Design
    objectives: tuple[float, ...]


class AskTell(Protocol):
    """What :func:`minimize` needs of an optimizer; the adapters to other libraries have it too."""

    def ask(self, count: int = 1) -> list[Trial]: ...

    def tell(self, trial: Trial, answer: Answer) -> None: ...

    def front(self) -> list[Point]: ...


class Server:
    """A running ``imc serve``: one JSON object per line, each way."""

    def __init__(self, *arguments: str | os.PathLike[str]) -> None:
        self._command = [find_tool(), "serve", *(os.fspath(argument) for argument in arguments)]
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def request(self, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for its answer. ``IMCError`` when it is refused."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        try:
            process.stdin.write(json.dumps(request, allow_nan=False) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise IMCError(self._command, process.wait(), process.stderr.read())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise IMCError(self._command, 1, answer["error"])
        return answer

    def close(self) -> None:
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


class Optimizer:
    """Ask/tell. ``knobs`` maps names to values or :class:`Knob`; objectives are minimised.

    ``study`` keeps every answer in a study file; with ``resume`` an existing one is continued: designs that it knows are
    not asked again, and the search goes on as if it had never stopped.
    """

    def __init__(self, knobs: Mapping[str, Sequence[KnobValue] | Knob], objectives: Sequence[str], *, budget: int, seed: int,
                 constraints: Sequence[str] = (), algorithm: str = "nsga2", options: Mapping[str, str | int | float | bool] | None = None,
                 study: str | os.PathLike[str] | None = None, resume: bool = False) -> None:
        described = []
        for name, values in knobs.items():
            knob = values if isinstance(values, Knob) else Knob(values)
            ordered = knob.ordered if knob.ordered is not None else all(not isinstance(value, str) for value in knob.values)
            described.append({"name": name, "values": list(knob.values), "ordered": ordered,
                              **({"when": {k: list(v) for k, v in knob.when.items()}} if knob.when else {})})
        self.objectives = list(objectives)
        self.constraints = list(constraints)
        request: dict[str, Any] = {
            "do": "open", "knobs": described, "objectives": self.objectives, "constraints": self.constraints,
            "algorithm": algorithm, "budget": budget, "seed": seed,
            "options": {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in (options or {}).items()}}
        if study is not None:
            request |= {"study": os.fspath(study), "resume": resume}
        self.failures: dict[int, str] = {}
        self.finished = False
        self._server = Server()
        try:
            self._server.request(**request)
        except BaseException:
            self._server.close()
            raise

    def ask(self, count: int = 1) -> list[Trial]:
        """At most ``count`` designs, or fewer; none when the search has ended or answers are outstanding (see ``finished``)."""
        answer = self._server.request(do="ask", count=count)
        self.finished = answer["finished"]
        return [Trial(trial["id"], trial["design"]) for trial in answer["trials"]]

    def tell(self, trial: Trial, answer: Answer) -> None:
        """One value per objective, or why there are none. What is no finite number counts as a failure."""
        self.tell_all([(trial, answer)])

    def tell_all(self, answers: Sequence[tuple[Trial, Answer]]) -> None:
        """Tells several answers; a study stores them in one transaction."""
        reply = self._server.request(do="tell", trials=[{"id": trial.id, **_answer(value)} for trial, value in answers])
        for failure in reply["failures"]:
            self.failures[failure["id"]] = failure["reason"]

    def front(self) -> list[Point]:
        return [Point(point["design"], tuple(point["objectives"])) for point in self._server.request(do="front")["points"]]

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Optimizer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _number(value: float) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _answer(value: Answer) -> dict[str, Any]:
    if isinstance(value, Failure):
        return {"failure": value.reason}
    if isinstance(value, Infeasible):
        answer: dict[str, Any] = {"violation": value.violation, "violations": list(value.violations)}
        if value.objectives is not None:
            answer["objectives"] = [_number(v) for v in value.objectives]
        return answer
    return {"objectives": [_number(v) for v in value]}


class ChipProblem:
    """Prices of designs of a space file for some models, from one process that imported the models once."""

    def __init__(self, models: Sequence[str | os.PathLike[str]], space: str | os.PathLike[str], *, objectives: Sequence[str] = (),
                 aggregate: str = "geomean") -> None:
        arguments: list[str | os.PathLike[str]] = [*models, "--space", space, "--aggregate", aggregate]
        if objectives:
            arguments += ["--objectives", ",".join(objectives)]
        self._server = Server(*arguments)
        described = self._server.request(do="space")
        self.objectives: list[str] = described["objectives"]
        self.constraints: list[str] = described["constraints"]
        self.size: float = described["size"]
        self.knobs: dict[str, Knob] = {knob["name"]: Knob(knob["values"], knob["ordered"], knob["when"]) for knob in described["knobs"]}

    def evaluate(self, designs: Sequence[Design]) -> list[Answer]:
        answers: list[Answer] = []
        for one in self._server.request(do="price", designs=[dict(design) for design in designs])["evaluations"]:
            answers.append(Infeasible(one["violation"], one["violations"], one["objectives"]) if one["violation"] > 0 else one["objectives"])
        return answers

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> ChipProblem:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class CommandEvaluator:
    """Evaluates a design by a program: the design as JSON on its standard input, the objectives as a JSON list on its output.

    A program that fails, prints something else or takes longer than ``timeout`` seconds (it is killed) is a failure.
    """

    def __init__(self, command: Sequence[str | os.PathLike[str]], timeout: float) -> None:
        self.command, self.timeout = [os.fspath(word) for word in command], timeout

    def __call__(self, design: Design) -> Answer:
        try:
            result = subprocess.run(self.command, input=json.dumps(dict(design)), capture_output=True, text=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            return Failure(f"took longer than {self.timeout:g} s")
        except OSError as error:
            return Failure(f"could not be started: {error}")
        if result.returncode != 0:
            return Failure(f"ended with status {result.returncode}: {result.stderr.strip()[-200:]}")
        try:
            values = json.loads(result.stdout)
            return [float(value) for value in values]
        except (ValueError, TypeError):
            return Failure(f"printed no list of numbers: {result.stdout.strip()[:200]!r}")


def _guarded(evaluate: Callable[[Design], Answer], designs: Sequence[Design]) -> list[Answer]:
    answers: list[Answer] = []
    for design in designs:
        try:
            answers.append(evaluate(design))
        except Exception as error:  # whatever an evaluator throws is a property of the design
            answers.append(Failure(f"{type(error).__name__}: {error}"))
    return answers


def _chunks(trials: Sequence[Trial], size: int) -> Iterator[Sequence[Trial]]:
    for begin in range(0, len(trials), size):
        yield trials[begin:begin + size]


def minimize(evaluate: Callable[[Design], Answer], optimizer: AskTell, *, executor: concurrent.futures.Executor | None = None,
             batch: int = 1, generation: int = 100, timeout: float | None = None) -> list[Point]:
    """Runs a search to its end and returns the front.

    ``evaluate`` is called with one design and returns its objectives, :class:`Infeasible` or :class:`Failure`; what it throws is
    a failure. ``executor`` (threads, processes, :func:`imc.ray_executor`, :func:`imc.dask_executor`) runs it on ``batch`` designs per task;
    for tasks below a few milliseconds choose ``batch`` so that a task takes longer. At most ``generation`` designs are asked at
    once. A task that has not answered ``timeout`` seconds after the first of its generation could start is given up as a failure;
    a :class:`CommandEvaluator` also ends what hangs.
    """
    while True:
        trials = optimizer.ask(generation)
        if not trials:
            return optimizer.front()
        if executor is None:
            for trial in trials:
                optimizer.tell(trial, _guarded(evaluate, [trial.design])[0])
            continue
        waiting: dict[concurrent.futures.Future[list[Answer]], Sequence[Trial]] = {
            executor.submit(_guarded, evaluate, [trial.design for trial in chunk]): chunk for chunk in _chunks(trials, batch)}
        end = None if timeout is None else time.monotonic() + timeout
        while waiting:
            left = None if end is None else max(0.0, end - time.monotonic())
            done, _ = concurrent.futures.wait(waiting, timeout=left, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                chunk = waiting.pop(future)
                try:
                    answers = future.result()
                except Exception as error:  # a worker that died, or an answer that cannot be sent
                    answers = [Failure(f"{type(error).__name__}: {error}")] * len(chunk)
                for trial, answer in zip(chunk, answers, strict=True):
                    optimizer.tell(trial, answer)
            if not done:
                for future, chunk in waiting.items():
                    future.cancel()
                    for trial in chunk:
                        optimizer.tell(trial, Failure(f"no answer within {timeout:g} s"))
                waiting = {}
