"""The front file (docs/spec/study.md, section 3)."""
from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

KnobValue = int | float | str


@dataclass(frozen=True)
class Model:
    """What one model costs on one design, per inference."""

    name: str
    energy_j: float
    latency_s: float
    power_w: float
    edp_js: float
    edap_js_mm2: float
    energy_by_component_j: Mapping[str, float]
    latency_by_component_s: Mapping[str, float]
    #: top1, top1_yield and what a simulation gave, in searches with models of accuracy
    accuracy: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """One non-dominated design."""

    id: int
    design: Mapping[str, KnobValue]
    objectives: Mapping[str, float]
    metrics: Mapping[str, float]
    models: Sequence[Model]
    area_mm2: float
    area_by_component_mm2: Mapping[str, float]
    command: str
    cost_command: str
    #: Why the passes do not rebuild it (accounting of the source paper); "" where they do.
    not_placed: str = ""

    def settings(self) -> list[str]:
        """The words ``--set KNOB=VALUE ...`` of a command line."""
        return [word for knob, value in self.design.items() for word in ("--set", f"{knob}={value}")]


@dataclass(frozen=True)
class SearchInfo:
    """How the search went."""

    algorithm: str
    seed: int
    budget: int
    evaluated: int
    feasible: int
    seconds: float
    evaluations_per_s: float
    hypervolume: float | None
    optimum: str
    gap: float | None
    verified: int
    #: How far the best of each objective is from a proven bound at most; empty where nothing is known.
    gaps: Mapping[str, float] = field(default_factory=dict)
    #: No feasible design is below, by objective; empty after a proof and where nothing is known.
    bounds: Mapping[str, float] = field(default_factory=dict)
    #: Of searches that simulate accuracy: simulations used, and models on designs of the front left without one.
    simulations: int | None = None
    #: With exact layers: designs whose layers are "proven" the best, the "bounded" others, and their largest "gap".
    layers: Mapping[str, float | None] | None = None
    unsimulated: int | None = None


@dataclass(frozen=True)
class Front:
    """The result of a search."""

    version: str
    target: str
    objectives: Sequence[str]
    aggregate: str
    search: SearchInfo
    points: Sequence[Design]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Front:
        """Reads a front file. ``ValueError`` names the field that is absent."""
        with open(path, encoding="utf-8") as file:
            return cls.from_json(json.load(file))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Front:
        """Builds a front from parsed JSON."""
        try:
            return cls(
                version=data["version"], target=data["target"], objectives=list(data["objectives"]),
                aggregate=data["aggregate"], search=SearchInfo(**data["search"]),
                points=[_design(point) for point in data["points"]])
        except KeyError as error:
            raise ValueError(f"not a front of imc search: field {error} is absent") from error
        except TypeError as error:
            raise ValueError(f"not a front of imc search: {error}") from error

    def best(self, metric: str = "edap_js_mm2") -> Design:
        """The design with the least ``metric``. ``ValueError`` when the front is empty."""
        if not self.points:
            raise ValueError("the front is empty: no design met the constraints")
        return min(self.points, key=lambda point: (point.metrics[metric], point.id))


def _design(point: Mapping[str, Any]) -> Design:
    return Design(
        id=point["id"], design={knob: point["design"][knob] for knob in point["knob_order"]},
        objectives=point["objectives"], metrics=point["metrics"],
        models=[Model(**model) for model in point["models"]], area_mm2=point["area_mm2"],
        area_by_component_mm2=point["area_by_component_mm2"], command=point["command"],
        cost_command=point["cost_command"], not_placed=point.get("not_placed", ""))
