"""imc search through the program and the Python package."""
import json
import os
import pathlib
import random
import shlex
import signal
import subprocess
import sys
import time

import pytest
from conftest import BIN, ROOT

sys.path.insert(0, str(ROOT / "python"))
import imc  # noqa: E402

SPACE = (pathlib.Path(__file__).parent / "glyphs-space.yaml").read_text()


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("IMC_BIN", str(BIN))


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return path


@pytest.fixture
def glyphs(models):
    return models / "trained-small/glyphs_resnet8.onnx"


def designs(front):
    return [(p.id, dict(p.design), dict(p.metrics)) for p in front.points]


def test_front_of_any_number_of_jobs(glyphs, space):
    one = imc.search([glyphs], space, budget=300, seed=3)
    assert len(one.points) > 3
    assert one.search.verified == len(one.points)
    assert designs(imc.search([glyphs], space, budget=300, seed=3, jobs=2)) == designs(one)
    assert designs(imc.search([glyphs], space, budget=300, seed=4)) != designs(one)


def test_commands_rebuild_the_stored_numbers(glyphs, models, space, tmp_path):
    paths = [glyphs, models / "trained-small/glyphs_lenet_N.onnx"]
    front = imc.search(paths[:1], space, budget=200, seed=1)
    for point in [front.best("edap_js_mm2"), front.best("area_mm2")]:
        words = shlex.split(point.cost_command)
        assert words[0] == "imc"
        cost = json.loads(imc.run(*words[1:]))
        assert cost["feasible"] is True and cost["violations"] == []
        assert cost["area_mm2"] == point.area_mm2
        assert cost["models"][0]["energy_j"] == point.models[0].energy_j
        assert cost["models"][0]["latency_s"] == point.models[0].latency_s
        assert cost["models"][0]["edap_js_mm2"] == point.metrics["edap_js_mm2"]
        # The compile command writes a module that the cost command prices alike.
        words = shlex.split(point.command)
        subprocess.run([imc.find_tool(), *words[1:]], cwd=tmp_path, check=True)
        module = tmp_path / f"design-{point.id}.mlir"
        assert 'imc.phase = "costed"' in module.read_text()


def test_standard_output_is_json_alone(glyphs, space):
    result = subprocess.run([imc.find_tool(), "search", glyphs, "--space", space, "--budget", "50", "--seed", "1",
                             "--front", "-", "--json-progress"], capture_output=True, text=True, check=True)
    front = imc.Front.from_json(json.loads(result.stdout))
    assert front.search.evaluated == 50
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert lines[-1]["evaluated"] == 50
    assert "\r" not in result.stderr


def test_killed_searches_resume_to_the_same_study(glyphs, space, tmp_path):
    def content(path):
        with imc.Study(path) as study:
            return list(study.evaluations()), study.generations(), study.front()

    arguments = [imc.find_tool(), "search", glyphs, "--space", space, "--budget", "20000", "--seed", "5",
                 "--objectives", "edap_js_mm2", "--study"]
    subprocess.run([*arguments, tmp_path / "whole.db"], check=True, capture_output=True)
    expected = content(tmp_path / "whole.db")
    dice, killed = random.Random(11), 0
    cut = tmp_path / "cut.db"
    for _ in range(4):
        resume = ["--resume"] if cut.exists() else []
        process = subprocess.Popen([*arguments, cut, *resume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2000):
            try:
                with imc.Study(cut) as study:
                    if "seed" in study.meta:
                        break
            except (OSError, ValueError, imc._study.sqlite3.Error):
                pass
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    subprocess.run([*arguments, cut, "--resume"], check=True, capture_output=True)
    assert killed >= 1
    assert content(cut) == expected


def test_errors_say_where_and_leave_nothing(glyphs, space, tmp_path):
    front = tmp_path / "front.json"
    bad = tmp_path / "bad.yaml"
    bad.write_text("target: sram-32nm\nknobs:\n  machine.rows: [64, 0]\n")
    for arguments, parts in [
        (("--space", bad), [f"{bad}:3", "machine.rows", "0"]),
        (("--space", space, "--budget", "0"), ["budget"]),
        (("--space", space, "--algorithm", "magic"), ["magic", "nsga2"]),
        (("--space", space, "--objectives", "speed"), ["speed", "energy_j"]),
        (("--space", space, "--study", tmp_path / "no/s.db"), ["no/s.db"]),
        (("--space", space, "--resume"), ["--study"]),
    ]:
        with pytest.raises(imc.IMCError) as error:
            imc.run("search", glyphs, *arguments, "--front", front)
        assert error.value.status == 1
        for part in parts:
            assert part in str(error.value)
        assert not front.exists()
    assert set(os.listdir(tmp_path)) == {"bad.yaml", "space.yaml"}


def test_package_refuses_other_files(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ValueError, match="version"):
        imc.Front.load(tmp_path / "x.json")
    with pytest.raises(FileNotFoundError, match="imc search"):
        imc.Study(tmp_path / "x.db")
    with pytest.raises(ValueError, match="no study"):
        imc.Study(tmp_path / "x.json")


def test_package_is_typed():
    mypy = ROOT / ".venv/bin/mypy"
    if not mypy.exists():
        pytest.skip("no mypy in .venv: the annotations are not checked")
    result = subprocess.run([mypy, "--strict", "python/imc"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
