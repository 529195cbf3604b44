#!/usr/bin/env python3
"""Prints the design of a front with the least energy x latency x area as `--set` options, one word a line."""
import json
import sys


def edap(point):
    objectives = point["objectives"]
    return objectives["energy_j"] * objectives["latency_s"] * objectives["area_mm2"]


front = json.load(open(sys.argv[1]))
if not front["points"]:
    sys.exit("error: the front is empty: no design met the constraints; relax them or raise the budget")
for knob, value in min(front["points"], key=edap)["design"].items():
    print("--set")
    print(f"{knob}={value}")
