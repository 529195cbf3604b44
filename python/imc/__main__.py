"""``python -m imc front FILE.json``: prints a front as a table."""
from __future__ import annotations

import argparse

from ._front import Front


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m imc")
    commands = parser.add_subparsers(dest="command", required=True)
    front = commands.add_parser("front", help="print a front as a table, least EDAP first")
    front.add_argument("file")
    front.add_argument("--rows", type=int, default=20)
    options = parser.parse_args()
    try:
        data = Front.load(options.file)
    except (OSError, ValueError) as error:
        parser.exit(1, f"error: {error}\n")
    columns = [*data.objectives, *(["edap_js_mm2"] if "edap_js_mm2" not in data.objectives else [])]
    print("  ".join(f"{name:>12}" for name in ["design", *columns]))
    for point in sorted(data.points, key=lambda p: (p.metrics["edap_js_mm2"], p.id))[:options.rows]:
        print("  ".join([f"{point.id:>12}", *(f"{point.metrics[name]:>12.4e}" for name in columns)]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
