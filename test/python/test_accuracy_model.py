"""`imc accuracy-model` and searches with accuracy as an objective or constraint."""
import base64
import concurrent.futures
import json
import math
import pathlib
import sqlite3
import sys

import numpy
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


def search(tool, models, space, *arguments, check=True, model=MODEL, budget=200):
    return tool("imc", "search", models / model, "--shape", "N=1", "--space", space, "--budget", budget, "--front", "-",
                *arguments, check=check)


def test_predictions_follow_simulations(fitted):
    report = fitted[2]
    assert report["check"]["rank_correlation"] > 0.85
    assert report["check"]["above_half"] >= 4
    assert report["check"]["points_mean"] < 4
    assert len({d["design"] for d in report["fitted"]}) == 12


def test_earlier_reports_are_fitted_to_and_not_simulated_again(tool, models, fitted, tmp_path):
    space, _, report = fitted
    first = tmp_path / "first.json"
    first.write_text(json.dumps(report))

    def fit(*arguments, check=True):
        return tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", space, "--designs", 12,
                    "--check", 12, "--json", tmp_path / "r.json", *arguments, check=check)
    # The very designs: values of the report are taken as they are, even where they are wrong.
    report["checked"][0]["simulated_by_trial"] = [0.123]
    first.write_text(json.dumps(report))
    fit("--seed", 3, "--also", first)
    again = json.loads((tmp_path / "r.json").read_text())
    assert again["checked"][0]["simulated"] == 0.123
    assert [d["simulated"] for d in again["fitted"]] == [d["simulated"] for d in report["fitted"]]
    # What is compared with is never fitted to.
    assert again["designs_fitted"] == 12 == report["designs_fitted"]
    for key, value in (("data_digest", "0"), ("trials", 2)):
        first.write_text(json.dumps({**report, "made_from": {**report["made_from"], key: value}}))
        assert f"first.json: was made from another {key}" in fit("--also", first, check=False).stderr
    report["fitted"][0]["design"] = "machine.rows=5"
    first.write_text(json.dumps(report))
    assert "'machine.rows=5' is no design of" in fit("--also", first, check=False).stderr
    first.write_text("{}")
    assert "first.json: is no report" in fit("--also", first, check=False).stderr


def test_simulations_are_those_of_imc_accuracy(tool, models, fitted):
    """The bench that fits and the command that measures give one top-1."""
    for design in fitted[2]["checked"][:3]:
        sets = [a for knob in design["design"].split() for a in ("--set", knob)]
        got = tool("imc", "accuracy", models / MODEL, "--data", models / DATA, "--target", "rram-32nm", "--worst", 0,
                   "--json", "-", *sets).stdout
        assert json.loads(got)["top1"] == design["simulated"]


def test_ranges_and_ties_of_a_space_are_simulated(tool, models, tmp_path):
    """Knobs of passes reach the bench: ranges that follow rows or data, and ties."""
    space = tmp_path / "space.yaml"
    space.write_text("""target: rram-32nm
knobs:
  machine.rows: [64, 128]
  machine.cell_bits: [1, 2]
  machine.adc_bits: [5, 6]
  pass.range: [full, filled, layer, array, column, phase]
  pass.ties: [half_up, floor]
objectives: [energy_j, top1_loss]
""")
    tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", space, "--designs", 12, "--check", 16,
         "--seed", 1, "-o", tmp_path / "a.json", "--json", tmp_path / "r.json")
    # Errors are relative to the signal around the mean of each output, ratios of imc accuracy to all of it.
    first = json.loads((tmp_path / "a.json").read_text())["layers"][0]
    codes = numpy.frombuffer(base64.b64decode(first["codes"]), numpy.uint8).reshape(first["windows"], -1)
    weights = numpy.frombuffer(base64.b64decode(first["weights"]), numpy.int8).reshape(first["rows"], first["cols"])
    results = codes.astype(float) @ weights
    around = results.var(0).mean() / (results ** 2).mean()
    checked = json.loads((tmp_path / "r.json").read_text())["checked"]
    seen = {knob for design in checked for knob in design["design"].split() if knob.startswith("pass.")}
    assert seen >= {f"pass.range={name}" for name in ("filled", "layer", "array", "column", "phase")}
    assert seen >= {"pass.ties=floor", "pass.ties=half_up"}
    for design in checked:
        sets = [a for knob in design["design"].split() for a in ("--set", knob)]
        got = tool("imc", "accuracy", models / MODEL, "--data", models / DATA, "--target", "rram-32nm", "--worst", 0,
                   "--json", "-", *sets).stdout
        simulated = json.loads(got)
        assert simulated["top1"] == design["simulated"], design["design"]
        # The first product sees the same inputs in all designs: its errors are those of the closed form.
        layer, snr = design["layers"][0], simulated["layers"][0]["snr_db"]
        error = layer["gain"] ** 2 + layer["offset"] ** 2 + layer["bias"] + layer["residual"]
        assert (snr is None) == (error == 0), design["design"]
        if error:
            assert 10 * math.log10(error * around) == pytest.approx(-snr, abs=0.3), design["design"]


