"""aihwkit's default inference converters and devices, random 512 x 512, by lib/Crossbar.

What the defaults of its InferenceRPUConfig are (IOParameters, PCMLikeNoiseModel), for inputs that are not negative:

- inputs are divided by their largest magnitude and rounded to steps of 2/126;
- weights are pairs of conductances, the largest |w| at 25 uS, programmed with the spread of `pcm-aihwkit`;
- sums get normal noise of 0.06, in units of weights x scaled inputs, are clamped at 12 and rounded to steps of 24/510.

One phase of 6 bits, one cell of 7 bits per polarity and one signed converter of 9 bits per pair are the same machine,
but for the rounding of weights to 1/127 of the largest. Both errors depend on the scale of the weights, since the noise does
not: with weights of standard deviation 0.0292 and inputs uniform in [0, 1] they are those of the project's references.

IMC_AIHWKIT names a Python with aihwkit 1.1.0 (`pip install torch==2.10.0 torchvision scipy tqdm requests protobuf aihwkit==1.1.0`,
3 GB), which is then run beside on the same weights and inputs; without it that test is skipped.
"""
import os
import subprocess

import numpy as np
import pytest

import crossbar_reference as ref
from test_crossbar import run_all

SIZE, WINDOWS, DRAWS = 512, 64, 12
SIGMA = 0.0292
REPORTED = {"converters": 0.161, "programmed": 0.195}
CONVERTER = "converter: {noise_sigma_lsb: %.9g}\n" % (0.06 / (24 / 510))


def problem(seed, sigma=SIGMA):
    """Weights that 8 bits hold exactly, so that both sides have the same."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, sigma, (SIZE, SIZE))
    unit = np.abs(weights).max() / 127
    return np.rint(weights / unit) * unit, rng.random((WINDOWS, SIZE))


def relative(y, exact):
    return np.linalg.norm(y - exact) / np.linalg.norm(exact)


def described(weights, inputs, programmed, rng):
    """The list above, in binary64."""
    scale = inputs.max(axis=1, keepdims=True)
    x = np.rint(inputs / scale * 63) / 63
    w = weights
    if programmed:
        f = np.abs(weights) / np.abs(weights).max()
        pair = []
        for part in (np.where(weights > 0, f, 0), np.where(weights < 0, f, 0)):
            sigma = 0.26348 + 1.9650 * part - 1.1731 * part**2
            pair.append(np.maximum(25 * part + sigma * rng.standard_normal(part.shape), 0))
        w = (pair[0] - pair[1]) / 25 * np.abs(weights).max()
    sums = np.clip(x @ w + 0.06 * rng.standard_normal((len(x), w.shape[1])), -12, 12)
    return np.rint(sums / (24 / 510)) * (24 / 510) * scale


def simulated(folder, root, weights, inputs, programmed, seed):
    """The same on arrays: codes, cells and one converter per pair."""
    preset = (root / "targets" / "devices" / "pcm-aihwkit.yaml").read_text()
    cells = preset.split("drift:")[0] if programmed else "name: ideal\ncell: {min_us: 0, max_us: 25}\n"
    path = folder / f"device{int(programmed)}.yaml"
    path.write_text(cells + CONVERTER)
    largest = np.abs(weights).max()
    codes = np.rint(weights / largest * 127)
    scale = inputs.max(axis=1, keepdims=True)
    unit = largest / 127 / 63  # of a sum
    c = ref.Case(k=SIZE, n=SIZE, encoding=ref.DIFFERENTIAL, pair=1, weight_bits=8, cell_bits=7, input_bits=6, dac_bits=6,
                 rows=SIZE, cols=2 * SIZE, adc_bits=9, range=ref.GIVEN, full_scale=255 * (24 / 510) / unit,
                 step=ref.FREE, ties=ref.HALF_EVEN)
    job = (f"{c.words()} device={path} seed={seed}", codes[None], np.rint(inputs / scale * 63).astype(np.int64), None)
    (y, *_), = run_all(folder, [job])
    return y * unit * scale


def test_reported_errors(tmp_path, root):
    """Both figures within 3 %, by the simulator and by the description, over draws of weights."""
    rng = np.random.default_rng(10)
    for name, programmed in (("converters", False), ("programmed", True)):
        here, there = [], []
        for seed in range(DRAWS):
            weights, inputs = problem(seed)
            exact = inputs @ weights
            here.append(relative(simulated(tmp_path, root, weights, inputs, programmed, seed), exact))
            there.append(relative(described(weights, inputs, programmed, rng), exact))
        print(f"{name}: reported {REPORTED[name]}, here {np.mean(here):.4f} +- {np.std(here):.4f}, "
              f"by its description {np.mean(there):.4f}")
        assert abs(np.mean(here) / REPORTED[name] - 1) < 0.03
        # The same weights and inputs: only draws of noise differ.
        assert abs(np.mean(here) / np.mean(there) - 1) < 0.015


BESIDE = """
import sys, numpy as np, torch
from aihwkit.simulator.configs import InferenceRPUConfig
from aihwkit.nn import AnalogLinear
torch.set_num_threads(1)
torch.manual_seed(1)
data = np.load(sys.argv[1])
out = {}
for i in range(len(data["w"])):
    w, x = (torch.tensor(data[k][i], dtype=torch.float32) for k in "wx")
    layer = AnalogLinear(w.shape[0], w.shape[1], bias=False, rpu_config=InferenceRPUConfig())
    layer.set_weights(w.T.clone())
    layer.eval()
    with torch.no_grad():
        out[f"converters{i}"] = layer(x).numpy()
        layer.program_analog_weights()
        out[f"programmed{i}"] = layer(x).numpy()
np.savez(sys.argv[2], **out)
"""


@pytest.mark.skipif("IMC_AIHWKIT" not in os.environ, reason="IMC_AIHWKIT names no Python with aihwkit")
def test_aihwkit_beside(tmp_path, root):
    """Weights of four scales: the mean error over draws within 3 % of aihwkit's for the same weights and inputs."""
    scales = [SIGMA / 2, SIGMA, 2 * SIGMA, 5 * SIGMA]
    draws = 4
    problems = [problem(seed, sigma) for sigma in scales for seed in range(draws)]
    np.savez(tmp_path / "in.npz", w=[w for w, _ in problems], x=[x for _, x in problems])
    subprocess.run([os.environ["IMC_AIHWKIT"], "-c", BESIDE, tmp_path / "in.npz", tmp_path / "out.npz"], check=True)
    theirs = np.load(tmp_path / "out.npz")
    for name, programmed in (("converters", False), ("programmed", True)):
        for s, sigma in enumerate(scales):
            a, b = [], []
            for i in range(s * draws, (s + 1) * draws):
                weights, inputs = problems[i]
                exact = inputs @ weights
                a.append(relative(simulated(tmp_path, root, weights, inputs, programmed, i), exact))
                b.append(relative(theirs[f"{name}{i}"], exact))
            print(f"{name}, weights of {sigma:.4f}: here {np.mean(a):.4f}, aihwkit {np.mean(b):.4f}, "
                  f"ratio {np.mean(a) / np.mean(b):.4f}")
            assert abs(np.mean(a) / np.mean(b) - 1) < 0.03
