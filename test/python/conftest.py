"""What the Python tests share: the checkout, its tools, the models beside it."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("IMC_SHARED", ROOT.parent / "shared"))
BIN = pathlib.Path(os.environ.get("IMC_BIN", ROOT / "build" / "bin"))


def run_tool(*arguments, check=True, cwd=None, timeout=300):
    """Runs a tool of build/bin; with check, a failure shows what it printed."""
    command = [str(BIN / arguments[0]), *map(str, arguments[1:])]
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=timeout)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def models():
    return ROOT / "models"


@pytest.fixture(scope="session")
def shared():
    """The folder with models and references beside the checkout."""
    if not (SHARED / "models").is_dir():
        pytest.skip(f"no models at {SHARED} (set IMC_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def tool():
    return run_tool
