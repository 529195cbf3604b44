"""The accounting of arXiv:2603.03880 from the command line: archived designs, limits, refusals."""
import json

import pytest

R1 = ["machine.vdd=0.6", "machine.cell_bits=8", "machine.cycle_time_ns=1", "machine.rows=512", "machine.cols=32",
      "machine.groups=8", "machine.tiles_per_group=64", "machine.macros_per_tile=32", "machine.glb_mib=1"]
R3 = ["machine.vdd=0.5", "machine.cell_bits=8", "machine.cycle_time_ns=1", "machine.rows=512", "machine.cols=128",
      "machine.groups=4", "machine.tiles_per_group=32", "machine.macros_per_tile=32", "machine.glb_mib=2"]
S9 = ["machine.vdd=0.5", "machine.cycle_time_ns=1", "machine.rows=512", "machine.cols=512",
      "machine.groups=1", "machine.tiles_per_group=2", "machine.macros_per_tile=16", "machine.glb_mib=1"]


def cost(tool, model, target, knobs):
    sets = [word for knob in knobs for word in ("--set", knob)]
    return json.loads(tool("imc", "cost", model, "--target", target, *sets, "--json", "-").stdout)


def rules(report):
    return {v["rule"]: v for v in report["violations"]}


# Imported networks, not typed layer tables; the archive says 481.598 and 452.921 mm2.
@pytest.mark.parametrize("knobs, area, records", [
    (R1, 481.598, {"resnet18": (22, 1.92534), "alexnet": (9, 0.74379)}),
    (R3, 452.921, {"resnet18": (28, 1.91339), "alexnet": (9, 0.73572)}),
])
def test_archived_rram_designs(tool, models, knobs, area, records):
    for name, (ns, mj) in records.items():
        report = cost(tool, models / f"{name}.onnx", "source-2026-rram", knobs)
        model = report["models"][0]
        assert report["area_mm2"] == pytest.approx(area, rel=0.012)
        assert model["latency_s"] == pytest.approx(ns * 1e-9, rel=1e-9)
        assert model["energy_j"] == pytest.approx(mj * 1e-3, rel=0.05)
        # Physics that stays on, by name.
        assert not report["feasible"]
        assert list(rules(report)) == ["power_density"]
        assert rules(report)["power_density"]["limit"] == 1
        assert rules(report)["power_density"]["unit"] == "W/mm2"
    if knobs is R1:
        report = cost(tool, models / "resnet18.onnx", "source-2026-rram", knobs)
        assert rules(report)["power_density"]["value"] == pytest.approx(182, rel=0.02)


def test_mobilenet_depthwise_groups(tool, models):
    report = cost(tool, models / "mobilenet_v3_large.onnx", "source-2026-rram", R3)
    assert report["models"][0]["latency_s"] == pytest.approx(488e-9, rel=1e-9)
    assert report["models"][0]["energy_j"] == pytest.approx(0.43521e-3, rel=0.05)


def test_closed_physics_disagrees(tool, models):
    """ResNet-18 on R3's knobs once arrays are owned by layers and reads take their pulse."""
    report = cost(tool, models / "resnet18.onnx", "rram-32nm", R3 + ["pass.replication=balanced"])
    assert report["models"][0]["latency_s"] > 28e-9
    # The very machine of the archive, only the accounting changed.
    report = cost(tool, models / "resnet18.onnx", "source-2026-rram",
                  R3 + ["machine.accounting.model=closed", "pass.replication=balanced"])
    assert report["models"][0]["latency_s"] > 28e-9


def test_gpt2_waits_for_its_weights(tool, shared):
    """355 MB through 34 GB/s cannot take the archived 86.6 us."""
    model = shared / "models" / "gpt2_medium.onnx"
    if not model.exists():
        pytest.skip(f"no {model}")
    report = cost(tool, model, "source-2026-sram", S9 + ["machine.accounting.model=closed"])
    assert report["models"][0]["latency_s"] >= 10e-3
    # Fetching overlaps with writing the cells; the longer of the two shows.
    times = report["models"][0]["latency_by_component_s"]
    assert times["memory"] + times["programming"] >= 10e-3
    assert report["models"][0]["energy_by_component_j"]["memory"] > 355e6 * 64e-12


def test_attention_has_no_price(tool, shared):
    model = shared / "models" / "gpt2_medium.onnx"
    if not model.exists():
        pytest.skip(f"no {model}")
    report = cost(tool, model, "source-2026-sram", S9)
    assert not report["feasible"]
    assert rules(report)["accounting"]["value"] == 48


def test_search_finds_the_published_optimum(tool, shared, tmp_path):
    """The search prices as `imc cost` does; 735 / 7 chips are feasible, as published."""
    networks = [shared / "models" / f"{name}.onnx" for name in ("resnet18", "vgg16", "alexnet", "mobilenet_v3_large")]
    (tmp_path / "space.yaml").write_text("""target: source-2026-rram
knobs:
  machine.rows: [32, 64, 128, 256, 512]
  machine.cols: [32, 64, 128, 256, 512]
  machine.groups: [1, 2, 4, 8, 16, 32]
  machine.tiles_per_group: [4, 8, 16, 32, 64]
  machine.macros_per_tile: [4, 8, 16, 32, 64, 128]
  machine.technology.max_power_density_w_mm2: [1000]
constraints:
  area_mm2: "<= 800"
objectives: [edap_js_mm2]
""")
    result = tool("imc", "search", *networks, "--space", tmp_path / "space.yaml", "--algorithm", "exhaustive",
                  "--aggregate", "max", "--seed", "1", "--budget", "10000", "--study", tmp_path / "study.db")
    out = result.stdout + result.stderr
    assert "4500 designs priced" in out
    assert "105 feasible" in out
    assert "1 rebuilt by the passes with equal cost" in out


def test_refusals(tool, models, tmp_path):
    model = models / "resnet18.onnx"
    for setting, words in [("machine.accounting.model=source-2025", ["accounting.model", "closed, source-2026"]),
                           ("machine.accounting.cell_pj=0", ["accounting.cell_pj", "source-2026"]),
                           ("machine.accounting.tile_area_mm2=-5", ["accounting.tile_area_mm2", "-1 to 1000 mm2"])]:
        result = tool("imc", "cost", model, "--target", "source-2026-rram", "--set", setting, check=False)
        assert result.returncode != 0
        for word in words:
            assert word in result.stderr
    result = tool("imc", "cost", model, "--target", "rram-32nm", "--set", "machine.accounting.model=source-2026",
                  check=False)
    assert result.returncode != 0 and "accounting.cell_area_um2" in result.stderr
