"""lib/Crossbar against an independent simulator in NumPy: bit for bit without noise, in distribution with it.

IMC_CROSSBAR_CASES sets the number of random products (default 150).
"""
import math
import os
import subprocess

import numpy as np
import pytest

import crossbar_reference as ref
from conftest import BIN

CASES = int(os.environ.get("IMC_CROSSBAR_CASES", "150"))
PROGRAM = BIN.parent / "unittests" / "crossbar_run"


def run_all(folder, jobs):
    """jobs: [(words, weights, codes, calibration or None)] -> [(results, conversions, saturated)]"""
    lines = []
    for i, (words, weights, codes, calibration) in enumerate(jobs):
        np.save(folder / f"w{i}.npy", weights.astype(np.int8))
        np.save(folder / f"x{i}.npy", codes.astype(np.int8 if codes.min() < 0 else np.uint8))
        line = f"{words} weights={folder}/w{i}.npy codes={folder}/x{i}.npy out={folder}/y{i}.npy"
        if calibration is not None:
            np.save(folder / f"c{i}.npy", calibration.astype(np.int8 if calibration.min() < 0 else np.uint8))
            line += f" calibration={folder}/c{i}.npy"
        lines.append(line)
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built (ninja crossbar_run)")
    done = subprocess.run([PROGRAM], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(jobs)
    out = []
    for i, answer in enumerate(answers):
        assert answer.startswith("ok "), (lines[i], answer)
        conversions, saturated = map(int, answer.split()[1:])
        out.append((np.load(folder / f"y{i}.npy"), conversions, saturated))
    return out


def random_values(rng, c, m):
    half = 2**(c.weight_bits - 1)
    weights = rng.integers(-half + (c.encoding == ref.DIFFERENTIAL), half, (c.groups, c.k, c.n))
    low = -2**(c.input_bits - 1) if c.signed else 0
    codes = rng.integers(low, low + 2**c.input_bits, (m, c.groups * c.k))
    return weights, codes


def random_case(rng):
    encoding = int(rng.integers(3))
    groups = int(rng.choice([1, 1, 1, 2, 5]))
    signed = int(rng.integers(3) == 0)
    c = ref.Case(
        groups=groups, groups_per_pack=int(rng.integers(1, groups + 1)), k=int(rng.integers(1, 200)),
        n=int(rng.integers(1, 20)), encoding=encoding, pair=int(encoding == ref.DIFFERENTIAL and rng.integers(2)),
        weight_bits=int(rng.integers(2, 9)), cell_bits=int(rng.integers(1, 5)),
        input_bits=int(rng.integers(1 + signed, 9)), signed=signed, dac_bits=int(rng.integers(1, 5)),
        rows=int(rng.integers(1, 200)), cols=2 * int(rng.integers(1, 64)), ties=int(rng.integers(3)),
        step=int(rng.integers(2)), criterion=int(rng.integers(2)), quantile=float(rng.choice([1, 0.9999, 0.99, 0.5])))
    c.range = int(rng.integers(ref.FULL, ref.PHASE + 1))
    lossless = ref.lossless_bits(c)
    c.adc_bits = int(rng.integers(2, max(3, lossless + 2)))
    if c.range == ref.GIVEN:
        c.full_scale = float(rng.uniform(0.5, 1.5 * ref.top(c)))
    if c.range == ref.BITS:
        if lossless < 2:
            c.range = ref.FULL
        else:
            c.range_bits = int(rng.integers(2, lossless + 1))
    return c


def test_without_noise_bit_for_bit(tmp_path):
    rng = np.random.default_rng(1)
    cases, jobs = [], []
    for _ in range(CASES):
        c = random_case(rng)
        weights, codes = random_values(rng, c, int(rng.integers(1, 8)))
        calibration = random_values(rng, c, 5)[1] // 2 if c.range >= ref.LAYER else None
        cases.append(c)
        jobs.append((c.words(), weights, codes, calibration))
    fractions = 0
    for c, (_, weights, codes, calibration), (y, *_) in zip(cases, jobs, run_all(tmp_path, jobs)):
        expected = ref.run(c, weights, codes, calibration)
        assert np.array_equal(y, expected), c.words()
        fractions += c.step == ref.FREE
    assert fractions > CASES / 4  # steps that are no integers are among them


def test_lossless_is_the_product(tmp_path):
    rng = np.random.default_rng(2)
    cases, jobs = [], []
    for _ in range(CASES):
        c = random_case(rng)
        c.range, c.adc_bits = ref.LOSSLESS, 0
        weights, codes = random_values(rng, c, 3)
        cases.append(c)
        jobs.append((c.words(), weights, codes, None))
    for c, (_, weights, codes, _), (y, conversions, _) in zip(cases, jobs, run_all(tmp_path, jobs)):
        x = codes.reshape(len(codes), c.groups, c.k)
        assert np.array_equal(y, np.einsum("mgk,gkn->mgn", x, weights).reshape(len(codes), -1)), c.words()
        assert conversions == 0  # proved: no converter was simulated


# Quality of converters, R = 128, 2-bit cells, 1-bit phases: references/functional.md, A.3. Weights are normal, scaled to
# the largest; inputs positive normal, scaled to the largest (the source does not say how, which moves the offset
# encoding, whose sums follow the mean of the inputs, by several dB). `calibrated`: the 99.99 % quantile.
TABLE = [
    # encoding, bits, range, ties -> dB, tolerance
    (ref.DIFFERENTIAL, 8, ref.FULL, ref.HALF_EVEN, 7.6, 1),
    (ref.DIFFERENTIAL, 8, ref.FULL, ref.HALF_UP, 7.1, 1),
    (ref.DIFFERENTIAL, 8, ref.FULL, ref.FLOOR, -1.6, 1),
    (ref.DIFFERENTIAL, 8, ref.BITS, ref.HALF_EVEN, math.inf, 0),
    (ref.DIFFERENTIAL, 6, ref.FULL, ref.HALF_EVEN, 3.4, 1),
    (ref.DIFFERENTIAL, 6, ref.LAYER, ref.HALF_EVEN, 10.3, 1),
    (ref.DIFFERENTIAL, 6, ref.LAYER, ref.HALF_UP, 6.5, 1),
    (ref.DIFFERENTIAL, 6, ref.LAYER, ref.FLOOR, 6.5, 1),
    (ref.DIFFERENTIAL, 6, ref.BITS, ref.HALF_EVEN, 58.1, 4),
    (ref.DIFFERENTIAL, 4, ref.FULL, ref.HALF_EVEN, 0, 1),
    (ref.DIFFERENTIAL, 4, ref.LAYER, ref.HALF_EVEN, 5.7, 1),
    (ref.DIFFERENTIAL, 4, ref.BITS, ref.HALF_EVEN, 11.7, 2),
    (ref.OFFSET, 8, ref.FULL, ref.HALF_EVEN, 7.8, 5),
    (ref.OFFSET, 8, ref.FULL, ref.HALF_UP, 3.0, 5),
    (ref.OFFSET, 8, ref.FULL, ref.FLOOR, 3.0, 5),
    (ref.OFFSET, 8, ref.BITS, ref.HALF_EVEN, math.inf, 0),
    (ref.OFFSET, 6, ref.FULL, ref.HALF_EVEN, -2.3, 5),
    (ref.OFFSET, 6, ref.LAYER, ref.HALF_EVEN, 7.8, 5),
    (ref.OFFSET, 6, ref.BITS, ref.HALF_EVEN, 25.3, 5),
    (ref.OFFSET, 4, ref.FULL, ref.HALF_EVEN, -16, 5),
    (ref.OFFSET, 4, ref.LAYER, ref.HALF_EVEN, -2.3, 5),
    (ref.OFFSET, 4, ref.BITS, ref.HALF_EVEN, -22.4, 5),
]


def test_decibels_of_rounding_and_range(tmp_path):
    rng = np.random.default_rng(3)
    weights = rng.standard_normal((1, 128, 256))
    weights = np.rint(weights / np.abs(weights).max() * 127)
    codes = np.maximum(rng.standard_normal((256, 128)), 0)
    codes = np.rint(codes / codes.max() * 255)
    jobs = []
    for encoding, bits, policy, ties, *_ in TABLE:
        c = ref.Case(k=128, n=256, encoding=encoding, pair=int(encoding == ref.DIFFERENTIAL), adc_bits=bits,
                     range=policy, range_bits=bits if policy == ref.BITS else 0, ties=ties, quantile=0.9999)
        jobs.append((c.words(), weights, codes, codes if policy == ref.LAYER else None))
    exact = codes @ weights[0]
    measured = []
    for y, *_ in run_all(tmp_path, jobs):
        error = np.sum((y - exact)**2)
        measured.append(10 * math.log10(np.sum(exact**2) / error) if error else math.inf)
    print([round(db, 1) for db in measured])
    for row, db in zip(TABLE, measured):
        assert db == row[4] or abs(db - row[4]) <= row[5], (row, db)


# --- Devices, in distribution -----------------------------------------------------------------------------------------

def kolmogorov_smirnov(a, b):
    """p-value of two samples coming from one distribution (asymptotic)."""
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    d = np.max(np.abs(np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)))
    root = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    t = (root + 0.12 + 0.11 / root) * d
    return min(1, max(0, 2 * sum((-1)**(k - 1) * math.exp(-2 * k * k * t * t) for k in range(1, 101))))


