"""Damaged models: no crash, no hang, bounded memory, and every refusal says where (docs/howto/fuzz-the-importer.md)."""
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

COUNT = 5000
KINDS = 22  # of test/Fuzz/import_mutants.cpp


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    subprocess.run([sys.executable, "-W", "ignore", ROOT / "test" / "Fuzz" / "make_seeds.py", folder], check=True,
                   env={**os.environ, "OMP_NUM_THREADS": "1"})
    return folder


def driver():
    """The sanitizer build's, where there is one."""
    for build in ("build-asan", "build"):
        program = ROOT / build / "fuzz" / "imc-import-mutants"
        if program.exists():
            return program
    pytest.fail("imc-import-mutants is not built: ninja -C build-asan imc-import-mutants")


def test_mutants(seeds, tmp_path):
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=16:handle_abort=1",
                   "UBSAN_OPTIONS": "print_stacktrace=1"}
    result = subprocess.run([driver(), seeds, "--count", str(COUNT), "--work", tmp_path], capture_output=True, text=True,
                            env=environment, timeout=900)
    report = json.loads(result.stdout)
    problems = (tmp_path / "problems.log").read_text() if (tmp_path / "problems.log").exists() else ""
    assert result.returncode == 0, f"{result.stdout}\n{problems[-8000:]}"
    assert report["mutants"] == COUNT and len(report["kinds"]) == KINDS
    # Mutants that all import, or are all stopped before the first node, would test nothing.
    assert report["imported"] > COUNT // 100 and report["refused_at_a_node"] > COUNT // 5, report
