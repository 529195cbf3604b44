"""`layer.NAME.adc_bits`: converters that stop early for one layer, in values, prices, programs and searches."""
import json
import re

import numpy as np
import pytest
from test_run_models import save_inputs, small_model

CHIP = ["--target", "rram-32nm", "--set", "machine.adc.bits=10"]


def own(bits, layers):
    return [word for layer in layers for word in ("--set", f"layer.{layer}.adc_bits={bits}")]


@pytest.fixture
def network(models, tmp_path):
    model, arguments, x, _ = small_model(models, "digits_cnn_N", 8)
    return model, arguments, save_inputs(tmp_path / "in", x)


def priced(tool, model, arguments, *settings):
    return json.loads(tool("imc", "cost", model, *arguments, *CHIP, *settings, "--json", "-").stdout)


def products(cost):
    return {layer["name"]: layer for layer in cost["models"][0]["layers"] if layer["op"] in ("conv2d", "matmul")}


def test_values(tool, network, tmp_path):
    """All layers with b bits of their own are pass.adc_bits = b; one alone is neither; programs execute the same."""
    model, arguments, inputs = network
    names = list(products(priced(tool, model, arguments)))

    def run(name, *settings):
        tool("imc", "run", model, *arguments, "--input", inputs, "--output", tmp_path / name, *CHIP, *settings)
        return np.load(tmp_path / name / "output_0.npy")
    lossless = run("lossless", "--at", "tiled")
    common = run("common", "--at", "tiled", "--set", "pass.adc_bits=5")
    assert not np.array_equal(lossless, common)
    assert np.array_equal(run("all", "--at", "tiled", *own(5, names)), common)
    one = run("one", "--at", "tiled", *own(5, names[:1]))
    assert not np.array_equal(one, common) and not np.array_equal(one, lossless)
    rest = run("rest", "--at", "tiled", "--set", "pass.adc_bits=10", *own(5, names))
    assert np.array_equal(rest, common)
    for schedule in ("layers", "stream"):
        executed = run(schedule, "--at", "scheduled", "--program", schedule, *own(5, names[:1]))
        assert np.array_equal(executed, one), schedule
    simulated = run("simulated", "--at", "tiled", "--arrays", "simulated", *own(5, names[:1]))
    assert np.array_equal(simulated, one)


def test_prices(tool, network, tmp_path):
    """Conversions of one layer cost less, nothing else does; passes, program and simulation agree."""
    model, arguments, _ = network
    plain = priced(tool, model, arguments)
    names = list(products(plain))
    settings = own(5, names[:1])
    mixed, common = priced(tool, model, arguments, *settings), priced(tool, model, arguments, "--set", "pass.adc_bits=5")
    a, b, c = products(plain), products(mixed), products(common)
    assert a[names[1]] == b[names[1]]
    first = [p[names[0]]["energy_by_component_j"] for p in (a, b, c)]
    assert first[1]["adc"] == first[2]["adc"] < first[0]["adc"]
    assert {k: v for k, v in first[1].items() if k != "adc"} == {k: v for k, v in first[0].items() if k != "adc"}
    assert plain["area_mm2"] == mixed["area_mm2"] and mixed["feasible"]
    quality = [m["models"][0]["sqnr_db"] for m in (common, mixed, plain)]
    assert quality[0] < quality[1] < quality[2]
    assert mixed["models"][0]["adc_lost_bits"] == common["models"][0]["adc_lost_bits"]
    assert mixed["models"][0]["adc_error_bound"] == common["models"][0]["adc_error_bound"] > 0

    costed = tmp_path / "costed.mlir"
    tool("imc", "compile", model, *arguments, *CHIP, *settings, "--to", "costed", "-o", costed)
    header = next(line for line in costed.read_text().splitlines() if line.startswith("module "))
    for figure in ("energy_j", "latency_s", "sqnr_db", "adc_error_bound"):
        assert float(re.search(rf"\b{figure} = ([-+.\deE]+) : f64", header).group(1)) == mixed["models"][0][figure], figure

    for form in ("p.txt", "p.imcp"):
        tool("imc", "compile", model, *arguments, *CHIP, *settings, "--program", tmp_path / form)
        for source in ([model, *arguments, *settings], [tmp_path / form]):
            report = json.loads(tool("imc", "simulate", *source, *CHIP, "--json", "-").stdout)
            adc = mixed["models"][0]["energy_by_component_j"]["adc"]
            assert report["energy_j"]["adc"] == pytest.approx(adc, rel=1e-12), source
    assert re.search(r"^product 0 .* adc_bits=5", (tmp_path / "p.txt").read_text(), re.M)


def test_searches(tool, network, tmp_path):
    model, arguments, _ = network
    names = list(products(priced(tool, model, arguments)))
    space = tmp_path / "space.yaml"
    space.write_text(f"target: rram-32nm\nknobs:\n  machine.adc.bits: [8, 10]\n  layer.{names[0]}.adc_bits: [4, 6, 8]\n"
                     f"  layer.{names[1]}.adc_bits: {{values: [5, 8], when: {{machine.adc.bits: [10]}}}}\n"
                     "constraints:\n  sqnr_db: '>= 0'\nobjectives: [energy_j, latency_s]\n")
    assert "3 knobs (1 conditional), 9 designs" in tool("imc", "space", space, "--model", model, *arguments).stdout
    front = json.loads(tool("imc", "search", model, *arguments, "--space", space, "--algorithm", "exhaustive", "--budget", 9,
                            "--front", "-").stdout)
    assert front["search"]["evaluated"] == 9 and front["search"]["verified"] == len(front["points"]) >= 1


@pytest.mark.parametrize("settings, message", [
    (["--set", "layer.absent.adc_bits=5"], "has no layer 'absent' with stored weights"),
    (["--set", "layer.first.adc_bits=0"], "layer 'first': adc_bits = 0 is out of range; it takes 1 to 16"),
])
def test_refuses_by_name(tool, network, settings, message):
    model, arguments, _ = network
    refused = tool("imc", "cost", model, *arguments, *CHIP, *settings, check=False)
    assert refused.returncode == 1 and message in refused.stderr, refused.stderr


def test_chips_are_built_for_the_bits_of_all(tool, network, tmp_path):
    model, arguments, _ = network
    name = next(iter(products(priced(tool, model, arguments))))
    settings = ["--set", "pass.adc_bits=6", *own(7, [name])]
    cost = priced(tool, model, arguments, *settings)
    assert not cost["feasible"]
    assert [(v["rule"], v["value"], v["limit"]) for v in cost["violations"]] == [("adc_bits", 7, 6)]
    refused = tool("imc", "compile", model, *arguments, *CHIP, *settings, "-o", tmp_path / "m.mlir", check=False)
    assert refused.returncode == 1
    assert "'imc.adc_bits' breaks rule 'adc_bits': 7 with a limit of 6 bit; take 6 or fewer, or raise pass.adc_bits" in refused.stderr
    refused = tool("imc", "simulate", model, *arguments, *CHIP, *settings, check=False)
    assert refused.returncode == 1 and f"layer '{name}' has conversions of 7 bits, the limit is 6" in refused.stderr
