"""Top-1 under the effects of arrays, beside the table of the project's references (an emulation in NumPy by others).

Each line is one call of `imc accuracy`: 8-bit weights and inputs, one input bit per phase, differential columns with a
converter each, 2 bits per cell, 128 rows unless the line says otherwise. The reference sizes its full range by the rows
that an array really holds: `--range filled` here. Its arrays hold one slice of one sign, and it calibrates a range
of each in each input phase that holds 99.9 % of the sums: `--range phase --quantile 0.999`. Its
activations have one range for all images of some calibration set; here that of the first images (--activations), or
each batch has its own (--batch, 1). A difference is within statistical error if it is at most two
binomial standard errors of a difference, 2 * sqrt(p(1 - p)(1/n + 1/n')), p of both together, n the samples (times the
draws of a device); both sides use the same images, so that this is more than what remains for converters alone.

  python benchmarks/accuracy_tables.py ../shared/models --activations 32 [--network NAME] [--only TEXT]
"""
import argparse
import json
import math
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
DIFFERENTIAL = ["--set", "pass.encoding=differential", "--step", "free", "--ties", "half_even"]
ROWS = ["--set", "machine.array.rows=128"]


def bits(n, *more):
    # Prices of a comparator, which converters of fewer than 4 bits ask for; nothing here is priced.
    return ["--set", f"pass.adc_bits={n}", "--set", "machine.adc.sense_fj=1", "--set", "machine.adc.sense_um2=1", *more]


def full(n):
    return bits(n, "--range", "filled")


def calibrated(n):
    return bits(n, "--range", "phase", "--quantile", "0.999")


def spread(sigma):
    return [*calibrated(8), "--noise", sigma, "--trials", "3", "--seed", "1"]


# network -> (data, samples of the reference, samples here, [(line, reported top-1 in %, arguments)])
TABLES = {
    "glyphs_lenet_N": ("glyphs_test500", 500, 500, [
        ("lossless", 86.6, ["--range", "lossless"]),
        *[(f"{n} bits, full range", top1, full(n))
          for n, top1 in ((8, 85.6), (7, 80.0), (6, 61.2), (5, 33.2), (4, 11.2))],
        *[(f"{n} bits, calibrated", top1, calibrated(n))
          for n, top1 in ((6, 86.6), (4, 87.4), (3, 85.2), (2, 69.0))],
        ("6 bits, full range, 1-bit cells", 78.8, [*full(6), "--set", "machine.cell.bits=1"]),
        ("6 bits, full range, 64 rows", 76.6, [*full(6), "--set", "machine.array.rows=64"]),
        ("6 bits, full range, 512 rows", 48.8, [*full(6), "--set", "machine.array.rows=512"]),
        *[(f"8 bits, calibrated, sigma {s}", top1, spread(s))
          for s, top1 in ((0.05, 86.9), (0.1, 86.0), (0.2, 83.9), (0.3, 79.5))],
    ]),
    "glyphs_resnet8_N": ("glyphs_test500", 300, 300, [
        ("lossless", 87.3, ["--range", "lossless"]),
        *[(f"{n} bits, full range", top1, full(n))
          for n, top1 in ((8, 85.7), (7, 78.3), (6, 36.7), (5, 8.0), (4, 1.7))],
        *[(f"{n} bits, calibrated", top1, calibrated(n))
          for n, top1 in ((6, 87.0), (4, 86.7), (3, 84.3), (2, 71.3))],
        *[(f"8 bits, calibrated, sigma {s}", top1, spread(s)) for s, top1 in ((0.1, 87.1), (0.2, 83.3), (0.3, 74.1))],
    ]),
    # 32 images in the project's references, 500 and 300 in the reference.
    "digits_mlp_N": ("digits_mlp_N", 500, 32, [
        *[(f"{n} bits, full range", top1, full(n))
          for n, top1 in ((8, 99.4), (7, 99.0), (6, 98.6), (5, 87.4), (4, 57.4))],
        ("8 bits, calibrated, sigma 0.3", 99.0, spread(0.3)),
    ]),
    "digits_cnn_N": ("digits_cnn_N", 300, 32, [
        ("lossless", 97.7, ["--range", "lossless"]),
        *[(f"8 bits, calibrated, sigma {s}", top1, spread(s)) for s, top1 in ((0.1, 99.2), (0.2, 96.7), (0.3, 82.5))],
    ]),
}


def device(folder, sigma):
    path = folder / f"lognormal-{sigma}.yaml"
    path.write_text(f"name: lognormal-{sigma}\ncell: {{min_us: 0, max_us: 100}}\n"
                    f"programming: {{sigma_log: {sigma}}}\n")
    return path


def first_images(folder, path, count):
    """The first samples of the data, whose range becomes that of the activations."""
    import numpy
    data = numpy.load(path)
    out = folder / f"{path.stem}-{count}.npz"
    if not out.exists():
        numpy.savez(out, **{name: data[name][:count] for name in data.files if data[name].ndim})
    return out


def standard_error(a, na, b, nb):
    """Of the difference of two shares, both of one true share."""
    p = (a * na + b * nb) / (na + nb)
    return math.sqrt(p * (1 - p) * (1 / na + 1 / nb))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--network", action="append", choices=TABLES)
    parser.add_argument("--only", default="", help="lines that contain this")
    parser.add_argument("--batch", type=int, default=1, help="images whose activations share a range")
    parser.add_argument("--activations", type=int, default=0,
                        help="one range for all images, that of so many first ones; 0: each batch has its own")
    parser.add_argument("--samples", type=int, help="take fewer samples")
    parser.add_argument("--tool", default=ROOT / "build" / "bin" / "imc")
    options = parser.parse_args()
    lines = outside = 0
    with tempfile.TemporaryDirectory() as folder:
        for network in options.network or TABLES:
            data, there, here, table = TABLES[network]
            here = min(here, options.samples or here)
            for name, reported, arguments in table:
                if options.only not in name:
                    continue
                noise = "--noise" in arguments
                words = list(arguments)
                if noise:
                    at = words.index("--noise") + 1
                    words[at] = device(pathlib.Path(folder), words[at])
                if not any("machine.array.rows" in str(word) for word in words):
                    words += ROWS
                if options.activations:
                    words += ["--calibrate", first_images(pathlib.Path(folder), options.models / "refs" / f"{data}.npz",
                                                          options.activations)]
                got = json.loads(subprocess.run(
                    [options.tool, "accuracy", options.models / "trained-small" / f"{network}.onnx", "--data",
                     options.models / "refs" / f"{data}.npz", "--target", "rram-32nm", "--shape", f"N={options.batch}", "--samples",
                     str(here), "--worst", "0", "--json", "-", *DIFFERENTIAL, *map(str, words)],
                    capture_output=True, text=True, check=True).stdout)
                draws = 3 if noise else 1
                top1 = got["arrays"]["top1"]
                # Draws of cells share the images: only one set of images counts.
                bar = 2 * standard_error(top1, here, reported / 100, there)
                fits = abs(top1 - reported / 100) <= bar
                lines += 1
                outside += not fits
                deviation = got["arrays"].get("top1_deviation", 0) if draws > 1 else 0
                print(f"{network:17} {name:32} reported {reported:5.1f}  here {100 * top1:5.1f}"
                      f"{f' +- {100 * deviation:.1f}' if draws > 1 else '':8} two errors {100 * bar:4.1f}  "
                      f"{'within' if fits else 'OUTSIDE'}", flush=True)
    print(f"{lines - outside} of {lines} lines within two standard errors")


if __name__ == "__main__":
    main()
