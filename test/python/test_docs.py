"""Runs the commands in the docs.

A fenced block that opens with ```sh is executed from the checkout, with build/bin
on PATH and `out/` replaced by a folder of the test; a block that opens with any
other word is not. The two commands of the README that set a machine up open with ```console.
"""
import os
import re
import subprocess

import pytest
from conftest import BIN, ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
CASES = [(page.relative_to(ROOT).as_posix(), number, block)
         for page in PAGES if page.exists()
         for number, block in enumerate(BLOCK.findall(page.read_text()), 1)]


@pytest.mark.parametrize("page, number, block", CASES, ids=[f"{p}:{n}" for p, n, _ in CASES])
def test_commands_of_the_docs_run(page, number, block, tmp_path):
    script = block.replace("out/", f"{tmp_path}/").replace("build/bin/", "")
    env = dict(os.environ, PATH=f"{BIN}:{ROOT}/.venv/bin:/usr/lib/llvm-22/bin:{os.environ['PATH']}",
               PYTHONPATH=str(ROOT / "python"))
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=env,
                            capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, f"{page}, block {number}:\n{block}\n{result.stdout}\n{result.stderr}"


def test_links_of_the_docs_lead_somewhere():
    missing = []
    for page in PAGES:
        if not page.exists():
            continue
        prose = re.sub(r"^ *```.*?^ *```|`[^`\n]*`", "", page.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert not missing, missing