def same_spread(a, b):
    """Whether the standard deviations of two samples of one size are within 4 standard errors of their quotient."""
    centred = np.concatenate([a - a.mean(), b - b.mean()])
    kurtosis = np.mean(centred**4) / np.mean(centred**2)**2
    return abs(a.std() / b.std() - 1) < 4 * math.sqrt((kurtosis - 1) / (2 * len(a)))


def test_the_statistics_see_differences():
    rng = np.random.default_rng(4)
    a = rng.standard_normal(2000)
    assert kolmogorov_smirnov(a, rng.standard_normal(2000)) > 1e-3
    assert kolmogorov_smirnov(a, 1.3 * rng.standard_normal(2000)) < 1e-3
    assert kolmogorov_smirnov(a, rng.standard_normal(2000) + 0.15) < 1e-3
    assert same_spread(a, rng.standard_normal(2000))
    assert not same_spread(a, 1.2 * rng.standard_normal(2000))


def device(folder, name, text):
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\n{text}\n")
    return path


def many_columns(rng, columns, **values):
    """One column of weights again and again, and one window: results are independent draws of cells."""
    c = ref.Case(k=100, n=columns, **values)
    weights = np.repeat(rng.integers(-127, 128, (1, 100, 1)), columns, axis=2)
    return c, weights, rng.integers(0, 2**c.input_bits, (1, 100))


