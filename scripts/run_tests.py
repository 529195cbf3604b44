#!/usr/bin/env python3
"""Runs lit, GoogleTest and pytest, then GoogleTest and lit under the sanitizers, and counts.

The last line is "N passed, N failed, N skipped"; the exit status is 1 if
anything failed, if a suite did not start, or if nothing passed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIT = "/usr/lib/llvm-22/bin/lit"


class Suite:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped, self.seconds = name, 0, 0, 0, 0.0

    def run(self, command, env=None):
        begin = time.time()
        print(f"== {self.name}", flush=True)
        code = subprocess.run(command, cwd=ROOT, env=env).returncode
        self.seconds = time.time() - begin
        return code

    def close(self, code):
        """A suite that ends badly without naming a failed test counts as one failure."""
        if (code != 0 and self.failed == 0) or self.passed + self.failed + self.skipped == 0:
            print(f"{self.name}: exit status {code} with no test counted", flush=True)
            self.failed += 1


def lit(name, build, env=None):
    suite, out = Suite(name), ROOT / build / "lit.json"
    out.unlink(missing_ok=True)
    code = suite.run([LIT, "-sv", "-o", str(out), f"{build}/test"], env)
    if out.exists():
        for test in json.loads(out.read_text())["tests"]:
            if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
                suite.passed += 1
            elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
                suite.skipped += 1
                print(f"  skipped: {test['name']}")
            else:
                suite.failed += 1
    suite.close(code)
    return suite


def junit(suite, path):
    if not path.exists():
        return
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            suite.failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            suite.skipped += 1
        else:
            suite.passed += 1


def googletest(name, build, env=None):
    suite, out = Suite(name), ROOT / build / "ctest.xml"
    out.unlink(missing_ok=True)
    code = suite.run(["ctest", "--test-dir", build, "-j2", "--timeout", "600", "--output-on-failure",
                      "--output-junit", str(out), "--progress", "-Q"], env)
    junit(suite, out)
    if suite.failed:
        for case in ElementTree.parse(out).iter("testcase"):
            if case.find("failure") is not None:
                print(f"FAILED: {case.get('name')}\n{(case.findtext('system-out') or '')[-4000:]}")
    suite.close(code)
    return suite


def pytest(name, build, tests="test/python", env=None):
    """Runs Python tests against the tools of a build."""
    suite, out = Suite(name), ROOT / build / "pytest.xml"
    out.unlink(missing_ok=True)
    env = dict(env or os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1",
               PYTHONPATH=str(ROOT / "python"), IMC_BIN=str(ROOT / build / "bin"))
    code = suite.run([str(ROOT / ".venv/bin/python"), "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                      "--durations=5", "--junit-xml", str(out), tests], env)
    junit(suite, out)
    suite.close(code)
    return suite


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", default=[], help="NAME=SECONDS of an earlier step, for the summary")
    parser.add_argument("--only", action="append", help="lit, gtest, pytest, asan")
    options = parser.parse_args()
    wanted = options.only or ["lit", "gtest", "pytest", "asan"]

    suites = []
    if "lit" in wanted:
        suites.append(lit("lit", "build"))
    if "gtest" in wanted:
        suites.append(googletest("GoogleTest", "build"))
    if "pytest" in wanted:
        suites.append(pytest("pytest", "build"))
    if "asan" in wanted and (ROOT / "build-asan" / "build.ninja").exists():
        # Debian's LLVM and MLIR are not instrumented: they keep registries for
        # the life of the process, which are no leaks of ours, and their half of
        # a bump allocator does not unpoison what our half has poisoned.
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:allow_user_poisoning=0",
                   UBSAN_OPTIONS="print_stacktrace=1")
        suites.append(googletest("GoogleTest under ASan+UBSan", "build-asan", env))
        suites.append(lit("lit under ASan+UBSan", "build-asan", env))
        suites.append(pytest("refusals under ASan+UBSan", "build-asan", "test/python/test_robustness.py", env))

    print("\ntimes:")
    for part in options.part:
        name, seconds = part.rsplit("=", 1)
        print(f"  {name:32s} {int(seconds):5d} s")
    for suite in suites:
        print(f"  {suite.name:32s} {suite.seconds:5.0f} s   "
              f"{suite.passed} passed, {suite.failed} failed, {suite.skipped} skipped")
    passed, failed, skipped = (sum(getattr(s, k) for s in suites) for k in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
