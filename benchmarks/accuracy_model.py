#!/usr/bin/env python3
"""Closed form of accuracy against simulation, and a search that believes it.

For each network: `imc accuracy-model` fits to some designs of a space and simulates others that were drawn
without a look at the predictions. Then `imc search` with top-1 as an objective; its front is simulated, and the
corner that the source paper's search ends in (8 bits per cell, 512 rows, 5-bit converters, weights and inputs of
8 bits) is searched exhaustively and compared with that front.

    python3 benchmarks/accuracy_model.py --models ../shared/models --copies 5  # the figures of the docs
    python3 benchmarks/accuracy_model.py --models models --data glyphs_test100 --check 10 --designs 16 --budget 300
"""
import argparse
import json
import pathlib
import re
import subprocess

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPACE = ROOT / "spaces" / "glyphs-accuracy.yaml"
CORNER = {"machine.rows": 512, "machine.cell_bits": 8, "machine.adc_bits": 5, "pass.weight_bits": 8, "pass.input_bits": 8}


def ranks(values):
    """From 0; equal values share their mean rank."""
    order = sorted(range(len(values)), key=values.__getitem__)
    out = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last < len(order) and values[order[last]] == values[order[first]]:
            last += 1
        for i in order[first:last]:
            out[i] = (first + last - 1) / 2
        first = last
    return out


def spearman(x, y):
    a, b = ranks(x), ranks(y)
    mean = (len(a) - 1) / 2
    dot = sum((p - mean) * (q - mean) for p, q in zip(a, b))
    return dot / (sum((p - mean) ** 2 for p in a) * sum((q - mean) ** 2 for q in b)) ** 0.5


def moved(images, down, right):
    """Images moved by so many pixels; what comes in repeats the edge."""
    rows = numpy.clip(numpy.arange(images.shape[-2]) - down, 0, images.shape[-2] - 1)
    columns = numpy.clip(numpy.arange(images.shape[-1]) - right, 0, images.shape[-1] - 1)
    return images[..., rows[:, None], columns[None, :]]


def with_copies(source, copies, target):
    """Data of every image and `copies` - 1 others of it, moved by a pixel and with grey noise of 4 of 255 (seed 1).

    Which undecided image falls on which side is chance: 500 images alone know that share to two points and worse.
    Copies are decided by other roundings than the image is. All images come before the first copy of any.
    """
    data = numpy.load(source)
    images, labels = data["x"], data["y"]
    moves = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]
    assert images.dtype == numpy.uint8 and 1 <= copies <= 1 + len(moves)
    random = numpy.random.default_rng(1)
    parts = [images]
    for down, right in moves[:copies - 1]:
        noisy = moved(images, down, right) + random.normal(0, 4, images.shape)
        parts.append(numpy.clip(numpy.rint(noisy), 0, 255).astype(numpy.uint8))
    numpy.savez(target, x=numpy.concatenate(parts), y=numpy.concatenate([labels] * copies))
    return target


def imc(tool, *arguments):
    command = [str(tool), *map(str, arguments)]
    print("$", " ".join(command), flush=True)
    result = subprocess.run(command, text=True, capture_output=True)
    if result.returncode:
        raise SystemExit(result.stdout + result.stderr)
    print(result.stdout + result.stderr, flush=True)


def compare(pairs):
    """Figures of (predicted, simulated) pairs."""
    off = sorted(100 * abs(p - s) for p, s in pairs if s > 0.5)
    if not off:
        return {"pairs": len(pairs), "above_half": 0}
    return {"pairs": len(pairs), "rank_correlation": spearman([p for p, _ in pairs], [s for _, s in pairs]),
            "above_half": len(off), "points_mean": sum(off) / len(off), "points_95": off[int(0.95 * (len(off) - 1))],
            "points_most": off[-1], "within_3": sum(e <= 3 for e in off)}


