#!/usr/bin/env python3
# Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How good a search is for its budget: ours, pymoo's and pagmo's.

ZDT1 to ZDT3 (30 variables) and DTLZ2 (3 objectives, 12 variables) at 20,000
evaluations with populations of 100 (91 or 92 for NSGA-III of the others):
hypervolume of the last population, reference point 1.1 everywhere, by one
function for all. IMC-MIX (test/Unit/Search/IMCMix.h) at 2,000, 5,000 and
10,000 evaluations: share of the exact hypervolume that the archive of all
evaluated designs reaches. The bars are printed beside the medians and worst
seeds; the exit status is 1 if ours misses one.

  ninja -C build search_overhead
  pip install -r benchmarks/requirements.txt
  python benchmarks/search_quality.py [--build build] [--seeds 11] [--only-ours]
"""

import argparse
import ctypes
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET = 20000
# problem: (algorithm, bar of the median, bar of the worst seed, exact)
BARS = {
    "zdt1": ("nsga2", 0.8673, 0.8662, 0.87667),
    "zdt2": ("nsga2", 0.5336, 0.5322, 0.54333),
    "zdt3": ("nsga2", 1.3247, 1.3241, 1.33175),
    "dtlz2": ("nsga3", 0.739, None, 0.80740),
}
MIX_BARS = {2000: (0.95, 0.92), 5000: (0.985, 0.978), 10000: (0.993, 0.990)}
MIX_BEST, MIX_FRONT, MIX_SECONDS = 375762.4408, 1074, 5.0


def fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


DOUBLES, INTEGERS = ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int32)


def load(build):
    path = build / "benchmarks" / "libsearch_overhead.so"
    if not path.exists():
        fail(f"{path} is missing; build it with 'ninja -C {build} search_overhead' or name the build folder with --build")
    library = ctypes.CDLL(str(path))
    library.imcSearchRun.argtypes = [ctypes.c_uint64] * 3 + [DOUBLES]
    library.imcContinuousRun.argtypes = [ctypes.c_char_p] * 2 + [ctypes.c_uint64] * 3 + [DOUBLES]
    library.imcHypervolume.argtypes = [DOUBLES, ctypes.c_uint64, ctypes.c_uint64]
    library.imcHypervolume.restype = ctypes.c_double
    library.imcMixEvaluate.argtypes = [INTEGERS, ctypes.c_uint64, DOUBLES]
    library.imcMixShare.argtypes = [DOUBLES, ctypes.c_uint64]
    library.imcMixShare.restype = ctypes.c_double
    library.imcMixCounts.argtypes = [INTEGERS]
    library.imcMixExhaustive.argtypes = [DOUBLES]
    return library


class Ours:
    name = "imc::search"

    def __init__(self, library):
        self.library = library

    def continuous(self, problem, algorithm, seed):
        out = (ctypes.c_double * 4)()
        if self.library.imcContinuousRun(problem.encode(), algorithm.encode(), seed, BUDGET, 100, out):
            sys.exit(1)
        return out[2], out[3], out[0] / BUDGET * 1e6

    def mix(self, seed, budget):
        out = (ctypes.c_double * 3)()
        if self.library.imcSearchRun(seed, budget, 100, out):
            sys.exit(1)
        return out[2], out[0] / budget * 1e6


class Mix:
    """IMC-MIX for a Python driver: remembers every design it is asked for."""

    def __init__(self, library):
        import numpy

        self.numpy, self.library = numpy, library
        self.counts = numpy.zeros(12, dtype=numpy.int32)
        library.imcMixCounts(self.counts.ctypes.data_as(INTEGERS))
        self.values, self.seconds = [], 0.0

    def price(self, genes):
        before = time.thread_time()
        genes = self.numpy.ascontiguousarray(genes, dtype=self.numpy.int32)
        values = self.numpy.empty((len(genes), 6))
        self.library.imcMixEvaluate(genes.ctypes.data_as(INTEGERS), len(genes), values.ctypes.data_as(DOUBLES))
        self.values.append(values)
        self.seconds += time.thread_time() - before
        return values

    def share(self):
        values = self.numpy.vstack(self.values)
        rows = self.numpy.ascontiguousarray(values[(values[:, 3:] <= 1e-12).all(axis=1), :3])
        return self.library.imcMixShare(rows.ctypes.data_as(DOUBLES), len(rows))


def volume(library, rows):
    import numpy

    rows = numpy.ascontiguousarray(rows, dtype=float)
    return library.imcHypervolume(rows.ctypes.data_as(DOUBLES), len(rows), rows.shape[1])


class Pymoo:
    def __init__(self, library):
        import pymoo
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.algorithms.moo.nsga3 import NSGA3
        from pymoo.core.problem import Problem
        from pymoo.operators.crossover.sbx import SBX
        from pymoo.operators.mutation.pm import PM
        from pymoo.operators.repair.rounding import RoundingRepair
        from pymoo.operators.sampling.rnd import IntegerRandomSampling
        from pymoo.optimize import minimize
        from pymoo.problems import get_problem
        from pymoo.util.ref_dirs import get_reference_directions

        self.library, self.name = library, f"pymoo {pymoo.__version__}"
        operators = dict(crossover=SBX(prob=0.9, eta=15), mutation=PM(eta=20))
        rounded = dict(
            sampling=IntegerRandomSampling(),
            crossover=SBX(prob=0.9, eta=15, vtype=float, repair=RoundingRepair()),
            mutation=PM(eta=20, vtype=float, repair=RoundingRepair()),
            eliminate_duplicates=True,
        )

        class MixProblem(Problem):
            def __init__(self, mix):
                super().__init__(n_var=12, n_obj=3, n_ieq_constr=3, xl=0, xu=mix.counts - 1, vtype=int)
                self.mix = mix

            def _evaluate(self, x, out, *args, **kwargs):
                values = self.mix.price(x)
                out["F"], out["G"] = values[:, :3], values[:, 3:]

        def continuous(problem, algorithm, seed):
            function = get_problem(problem) if problem != "dtlz2" else get_problem("dtlz2", n_var=12, n_obj=3)
            if algorithm == "nsga3":
                driver = NSGA3(ref_dirs=get_reference_directions("das-dennis", 3, n_partitions=12), pop_size=92, **operators)
            else:
                driver = NSGA2(pop_size=100, **operators)
            before = time.thread_time()
            result = minimize(function, driver, ("n_eval", BUDGET), seed=seed, verbose=False)
            return volume(library, result.pop.get("F")), None, (time.thread_time() - before) / BUDGET * 1e6

        def mix(seed, budget):
            problem = Mix(library)
            before = time.thread_time()
            minimize(MixProblem(problem), NSGA2(pop_size=100, **rounded), ("n_eval", budget), seed=seed, verbose=False)
            return problem.share(), (time.thread_time() - before - problem.seconds) / budget * 1e6

        self.continuous, self.mix = continuous, mix


class Pagmo:
    def __init__(self, library):
        import numpy
        import pygmo

        self.name = f"pagmo {pygmo.__version__}"

        class MixProblem:
            """Violated constraints are a penalty: its NSGA-II knows none."""

            def __init__(self, mix):
                self.mix = mix

            def __deepcopy__(self, memo):  # pagmo copies problems; one counts
                return self

            def fitness(self, x):
                values = self.mix.price([x])[0]
                return values[:3] + 1e6 * numpy.maximum(values[3:], 0).sum()

            def get_bounds(self):
                return [0] * 12, [int(count) - 1 for count in self.mix.counts]

            def get_nobj(self):
                return 3

            def get_nix(self):
                return 12

        def evolve(problem, algorithm, seed, population, budget):
            driver = getattr(pygmo, algorithm)
            options = dict(gen=budget // population - 1, seed=seed)
            if algorithm == "nsga2":
                options |= dict(cr=0.9, eta_c=15, m=1 / problem.get_nx(), eta_m=20)
            else:
                options |= dict(cr=0.9, eta_c=15, mut=1 / problem.get_nx(), eta_mut=20, divisions=12)
            before = time.thread_time()
            result = pygmo.algorithm(driver(**options)).evolve(pygmo.population(problem, population, seed=seed))
            return result, (time.thread_time() - before) / budget * 1e6

        def continuous(problem, algorithm, seed):
            function = pygmo.problem(pygmo.dtlz(2, dim=12, fdim=3) if problem == "dtlz2" else pygmo.zdt(int(problem[3]), 30))
            result, us = evolve(function, algorithm, seed, 92 if algorithm == "nsga3" else 100, BUDGET)
            return volume(library, result.get_f()), None, us

        def mix(seed, budget):
            problem = MixProblem(Mix(library))
            wrapped = pygmo.problem(problem)
            evolve(wrapped, "nsga2", seed, 100, budget)
            inner = wrapped.extract(MixProblem).mix
            return inner.share(), 0.0

        self.continuous, self.mix = continuous, mix


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="build folder (default: build)")
    parser.add_argument("--seeds", type=int, default=11, help="runs of each, seeds 1 to N (default: 11)")
    parser.add_argument("--only-ours", action="store_true", help="do not run pymoo and pagmo")
    args = parser.parse_args()
    if args.seeds < 1:
        fail("seeds must be at least 1")
    library = load(args.build)
    ours = Ours(library)
    drivers = [ours]
    if not args.only_ours:
        for driver in (Pymoo, Pagmo):
            try:
                drivers.append(driver(library))
            except ImportError as error:
                fail(f"{error}; install the comparison with 'pip install -r benchmarks/requirements.txt' or give --only-ours")
    seeds, missed = range(1, args.seeds + 1), []

    def judge(what, values, median_bar, worst_bar):
        if statistics.median(values) < median_bar or (worst_bar and min(values) < worst_bar):
            missed.append(what)

    print(f"hypervolume of the last population at {BUDGET} evaluations, {args.seeds} seeds: median (worst)")
    print(f"{'problem':8} {'driver':16} {'algorithm':9} {'population':>17} {'archive':>17} {'bar':>17} {'exact':>8} {'us/eval':>8}")
    for problem, (algorithm, median_bar, worst_bar, exact) in BARS.items():
        for driver in drivers:
            runs = [driver.continuous(problem, algorithm, seed) for seed in seeds]
            values = [run[0] for run in runs]
            archives = [run[1] for run in runs if run[1] is not None]
            if driver is ours:
                judge(problem, values, median_bar, worst_bar)
            spread = lambda v: f"{statistics.median(v):.4f} ({min(v):.4f})" if v else "-"
            bar = f"{median_bar:.4f}" + (f" ({worst_bar:.4f})" if worst_bar else "") if driver is ours else ""
            print(f"{problem:8} {driver.name:16} {algorithm:9} {spread(values):>17} {spread(archives):>17} {bar:>17} "
                  f"{exact:8.4f} {statistics.median(run[2] for run in runs):8.2f}", flush=True)

    print(f"\nIMC-MIX: share of the exact hypervolume, {args.seeds} seeds: median (worst)")
    print(f"{'driver':16} " + " ".join(f"{budget:>17}" for budget in MIX_BARS))
    for driver in drivers:
        columns = []
        for budget, (median_bar, worst_bar) in MIX_BARS.items():
            values = [driver.mix(seed, budget)[0] for seed in seeds]
            if driver is ours:
                judge(f"IMC-MIX at {budget}", values, median_bar, worst_bar)
            columns.append(f"{statistics.median(values):.4f} ({min(values):.4f})")
        print(f"{driver.name:16} " + " ".join(f"{column:>17}" for column in columns), flush=True)
    print(f"{'bar':16} " + " ".join(f"{f'{m:.4f} ({w:.4f})':>17}" for m, w in MIX_BARS.values()))

    out = (ctypes.c_double * 3)()
    if library.imcMixExhaustive(out):
        fail("the exhaustive search failed")
    seconds, front, best = out
    print(f"\nIMC-MIX exhaustive: {front:.0f} designs on the front ({MIX_FRONT}), best product {best:.4f} ({MIX_BEST}), "
          f"{seconds:.2f} s of one core (bar {MIX_SECONDS:g} s)")
    if front != MIX_FRONT or abs(best - MIX_BEST) > 1e-3 or seconds > MIX_SECONDS:
        missed.append("IMC-MIX exhaustive")
    print("bars: " + ("all met" if not missed else "MISSED: " + ", ".join(missed)))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
