#!/usr/bin/env python3
"""Makes text that MLIR 24 printed readable for MLIR 22.

    port_mlir_text.py INPUT.mlir OUTPUT.mlir

One difference is known (torch-mlir 20261001 and iree-base-compiler 3.13.0, both of LLVM 24): large constants of booleans are
printed in hexadecimal with one byte for each element; MLIR 22 takes one bit for each, the first in the lowest bit.
Everything else passes through.
"""
import re
import sys

CONSTANT = re.compile(r'dense<"0x([0-9A-Fa-f]*)"> : (?:tensor|vector)<((?:\d+x)+)i1>')


def pack(match):
    data = bytes.fromhex(match.group(1))
    count = 1
    for extent in match.group(2).rstrip("x").split("x"):
        count *= int(extent)
    if len(data) != count or count <= 1:
        return match.group(0)  # packed already, or a splat
    if any(byte > 1 for byte in data):
        raise SystemExit(f"error: a constant of {count} booleans holds other bytes than 0 and 1")
    packed = bytearray((count + 7) // 8)
    for i, byte in enumerate(data):
        packed[i // 8] |= byte << i % 8
    return match.group(0).replace(match.group(1), packed.hex().upper())


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as source:
        text = source.read()
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        target.write(CONSTANT.sub(pack, text))


if __name__ == "__main__":
    main()
