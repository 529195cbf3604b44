"""Optimizers of other libraries behind the ask/tell of :class:`imc.Optimizer`.

Each takes knobs (values or :class:`imc.Knob`), objectives, budget and seed, and works with :func:`imc.minimize`. They know no
conditions between knobs; infeasible designs go in as far as the library has constraints. The front is that of everything told.
"""
from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ._front import KnobValue
from ._search import Answer, Failure, Infeasible, Knob, Point, Trial

Knobs = Mapping[str, Sequence[KnobValue] | Knob]


class _Told:
    """Numbers trials and keeps the non-dominated feasible answers."""

    def __init__(self, knobs: Knobs, objectives: Sequence[str], budget: int) -> None:
        self.knobs = {name: list(knob.values if isinstance(knob, Knob) else knob) for name, knob in knobs.items()}
        for name, knob in knobs.items():
            if isinstance(knob, Knob) and knob.when:
                raise ValueError(f"knob '{name}' depends on others, which this adapter cannot say; use imc.Optimizer")
        self.objectives, self.budget = list(objectives), budget
        self.asked = 0
        self._points: list[Point] = []
        self._waiting: dict[int, Any] = {}

    def _trial(self, indices: Sequence[int], handle: Any) -> Trial:
        trial = Trial(self.asked, {name: values[i] for (name, values), i in zip(self.knobs.items(), indices, strict=True)})
        self._waiting[trial.id] = handle
        self.asked += 1
        return trial

    def _take(self, trial: Trial, answer: Answer) -> tuple[Any, list[float] | None, float]:
        """The library's handle, finite objectives or none, and the violation (0: feasible)."""
        handle = self._waiting.pop(trial.id)
        if isinstance(answer, Failure):
            return handle, None, 1e6
        values = answer.objectives if isinstance(answer, Infeasible) else answer
        violation = answer.violation if isinstance(answer, Infeasible) else 0.0
        if values is None or not all(math.isfinite(value) for value in values):
            return handle, None, max(violation, 1e6 if values is not None else violation)
        if violation == 0:
            self._keep(Point(trial.design, tuple(values)))
        return handle, list(values), violation

    def _keep(self, new: Point) -> None:
        def covers(a: Point, b: Point) -> bool:
            return all(x <= y for x, y in zip(a.objectives, b.objectives, strict=True))

        if not any(covers(old, new) for old in self._points):
            self._points = [old for old in self._points if not covers(new, old)] + [new]

    def front(self) -> list[Point]:
        return sorted(self._points, key=lambda point: point.objectives)


class OptunaOptimizer(_Told):
    """Optuna's samplers (default: its NSGA-II for several objectives). Violations are Optuna constraints."""

    def __init__(self, knobs: Knobs, objectives: Sequence[str], *, budget: int, seed: int, sampler: Any = None) -> None:
        super().__init__(knobs, objectives, budget)
        self._optuna = importlib.import_module("optuna")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        if sampler is None:
            sampler = self._optuna.samplers.NSGAIISampler(seed=seed, constraints_func=lambda trial: (trial.user_attrs.get("violation", 0.0),))
        self.study = self._optuna.create_study(directions=["minimize"] * len(self.objectives), sampler=sampler)
        # Optuna's categories are plain values; indices keep numbers and names alike.
        self._distributions = {name: self._optuna.distributions.IntDistribution(0, len(values) - 1) if not any(isinstance(v, str) for v in values)
                               else self._optuna.distributions.CategoricalDistribution(list(range(len(values)))) for name, values in self.knobs.items()}

    def ask(self, count: int = 1) -> list[Trial]:
        trials = []
        for _ in range(min(count, self.budget - self.asked)):
            trial = self.study.ask(self._distributions)
            trials.append(self._trial([trial.params[name] for name in self.knobs], trial))
        return trials

    def tell(self, trial: Trial, answer: Answer) -> None:
        handle, values, violation = self._take(trial, answer)
        if values is None:
            self.study.tell(handle, state=self._optuna.trial.TrialState.FAIL)
            return
        handle.set_user_attr("violation", violation)
        self.study.tell(handle, values)


