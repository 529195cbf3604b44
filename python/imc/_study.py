"""The study file (docs/spec/study.md, section 2)."""
from __future__ import annotations

import json
import os
import pathlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

from ._front import Design, KnobValue, _design

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

    def front(self) -> list[Design]:
        """The front; empty until the search has ended."""
        return [_design(json.loads(point)) for (point,) in self._db.execute("SELECT point FROM front ORDER BY id")]