def corner_space(text):
    """The space with the corner's knobs fixed."""
    for knob, value in CORNER.items():
        text, count = re.subn(rf"^  {re.escape(knob)}: .*$", f"  {knob}: [{value}]", text, flags=re.M)
        assert count == 1, knob
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--networks", nargs="+", default=["glyphs_lenet_N", "glyphs_resnet8_N"])
    parser.add_argument("--data", default="glyphs_test500")
    parser.add_argument("--space", type=pathlib.Path, default=SPACE)
    parser.add_argument("--copies", type=int, default=1, help="of each image, see with_copies()")
    parser.add_argument("--designs", type=int, default=240, help="fitted, per network")
    parser.add_argument("--check", type=int, default=155, help="compared, per network")
    parser.add_argument("--budget", type=int, default=2500, help="designs of each search; 0: no search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", help="devices, as for imc accuracy-model; without, ideal ones")
    parser.add_argument("--trials", type=int, default=1, help="draws of devices per design")
    parser.add_argument("--check-trials", type=int, help="draws per design that is compared; without, --trials")
    parser.add_argument("--samples", type=int, help="of the data, the first; without, all")
    parser.add_argument("--tool", type=pathlib.Path, default=ROOT / "build" / "bin" / "imc")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("accuracy-model"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    data = args.models / "refs" / f"{args.data}.npz"
    if args.copies > 1:
        data = with_copies(data, args.copies, args.output / f"{args.data}x{args.copies}.npz")
    report, pairs = {}, []
    devices = ["--noise", args.noise, "--trials", args.trials] if args.noise else []
    devices += ["--check-trials", args.check_trials] if args.check_trials else []
    devices += ["--samples", args.samples] if args.samples else []
    for network in args.networks:
        files = [args.output / f"{network}{end}" for end in (".model.json", ".report.json")]
        imc(args.tool, "accuracy-model", args.models / "trained-small" / f"{network}.onnx", "--data", data, "--space",
            args.space, "--designs", args.designs, "--check", args.check, "--seed", args.seed, "-o", files[0],
            "--json", files[1], *devices)
        result = json.loads(files[1].read_text())
        own = [(d["predicted"], d["simulated"]) for d in result["checked"]]
        report[network] = compare(own)
        if "simulation_error" in result["check"]:  # of draws of devices
            report[network]["simulation_error"] = result["check"]["simulation_error"]
        pairs += own
    report["all"] = compare(pairs)
    if args.budget:
        network = args.networks[-1]
        corner = args.output / "corner.yaml"
        corner.write_text(corner_space(args.space.read_text()))
        fronts = []
        for name, space, how in (("front", args.space, ["--budget", args.budget]),
                                 ("corner", corner, ["--algorithm", "exhaustive", "--budget", 100000])):
            front = args.output / f"{name}.json"
            imc(args.tool, "search", args.models / "trained-small" / f"{network}.onnx", "--shape", "N=1", "--space",
                space, "--accuracy", args.output / f"{network}.model.json", "--simulate-front", data,
                "--seed", args.seed, "--front", front, *how)
            fronts.append(json.loads(front.read_text())["points"])
        believed = [(p["models"][0]["accuracy"]["top1"], p["models"][0]["accuracy"]["simulated_top1"])
                    for p in fronts[0]]
        report["front"] = compare(believed)
        report["front"]["within_2"] = sum(abs(b - s) <= 0.02 for b, s in believed if s > 0.5)

        def figures(point):
            return (point["metrics"]["energy_j"], point["metrics"]["area_mm2"],
                    1 - point["models"][0]["accuracy"]["simulated_top1"])
        better = [figures(p) for p in fronts[0]]
        corners = [figures(p) for p in fronts[1]]
        report["corner"] = {
            "designs": len(corners), "best_top1": 1 - min(c[2] for c in corners),
            "dominated": sum(any(all(x <= y for x, y in zip(b, c)) and b != c for b in better) for c in corners)}
    (args.output / "summary.json").write_text(json.dumps(report, indent=2) + "\n")
    for name, figures in report.items():
        print(name + ":", ", ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
