#!/usr/bin/env python3
"""Checks that no file includes a header of a higher layer (docs/Architecture.md, section 1).

  check_layering.py ROOT    exit 1 and one line per upward include
"""
import pathlib
import re
import sys

LAYERS = {
    "Support": 0, "Search": 0,
    "Machine": 1, "Workload": 1, "Mapping": 1,
    "Program": 1, "Crossbar": 1,
    "Cost": 2, "Schedule": 2, "Simulate": 2,
    "dialects": 3,
    "Transforms": 4, "Conversion": 4, "Import": 4, "Export": 4, "Execute": 4,
    "Pipelines": 5, "Accuracy": 5,
    "Explore": 6,
    "tools": 7,
}
MLIR_FREE = {"Search", "Machine", "Workload", "Mapping", "Program", "Crossbar", "Cost", "Schedule", "Simulate"}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def library(path):
    """The library a source path or include string belongs to, or None."""
    parts = pathlib.PurePosixPath(path).parts
    for i, part in enumerate(parts[:-1]):
        if part in ("dialects", "tools"):
            return part
        if part in ("lib", "imc") and parts[i + 1] in LAYERS:
            return parts[i + 1]
    return None


def main(root):
    root = pathlib.Path(root)
    files, bad = 0, []
    for folder in ("lib", "include", "dialects", "tools"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp", ".td"):
                continue
            name = path.relative_to(root).as_posix()
            own = library(name)
            if own is None:
                continue
            files += 1
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                header = match.group(1)
                other = library(header)
                if other and LAYERS[other] > LAYERS[own]:
                    bad.append(f'{name}:{number}: layer {LAYERS[own]} ({own}) includes "{header}" of layer '
                               f"{LAYERS[other]} ({other}): an arrow may only point down")
                if own in MLIR_FREE and header.startswith("mlir/"):
                    bad.append(f'{name}:{number}: {own} does not see MLIR, but includes "{header}"')
                if own == "Search" and header.startswith("llvm/"):
                    bad.append(f'{name}:{number}: Search is standard C++ only, but includes "{header}"')
                if own not in ("Import", "Export") and (header.startswith("google/protobuf") or header.startswith("onnx")):
                    bad.append(f'{name}:{number}: ONNX and protobuf are seen only in Import and Export, but this includes "{header}"')
    for line in bad:
        print(line, file=sys.stderr)
    print(f"layering: {files} files, {len(bad)} upward includes")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
