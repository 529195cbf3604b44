#!/usr/bin/env python3
# Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a search costs beside the evaluations: our NSGA-II, pymoo's and pagmo's.

Both search IMC-MIX (12 knobs, 3 objectives, 3 constraints, 5,400,000 designs;
test/Unit/Search/IMCMix.h) with the same evaluator, budget, population and
seeds, in the same process and on one thread. Reported is the CPU time of the
thread without the time inside the evaluator, per evaluation, and the share of
the exact hypervolume that all evaluated designs reach.

pagmo is run on ZDT1, which it evaluates itself, with 30 real variables: calling
back into Python would be charged to it otherwise; the time of the evaluations is
included, a small part of it. Its NSGA-II knows no constraints.

pymoo is run integer-coded: integer random sampling, simulated binary crossover
(0.9, eta 15) and polynomial mutation (eta 20) with rounding, duplicates
eliminated, constraints given.

  ninja -C build search_overhead
  pip install -r benchmarks/requirements.txt
  python benchmarks/search_overhead.py [--build build] [--population 1000] [--no-pymoo]
"""

import argparse
import ctypes
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AIMS_US = {100: 3.0, 1000: 5.0}  # by population


def fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def load(build):
    path = build / "benchmarks" / "libsearch_overhead.so"
    if not path.exists():
        fail(f"{path} is missing; build it with 'ninja -C {build} search_overhead' or name the build folder with --build")
    library = ctypes.CDLL(str(path))
    doubles, integers = ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int32)
    library.imcSearchRun.argtypes = [ctypes.c_uint64] * 3 + [doubles]
    library.imcMixEvaluate.argtypes = [integers, ctypes.c_uint64, doubles]
    library.imcMixShare.argtypes = [doubles, ctypes.c_uint64]
    library.imcMixShare.restype = ctypes.c_double
    library.imcMixCounts.argtypes = [integers]
    return library


def run_ours(library, seed, budget, population):
    out = (ctypes.c_double * 3)()
    if library.imcSearchRun(seed, budget, population, out):
        sys.exit(1)
    return {"driver_us": out[0] / budget * 1e6, "evaluation_us": out[1] / budget * 1e6, "share": out[2], "repeated": 0.0}


def make_pymoo_run(library):
    try:
        import numpy as np
        import pymoo
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem
        from pymoo.operators.crossover.sbx import SBX
        from pymoo.operators.mutation.pm import PM
        from pymoo.operators.repair.rounding import RoundingRepair
        from pymoo.operators.sampling.rnd import IntegerRandomSampling
        from pymoo.optimize import minimize
    except ImportError as error:
        fail(f"{error}; install the comparison with 'pip install -r benchmarks/requirements.txt' or leave it out with --no-pymoo")

    doubles, integers = ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int32)
    counts = np.zeros(12, dtype=np.int32)
    library.imcMixCounts(counts.ctypes.data_as(integers))

    class IMCMix(Problem):
        def __init__(self):
            super().__init__(n_var=12, n_obj=3, n_ieq_constr=3, xl=0, xu=counts - 1, vtype=int)
            self.seconds = 0.0
            self.designs, self.values = [], []

        def _evaluate(self, x, out, *args, **kwargs):
            before = time.thread_time()
            genes = np.ascontiguousarray(x, dtype=np.int32)
            values = np.empty((len(genes), 6))
            library.imcMixEvaluate(genes.ctypes.data_as(integers), len(genes), values.ctypes.data_as(doubles))
            self.designs.append(genes)
            self.values.append(values)
            out["F"], out["G"] = values[:, :3], values[:, 3:]
            self.seconds += time.thread_time() - before

    def run(seed, budget, population):
        problem = IMCMix()
        algorithm = NSGA2(
            pop_size=population,
            sampling=IntegerRandomSampling(),
            crossover=SBX(prob=0.9, eta=15, vtype=float, repair=RoundingRepair()),
            mutation=PM(eta=20, vtype=float, repair=RoundingRepair()),
            eliminate_duplicates=True,
        )
        before = time.thread_time()
        minimize(problem, algorithm, ("n_eval", budget), seed=seed, verbose=False)
        total = time.thread_time() - before
        designs, values = np.vstack(problem.designs), np.vstack(problem.values)
        evaluated = len(designs)
        feasible = np.ascontiguousarray(values[(values[:, 3:] <= 1e-12).all(axis=1), :3])
        return {
            "driver_us": (total - problem.seconds) / evaluated * 1e6,
            "evaluation_us": problem.seconds / evaluated * 1e6,
            "share": library.imcMixShare(feasible.ctypes.data_as(doubles), len(feasible)),
            "repeated": 1 - len(np.unique(designs, axis=0)) / evaluated,
        }

    return f"pymoo {pymoo.__version__} NSGA-II, integers", run


def make_pagmo_run():
    try:
        import pygmo
    except ImportError as error:
        fail(f"{error}; install the comparison with 'pip install -r benchmarks/requirements.txt' or leave it out with --no-pymoo")

    def run(seed, budget, population):
        population += -population % 4  # it asks for multiples of four
        generations = max(1, budget // population - 1)
        start = pygmo.population(pygmo.problem(pygmo.zdt(1, 30)), population, seed=seed)
        driver = pygmo.algorithm(pygmo.nsga2(gen=generations, cr=0.9, eta_c=15, m=1 / 30, eta_m=20, seed=seed))
        before = time.thread_time()
        driver.evolve(start)
        us = (time.thread_time() - before) / (generations * population) * 1e6
        return {"driver_us": us, "evaluation_us": 0.0, "share": float("nan"), "repeated": float("nan")}

    return f"pagmo {pygmo.__version__} NSGA-II, ZDT1", run


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="build folder (default: build)")
    parser.add_argument("--budget", type=int, default=10000, help="evaluations per run (default: 10000)")
    parser.add_argument("--population", type=int, default=100, help="designs per generation (default: 100)")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each driver, seeds 1 to N (default: 5)")
    parser.add_argument("--no-pymoo", action="store_true", help="measure our driver only")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    if min(args.budget, args.population, args.seeds) < 1:
        fail("budget, population and seeds must be at least 1")

    library = load(args.build)
    drivers = [("imc::search nsga2", lambda *a: run_ours(library, *a))]
    if not args.no_pymoo:
        drivers.append(make_pymoo_run(library))
        drivers.append(make_pagmo_run())
    for _, run in drivers:  # first run of each: loading, caches
        run(99, min(args.budget, 1000), args.population)

    results = {name: [] for name, _ in drivers}
    for seed in range(1, args.seeds + 1):  # in turns: a busy machine hits both
        for name, run in drivers:
            results[name].append(run(seed, args.budget, args.population))

    print(f"IMC-MIX, {args.budget} evaluations, population {args.population}, {args.seeds} seeds; CPU time of one thread per evaluation")
    print(f"{'driver':32} {'driver us: median (range)':30} {'evaluator us':>12} {'hypervolume':>12} {'repeated':>9}")
    medians = []
    for name, runs in results.items():
        driver = [r["driver_us"] for r in runs]
        medians.append(statistics.median(driver))
        middle = {key: statistics.median(r[key] for r in runs) for key in ("evaluation_us", "share", "repeated")}
        spread = f"{medians[-1]:.2f} ({min(driver):.2f} - {max(driver):.2f})"
        print(f"{name:32} {spread:30} {middle['evaluation_us']:12.2f} {middle['share']:12.4f} {middle['repeated']:9.1%}")
    if args.population in AIMS_US:
        aim = AIMS_US[args.population]
        print(f"aim: at most {aim:g} us per evaluation: {'met' if medians[0] <= aim else 'MISSED'}")
    for (name, _), median in zip(drivers[1:], medians[1:]):
        print(f"ratio {name} / ours: {median / medians[0]:.1f}")
    if args.json:
        args.json.write_text(json.dumps({"budget": args.budget, "population": args.population, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