class PymooOptimizer(_Told):
    """pymoo's ask/tell (default: NSGA-II on value indices, population 100). Violations are one inequality constraint."""

    def __init__(self, knobs: Knobs, objectives: Sequence[str], *, budget: int, seed: int, algorithm: Any = None) -> None:
        super().__init__(knobs, objectives, budget)
        numpy = importlib.import_module("numpy")
        problem = importlib.import_module("pymoo.core.problem").Problem
        self._numpy = numpy
        self._evaluator = importlib.import_module("pymoo.core.evaluator").Evaluator()
        self._static = importlib.import_module("pymoo.problems.static").StaticProblem
        highest = [len(values) - 1 for values in self.knobs.values()]
        self.problem = problem(n_var=len(highest), n_obj=len(self.objectives), n_ieq_constr=1, xl=0, xu=numpy.array(highest), vtype=int)
        if algorithm is None:
            nsga2 = importlib.import_module("pymoo.algorithms.moo.nsga2").NSGA2
            rounding = importlib.import_module("pymoo.operators.repair.rounding").RoundingRepair
            crossover = importlib.import_module("pymoo.operators.crossover.sbx").SBX
            mutation = importlib.import_module("pymoo.operators.mutation.pm").PM
            sampling = importlib.import_module("pymoo.operators.sampling.rnd").IntegerRandomSampling
            algorithm = nsga2(pop_size=min(100, budget), sampling=sampling(), crossover=crossover(prob=0.9, eta=15, vtype=float, repair=rounding()),
                              mutation=mutation(eta=20, vtype=float, repair=rounding()), eliminate_duplicates=True)
        algorithm.setup(self.problem, termination=("n_eval", budget), seed=seed, verbose=False)
        self.algorithm = algorithm
        self._population: Any = None
        self._left: list[int] = []
        self._f: Any = None
        self._g: Any = None
        self._queue: list[int] = []

    def ask(self, count: int = 1) -> list[Trial]:
        if self._population is None and self.algorithm.has_next() and self.asked < self.budget:
            self._population = self.algorithm.ask()
            n = 0 if self._population is None else len(self._population)
            self._queue, self._left = list(range(n)), list(range(n))
            self._f = self._numpy.full((n, len(self.objectives)), 1e30)
            self._g = self._numpy.full((n, 1), 1e6)
        take = self._queue[:min(count, self.budget - self.asked)]
        self._queue = self._queue[len(take):]
        rows = self._population.get("X") if take else []
        return [self._trial([int(round(float(x))) for x in rows[i]], i) for i in take]

    def tell(self, trial: Trial, answer: Answer) -> None:
        row, values, violation = self._take(trial, answer)
        self._g[row, 0] = violation
        if values is not None:
            self._f[row] = values
        self._left.remove(row)
        if not self._left:
            # Failed designs keep a large finite value: infeasible by the constraint, harmless to crowding.
            finite = self._f[self._g[:, 0] < 1e6]
            if len(finite):
                self._f = self._numpy.where(self._f >= 1e30, finite.max(axis=0), self._f)
            self._evaluator.eval(self._static(self.problem, F=self._f, G=self._g), self._population)
            self.algorithm.tell(infills=self._population)
            self._population = None


class NevergradOptimizer(_Told):
    """A nevergrad optimizer by name (default NGOpt) on value indices; several objectives become its own scalarisation."""

    def __init__(self, knobs: Knobs, objectives: Sequence[str], *, budget: int, seed: int, name: str = "NGOpt") -> None:
        super().__init__(knobs, objectives, budget)
        ng = importlib.import_module("nevergrad")
        numpy = importlib.import_module("numpy")
        space = ng.p.Dict(**{f"k{i}": ng.p.Choice(range(len(values))) if any(isinstance(v, str) for v in values) else ng.p.TransitionChoice(range(len(values)))
                             for i, values in enumerate(self.knobs.values())})
        space.random_state = numpy.random.RandomState(seed)
        self.optimizer = ng.optimizers.registry[name](parametrization=space, budget=budget)
        self._worst: list[float] = []

    def ask(self, count: int = 1) -> list[Trial]:
        trials = []
        for _ in range(min(count, self.budget - self.asked)):
            candidate = self.optimizer.ask()
            trials.append(self._trial([int(candidate.value[f"k{i}"]) for i in range(len(self.knobs))], candidate))
        return trials

    def tell(self, trial: Trial, answer: Answer) -> None:
        handle, values, violation = self._take(trial, answer)
        if values is None:
            # It has no failures: the worst that was seen, and a violation.
            values = self._worst or [1.0] * len(self.objectives)
            violation = max(violation, 1.0)
        else:
            self._worst = [max(a, b) for a, b in zip(self._worst, values, strict=True)] if self._worst else list(values)
        loss: Any = values if len(values) > 1 else values[0]
        self.optimizer.tell(handle, loss, [violation] if violation > 0 else None)