def test_designs_have_draws_of_their_own(tool, models, fitted, tmp_path):
    """Reproducible by imc accuracy with the seed of the report; compared ones may have more draws than fitted ones."""
    arguments = ["--data", models / DATA, "--samples", 50]
    tool("imc", "accuracy-model", models / MODEL, *arguments, "--space", fitted[0], "--designs", 3, "--check", 3, "--noise",
         "rram-wan", "--time", 1, "--trials", 2, "--check-trials", 3, "--seed", 5, "--json", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert {len(d["simulated_by_trial"]) for d in report["fitted"]} == {2}
    assert {len(d["simulated_by_trial"]) for d in report["checked"]} == {3}
    assert len({d["seed"] for d in report["fitted"] + report["checked"]}) == 6
    design = report["checked"][0]
    sets = [a for knob in design["design"].split() for a in ("--set", knob)]
    again = json.loads(tool("imc", "accuracy", models / MODEL, *arguments, "--target", "rram-32nm", "--noise", "rram-wan",
                            "--time", 1, "--trials", 3, "--seed", design["seed"], "--json", "-", *sets).stdout)
    assert again["top1"] == pytest.approx(design["simulated"], abs=1e-12)
    refused = tool("imc", "accuracy-model", models / MODEL, *arguments, "--space", fitted[0], "--check-trials", 3,
                   check=False)
    assert refused.returncode == 1 and "--check-trials 3 asks for draws of devices" in refused.stderr


def test_small_products_have_more_windows(fitted):
    """As many operations for each: what converters clip is seldom."""
    layers = json.loads(fitted[1].read_text())["layers"]
    sizes = [layer["rows"] * layer["cols"] for layer in layers]
    for layer, size in zip(layers, sizes):
        wanted = min(8192, 128 * max(sizes) // size)
        # A fully connected layer has one window for each of the 100 images.
        assert layer["windows"] == (wanted if "Conv" in layer["name"] else min(wanted, 100)), layer["name"]


def test_a_space_without_designs_to_fit_to_is_refused(tool, models, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("target: rram-32nm\nknobs:\n  machine.rows: [64]\nobjectives: [energy_j, top1_loss]\n")
    refused = tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", space, "--check", 2,
                   check=False)
    assert refused.returncode == 1 and "none is left to fit to; check fewer, or widen the space" in refused.stderr


def test_copies_of_images_are_moved_and_noisy(tmp_path):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))
    try:
        import accuracy_model
    finally:
        sys.path.pop(0)
    images = numpy.arange(2 * 1 * 5 * 7, dtype=numpy.uint8).reshape(2, 1, 5, 7) * 3
    numpy.savez(tmp_path / "a.npz", x=images, y=numpy.array([4, 9]))
    made = [numpy.load(accuracy_model.with_copies(tmp_path / "a.npz", 3, tmp_path / f"{i}.npz")) for i in range(2)]
    assert (made[0]["x"] == made[1]["x"]).all() and made[0]["x"].dtype == numpy.uint8
    assert made[0]["y"].tolist() == [4, 9] * 3
    original, right, down = made[0]["x"].astype(int).reshape(3, 2, 1, 5, 7)
    assert (original == images).all()
    for copy, moved, edge in ((right[..., 1:], images[..., :-1], right[..., 0] - images[..., 0]),
                              (down[..., 1:, :], images[..., :-1, :], down[..., 0, :] - images[..., 0, :])):
        assert 1 < abs(copy - moved).mean() < 6 and abs(edge).max() < 20


