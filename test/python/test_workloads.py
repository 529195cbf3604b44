"""Sets of models: ways to design compared, price of generality, every model's own objective, switching."""
import json
import math
import sys

import pytest
from conftest import BIN, ROOT

sys.path.insert(0, str(ROOT / "python"))
import imc  # noqa: E402

SPACE = """
target: sram-32nm
knobs:
  machine.rows: [64, 128, 256]
  machine.cols: [32, 64, 128]
  machine.adc_bits: [6, 7, 8]
  machine.macros_per_tile: [2, 4, 16]
  machine.cycle_time_ns: [2, 4]
  pass.weight_bits: [6, 8]
  pass.encoding: [offset, differential]
  pass.replication: [none, balanced]
constraints: {area_mm2: "<= 200", sqnr_db: ">= 8"}
"""


@pytest.fixture(scope="module")
def networks(models, tmp_path_factory):
    """A convolutional network and a small perceptron."""
    folder = tmp_path_factory.mktemp("networks")
    import os
    os.environ["IMC_BIN"] = str(BIN)
    imc.import_model(models / "trained-small/digits_mlp_N.onnx", shapes={"N": 1}, output=folder / "mlp.mlir")
    (folder / "space.yaml").write_text(SPACE)
    return [models / "trained-small/glyphs_resnet8.onnx", folder / "mlp.mlir"], folder


def test_ways_to_design_are_compared(networks):
    paths, folder = networks
    result = json.loads(imc.run("compare", *paths, "--space", folder / "space.yaml", "--budget", "300", "--seeds", "1,2", "--json", "-"))
    ways = {way["way"]: way["seeds"] for way in result["ways"]}
    assert list(ways) == ["joint", "machine only", "passes first", "machine first", "largest only"]
    assert result["largest"] == "glyphs_resnet8"
    assert imc.run("compare", *paths, "--space", folder / "space.yaml", "--budget", "300", "--seeds", "1,2", "--jobs", "2") == result["table"]
    for runs in ways.values():
        for run in runs:
            assert run["evaluated"] <= 300
            if not run["found"]:
                continue
            # The stored numbers are those of the cost command.
            cost = imc.cost(paths, "sram-32nm", knobs=run["design"])
            edaps = {model["name"]: model["edap_js_mm2"] for model in cost["models"]}
            assert edaps == run["models"] and cost["feasible"]
            assert run["broken"] in ([], ["sqnr_db >= 8"], ["area_mm2 <= 200"], ["area_mm2 <= 200", "sqnr_db >= 8"])
            assert run["edap_js_mm2"] == pytest.approx(math.sqrt(math.prod(edaps.values())), rel=1e-12)
    few = json.loads(imc.run("compare", *paths, "--space", folder / "space.yaml", "--budget", "300", "--seeds", "1,2", "--ways", "machine only", "--json", "-"))
    assert few["ways"][1]["seeds"][0]["edap_js_mm2"] == ways["machine only"][0]["edap_js_mm2"] and not few["ways"][2]["seeds"][0]["found"]
    with pytest.raises(imc.IMCError, match="unknown way 'luck'"):
        imc.run("compare", *paths, "--space", folder / "space.yaml", "--ways", "luck")
    # Enumerating everything is at least as good as any way.
    proven = json.loads(imc.run("compare", *paths, "--space", folder / "space.yaml", "--budget", "2000", "--seeds", "1", "--json", "-"))
    best = {way["way"]: way["seeds"][0]["edap_js_mm2"] for way in proven["ways"] if not way["seeds"][0]["broken"]}
    assert min(best.values()) == best["joint"]
    assert all(run["edap_js_mm2"] >= best["joint"] for runs in ways.values() for run in runs if run["found"] and not run["broken"])


def test_every_model_against_its_own_best_chip(networks, tmp_path):
    paths, folder = networks
    front = tmp_path / "f.json"
    imc.run("search", *paths, "--space", folder / "space.yaml", "--algorithm", "exhaustive", "--budget", "2000", "--objectives", "edap_js_mm2", "--generality", "--front", front)
    data = json.loads(front.read_text())
    table = data["generality"]
    for row, path in zip(table["models"], paths, strict=True):
        cost = imc.cost(path, "sram-32nm", knobs=row["own_design"])
        assert cost["models"][0]["edap_js_mm2"] == row["own_js_mm2"] <= row["here_js_mm2"]
        assert row["ratio"] == row["here_js_mm2"] / row["own_js_mm2"] >= 1
    assert table["worst_ratio"] == max(row["ratio"] for row in table["models"]) > 1


def test_every_model_may_be_an_objective(networks, tmp_path):
    paths, folder = networks
    arguments = ["search", *paths, "--space", folder / "space.yaml", "--algorithm", "exhaustive", "--budget", "2000", "--objectives", "edap_js_mm2", "--front", "-"]
    front = imc.Front.from_json(json.loads(imc.run(*arguments, "--aggregate", "pareto")))
    assert front.objectives == ["edap_js_mm2:glyphs_resnet8", "edap_js_mm2:mlp"]
    rows = [tuple(point.objectives.values()) for point in front.points]
    assert len(rows) > 1 and len({point.models[0].name for point in front.points}) == 1
    for point in front.points:
        assert [m.edap_js_mm2 for m in point.models] == [point.objectives[o] for o in front.objectives]
    # The best by any one number is on the front.
    for how in ("max", "geomean", "mean"):
        one = imc.Front.from_json(json.loads(imc.run(*arguments, "--aggregate", how))).best("edap_js_mm2")
        assert [m.edap_js_mm2 for m in one.models] in [[m.edap_js_mm2 for m in point.models] for point in front.points]


def test_switching_writes_models_that_take_turns(networks, tmp_path):
    paths, folder = networks
    text = SPACE.replace("  pass.weight_bits", "  pass.residency: [alone, together]\n  pass.weight_bits").replace("  machine.cycle_time_ns: [2, 4]\n", "")
    text = text.replace("[none, balanced]", "[none]")
    fronts = {}
    for inferences in (None, 1, 1000000):
        (tmp_path / "space.yaml").write_text(text + (f"switching: {{inferences: {inferences}}}\n" if inferences else ""))
        fronts[inferences] = imc.Front.from_json(json.loads(imc.run("search", *paths, "--space", tmp_path / "space.yaml", "--algorithm", "exhaustive", "--budget", "2000",
                                                                    "--objectives", "energy_j,area_mm2", "--aggregate", "max", "--front", "-")))
    for inferences in (1, 1000000):
        for point in fronts[inferences].points:
            cost = imc.cost(paths, "sram-32nm", knobs=point.design)
            alone = point.design["pass.residency"] == "alone"
            energy = max(m["energy_j"] + (m["load_energy_j"] / inferences if alone else 0) for m in cost["models"])
            assert point.objectives["energy_j"] == energy
    least = {n: front.best("energy_j").objectives["energy_j"] for n, front in fronts.items()}
    assert least[None] <= least[1000000] <= least[1]
    # Who writes a model for every inference had better keep all of them.
    assert fronts[1].best("energy_j").design["pass.residency"] == "together"
