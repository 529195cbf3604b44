"""The study file (docs/spec/study.md, section 2)."""
from __future__ import annotations

import importlib
import json
import os
import pathlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._cli import run
from ._front import Design, KnobValue, _design

if TYPE_CHECKING:
    from numpy.typing import NDArray

APPLICATION_ID = 0x696D6353
SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Evaluation:
    """One evaluated design."""

    id: int
    generation: int
    design: Mapping[str, KnobValue]
    objectives: Mapping[str, float] | None
    violation: float
    violations: tuple[str, ...]

    @property
    def feasible(self) -> bool:
        return self.violation == 0


@dataclass(frozen=True)
class Generation:
    """State of the archive after a generation."""

    number: int
    evaluated: int
    feasible: int
    front: int
    hypervolume: float


class Study:
    """Reads a study; a search that is still writing it is not disturbed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"study '{self.path}' does not exist: make one with imc search --study")
        self._db = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            (application,) = self._db.execute("PRAGMA application_id").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ValueError(f"'{self.path}' is no study of imc search: {error}") from error
        if application != APPLICATION_ID or version != SCHEMA_VERSION:
            self._db.close()
            raise ValueError(f"'{self.path}' is no study of schema version {SCHEMA_VERSION}: application id "
                             f"{application:#x}, version {version}")
        self.meta: Mapping[str, str] = dict(self._db.execute("SELECT key, value FROM meta"))

    def __enter__(self) -> Study:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    @property
    def objectives(self) -> list[str]:
        return list(json.loads(self.meta["objectives"]))

    @property
    def knobs(self) -> list[str]:
        return [knob["name"] for knob in json.loads(self.meta["knobs"])]

    def evaluations(self) -> Iterator[Evaluation]:
        """All evaluated designs, in order."""
        names, objectives = self.knobs, self.objectives
        rows = self._db.execute("SELECT id, generation, knobs, objectives, violation, violations FROM evaluation ORDER BY id")
        for id_, generation, knobs, values, violation, violations in rows:
            yield Evaluation(
                id=id_, generation=generation, design=dict(zip(names, json.loads(knobs), strict=True)),
                objectives=dict(zip(objectives, json.loads(values), strict=True)) if values is not None else None,
                violation=violation, violations=tuple(json.loads(violations)))

    def generations(self) -> list[Generation]:
        rows = self._db.execute("SELECT number, evaluated, feasible, front, hypervolume FROM generation ORDER BY number")
        return [Generation(*row) for row in rows]

    def rejections(self) -> dict[str, int]:
        """How many designs break each rule, most frequent first."""
        counts: dict[str, int] = {}
        for (names,) in self._db.execute("SELECT violations FROM evaluation WHERE violation > 0"):
            for name in set(json.loads(names)):
                counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """All evaluations as ``imc study export`` writes them."""
        run("study", "export", self.path, "-o", path, "--format", "csv")

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """All evaluations and generations as ``imc study export`` writes them."""
        run("study", "export", self.path, "-o", path, "--format", "json")

    def columns(self) -> dict[str, list[Any]]:
        """All evaluations by column: id, generation, knobs, objectives (None where the chip cannot exist), violation, violations."""
        knobs, objectives = self.knobs, self.objectives
        table: dict[str, list[Any]] = {name: [] for name in ["id", "generation", *knobs, *objectives, "violation", "violations"]}
        for row in self.evaluations():
            table["id"].append(row.id)
            table["generation"].append(row.generation)
            for knob in knobs:
                table[knob].append(row.design[knob])
            for objective in objectives:
                table[objective].append(None if row.objectives is None else row.objectives[objective])
            table["violation"].append(row.violation)
            table["violations"].append(list(row.violations))
        return table

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The columns as NumPy arrays; objectives that are absent are NaN."""
        import numpy

        objectives = set(self.objectives)
        arrays: dict[str, NDArray[Any]] = {}
        for name, values in self.columns().items():
            if name in objectives:
                arrays[name] = numpy.array(values, dtype=float)
            elif name == "violations":
                arrays[name] = numpy.array([";".join(v) for v in values], dtype=str)
            else:
                arrays[name] = numpy.array(values)
        return arrays

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """The columns as a Parquet file (needs pyarrow). Knobs of numbers and names mixed are written as text."""
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
        columns = self.columns()
        for name, values in columns.items():
            if any(isinstance(v, str) for v in values):
                columns[name] = [str(v) for v in values]
        table = pyarrow.table(columns, metadata={f"imc.{key}": value for key, value in self.meta.items() if key not in ("search", "command")})
        parquet.write_table(table, os.fspath(path))

    def to_optuna(self, storage: Any = None, name: str | None = None) -> Any:
        """An Optuna study with one trial per evaluation (needs optuna), for its dashboard and importances.

        Returned; kept in ``storage`` if one is given (an SQL storage takes about 0.1 s per trial). Trials without objectives have failed.
        """
        optuna = importlib.import_module("optuna")
        names, objectives = self.knobs, self.objectives
        choices: dict[str, set[KnobValue]] = {knob: set() for knob in names}
        rows = list(self.evaluations())
        for row in rows:
            for knob in names:
                choices[knob].add(row.design[knob])
        distributions = {knob: optuna.distributions.CategoricalDistribution(sorted(values, key=lambda v: (isinstance(v, str), v)))
                         for knob, values in choices.items()}
        study = optuna.create_study(directions=["minimize"] * len(objectives), storage=storage, study_name=name)
        study.set_metric_names(objectives)
        trials = []
        for row in rows:
            done = row.objectives is not None
            trials.append(optuna.trial.create_trial(
                params=dict(row.design), distributions=distributions,
                values=[row.objectives[objective] for objective in objectives] if row.objectives is not None else None,
                state=optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.FAIL,
                user_attrs={"imc_id": row.id, "violation": row.violation, "violations": list(row.violations)},
                system_attrs={"constraints": [row.violation]}))
        study.add_trials(trials)
        return study

    def front(self) -> list[Design]:
        """The front; empty until the search has ended."""
        return [_design(json.loads(point)) for (point,) in self._db.execute("SELECT point FROM front ORDER BY id")]