def accuracy_of(point):
    return point["models"][0]["accuracy"]


def test_searches_that_only_believe(tool, models, fitted):
    """Without a budget for simulations the front is that of the closed form, simulated in the end."""
    space, model, _ = fitted
    points = json.loads(search(tool, models, space, "--accuracy", model, "--simulate-front", models / DATA,
                               "--simulate-budget", 0).stdout)["points"]
    assert len(points) >= 3
    for point in points:
        accuracy = accuracy_of(point)
        assert "closed_form_top1" not in accuracy
        assert point["metrics"]["top1_loss"] == pytest.approx(1 - accuracy["top1"])
        if accuracy["simulated_top1"] > 0.75:
            assert abs(accuracy["simulated_top1"] - accuracy["top1"]) < 0.08
    tops = [accuracy_of(p)["simulated_top1"] for p in points]
    assert max(tops) > 0.8 > min(tops)


@pytest.fixture(scope="module")
def refined(tool, models, fitted, tmp_path_factory):
    """The arguments of a search that simulates, its study as JSON and its front."""
    space, model, _ = fitted
    study = tmp_path_factory.mktemp("refined") / "a.db"
    arguments = ("--accuracy", model, "--simulate-front", models / DATA)
    front = json.loads(search(tool, models, space, *arguments, "--study", study).stdout)
    return arguments, tool("imc", "study", "export", study, "-o", "-", "--format", "json").stdout, front


def front_of_package(front):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
    try:
        from imc._front import Front
    finally:
        sys.path.pop(0)
    return Front.from_json(front)


def test_searches_simulate_until_their_front_is_simulated(tool, models, fitted, refined):
    _, exported, front = refined
    assert len(front["points"]) >= 3 and front["search"]["unsimulated"] == 0
    for point in front["points"]:
        accuracy = accuracy_of(point)
        assert accuracy["top1"] == accuracy["simulated_top1"]
        assert point["objectives"]["top1_loss"] == pytest.approx(max(5e-4, 1 - accuracy["top1"]))
    assert any(accuracy_of(p)["closed_form_top1"] != accuracy_of(p)["top1"] for p in front["points"])
    # No point is better than another in everything that was simulated.
    values = [tuple(p["objectives"].values()) for p in front["points"]]
    assert not any(a != b and all(x <= y for x, y in zip(a, b)) for a in values for b in values)
    search_info = front_of_package(front).search
    assert search_info.simulations == front["search"]["simulations"] and search_info.unsimulated == 0
    kept = json.loads(exported)["simulations"]
    assert len(kept) == front["search"]["simulations"] >= len({accuracy_of(p)["top1"] for p in front["points"]})
    # Another program, from the model on.
    for point in front["points"][:3]:
        sets = [a for knob, value in point["design"].items() for a in ("--set", f"{knob}={value}")]
        got = tool("imc", "accuracy", models / MODEL, "--data", models / DATA, "--target", "rram-32nm", "--worst", 0,
                   "--json", "-", *sets).stdout
        assert json.loads(got)["top1"] == accuracy_of(point)["top1"]


def same(front, other):
    """Equal but for the time that was taken."""
    for f in (front, other):
        for key in ("seconds", "evaluations_per_s"):
            f["search"].pop(key, None)
    return front == other