DAY = 86400.0


def drawn(kind, rng):
    """What crossbar_reference draws for the devices below; levels -> us."""
    def normal(shape):
        return rng.standard_normal(shape)

    def pcm(levels):
        f = levels / 3
        target = 25 * f
        g = np.maximum(target + (0.26348 + 1.9650 * f - 1.1731 * f * f) * normal(f.shape), 0)
        with np.errstate(divide="ignore"):
            log = np.log(f)
        nu = np.abs(np.clip(-0.0155 * log + 0.0244, 0.049, 0.1) +
                    np.clip(-0.0125 * log - 0.0059, 0.008, 0.045) * normal(f.shape))
        return g * ((DAY + 20) / 20)**-nu

    def cmo(levels):
        g = 9 + 79.2 * levels / 3
        g = g + (0.0112185391 + 0.01129027418 * g) * normal(g.shape)
        g = g - 0.08900206 * math.log(DAY) + (0.04201137 * math.log(DAY) + 0.41183342) * normal(g.shape)
        return np.maximum(g, 0) - 9  # the reference column

    def faults(levels):
        u = rng.random(levels.shape)
        return np.where(u < 0.1, 0, np.where(u < 0.25, 100, 100 * levels / 3))

    return {
        "relative": lambda levels: 100 * levels / 3 * (1 + 0.1 * normal(levels.shape)),
        "lognormal": lambda levels: 100 * levels / 3 * np.exp(0.2 * normal(levels.shape)),
        "pcm": pcm,
        "cmo": cmo,
        "faults": faults,
    }[kind]


DEVICES = {
    # name -> (text of the file, or preset; time; us per level)
    "relative": ("cell: {min_us: 0, max_us: 100}\nprogramming: {sigma_relative: 0.1}", 0, 100 / 3),
    "lognormal": ("cell: {min_us: 0, max_us: 100}\nprogramming: {sigma_log: 0.2}", 0, 100 / 3),
    "pcm": ("pcm-aihwkit", DAY, 25 / 3),
    "cmo": ("cmo-hfox", DAY, 79.2 / 3),
    "faults": ("cell: {min_us: 0, max_us: 100}\nfaults: {stuck_off_rate: 0.1, stuck_on_rate: 0.15}", 0, 100 / 3),
}


