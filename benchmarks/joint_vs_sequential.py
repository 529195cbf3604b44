#!/usr/bin/env python3
"""Joint search against four other ways to design a chip, for the paper's sets of four and nine networks.

Runs `imc compare` (docs/search.md) on both spaces and both sets and writes the page:

  benchmarks/joint_vs_sequential.py [--budget N] [--budget-nine N] [--seeds 1,2,3,4,5] [--write docs/results-joint-search.md]

The nine networks are looked for in models/ and in the folder of models beside the checkout (IMC_SHARED, or ../shared);
without them only the set of four is run. Exit status 1 if the joint search is worse than another way by the median of the seeds.
Chips that break a constraint are no result: they are shown, and do not count.
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import statistics
import sys
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
import imc  # noqa: E402

FOUR = ("resnet18", "vgg16", "alexnet", "mobilenet_v3_large")
NINE = (*FOUR, "mobilebert", "densenet201", "resnet50", "vit_b_16", "gpt2_medium")
WAYS = {
    "joint": "machine and pass knobs at once, all networks",
    "machine only": "pass knobs at their defaults (8-bit weights and inputs, all ADC bits, offset encoding, one group per array, no replication)",
    "passes first": "half the budget for pass knobs on the target's own machine, half for machine knobs with the best passes frozen",
    "machine first": "half for machine knobs with default passes, half for pass knobs on the best machine",
    "largest only": "half the budget as joint for the network with most parameters alone; half for pass knobs of all networks on its best machine, or the next best while none is feasible. "
                    "Where none is, its very best design with the constraints that it breaks (ratios of such chips flatter it)",
}


def find_model(name: str) -> pathlib.Path | None:
    for folder in (ROOT / "models", pathlib.Path(os.environ.get("IMC_SHARED", ROOT.parent / "shared")) / "models"):
        if (folder / f"{name}.onnx").exists():
            return folder / f"{name}.onnx"
    return None


def knobs(design: dict[str, Any], space: str) -> str:
    order = [knob["name"] for knob in imc.space(ROOT / "spaces" / f"{space}.yaml")["knobs"]]
    return ", ".join(f"{name.removeprefix('machine.')} {design[name]}" for name in order if name in design)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=40000)
    parser.add_argument("--budget-nine", type=int, default=100000)
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--aggregate", default="geomean")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    sections: list[str] = []
    worse, compared, load = 0, 0, os.getloadavg()[0]
    for names, budget in ((FOUR, options.budget), (NINE, options.budget_nine)):
        paths = [find_model(name) for name in names]
        if None in paths:
            print(f"skipped: {len(names)} networks, {names[paths.index(None)]} is not there (set IMC_SHARED)")
            continue
        for space in ("rram-joint", "sram-joint"):
            begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            result = json.loads(imc.run("compare", *(path for path in paths if path), "--space", ROOT / "spaces" / f"{space}.yaml", "--budget", str(budget),
                                        "--seeds", options.seeds, "--aggregate", options.aggregate, "--jobs", "2", "--json", "-"))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            ways = {way["way"]: way["seeds"] for way in result["ways"]}
            joints = [run for run in ways["joint"] if run["found"]]
            for name, runs in ways.items():
                ratios = [run["edap_js_mm2"] / joint["edap_js_mm2"] for run, joint in zip(runs, ways["joint"], strict=True)
                          if all(way["found"] and not way["broken"] for way in (run, joint))]
                compared += bool(ratios) and name != "joint"
                worse += bool(ratios) and statistics.median(ratios) < 1
            slowest = max(run["seconds"] for runs in ways.values() for run in runs)
            text = [f"### {space}, {len(names)} networks", "", *result["table"].rstrip().splitlines(), "",
                    f"{time.monotonic() - begin:.1f} s in all ({cpu:.1f} s of CPU), the slowest of its searches {slowest:.2f} s."]
            if joints:
                best = min(joints, key=lambda run: run["edap_js_mm2"])
                values = [run["edap_js_mm2"] for run in joints]
                text += ["", f"Joint EDAP {min(values):.4e} to {max(values):.4e} J·s·mm². Best: {best['area_mm2']:.1f} mm², {knobs(best['design'], space)}; "
                         "rebuilt by the passes at exactly the stored cost."]
            sections += [*text, ""]
            print("\n".join(text), flush=True)
    page = "\n".join([
        "# Joint search against other ways to design", "",
        f"Made by `benchmarks/joint_vs_sequential.py --budget {options.budget} --budget-nine {options.budget_nine} --seeds {options.seeds}`, which runs `imc compare`; do not edit by hand. "
        f"Load average of the machine's {os.cpu_count()} cores: {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end.", "",
        f"{options.aggregate.capitalize()} of EDAP over the networks, under the constraints of the space files. Every way gets the same number of designs per seed: NSGA-II, and enumeration "
        "where a stage is smaller than its budget. Ratios above 1: that way costs more than the joint search of the same seed. `feasible seeds` counts the seeds that found a chip at all.", "",
        *(f"- *{name}*: {meaning}." for name, meaning in WAYS.items()), "", *sections,
        "What this does not show: the accuracy of the networks. `sqnr_db` bounds the rounding that a design may do, and 15 dB is about what 6-bit quantisation leaves; how many bits a network "
        "really needs is for `imc accuracy`. Part of the gain over default passes comes from using fewer than 8 bits. The joint search minimises the aggregate: single networks may be better off on "
        "another chip (ratios below 1).", ""])
    if options.write:
        options.write.write_text(page)
    print(f"joint worse by the median in {worse} of {compared} comparisons with chips that keep all constraints")
    return 1 if worse else 0


if __name__ == "__main__":
    raise SystemExit(main())
