#!/usr/bin/env python3
"""Checks the house rules that need no compiler (CONTRIBUTING.md).

  check_house_rules.py ROOT    exit 1 and one line per broken rule

- C++ is formatted by clang-format 22.
- A file has at most 700 lines (the aim is 600).
- A FileCheck directive has its colon, or it never runs.
- At least 30 % of the lit files are negative: they show what is refused.
- Every pass has a lit test.
"""
import pathlib
import re
import subprocess
import sys

LIMIT = 700
SOURCES = ("lib", "include", "dialects", "tools", "test", "benchmarks")


def main(root):
    root = pathlib.Path(root)
    broken = []
    code = [path for folder in SOURCES for path in sorted((root / folder).rglob("*"))
            if path.suffix in (".h", ".cpp")]
    formatted = subprocess.run(["clang-format-22", "--dry-run", "-Werror", *map(str, code)],
                               capture_output=True, text=True)
    broken += [line for line in formatted.stderr.splitlines() if "error:" in line]

    everything = code + [path for folder in (*SOURCES, "python", "scripts") for path in sorted((root / folder).rglob("*"))
                         if path.suffix in (".td", ".py", ".js")]
    for path in everything:
        lines = len(path.read_text().splitlines())
        if lines > LIMIT:
            broken.append(f"{path.relative_to(root)}: {lines} lines; split what is more than one thing (limit {LIMIT})")

    lit = [path for path in sorted((root / "test").rglob("*")) if path.suffix in (".mlir", ".test")
           and "Inputs" not in path.parts]
    negative = 0
    for path in lit:
        text = path.read_text()
        if "verify-diagnostics" in text or re.search(r"RUN:.*\bnot\b", text):
            negative += 1
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*//\s*CHECK[A-Z-]*\s", line):
                broken.append(f"{path.relative_to(root)}:{number}: a CHECK without a colon never runs")
    if negative * 10 < len(lit) * 3:
        broken.append(f"{negative} of {len(lit)} lit files are negative; the aim is 30 % or more")

    tests = "\n".join(path.read_text() for path in lit if path.suffix == ".mlir")
    for passes in sorted(root.glob("include/imc/*/Passes.td")):
        for name in re.findall(r'Pass<"([a-z-]+)"', passes.read_text()):
            if name not in tests:
                broken.append(f"{passes.relative_to(root)}: pass {name} has no lit test")

    for line in broken:
        print(line, file=sys.stderr)
    print(f"house rules: {len(code)} C++ files, {len(lit)} lit files ({negative} negative), {len(broken)} broken rules")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
