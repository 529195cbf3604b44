"""Whole models, imported and run, against onnxruntime's outputs (graph optimizations
off): max|difference| <= 1e-4 of the reference's standard deviation. Two runs of
onnxruntime differ by up to 5e-6 of it."""
import subprocess
import sys

import numpy as np
import pytest

TOLERANCE = 1e-4


def run_model(tool, folder, model, x, *options):
    """Output 0 of one run of `model` on one input."""
    (folder / "in").mkdir()
    np.save(folder / "in" / "input_0.npy", x)
    tool("imc", "run", model, "--input", folder / "in", "--output", folder / "out", *options, timeout=600)
    return np.load(folder / "out" / "output_0.npy")


def assert_close(actual, expected, what):
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    error = np.abs(actual - expected).max() / expected.std()
    print(f"{what}: max|difference| / std = {error:.2e}")
    assert error <= TOLERANCE, what


@pytest.mark.parametrize("name", ["resnet18", "resnet18_o20", "alexnet", "mobilenet_v3_large", "mobilenet_v3_large_o20"])
def test_structural_models_with_weights(tool, shared, tmp_path, name):
    folder = shared / "models"
    subprocess.run([sys.executable, folder / "tools" / "structural.py", "hydrate", folder / f"{name}.onnx", tmp_path],
                   check=True, capture_output=True)
    x = np.load(folder / "refs" / "input_1x3x224x224.npz")["input"]
    y = run_model(tool, tmp_path, tmp_path / f"{name}.onnx", x)
    (tmp_path / f"{name}.weights").unlink()  # up to 245 MB, and pytest keeps folders
    assert_close(y, np.load(folder / "refs" / f"{name}.npz")["out:logits"], name)


@pytest.mark.parametrize("name", ["digits_mlp_N", "digits_cnn_N"])
def test_digits(tool, models, tmp_path, name):
    reference = np.load(models / "refs" / f"{name}.npz")
    x = reference["in:input"]
    y = run_model(tool, tmp_path, models / "trained-small" / f"{name}.onnx", x, "--shape", f"N={len(x)}")
    assert_close(y, reference["out:logits"], name)


@pytest.mark.parametrize("name, images", [("glyphs_lenet_N", 100), ("glyphs_resnet8_N", 100), ("glyphs_resnet8", 1)])
def test_glyphs(tool, models, tmp_path, name, images):
    data = np.load(models / "refs" / "glyphs_test100.npz")
    reference = np.load(models / "refs" / f"{name.replace('resnet8_N', 'resnet8')}.npz")["out:logits"]
    x = (data["x"][:images, None] / np.float32(255)).astype(np.float32)
    options = ["--shape", f"N={images}"] if name.endswith("_N") else []
    y = run_model(tool, tmp_path, models / "trained-small" / f"{name}.onnx", x, *options)
    assert_close(y, reference[:images], name)
    if images == 100:  # a net that had learnt nothing would get 3 of 36 classes right
        assert (y.argmax(1) == data["y"]).mean() >= 0.8