@pytest.mark.parametrize("kind", DEVICES)
def test_cells_in_distribution(tmp_path, root, kind):
    """2,000 draws of a column of 100 cells each, Kolmogorov-Smirnov at 10^-4."""
    text, time, unit = DEVICES[kind]
    rng = np.random.default_rng(5)
    if ":" in text:
        path = device(tmp_path, kind, text)
    else:
        # Read noise is compared below.
        lines = (root / "targets" / "devices" / f"{text}.yaml").read_text().split("read_noise:")[0]
        path = tmp_path / f"{text}.yaml"
        path.write_text(lines)
    jobs, cases = [], []
    for encoding, pair in ((ref.OFFSET, 0), (ref.DIFFERENTIAL, 0), (ref.DIFFERENTIAL, 1)):
        c, weights, codes = many_columns(rng, 2000, encoding=encoding, pair=pair, adc_bits=7, ties=ref.HALF_EVEN)
        cases.append((c, weights, codes))
        jobs.append((f"{c.words()} device={path} seed=7 time_s={time}", weights, codes, None))
    for (c, weights, codes), (y, *_) in zip(cases, run_all(tmp_path, jobs)):
        sums = ref.device_sums(c, weights, codes, drawn(kind, rng), unit)
        expected = ref.run(c, weights, codes, sums=sums)
        p = kolmogorov_smirnov(y[0], expected[0])
        assert p > 1e-4, (kind, c.words(), p, y.mean(), expected.mean(), y.std(), expected.std())
        assert same_spread(y[0], expected[0]), (kind, c.words(), y.std(), expected.std())


def test_read_noise_in_distribution(tmp_path):
    """1,500 reads of one column, noise once per conversion here and once per cell there."""
    rng = np.random.default_rng(6)
    path = device(tmp_path, "noisy", "cell: {min_us: 0, max_us: 100}\nread_noise: {sigma_relative: 0.3}")
    jobs, cases = [], []
    for dac_bits, adc_bits in ((1, 9), (2, 7), (4, 6)):
        c = ref.Case(k=100, n=4, dac_bits=dac_bits, adc_bits=adc_bits, ties=ref.HALF_EVEN)
        weights = rng.integers(-128, 128, (1, 100, 4))
        codes = np.repeat(rng.integers(0, 256, (1, 100)), 1500, axis=0)
        cases.append((c, weights, codes))
        jobs.append((f"{c.words()} device={path} seed=8", weights, codes, None))
    for (c, weights, codes), (y, *_) in zip(cases, run_all(tmp_path, jobs)):
        sums = ref.device_sums(c, weights, codes, lambda levels: 100 * levels / 3, 100 / 3,
                               read_sigma=lambda g: 0.3 * g)
        expected = ref.run(c, weights, codes, sums=sums)
        for n in range(4):
            p = kolmogorov_smirnov(y[:, n], expected[:, n])
            assert p > 1e-4, (c.words(), n, p, y[:, n].std(), expected[:, n].std())
            assert same_spread(y[:, n], expected[:, n]), (c.words(), n, y[:, n].std(), expected[:, n].std())


def test_bit_lines(tmp_path):
    """The ladder in binary32 against dense linear systems in binary64: no more than a code away, rarely."""
    rng = np.random.default_rng(7)
    jobs, cases = [], []
    for ohm in (1.0, 20.0, 200.0):
        for rule in ("cut_off", "grounded"):
            path = device(tmp_path, f"line{ohm}{rule}",
                          f"cell: {{min_us: 1, max_us: 100}}\nline: {{segment_ohm: {ohm}, idle_rows: {rule}}}")
            c = ref.Case(k=50, n=3, rows=64, input_bits=2, dac_bits=1, weight_bits=4, adc_bits=8, ties=ref.HALF_EVEN)
            weights = rng.integers(-8, 8, (1, 50, 3))
            codes = rng.integers(0, 4, (6, 50))
            cases.append((c, weights, codes, ohm, rule))
            jobs.append((f"{c.words()} device={path}", weights, codes, None))
    away = total = 0
    for (c, weights, codes, ohm, rule), (y, *_) in zip(cases, run_all(tmp_path, jobs)):
        sums = ref.device_sums(c, weights, codes, lambda levels: 1 + 33 * levels, 33.0,
                               current=lambda g, d, ohm=ohm, rule=rule: ref.ladder(g, d, 64, ohm, rule == "grounded"))
        expected = ref.run(c, weights, codes, sums=sums)
        away += np.count_nonzero(y != expected)
        total += y.size
    assert away <= total / 50, (away, total)
