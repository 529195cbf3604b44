#!/usr/bin/env python3
"""Kills searches (SIGKILL) and writers, and compares what is left with what was never killed.

  scripts/kill_searches.py --searches 10      searches killed at random moments, resumed: equal exports, byte for byte
  scripts/kill_searches.py --joined 5         the same with two processes on one study, one of them killed
  scripts/kill_searches.py --writes 200       a writer killed while it writes: every trial that it reported is there
  scripts/kill_searches.py --threads          1, 2 and 4 threads, and 2 processes on one study: equal exports

Prints one line per experiment; exit status 1 if any differs. Needs build/bin/imc, and
build/benchmarks/store_designs for --writes.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("IMC_BIN", ROOT / "build" / "bin"))
MODEL = ROOT / "models/trained-small/glyphs_resnet8.onnx"
SPACE = (ROOT / "test/python/glyphs-space.yaml").read_text() + "objectives: [edap_js_mm2]\n"


class Search:
    def __init__(self, folder: pathlib.Path, budget: int) -> None:
        self.folder, self.budget = folder, budget
        (folder / "space.yaml").write_text(SPACE)

    def start(self, study: pathlib.Path, *flags: str) -> subprocess.Popen[bytes]:
        command = [str(BIN / "imc"), "search", str(MODEL), "--space", str(self.folder / "space.yaml"), "--budget", str(self.budget),
                   "--seed", "5", "--study", str(study), *flags]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self, study: pathlib.Path, *flags: str) -> float:
        begin = time.monotonic()
        process = self.start(study, *flags)
        _, log = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"imc search {' '.join(flags)} ended with {process.returncode}: {log.decode()}")
        return time.monotonic() - begin

    def export(self, study: pathlib.Path) -> bytes:
        return subprocess.run([BIN / "imc", "study", "export", study, "-o", "-", "--format", "json"], check=True,
                              capture_output=True).stdout


def kill_searches(search: Search, count: int, dice: random.Random) -> bool:
    whole = search.folder / "whole.db"
    seconds = search.finish(whole)
    expected = search.export(whole)
    equal = killed = 0
    for i in range(count):
        study, longest = search.folder / f"killed-{i}.db", seconds
        for _ in range(20):
            process = search.start(study)
            time.sleep(dice.uniform(0, longest))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if process.returncode == -signal.SIGKILL:
                killed += 1
                break
            # It was quicker than the one that was timed: once more, from the start.
            study.unlink()
            longest *= 0.7
        search.finish(study, *(["--resume"] if study.exists() else []))
        equal += search.export(study) == expected
    print(f"searches killed {killed} of {count} times within {seconds:.1f} s: {equal} of {count} exports equal ({len(expected)} bytes)")
    return equal == count and killed == count


def kill_joined(search: Search, count: int, dice: random.Random) -> bool:
    whole = search.folder / "alone.db"
    seconds = search.finish(whole)
    expected = search.export(whole)
    equal = 0
    for i in range(count):
        study = search.folder / f"joined-{i}.db"
        first, second = search.start(study, "--join"), search.start(study, "--join")
        time.sleep(dice.uniform(0, seconds))
        first.send_signal(signal.SIGKILL)
        first.communicate()
        _, log = second.communicate()
        if second.returncode != 0:
            print(log.decode(), file=sys.stderr)
            continue
        equal += search.export(study) == expected
    print(f"two processes on one study, one killed: {equal} of {count} exports equal")
    return equal == count


def threads(search: Search) -> bool:
    exports = []
    for jobs in (1, 2, 4):
        study = search.folder / f"jobs-{jobs}.db"
        search.finish(study, "--jobs", str(jobs))
        exports.append(search.export(study))
    study = search.folder / "processes.db"
    pair = [search.start(study, "--join") for _ in range(2)]
    for process in pair:
        _, log = process.communicate()
        if process.returncode != 0:
            print(log.decode(), file=sys.stderr)
            return False
    exports.append(search.export(study))
    equal = all(export == exports[0] for export in exports)
    print(f"1, 2, 4 threads and 2 processes: exports {'equal' if equal else 'DIFFER'}")
    return equal


def kill_writers(folder: pathlib.Path, count: int, dice: random.Random) -> bool:
    program = BIN.parent / "benchmarks" / "store_designs"
    lost = reported = stored = killed = 0
    for _ in range(count):
        study = folder / "writes.db"
        for suffix in ("", "-wal", "-shm"):
            pathlib.Path(f"{study}{suffix}").unlink(missing_ok=True)
        with subprocess.Popen([program, study, "1000000", "100", "--tell"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            time.sleep(dice.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
            lines = process.stdout.read().decode().split("\n") if process.stdout else []
        killed += process.returncode == -signal.SIGKILL
        last = int(lines[-2]) if len(lines) > 1 else 0
        if not study.exists():
            lost += last
            continue
        check = subprocess.run([BIN / "imc", "study", "check", study], capture_output=True, text=True)
        if check.returncode != 0:
            print(check.stderr, file=sys.stderr)
            lost += max(last, 1)
            continue
        there = int(check.stdout.split(": ", 1)[1].split(" ", 1)[0])
        reported, stored, lost = reported + last, stored + there, lost + max(0, last - there)
    print(f"writers killed {killed} of {count} times: {reported} trials reported, {stored} stored and sound, {lost} lost")
    return lost == 0 and (reported > 0 or count == 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=0)
    parser.add_argument("--joined", type=int, default=0)
    parser.add_argument("--writes", type=int, default=0)
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--budget", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        search = Search(folder, options.budget)
        if options.searches:
            good &= kill_searches(search, options.searches, dice)
        if options.joined:
            good &= kill_joined(search, options.joined, dice)
        if options.threads:
            good &= threads(search)
        if options.writes:
            good &= kill_writers(folder, options.writes, dice)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
