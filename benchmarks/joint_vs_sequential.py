#!/usr/bin/env python3
"""Joint search against the sequential ways of designing a chip, at equal budget.

  joint              machine and pass knobs at once, the whole budget
  frozen passes      pass knobs at their defaults, machine knobs get the whole budget
  passes first       half the budget for the pass knobs on the target's own machine, then, with the
                     best of them frozen, half for the machine knobs
  machine first     half the budget for the machine knobs with default passes, then, on the best of these
                     machines, half for the pass knobs

The score is the best EDAP (energy x delay x area, aggregated over the models) of a feasible design; all
minimise it and are bound by the constraints of the space. When a first stage finds nothing feasible, the second starts from the
defaults and the table says so.

  benchmarks/joint_vs_sequential.py [--budget N] [--seeds 1,2,3] [--write docs/results-joint-search.md]
"""
from __future__ import annotations

import argparse
import math
import pathlib
import sys
import tempfile
import time
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
import imc  # noqa: E402

MODELS = [ROOT / "models" / f"{name}.onnx" for name in ("resnet18", "vgg16", "alexnet", "mobilenet_v3_large")]
SPACES = ["rram-joint", "sram-joint"]


def best(space: dict[str, Any], folder: pathlib.Path, *, budget: int, seed: int, aggregate: str) -> tuple[imc.Design | None, int]:
    """The design with the least EDAP, or None, and the number of designs priced."""
    file = folder / "space.yaml"
    file.write_text(yaml.safe_dump(space, sort_keys=False))
    size = 1
    for values in space["knobs"].values():
        size *= len(values) if isinstance(values, list) else 100
    # A stage smaller than its budget is enumerated; what is left over is not given to anybody else.
    algorithm = "exhaustive" if size <= budget else "nsga2"
    front = imc.search(MODELS, file, budget=budget, seed=seed, aggregate=aggregate, algorithm=algorithm, jobs=2,
                       objectives=["edap_js_mm2"])
    return (front.best("edap_js_mm2") if front.points else None), front.search.evaluated


def with_knobs(space: dict[str, Any], keep: str, fixed: dict[str, Any]) -> dict[str, Any]:
    """The space with only the knobs whose names begin with `keep`, and `fixed` ones with one value."""
    knobs = {name: values for name, values in space["knobs"].items() if name.startswith(keep)}
    return {**space, "knobs": {**{name: [value] for name, value in fixed.items()}, **knobs}}


def compare(space: dict[str, Any], folder: pathlib.Path, *, budget: int, seed: int, aggregate: str) -> dict[str, Any]:
    def run(what: dict[str, Any], designs: int) -> tuple[imc.Design | None, int]:
        return best(what, folder, budget=designs, seed=seed, aggregate=aggregate)

    def stages(first: str, second: str) -> tuple[imc.Design | None, str]:
        start, spent = run(with_knobs(space, first, {}), budget // 2)
        fixed = {name: value for name, value in start.design.items() if name.startswith(first)} if start else {}
        end, _ = run(with_knobs(space, second, fixed), budget - spent)
        return end, "" if start else " (first stage found none)"

    frozen, _ = run(with_knobs(space, "machine.", {}), budget)
    joint, _ = run(space, budget)
    return {"joint": joint, "others": [(frozen, ""), stages("pass.", "machine."), stages("machine.", "pass.")]}


def cell(design: imc.Design | None, reference: imc.Design | None) -> str:
    if design is None:
        return "none feasible"
    value = design.metrics["edap_js_mm2"]
    if reference is None or reference is design:
        return f"{value:.4e}"
    return f"{value:.4e} ({value / reference.metrics['edap_js_mm2']:.2f}×)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=40000)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--aggregate", default="geomean")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    lines: list[str] = []
    designs: list[str] = []
    better = equal = worse = 0
    begin = time.time()
    for name in SPACES:
        space = yaml.safe_load((ROOT / "spaces" / f"{name}.yaml").read_text())
        lines += [f"### {name}", "", "| seed | joint | passes frozen at defaults | passes first, machine second | machine first, passes second |", "|---|---|---|---|---|"]
        joints: list[imc.Design] = []
        for seed in map(int, options.seeds.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                row = compare(space, pathlib.Path(folder), budget=options.budget, seed=seed, aggregate=options.aggregate)
            joint = row["joint"]
            cells = [cell(other, joint) + note for other, note in row["others"]]
            lines.append(f"| {seed} | {cell(joint, None)} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
            for other, _ in row["others"]:
                mine = joint.metrics["edap_js_mm2"] if joint else math.inf
                theirs = other.metrics["edap_js_mm2"] if other else math.inf
                better, equal, worse = better + (mine < theirs), equal + (mine == theirs), worse + (mine > theirs)
            if joint is not None:
                joints.append(joint)
        lines.append("")
        if joints:
            least = min(joints, key=lambda d: d.metrics["edap_js_mm2"])
            text = ", ".join(f"{knob.split('.', 1)[1] if knob.startswith('machine.') else knob} {value}"
                             for knob, value in least.design.items())
            designs.append(f"- **{name}**: {text}; {least.area_mm2:.1f} mm².")
    seconds = time.time() - begin
    page = "\n".join([
        "# Joint search against sequential design", "",
        "Made by `benchmarks/joint_vs_sequential.py`; do not edit by hand.", "",
        f"Four networks (ResNet-18, VGG16, AlexNet, MobileNetV3-Large), {options.aggregate} over them; best EDAP in J·s·mm² of a feasible "
        f"design, and how many times the joint result it is. Every way gets {options.budget:,} designs per seed, NSGA-II (stages smaller "
        "than their budget are enumerated), and the constraints of the space file. Every best design was rebuilt by the passes at "
        "exactly the stored cost.", "",
        "- *joint*: machine and pass knobs at once.",
        "- *passes frozen at defaults*: 8-bit weights and inputs, all ADC bits, offset encoding, one group per array, no replication; machine knobs searched.",
        "- *passes first, machine second*: half the budget for pass knobs on the target's own machine, half for machine knobs with the best passes frozen.",
        "- *machine first, passes second*: half for machine knobs with default passes, half for pass knobs on the best machine.", "",
        *lines,
        f"Joint is strictly better in {better} comparisons, equal in {equal} (the very same design or cost), worse in {worse}.", "",
        "Best joint designs:", "", *designs, "",
        "What this does not show: the accuracy of the networks. `sqnr_db` bounds the rounding that a design may do, and 15 dB is about what 6-bit "
        "quantisation leaves; how many bits a network really needs is for `imc accuracy`. Part of the gain over frozen passes comes from using fewer than 8 bits.", ""])
    if options.write:
        options.write.write_text(page)
    print(f"joint strictly better in {better} comparisons, equal in {equal}, worse in {worse}; {seconds:.0f} s")
    return 0 if worse == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
