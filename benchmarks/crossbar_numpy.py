"""Products on arrays by NumPy beside build/benchmarks/crossbar: microseconds of a window, and the ratio.

NumPy stacks input phases as rows and slices as columns of one float32 matrix product, 64 windows at once, one thread:
what is quick to write and, for cells with spread, what simulators do. Needs numpy only.

  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/crossbar_numpy.py
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

ROOT = pathlib.Path(__file__).resolve().parents[1]
R = N = 128
M = 64


def median_us(work, least=5):
    """CPU time of one window."""
    times = []
    while len(times) < least:
        start = time.process_time()
        work()
        times.append((time.process_time() - start) / M * 1e6)
    return sorted(times)[len(times) // 2]


def main():
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (R, N))
    codes = rng.integers(0, 256, (M, R))
    phases = np.concatenate([(codes >> p & 1) for p in range(8)]).astype(np.float32)  # 8 M x R
    levels = [(weights + 128) >> (2 * j) & 3 for j in range(4)]
    scale = np.array([[2.0**(p + 2 * j) for j in range(4)] for p in range(8)], np.float32)

    def recombine(sums):
        read = np.clip(np.rint(sums), 0, 63).reshape(8, M, 4, N)
        return np.einsum("pmjn,pj->mn", read, scale)

    ideal = np.concatenate(levels, axis=1).astype(np.float32)
    spread = ideal * (1 + 0.05 * rng.standard_normal(ideal.shape, np.float32))
    variance = (0.02 * spread)**2

    def noisy():
        sums = phases @ spread
        sums += np.sqrt(phases @ variance) * rng.standard_normal(sums.shape, np.float32)
        return recombine(sums)

    reference = {
        "proved": median_us(lambda: codes.astype(np.float32) @ weights.astype(np.float32)),
        "integerCells/offset": median_us(lambda: recombine(phases @ ideal)),
        "deviceCells/offset": median_us(lambda: recombine(phases @ spread)),
        "deviceCells/readNoiseOffset": median_us(noisy),
    }
    program = ROOT / "build" / "benchmarks" / "crossbar"
    text = subprocess.run([program, *sys.argv[1:]], capture_output=True, text=True, check=True).stdout
    ours = {name: float(us) for name, us in re.findall(r"^(\S+)\s+([\d.]+) us a window", text, re.M)}
    for name, rate in re.findall(r"^(provedOneArray)\s+([\d.]+) GMAC/s", text, re.M):
        ours["proved"] = R * N / float(rate) / 1e3
    for name, us in reference.items():
        print(f"{name:30} NumPy {us:8.2f} us, here {ours[name]:8.2f} us, {us / ours[name]:6.1f} x")


if __name__ == "__main__":
    main()
