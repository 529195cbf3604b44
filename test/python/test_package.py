"""The Python package: commands as functions, ask/tell, executors, exports, the notebook; adapters where they are installed."""
import concurrent.futures
import importlib.util
import itertools
import json
import math
import os
import subprocess
import sys
import time

import numpy
import pytest
from conftest import BIN, ROOT

sys.path.insert(0, str(ROOT / "python"))
import imc  # noqa: E402

KNOBS = {"x": list(range(20)), "y": [0.0, 0.5, 1.0, 1.5], "kind": ["a", "b"], "bits": imc.Knob([1, 2, 4, 8], when={"kind": ["b"]})}
SPACE = """
target: sram-32nm
knobs:
  machine.rows: [64, 128, 256]
  machine.adc_bits: [6, 7, 8]
  pass.weight_bits: [6, 8]
  pass.replication: [none, balanced]
constraints: {sqnr_db: ">= 10"}
objectives: [energy_j, latency_s]
"""


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setenv("IMC_BIN", str(BIN))


@pytest.fixture
def glyphs(models):
    return models / "trained-small/glyphs_resnet8.onnx"


@pytest.fixture
def space(tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path / "space.yaml"


def measure(design):
    """Two objectives with a known front; fails in every way that evaluators fail."""
    x, y, bits = design["x"], design["y"], design.get("bits", 1)
    if x == 19:
        raise ValueError("nineteen")
    if x == 18:
        return [math.nan, 1.0]
    if x == 17:
        return imc.Infeasible(0.5, ["limit"])
    return [1 + x + y + bits, 30 - x + y + bits]


def optimizer(budget=160, **options):
    return imc.Optimizer(KNOBS, ["cost", "delay"], constraints=["limit"], budget=budget, seed=1, algorithm="exhaustive" if budget >= 400 else "nsga2",
                         **({} if budget >= 400 else {"options": {"population": 20}}), **options)


def test_failures_never_enter_the_front_and_are_kept(tmp_path):
    with optimizer(budget=400, study=tmp_path / "s.db") as search:
        front = imc.minimize(measure, search)
        failures = search.failures
    # 20 x 4 x (kind a: 1, kind b: 4) designs; the front is y = 0 and one bit, for x up to 16.
    assert sorted(p.objectives[0] for p in front) == [2.0 + x for x in range(17)]
    assert "bits" not in next(p for p in front if p.design["kind"] == "a").design
    assert len(failures) == 40 and {f.split(":")[0] for f in failures.values()} == {"ValueError", "objective 'cost' is \"nan\", which is no number"}
    with imc.Study(tmp_path / "s.db") as study:
        rows = list(study.evaluations())
    assert len(rows) == 400
    assert sum(any(v.startswith("failure: ValueError: nineteen") for v in row.violations) for row in rows) == 20
    assert all(row.violation > 0 for row in rows if row.design["x"] >= 17)


@pytest.mark.parametrize("pool", [concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor])
def test_executors_do_not_change_the_result(pool):
    with optimizer() as search:
        alone = imc.minimize(measure, search)
    with optimizer() as search, pool(2) as executor:
        assert imc.minimize(measure, search, executor=executor, batch=3) == alone


def test_resuming_asks_only_what_is_unknown(tmp_path):
    seen = []

    def counted(design):
        seen.append(dict(design))
        return measure(design)

    with optimizer(study=tmp_path / "whole.db") as search:
        expected = imc.minimize(counted, search)
    everything, first = list(seen), None
    seen.clear()
    with optimizer(study=tmp_path / "cut.db") as search:
        for trial in search.ask(20):
            search.tell(trial, imc.Failure("x") if first else imc.Infeasible(0.5, ["limit"]) if trial.design["x"] == 17 else
                        imc.Failure("ValueError: nineteen") if trial.design["x"] == 19 else measure(trial.design))
    with optimizer(study=tmp_path / "cut.db", resume=True) as search:
        assert imc.minimize(counted, search) == expected
    assert seen == everything[20:]
    exports = [subprocess.run([BIN / "imc", "study", "export", tmp_path / f"{name}.db", "-o", "-", "--format", "csv"], capture_output=True, check=True).stdout
               for name in ("whole", "cut")]
    assert exports[0] == exports[1]


def test_commands_that_hang_or_fail_are_failures(tmp_path):
    (tmp_path / "slow.py").write_text("import json, sys, time\nd = json.load(sys.stdin)\n"
                                      "if d['x'] == 0: time.sleep(60)\nif d['x'] == 1: sys.exit('broken')\nprint([d['x'], 'no' if d['x'] == 2 else 1])")
    evaluate = imc.CommandEvaluator([sys.executable, tmp_path / "slow.py"], timeout=6)
    begin = time.monotonic()
    with imc.Optimizer({"x": [0, 1, 2, 3]}, ["a", "b"], budget=4, seed=1, algorithm="exhaustive") as search:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            front = imc.minimize(evaluate, search, executor=pool)
        reasons = " | ".join(search.failures.values())
    assert time.monotonic() - begin < 30
    assert [p.objectives for p in front] == [(3.0, 1.0)]
    assert "took longer than 6 s" in reasons and "broken" in reasons and "no list of numbers" in reasons


def test_hung_tasks_are_given_up():
    def slow(design):
        time.sleep(1.5 if design["x"] == 1 else 0)
        return [design["x"]]

    with imc.Optimizer({"x": [1, 2, 3]}, ["a"], budget=3, seed=1, algorithm="exhaustive") as search, concurrent.futures.ThreadPoolExecutor(3) as pool:
        front = imc.minimize(slow, search, executor=pool, timeout=0.5)
        assert [p.objectives for p in front] == [(2.0,)]
        assert list(search.failures.values()) == ["no answer within 0.5 s"]


@pytest.mark.parametrize("arguments, part", [
    (dict(knobs={}), "knob"), (dict(knobs={"x": []}), "'x'"), (dict(knobs={"x": [1, 1]}), "twice"), (dict(objectives=[]), "objective"),
    (dict(budget=0), "budget"), (dict(algorithm="magic"), "magic"), (dict(knobs={"x": imc.Knob([1], when={"y": [1]})}), "must stand before"),
    (dict(study="no/such/folder.db"), "folder.db")])
def test_wrong_searches_are_refused(arguments, part):
    with pytest.raises(imc.IMCError, match=part):
        imc.Optimizer(**{"knobs": {"x": [1, 2]}, "objectives": ["a"], "budget": 5, "seed": 1} | arguments)


def test_wrong_answers_are_refused():
    with imc.Optimizer({"x": [1, 2]}, ["a"], budget=2, seed=1, algorithm="exhaustive") as search:
        trial = search.ask(1)[0]
        for answer, part in [([1, 2], "1 numbers"), (imc.Infeasible(1, ["none"]), "unknown constraint"), (imc.Infeasible(1, []), "names its")]:
            with pytest.raises(imc.IMCError, match=part):
                search.tell(trial, answer)
        search.tell(trial, [1.0])
        with pytest.raises(imc.IMCError, match="answered already"):
            search.tell(trial, [1.0])


def test_chip_prices_are_those_of_cost(glyphs, space):
    with imc.ChipProblem([glyphs], space) as chip:
        every = itertools.product(*(knob.values for knob in chip.knobs.values()))
        designs = [dict(zip(chip.knobs, choice, strict=True)) for choice in every][::4]
        answers = chip.evaluate(designs)
    priced = 0
    for design, answer in zip(designs, answers, strict=True):
        cost = imc.cost(glyphs, "sram-32nm", knobs=design)
        if isinstance(answer, imc.Infeasible):
            assert answer.violations
            continue
        priced += 1
        assert answer == [cost["models"][0]["energy_j"], cost["models"][0]["latency_s"]]
    assert priced


def test_commands_as_functions(glyphs, space, tmp_path):
    assert "sram-32nm" in imc.targets()
    assert 'imc.phase = "tiled"' in imc.compile(glyphs, "sram-32nm", to="tiled")
    assert imc.import_model(glyphs, output=tmp_path / "m.mlir") is None
    image = numpy.random.default_rng(1).random((1, 1, 28, 28), dtype=numpy.float32)
    shape = json.loads(imc.run("cost", glyphs, "--target", "sram-32nm", "--json", "-"))["models"][0]["layers"][0]["shape"]
    assert shape
    outputs = imc.run_model(glyphs, [image])
    again = imc.run_model(tmp_path / "m.mlir", [image])
    assert len(outputs) == 1 and numpy.array_equal(outputs[0], again[0])
    with pytest.raises(imc.IMCError, match="no-such-target"):
        imc.cost(glyphs, "no-such-target")
    assert imc.space(space)["size"] == 36


def test_studies_become_arrays_and_tables(glyphs, space, tmp_path):
    front = imc.search([glyphs], space, budget=36, seed=1, algorithm="exhaustive", study=tmp_path / "s.db")
    with imc.Study(tmp_path / "s.db") as study:
        arrays = study.arrays()
        study.to_csv(tmp_path / "s.csv")
        study.to_json(tmp_path / "s.json")
        feasible = arrays["violation"] == 0
        assert len(feasible) == 36
        assert min(p.objectives["energy_j"] for p in front.points) == arrays["energy_j"][feasible].min()
        assert len((tmp_path / "s.csv").read_text().splitlines()) == 37
        if importlib.util.find_spec("pyarrow"):
            import pyarrow.parquet
            study.to_parquet(tmp_path / "s.parquet")
            table = pyarrow.parquet.read_table(tmp_path / "s.parquet")
            assert table.column("energy_j").to_pylist() == [None if math.isnan(v) else v for v in arrays["energy_j"].tolist()]
        if importlib.util.find_spec("optuna"):
            import optuna
            exported = study.to_optuna()
            assert len(exported.trials) == 36
            assert {t.state for t in exported.trials} <= {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL}
            best = {t.user_attrs["imc_id"] for t in exported.best_trials}
            assert best == {p.id for p in front.points} or len(best) >= 1


@pytest.mark.parametrize("library, adapter", [("optuna", "OptunaOptimizer"), ("pymoo", "PymooOptimizer"), ("nevergrad", "NevergradOptimizer"),
                                              ("botorch", "BoTorchOptimizer")])
def test_adapters_find_the_front(library, adapter):
    if not importlib.util.find_spec(library):
        pytest.skip(f"no {library}: its adapter is not tested (pip install -r scripts/requirements-adapters.txt)")
    import imc.adapters
    knobs = {"x": list(range(20)), "y": [0.0, 0.5, 1.0, 1.5], "kind": ["a", "b"]}
    budget = 90 if library == "botorch" else 300
    search = getattr(imc.adapters, adapter)(knobs, ["cost", "delay"], budget=budget, seed=1)
    front = imc.minimize(measure, search, generation=budget // 6)
    assert search.asked == budget
    assert all(point.design["x"] < 17 for point in front)
    # Every point on y = 0 is optimal; random designs would have a quarter of them there.
    assert sum(point.design["y"] == 0 for point in front) >= len(front) / 2
    with pytest.raises(ValueError, match="imc.Optimizer"):
        getattr(imc.adapters, adapter)(KNOBS, ["cost"], budget=3, seed=1)


def test_botorch_minimizes_one_objective():
    if not importlib.util.find_spec("botorch"):
        pytest.skip("no botorch: its adapter is not tested (pip install -r scripts/requirements-adapters.txt)")
    import imc.adapters
    knobs = {"x": list(range(20)), "y": [0.0, 0.5, 1.0, 1.5], "kind": ["a", "b"]}
    runs = []
    for _ in range(2):
        search = imc.adapters.BoTorchOptimizer(knobs, ["cost"], budget=30, seed=3)
        # Random designs meet the best two of 160 in one of three runs of 30.
        front = imc.minimize(lambda design: [1 + abs(design["x"] - 11) + design["y"]], search, generation=3)
        assert [(p.design["x"], p.design["y"]) for p in front] == [(11, 0.0)]
        runs.append([p.objectives for p in front])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("library", ["ray", "distributed"])
def test_clusters_do_not_change_the_result(library):
    if not importlib.util.find_spec(library):
        pytest.skip(f"no {library}: its executor is not tested (pip install -r scripts/requirements-adapters.txt)")
    with optimizer() as search:
        alone = imc.minimize(measure, search)
    if library == "ray":
        import ray
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": f"{ROOT / 'python'}:{ROOT / 'test/python'}"}})
        executor = imc.ray_executor()
    else:
        executor = imc.dask_executor(n_workers=2, threads_per_worker=1, dashboard_address=None)
    try:
        with optimizer() as search:
            assert imc.minimize(measure, search, executor=executor, batch=5) == alone
    finally:
        if library == "ray":
            ray.shutdown()
        else:
            executor._client.close()


def test_notebooks_run(tmp_path):
    """Cells in order in one interpreter, as a kernel runs them."""
    notebooks = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
        program = "\n".join("".join(cell["source"]) for cell in cells)
        result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120,
                                env={**os.environ, "PYTHONPATH": str(ROOT / "python")})
        assert result.returncode == 0, f"{notebook.name}: {result.stderr}"
        assert "Point(design=" in result.stdout


def test_wheel_ships_the_tools(glyphs, tmp_path):
    """Builds the project once more; the wheel alone, in an empty environment, compiles and searches."""
    if not os.environ.get("IMC_TEST_WHEEL"):
        pytest.skip("building a wheel compiles everything: set IMC_TEST_WHEEL=1, or to a wheel that is built already")
    wheel = os.environ["IMC_TEST_WHEEL"]
    if not wheel.endswith(".whl"):
        subprocess.run([sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-w", tmp_path], cwd=ROOT, check=True)
        wheel = str(next(tmp_path.glob("imc-*.whl")))
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", tmp_path / "env"], check=True)
    python = tmp_path / "env/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    (tmp_path / "space.yaml").write_text(SPACE)
    program = ("import imc, pathlib; assert 'site-packages' in imc.__file__, imc.__file__; assert '_tools' in imc.find_tool();"
               f"front = imc.search([{str(glyphs)!r}], 'space.yaml', budget=36, seed=1, algorithm='exhaustive'); print(len(front.points), front.search.optimum)")
    environment = {key: value for key, value in os.environ.items() if key not in ("IMC_BIN", "PYTHONPATH")}
    result = subprocess.run([python, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.endswith("proven\n"), result.stderr
    version = subprocess.run([tmp_path / "env/bin/imc", "--version"], env=environment, capture_output=True, text=True)
    assert version.stdout.startswith("imc-mlir")
