#!/usr/bin/env python3
"""Fits the two constants of targets/survey-* that no source gives, on chips up to 2021.

  scripts/fit_survey.py [--points CSV] [--imc build/bin/imc]

One constant per kind, the rest of the machines stands as it is. For every value of a grid the machine
file is written with that value and `imc validate` prices the points. The loss is that of robust
regression with a prior: sum over chips (each of weight 1, however many points it has) of
ln(1 + (ln ratio / 0.5)^2), and half a squared distance of ln(value) from that of the prior, in units of its
spread and halved again. Chips are told apart by venue, year, node and array. Printed: the value, how the
share of points within 2x moves around it, and what every chip gets when it is left out of its own fit.
"""
import argparse
import csv
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAST_YEAR = 2021
LINES = 1.28  # fF of a cell without its unit capacitor


def capacitor(text, value):
    """Unit capacitor in fF: part of what an analog cell switches."""
    return re.sub(r"(capacitance_ff: \{value: )[0-9.]+", rf"\g<1>{LINES + value:.6g}", text)


def conductance(text, value):
    """Mean conductance in uS: both levels scale, four to one."""
    on, off = 0.625e6 / value, 2.5e6 / value
    text = re.sub(r"(on_resistance_ohm: \{value: )[0-9.]+", rf"\g<1>{on:.8g}", text)
    return re.sub(r"(off_resistance_ohm: \{value: )[0-9.]+", rf"\g<1>{off:.8g}", text)


# kind: (machine, edit, unit, prior, spread of its logarithm, lowest, highest)
FITS = {"sram_analog": ("survey-sram-analog", capacitor, "fF", 0.86, 0.7, 0.05, 5.0),
        "rram": ("survey-rram", conductance, "uS", 2.5, 1.0, 0.25, 25.0)}


def priced(imc, points, target, edit, value):
    """id -> TOPS/W of the model over that of the report."""
    with tempfile.TemporaryDirectory() as folder:
        machine = pathlib.Path(folder, "targets", target)
        machine.mkdir(parents=True)
        pathlib.Path(folder, "targets", "components").symlink_to(ROOT / "targets" / "components")
        text = (ROOT / "targets" / target / "target.yaml").read_text()
        (machine / "target.yaml").write_text(edit(text, value))
        out = subprocess.run([imc, "validate", points, "--json", "-"], check=True, capture_output=True, text=True,
                             env=dict(os.environ, IMC_TARGETS_PATH=f"{folder}/targets")).stdout
    return {row["id"]: row["ratio"]["tops_per_w"] for row in json.loads(out)["rows"]
            if row["ratio"].get("tops_per_w") and row.get("target") == target}


def share(ratios):
    return sum(0.5 <= r <= 2 for r in ratios) / len(ratios)


def median_factor(ratios):
    return statistics.median(max(r, 1 / r) for r in ratios)


def fit(grid, chips, prior, spread, without=None):
    """Value of the grid with the least loss; `chips` maps ids to chips."""
    counts = {}
    for chip in chips.values():
        counts[chip] = counts.get(chip, 0) + 1

    def loss(item):
        value, ratios = item
        data = sum(math.log1p((math.log(ratios[i]) / 0.5) ** 2) / counts[chip]
                   for i, chip in chips.items() if chip != without)
        return data + 0.25 * (math.log(value / prior) / spread) ** 2
    return min(grid.items(), key=loss)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", default=ROOT / "targets" / "validation" / "points.csv")
    parser.add_argument("--imc", default=ROOT / "build" / "bin" / "imc")
    parser.add_argument("--steps", type=int, default=61)
    options = parser.parse_args()
    with open(options.points, newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    for kind, (target, edit, unit, prior, spread, low, high) in FITS.items():
        grid = {}
        for step in range(options.steps):
            value = low * (high / low) ** (step / (options.steps - 1))
            grid[value] = priced(options.imc, options.points, target, edit, value)
        ids = list(next(iter(grid.values())))
        early = {i: "{venue} {year}, {node_nm} nm, {rows} x {cols}".format(**rows[i]) for i in ids if int(rows[i]["year"]) <= LAST_YEAR}
        best = fit(grid, early, prior, spread)
        print(f"{kind}: {best:.3g} {unit} from {len(set(early.values()))} chips with {len(early)} points")
        print(f"  within 2x, median factor: fitted {share([grid[best][i] for i in early]):.3f}, "
              f"{median_factor([grid[best][i] for i in early]):.2f}; "
              f"later {share([grid[best][i] for i in ids if i not in early]):.3f}, "
              f"{median_factor([grid[best][i] for i in ids if i not in early]):.2f}")
        left_out = {}
        for chip in sorted(set(early.values())):
            value = fit(grid, early, prior, spread, without=chip)
            left_out.update({i: grid[value][i] for i in early if early[i] == chip})
            print(f"  without {chip}: {value:.3g} {unit}")
        print(f"  each chip left out of its fit: {share(list(left_out.values())):.3f}, {median_factor(left_out.values()):.2f}")
        around = [v for v in grid if best / 2 <= v <= best * 2]
        print("  share of all points: " + ", ".join(
            f"{v:.2g}: {share(list(grid[v].values())):.2f}" for v in around[::3]))


if __name__ == "__main__":
    main()
