"""Compile, price, run and search chips for in-memory computing from Python.

The commands of ``imc`` as functions::

    import imc

    text = imc.compile("resnet18.onnx", "rram-32nm", knobs={"pass.weight_bits": 6})
    price = imc.cost("resnet18.onnx", "rram-32nm")
    front = imc.search(["resnet18.onnx"], "space.yaml", budget=2000, seed=1, study="study.db")
    print(front.best("edap_js_mm2").command)
    with imc.Study("study.db") as study:
        study.to_csv("study.csv")

Searches over evaluators of one's own, on threads, processes, Ray or Dask::

    with imc.Optimizer({"rows": [64, 128, 256]}, ["energy"], budget=50, seed=1) as optimizer:
        front = imc.minimize(measure, optimizer, executor=imc.ray_executor())

Standard library and NumPy; ``imc.adapters`` (Optuna, pymoo, nevergrad), Ray, Dask, pyarrow are imported when they are used.
"""
from ._accuracy import accuracy
from ._cli import IMCError, find_tool, run, search
from ._executors import RayExecutor, dask_executor, ray_executor
from ._front import Design, Front, Model, SearchInfo
from ._search import (ChipProblem, CommandEvaluator, Failure, Infeasible, Knob, Optimizer, Point, Server, Trial, minimize)
from ._study import Evaluation, Generation, Study
from ._tools import compile, cost, import_model, report, run_model, space, targets

__all__ = ["ChipProblem", "CommandEvaluator", "Design", "Evaluation", "Failure", "Front", "Generation", "IMCError", "Infeasible", "Knob",
           "Model", "Optimizer", "Point", "RayExecutor", "SearchInfo", "Server", "Study", "Trial", "accuracy", "compile", "cost",
           "dask_executor", "find_tool", "import_model", "minimize", "ray_executor", "report", "run", "run_model", "search", "space",
           "targets"]
__version__ = "0.1.0"
