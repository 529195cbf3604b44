"""Published chips as machines of their own: mean errors, and the table in the docs."""
import csv
import json

import pytest
from conftest import run_tool

CHIPS = "targets/validation/chips.csv"


@pytest.fixture(scope="module")
def rows(root):
    output = run_tool("imc", "validate", root / CHIPS, "--json", "-").stdout
    rows = json.loads(output)["rows"]
    with open(root / CHIPS, newline="") as file:
        reported = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [row["id"] for row in reported]
    for row, point in zip(rows, reported):
        assert row["status"] == "priced", row
        assert row["target"] == point["target"], row
    return rows


def errors(rows, prefix, figure):
    ratios = [row["ratio"][figure] for row in rows if row["id"].startswith(prefix) and figure in row["ratio"]]
    return len(ratios), sum(abs(ratio - 1) for ratio in ratios) / len(ratios)


@pytest.mark.parametrize("figure, points, bar", [("area", 7, 0.13), ("time", 7, 0.05), ("energy", 4, 0.04)])
def test_seven_chips_of_zigzag(rows, figure, points, bar):
    count, error = errors(rows, "Z-", figure)
    assert count == points and error <= bar, (count, error)


@pytest.mark.parametrize("figure, points, bar", [("tops_per_w", 17, 0.06), ("tops", 17, 0.013)])
def test_chips_of_cimloop(rows, figure, points, bar):
    count, error = errors(rows, "C-", figure)
    assert count == points and error <= bar, (count, error)


def test_the_docs_have_the_table(root):
    table = run_tool("imc", "validate", root / CHIPS, "--table", "-").stdout
    assert table.startswith("| point | target |") and "| mean error |" in table
    assert table in (root / "docs/results-chips.md").read_text()


def test_data_change_the_energy_of_a_row(root, tmp_path):
    """`toggle` is read in rows that name a target."""
    with open(root / CHIPS, newline="") as file:
        point = next(row for row in csv.DictReader(file) if row["id"] == "C-Sinangil-0.8-o6")
    points = tmp_path / "points.csv"
    with open(points, "w", newline="") as file:
        writer = csv.DictWriter(file, point.keys(), lineterminator="\n")
        writer.writeheader()
        for name, toggle in (("low", "0.1"), ("high", "0.9")):
            writer.writerow({**point, "id": name, "toggle": toggle})
    low, high = json.loads(run_tool("imc", "validate", points, "--json", "-").stdout)["rows"]
    assert low["ratio"]["tops_per_w"] > 1.1 * high["ratio"]["tops_per_w"]
    assert low["ratio"]["tops"] == high["ratio"]["tops"]
    points.write_text(points.read_text().replace(",0.9,", ",1.9,"))
    result = run_tool("imc", "validate", points, check=False)
    assert result.returncode != 0 and "'toggle' is 1.9; give a number from 0 to 1" in result.stderr
