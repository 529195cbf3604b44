"""`imc accuracy-model` and searches with accuracy as an objective or constraint."""
import json

import pytest

MODEL = "trained-small/glyphs_lenet_N.onnx"
DATA = "refs/glyphs_test100.npz"
SPACE = """target: rram-32nm
knobs:
  machine.rows: [64, 128]
  machine.cell_bits: [1, 2, 4]
  machine.adc_bits: [5, 6, 7, 8]
  machine.adc.clip_bits: [0, 1]
  machine.adc_share: [8, 128]
  pass.encoding: [offset, differential]
objectives: [energy_j, top1_loss]
"""


@pytest.fixture(scope="module")
def fitted(tool, models, tmp_path_factory):
    """Space, model of accuracy, and the report of its fit."""
    folder = tmp_path_factory.mktemp("accuracy")
    space = folder / "space.yaml"
    space.write_text(SPACE)
    text = tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", space, "--designs", 12,
                "--check", 12, "--seed", 3, "-o", folder / "a.json", "--json", folder / "r.json").stdout
    assert "12 other designs: rank correlation" in text
    return space, folder / "a.json", json.loads((folder / "r.json").read_text())


def search(tool, models, space, *arguments, check=True, model=MODEL):
    return tool("imc", "search", models / model, "--shape", "N=1", "--space", space, "--budget", 200, "--front", "-",
                *arguments, check=check)


def test_predictions_follow_simulations(fitted):
    report = fitted[2]
    assert report["check"]["rank_correlation"] > 0.85
    assert report["check"]["above_half"] >= 4
    assert report["check"]["points_mean"] < 4
    assert len({d["design"] for d in report["fitted"]}) == 12


def test_simulations_are_those_of_imc_accuracy(tool, models, fitted):
    """The bench that fits and the command that measures give one top-1."""
    for design in fitted[2]["checked"][:3]:
        sets = [a for knob in design["design"].split() for a in ("--set", knob)]
        got = tool("imc", "accuracy", models / MODEL, "--data", models / DATA, "--target", "rram-32nm", "--worst", 0,
                   "--json", "-", *sets).stdout
        assert json.loads(got)["top1"] == design["simulated"]


def test_searches_believe_and_simulate(tool, models, fitted):
    space, model, _ = fitted
    points = json.loads(search(tool, models, space, "--accuracy", model, "--simulate-front",
                               models / DATA).stdout)["points"]
    assert len(points) >= 3
    for point in points:
        accuracy = point["models"][0]["accuracy"]
        assert point["metrics"]["top1_loss"] == pytest.approx(1 - accuracy["top1"])
        if accuracy["simulated_top1"] > 0.75:
            assert abs(accuracy["simulated_top1"] - accuracy["top1"]) < 0.08
    tops = [p["models"][0]["accuracy"]["simulated_top1"] for p in points]
    assert max(tops) > 0.8 > min(tops)


def test_accuracy_as_a_constraint(tool, models, fitted, tmp_path):
    _, model, _ = fitted
    space = tmp_path / "space.yaml"
    space.write_text(SPACE.replace(", top1_loss]", "]\nconstraints: {top1: \">= 0.8\"}"))
    (point,) = json.loads(search(tool, models, space, "--accuracy", model).stdout)["points"]
    assert point["metrics"]["top1"] >= 0.8
    assert "simulated_top1" not in point["models"][0]["accuracy"]


def test_draws_of_a_device_and_their_yield(tool, models, fitted, tmp_path):
    space, _, _ = fitted
    model = tmp_path / "a.json"
    tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", space, "--designs", 8, "--samples",
         50, "--noise", "generic-lognormal", "--trials", 3, "-o", model, "--json", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert any(d["predicted_deviation"] > 0 for d in report["fitted"])
    assert any(layer["draws"] > 0 for d in report["fitted"] for layer in d["layers"])
    points = json.loads(search(tool, models, space, "--accuracy", model, "--objectives", "energy_j,yield_loss", "--floor",
                               "0.7", "--simulate-front", models / DATA, "--trials", 2).stdout)["points"]
    accuracy = points[-1]["models"][0]["accuracy"]
    assert accuracy["trials"] == 2 and 0 <= accuracy["top1_yield"] <= 1
    assert accuracy["simulated_yield"] in (0, 0.5, 1)


def test_what_does_not_belong_together_is_refused(tool, models, fitted, tmp_path):
    space, model, _ = fitted
    assert "--accuracy FILE" in search(tool, models, space, check=False).stderr
    other = search(tool, models, space, "--accuracy", model, check=False, model="trained-small/glyphs_resnet8_N.onnx")
    assert "glyphs_lenet_N" in other.stderr and "none of the models has" in other.stderr
    data = search(tool, models, space, "--accuracy", model, "--simulate-front", models / "refs/digits_mlp_N.npz",
                  check=False)
    assert "is not the data that the accuracy of 'glyphs_lenet_N' was fitted to" in data.stderr
    damaged = tmp_path / "a.json"
    damaged.write_text(model.read_text()[:1000])
    assert f"{damaged}: " in search(tool, models, space, "--accuracy", damaged, check=False).stderr
    noise = tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", space, "--trials", 3,
                 check=False)
    assert noise.returncode == 1 and "name one with --noise" in noise.stderr
