"""`imc accuracy`: labelled samples through the float model, integers and arrays."""
import json
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import imc  # noqa: E402

MODEL = "trained-small/glyphs_lenet_N.onnx"


def accuracy(tool, models, *arguments, model=MODEL, data="glyphs_test100.npz", check=True):
    result = tool("imc", "accuracy", models / model, "--data", models / "refs" / data, "--target", "rram-32nm",
                  "--json", "-", *arguments, check=check)
    return json.loads(result.stdout) if check else result.stderr


def test_float_top1_is_that_of_the_references(tool, models):
    got = accuracy(tool, models)
    labels = np.load(models / "refs" / "glyphs_test100.npz")["y"]
    logits = np.load(models / "refs" / "glyphs_lenet_N.npz")["out:logits"][: len(labels)]
    assert got["imported"]["right"] == int((logits.argmax(1) == labels).sum())
    top5 = (np.argsort(-logits, axis=1, kind="stable")[:, :5] == labels[:, None]).any(1).mean()
    assert got["imported"]["top5"] == pytest.approx(top5)


def test_lossless_converters_are_integers(tool, models):
    got = accuracy(tool, models)
    assert got["top1"] == got["quantized"]["top1"]
    assert got["arrays"]["agreement"] == 1
    assert all(layer["differing"] == 0 and layer["snr_db"] is None for layer in got["layers"])


@pytest.mark.parametrize("encoding, cell_bits", [("offset", 2), ("differential", 2), ("twos_complement", 1)])
def test_arrays_are_what_the_tiled_module_computes(tool, models, tmp_path, encoding, cell_bits):
    """The engine and the compiled ops of phase `tiled` agree bit for bit on lossy converters."""
    design = ["--set", "pass.adc_bits=5", "--set", f"pass.encoding={encoding}",
              "--set", f"machine.cell.bits={cell_bits}"]
    accuracy(tool, models, *design, "--samples", "4", "--output", tmp_path / "arrays")
    got = np.load(tmp_path / "arrays" / "trial_0.npy")
    images = np.load(models / "refs" / "glyphs_test100.npz")["x"][:4, None].astype(np.float32) / np.float32(255)
    for i, image in enumerate(images):
        folder = tmp_path / str(i)
        folder.mkdir()
        np.save(folder / "input_0.npy", image[None])
        tool("imc", "run", models / MODEL, "--shape", "N=1", "--at", "tiled", "--target", "rram-32nm", *design,
             "--input", folder, "--output", folder / "out")
        assert np.array_equal(np.load(folder / "out" / "output_0.npy").ravel(), got[i])


def test_fewer_bits_cost_accuracy_and_calibrated_ranges_bring_it_back(tool, models):
    narrow = ["--set", "pass.encoding=differential", "--set", "pass.adc_bits=5", "--step", "free"]
    full = accuracy(tool, models, *narrow, "--range", "full")
    calibrated = accuracy(tool, models, *narrow, "--range", "column")
    assert full["top1"] < full["quantized"]["top1"] - 0.2
    assert calibrated["top1"] > full["quantized"]["top1"] - 0.1
    assert calibrated["arrays"]["output_snr_db"] > full["arrays"]["output_snr_db"] + 6
    worst = full["worst_layers"]
    ratios = {layer["name"]: layer["snr_db"] for layer in full["layers"]}
    assert len(worst) == 3 and ratios[worst[0]["name"]] == min(ratios.values())
    assert worst[0]["top1"] >= full["top1"]


def test_threads_change_nothing(tool, models):
    narrow = ["--set", "pass.adc_bits=5", "--samples", "32"]
    one = accuracy(tool, models, *narrow)
    assert accuracy(tool, models, *narrow, "--threads", "3") == one


def test_digits_take_their_own_inputs(tool, models):
    got = accuracy(tool, models, model="trained-small/digits_mlp_N.onnx", data="digits_mlp_N.npz")
    assert got["data"]["samples"] == 32
    assert got["top1"] >= 0.95


@pytest.mark.parametrize("arguments, message", [
    (["--range", "wide"], "--range takes lossless, full, filled, layer, array, column or phase, not 'wide'"),
    (["--samples", "10", "--skip", "100"], "no sample is left"),
    (["--ties", "up"], "--ties takes half_up, half_even or floor"),
    (["--step", "big"], "--step takes power_of_two or free"),
])
def test_refusals_name_the_value(tool, models, arguments, message):
    error = accuracy(tool, models, *arguments, check=False)
    assert error.startswith("error: ") and message in error


def test_data_without_labels_are_refused(tool, models, tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 28, 28), np.uint8))
    error = tool("imc", "accuracy", models / MODEL, "--data", tmp_path / "x.npz", "--target", "rram-32nm",
                 check=False).stderr
    assert "no labels" in error and "'x' (2x28x28xu8)" in error


def test_a_file_that_is_no_archive_is_refused(tool, models):
    error = tool("imc", "accuracy", models / MODEL, "--data", models / MODEL, "--target", "rram-32nm",
                 check=False).stderr
    assert error.startswith("error: cannot read") and "numpy.savez" in error


NOISY = ["--set", "pass.encoding=differential", "--samples", "25"]


def test_draws_depend_on_the_seed_alone(tool, models):
    noisy = [*NOISY, "--noise", "generic-lognormal", "--trials", "2"]
    one = accuracy(tool, models, *noisy, "--seed", "1")
    assert accuracy(tool, models, *noisy, "--seed", "1", "--threads", "2") == one
    other = accuracy(tool, models, *noisy, "--seed", "2")
    assert other["layers"][0]["snr_db"] != one["layers"][0]["snr_db"]
    assert one["trials"] == 2 and len(one["arrays"]["top1_by_trial"]) == 2
    assert one["arrays"]["output_snr_db"] < 40


def test_drift_costs_more_with_time(tool, models):
    device = [*NOISY, "--noise", "pcm-aihwkit"]
    fresh, old = (accuracy(tool, models, *device, "--time", seconds)["arrays"]["output_snr_db"]
                  for seconds in ("25", "1e7"))
    assert old < fresh - 3


@pytest.mark.parametrize("arguments, message", [
    (["--trials", "3"], "--trials 3 asks for draws of devices: name one with --noise"),
    (["--noise", "unobtainium"], "unobtainium"),
    (["--noise", "cmo-hfox"], "needs the time since programming"),
    (["--noise", "rram-wan", "--time", "12345"], "ask for one of these times"),
])
def test_refusals_of_devices(tool, models, arguments, message):
    error = accuracy(tool, models, *NOISY, *arguments, check=False)
    assert error.startswith("error: ") and message in error


def test_metric_of_ones_own_sees_the_outputs(models):
    labels = np.load(models / "refs" / "glyphs_test100.npz")["y"][:10]
    got = imc.accuracy(models / MODEL, models / "refs" / "glyphs_test100.npz", "rram-32nm",
                       arguments=["--samples", "10"], metric=lambda y: int((y.argmax(1) == labels).sum()))
    assert got["metric"] == [round(got["top1"] * 10)]
    with pytest.raises(imc.IMCError, match="no such file|No such file"):
        imc.accuracy(models / MODEL, "absent.npz", "rram-32nm")