def test_simulations_end_in_the_same_bytes(tool, models, fitted, refined, tmp_path):
    """Stopped and resumed, by two threads, by two processes at once."""
    space = fitted[0]
    arguments, exported, front = refined

    def export(name):
        return tool("imc", "study", "export", tmp_path / name, "-o", "-", "--format", "json").stdout
    short = search(tool, models, space, *arguments, "--study", tmp_path / "b.db", "--simulate-budget", 2)
    assert ": raise --simulate-budget" in short.stderr
    found = json.loads(short.stdout)
    assert found["search"]["simulations"] == 2 and found["search"]["unsimulated"] > 0
    assert any("simulated_top1" not in accuracy_of(p) for p in found["points"])
    assert export("b.db") != exported
    resumed = search(tool, models, space, *arguments, "--study", tmp_path / "b.db", "--resume")
    assert export("b.db") == exported and same(json.loads(resumed.stdout), front)
    threads = search(tool, models, space, *arguments, "--study", tmp_path / "c.db", "--threads", 2, "--jobs", 2)
    assert export("c.db") == exported and same(json.loads(threads.stdout), front)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        joined = list(pool.map(lambda _: search(tool, models, space, *arguments, "--study", tmp_path / "d.db", "--join"),
                               range(2)))
    assert export("d.db") == exported and all(same(json.loads(j.stdout), front) for j in joined)


def test_shards_with_simulations_merge(tool, models, fitted, refined, tmp_path):
    space = fitted[0]
    arguments, _, _ = refined
    fronts = [json.loads(search(tool, models, space, *arguments, "--seed", seed, "--study",
                                tmp_path / f"{seed}.db", budget=60).stdout)["points"] for seed in (1, 2)]
    for name, order in (("a", (1, 2)), ("b", (2, 1))):
        tool("imc", "study", "merge", *(tmp_path / f"{seed}.db" for seed in order), "-o", tmp_path / f"{name}.db")
    exports = [tool("imc", "study", "export", tmp_path / f"{name}.db", "-o", "-", "--format", "json").stdout
               for name in "ab"]
    assert exports[0] == exports[1]
    with sqlite3.connect(tmp_path / "a.db") as connection:
        merged = [json.loads(text)["objectives"] for (text,) in connection.execute("SELECT point FROM front")]
    union = {tuple(p["objectives"].values()) for front in fronts for p in front}
    best = {a for a in union if not any(b != a and all(x <= y for x, y in zip(b, a)) for b in union)}
    assert {tuple(p.values()) for p in merged} == best
    # A digit that changed on the disk is found.
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("UPDATE simulation SET top1 = top1 + 0.01")
    damaged = tool("imc", "study", "export", tmp_path / "a.db", "-o", "-", "--format", "json", check=False)
    assert damaged.returncode == 1 and "do not fit its checksum" in damaged.stderr


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
    for knob, known in (("pass.unfolding: [im2col, sdk]", "only im2col"),
                        ("layer./3/Conv.adc_bits: [4, 6]", "one setting for all layers")):
        other = tmp_path / "other.yaml"
        other.write_text(space.read_text().replace("knobs:", f"knobs:\n  {knob}"))
        fit = tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", other, check=False)
        for refused in (fit, search(tool, models, other, "--accuracy", model, check=False)):
            assert refused.returncode == 1
            assert f"'{knob.split(':')[0]}': models of accuracy know {known}" in refused.stderr
    bits = tmp_path / "bits.yaml"
    bits.write_text(space.read_text().replace("knobs:", "knobs:\n  pass.input_bits: [8, 16]"))
    refused = tool("imc", "accuracy-model", models / MODEL, "--data", models / DATA, "--space", bits, check=False)
    assert refused.returncode == 1 and "'pass.input_bits': models of accuracy know only up to 8 bits" in refused.stderr, refused.stderr
