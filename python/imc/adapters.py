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


class BoTorchOptimizer(_Told):
    """Bayesian optimization by BoTorch, for evaluations that take seconds or more: a Gaussian process per objective and one of the
    violation, and the designs of most (noisy) expected hypervolume or improvement among `pool` random ones. Names are one-hot,
    other knobs their position in the list. Fitting takes O(n^3) of the designs told: budgets of some hundreds.
    """

    def __init__(self, knobs: Knobs, objectives: Sequence[str], *, budget: int, seed: int, initial: int | None = None, pool: int = 512) -> None:
        super().__init__(knobs, objectives, budget)
        self._torch = importlib.import_module("torch")
        self._sizes = [len(values) for values in self.knobs.values()]
        self._names = [any(isinstance(v, str) for v in values) for values in self.knobs.values()]
        self.initial = initial if initial is not None else 2 * (len(self._sizes) + 1)
        self.pool, self.seed = pool, seed
        self._random = self._torch.Generator().manual_seed(seed)
        self._seen: set[tuple[int, ...]] = set()
        # Of the designs told: coordinates, objectives (none where there are none), and a constraint that holds below zero.
        self._x: list[list[float]] = []
        self._y: list[list[float] | None] = []
        self._c: list[float] = []

    def _encode(self, design: Sequence[int]) -> list[float]:
        point: list[float] = []
        for index, size, named in zip(design, self._sizes, self._names, strict=True):
            point += [float(i == index) for i in range(size)] if named else [index / max(1, size - 1)]
        return point

    def _draw(self, count: int) -> list[tuple[int, ...]]:
        """Random designs, new ones as long as there are any."""
        new = math.prod(self._sizes) > len(self._seen)
        found: dict[tuple[int, ...], None] = {}
        for _ in range(20 * count):
            design = tuple(int(self._torch.randint(size, (1,), generator=self._random)) for size in self._sizes)
            if not new or design not in self._seen:
                found[design] = None
            if len(found) == count:
                break
        if new and not found:
            # Hardly any is left: the first one in counting order.
            for number in range(math.prod(self._sizes)):
                rest, digits = number, []
                for size in self._sizes:
                    rest, digit = divmod(rest, size)
                    digits.append(digit)
                if tuple(digits) not in self._seen:
                    return [tuple(digits)]
        return list(found)

    def ask(self, count: int = 1) -> list[Trial]:
        count = min(count, self.budget - self.asked)
        trials: list[Trial] = []
        while len(trials) < count:
            wanted = count - len(trials)
            told = [y for y in self._y if y is not None]
            chosen = self._draw(wanted) if len(told) < self.initial else self._choose(wanted)
            for design in chosen:
                self._seen.add(design)
                trials.append(self._trial(design, self._encode(design)))
        return trials

    def _choose(self, count: int) -> list[tuple[int, ...]]:
        """The best `count` of a pool of random designs by the acquisition function, one after the other."""
        torch = self._torch
        models = importlib.import_module("botorch.models")
        fit = importlib.import_module("botorch.fit").fit_gpytorch_mll
        standardize = importlib.import_module("botorch.models.transforms.outcome").Standardize
        likelihood = importlib.import_module("gpytorch.mlls").ExactMarginalLogLikelihood
        sampler = importlib.import_module("botorch.sampling.normal").SobolQMCNormalSampler(torch.Size([64]), seed=self.seed)
        discrete = importlib.import_module("botorch.optim").optimize_acqf_discrete

        x = torch.tensor(self._x, dtype=torch.double)
        valued = [i for i, y in enumerate(self._y) if y is not None]
        y = -torch.tensor([self._y[i] for i in valued], dtype=torch.double)
        c = torch.tensor(self._c, dtype=torch.double).unsqueeze(-1)
        processes = [models.SingleTaskGP(x[valued], y[:, m:m + 1], outcome_transform=standardize(m=1)) for m in range(len(self.objectives))]
        constraints = None
        if bool((c > 0).any()):
            processes.append(models.SingleTaskGP(x, c))
            constraints = [lambda values: values[..., -1]]
        with torch.random.fork_rng():
            torch.manual_seed(self.seed + self.asked)
            for process in processes:
                fit(likelihood(process.likelihood, process))
            joint = models.ModelListGP(*processes)
            options = {"X_baseline": x[valued], "sampler": sampler, "prune_baseline": True, "constraints": constraints}
            if len(self.objectives) > 1:
                several = importlib.import_module("botorch.acquisition.multi_objective")
                weights = importlib.import_module("botorch.acquisition.multi_objective.objective").IdentityMCMultiOutputObjective
                reference = importlib.import_module("botorch.utils.multi_objective.hypervolume").infer_reference_point
                pareto = importlib.import_module("botorch.utils.multi_objective.pareto").is_non_dominated
                acquisition = several.qLogNoisyExpectedHypervolumeImprovement(
                    joint, ref_point=reference(y[pareto(y)]), objective=weights(outcomes=list(range(len(self.objectives)))), **options)
            else:
                one = importlib.import_module("botorch.acquisition")
                acquisition = one.qLogNoisyExpectedImprovement(joint, objective=one.GenericMCObjective(lambda values, X=None: values[..., 0]), **options)
            designs = self._draw(max(self.pool, count))
            points = torch.tensor([self._encode(design) for design in designs], dtype=torch.double)
            best, _ = discrete(acquisition, q=min(count, len(designs)), choices=points, unique=True)
        where = {tuple(self._encode(design)): design for design in designs}
        return [where[tuple(point)] for point in best.tolist()]

    def tell(self, trial: Trial, answer: Answer) -> None:
        point, values, violation = self._take(trial, answer)
        self._x.append(point)
        self._y.append(values)
        self._c.append(math.log1p(violation) if violation > 0 else -1.0)
