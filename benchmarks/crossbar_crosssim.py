"""Products on arrays by CrossSim beside build/benchmarks/crossbar: microseconds of a window, and the ratio.

CrossSim 3.2 is not on PyPI: install a checkout of github.com/sandialabs/cross-sim. 128 x 128 weights of 8 bits in
four slices, one-bit input phases, each of which its converters of 6 bits read in steps of one cell, as in the
benchmark; 64 windows at once where CrossSim takes them, one by one where that is faster. CPU time of one thread.

  python -m venv crosssim && crosssim/bin/pip install ./cross-sim
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 crosssim/bin/python benchmarks/crossbar_crosssim.py
"""
import os
import pathlib
import re
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402: threads are chosen before it loads
from simulator import AnalogCore, CrossSimParameters  # noqa: E402
from simulator.parameters.core_parameters import BitSlicedCoreStyle, CoreStyle  # noqa: E402
from simulator.parameters.xbar_parameters import ADCRangeLimits  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
R = N = 128
M = 64


def parameters(style):
    p = CrossSimParameters()
    p.core.style = CoreStyle.BITSLICED
    p.core.bit_sliced.style = style
    p.core.bit_sliced.num_slices = 4
    p.core.weight_bits = 8
    p.core.rows_max, p.core.cols_max = R, N
    p.core.mapping.weights.percentile = None
    p.core.mapping.weights.min, p.core.mapping.weights.max = -128, 128
    p.core.mapping.inputs.mvm.min, p.core.mapping.inputs.mvm.max = 0, 255
    p.xbar.device.cell_bits = 2
    p.xbar.device.Rmin, p.xbar.device.Rmax = 1e4, 1e6
    p.xbar.dac.mvm.model = "QuantizerDAC"
    p.xbar.dac.mvm.bits = 8
    p.xbar.dac.mvm.signed = False
    p.xbar.dac.mvm.input_bitslicing = True
    p.xbar.adc.mvm.model = "QuantizerADC"
    p.xbar.adc.mvm.bits = 6
    p.xbar.adc.mvm.signed = style == BitSlicedCoreStyle.BALANCED
    p.xbar.adc.mvm.adc_per_ibit = True
    p.xbar.adc.mvm.adc_range_option = ADCRangeLimits.GRANULAR
    return p


def spread(p):
    p.xbar.device.programming_error.enable = True
    p.xbar.device.programming_error.model = "NormalProportionalDevice"
    p.xbar.device.programming_error.magnitude = 0.05


def reads(p):
    spread(p)
    p.xbar.device.read_noise.enable = True
    p.xbar.device.read_noise.model = "NormalProportionalDevice"
    p.xbar.device.read_noise.magnitude = 0.02


def lines(p):
    spread(p)
    p.xbar.array.parasitics.enable = True
    p.xbar.array.parasitics.Rp_col = 1.0
    # Its cores of slices ask for a field that 3.2.0 does not have.
    type(p.xbar.array.parasitics).disable_slices = (False,) * 4


def median_us(core, codes, least):
    """CPU time of one window, all at once or one by one, whichever is less."""
    def rate(work, windows):
        times = []
        while len(times) < least:
            start = time.process_time()
            work()
            times.append((time.process_time() - start) / windows * 1e6)
        return sorted(times)[len(times) // 2]
    few = codes[:min(8, len(codes))]
    one = rate(lambda: [core.matvec(x) for x in few], len(few))
    try:
        return min(one, rate(lambda: core.matmat(codes.T), len(codes)))
    except (NotImplementedError, ValueError):
        return one


def main():
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (N, R)).astype(float)
    codes = rng.integers(0, 256, (M, R)).astype(float)
    program = ROOT / "build" / "benchmarks" / "crossbar"
    text = subprocess.run([program, *sys.argv[1:]], capture_output=True, text=True, check=True).stdout
    ours = {name: float(us) for name, us in re.findall(r"^(\S+)\s+([\d.]+) us a window", text, re.M)}
    for case, change, windows in (("integerCells", None, M), ("deviceCells", spread, M), ("readNoise", reads, 4),
                                  ("bitLines", lines, 4)):
        for style, suffix in ((BitSlicedCoreStyle.OFFSET, "offset"), (BitSlicedCoreStyle.BALANCED, "differential")):
            p = parameters(style)
            if change:
                change(p)
            core = AnalogCore(weights, params=p)
            error = core.matvec(codes[0]) - weights @ codes[0]
            us = median_us(core, codes[:windows], 5 if windows == M else 3)
            print(f"{case:14} {suffix:13} CrossSim {us:10.1f} us, error of a window"
                  f" {np.linalg.norm(error) / np.linalg.norm(weights @ codes[0]):.3f}", flush=True)
    for name, us in ours.items():
        print(f"{name:36} here {us:8.2f} us")


if __name__ == "__main__":
    main()
