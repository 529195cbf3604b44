"""Read the results of ``imc search`` and run the ``imc`` tools.

Needs the standard library alone::

    import imc

    front = imc.Front.load("front.json")
    best = front.best("edap_js_mm2")
    print(best.design, best.command)

    with imc.Study("study.db") as study:
        print(study.rejections())
"""
from ._accuracy import accuracy
from ._cli import IMCError, find_tool, run, search
from ._front import Design, Front, Model, SearchInfo
from ._study import Evaluation, Generation, Study

__all__ = ["Design", "Evaluation", "Front", "Generation", "IMCError", "Model", "SearchInfo", "Study", "accuracy",
           "find_tool", "run", "search"]
__version__ = "0.1.0"
