#!/usr/bin/env python3
"""Simulated arrays without loss against plain integers on every trained network, byte by byte.

Runs each network of a folder at phase quantized and, with converters of 12 bits, on simulated arrays at phase
tiled, with both encodings, and compares the files of the outputs. Ends with 1 if any differ.

    python3 scripts/check_lossless.py --models ../shared/models
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMAGES = {"glyphs_lenet_N": 100, "glyphs_resnet8_N": 16}


def inputs(models, name):
    """The reference inputs of a network; images of glyphs are shared by all of theirs."""
    if name.startswith("glyphs"):
        images = np.load(models / "refs" / "glyphs_test500.npz")["x"][:IMAGES.get(name, 1)]
        return images[:, None].astype(np.float32) / np.float32(255)
    return np.load(models / "refs" / f"{name}.npz")["in:input"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--tool", type=pathlib.Path, default=ROOT / "build" / "bin" / "imc")
    parser.add_argument("--target", default="rram-32nm")
    args = parser.parse_args()
    equal = total = 0
    networks = sorted((args.models / "trained-small").glob("*.onnx"))
    if not networks:
        raise SystemExit(f"no networks in {args.models / 'trained-small'}")
    for network in networks:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            x = inputs(args.models, network.stem)
            np.save(folder / "x.npy", x)
            shape = ["--shape", f"N={len(x)}"] if network.stem.endswith("_N") else []

            def run(name, *how):
                subprocess.run([args.tool, "run", network, *shape, "--input", folder / "x.npy", *how, "--output",
                                folder / name], check=True, stdout=subprocess.DEVNULL)
                return {file.name: file.read_bytes() for file in sorted((folder / name).glob("*.npy"))}
            exact = run("exact", "--at", "quantized")
            assert exact, network
            for encoding in ("offset", "differential"):
                got = run(encoding, "--at", "tiled", "--target", args.target, "--set", "machine.adc_bits=12", "--set",
                          f"pass.encoding={encoding}", "--arrays", "simulated")
                total += 1
                equal += got == exact
                print(f"{network.stem:20} {encoding:13} {len(x):4} inputs {'equal' if got == exact else 'DIFFERENT'}",
                      flush=True)
    print(f"{equal} of {total} equal")
    return equal != total


if __name__ == "__main__":
    sys.exit(main())
