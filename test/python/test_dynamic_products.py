"""Products of two activations on transformers: lanes, arrays that are written each time, or the better one."""
import json

import pytest
from conftest import run_tool

MODELS = {"digits_causal_N": ("trained-small/digits_causal_N.onnx", "--shape", "N=1"),
          "gpt2_tiny_o20": ("gpt2_tiny_o20.onnx",)}


def arguments(shared, name, target, choice):
    path, *shape = MODELS[name]
    return [shared / "models" / path, *shape, "--target", target, "--set", f"pass.dynamic_products={choice}"]


def cost(shared, name, target, choice, *options):
    result = run_tool("imc", "cost", *arguments(shared, name, target, choice), *options, "--json", "-", check=False)
    assert result.stdout, result.stderr
    return json.loads(result.stdout)


def products(report):
    """The layers that multiply activations: they have MACs whatever runs them."""
    return {layer["name"]: layer for layer in report["models"][0]["layers"]}


@pytest.mark.parametrize("name", MODELS)
def test_arrays_against_lanes(shared, name):
    reports = {choice: cost(shared, name, "sram-32nm", choice) for choice in ("digital", "arrays", "auto")}
    layers = {choice: products(report) for choice, report in reports.items()}
    moved = [n for n, layer in layers["arrays"].items() if layer["arrays"] != layers["digital"][n]["arrays"]]
    assert moved, "no product of two activations"
    print(f"\n{name} on sram-32nm: {len(moved)} products of two activations")
    for choice, report in reports.items():
        model = report["models"][0]
        print(f"  {choice:8} {model['energy_j'] * 1e6:10.3f} uJ {model['latency_s'] * 1e6:10.3f} us")
        assert model["macs"] == reports["digital"]["models"][0]["macs"]

    for n in moved:
        assert layers["digital"][n]["arrays"] == 0 and layers["arrays"][n]["arrays"] > 0
        assert layers["auto"][n] in (layers["digital"][n], layers["arrays"][n])
    for n in layers["digital"]:
        if n not in moved:
            assert layers["digital"][n] == layers["arrays"][n] == layers["auto"][n]
    programming = [report["models"][0]["energy_by_component_j"]["programming"] for report in reports.values()]
    assert programming[1] > programming[0] and programming[1] >= programming[2] >= programming[0]


@pytest.mark.parametrize("name", MODELS)
def test_rram_wears_out(shared, name):
    assert not rules(cost(shared, name, "rram-32nm", "digital"))
    report = cost(shared, name, "rram-32nm", "arrays")
    assert rules(report) == ["endurance"]
    violation = report["violations"][0]
    print(f"\n{name} on rram-32nm: {violation['value']:.3g} years, at least {violation['limit']} wanted")
    assert violation["unit"] == "years" and violation["limit"] == 3
    # 10^6 writes of cells that are written at least once per inference.
    seconds = violation["value"] * 365.25 * 86400
    assert 0 < seconds <= 1e6 * report["models"][0]["latency_s"] * 1.000001
    text = run_tool("imc", "cost", *arguments(shared, name, "rram-32nm", "arrays"), check=False)
    assert "endurance" in text.stdout + text.stderr and "years" in text.stdout + text.stderr
    # The automatic choice leaves such cells alone.
    assert cost(shared, name, "rram-32nm", "auto")["models"] == cost(shared, name, "rram-32nm", "digital")["models"]
    # Cells that last.
    assert not rules(cost(shared, name, "rram-32nm", "arrays", "--set", "machine.cell.endurance_writes=1e18"))


def rules(report):
    return [violation["rule"] for violation in report["violations"]]
