"""Checks that what `imc cost --json` explains adds up to what it says."""
import json
import math
import sys

report = json.load(sys.stdin)
for model in report["models"]:
    energy = {}
    for layer in model["layers"]:
        parts = layer["energy_by_component_j"]
        assert math.isclose(sum(parts.values()), layer["energy_j"], rel_tol=1e-12), layer["name"]
        for name, value in parts.items():
            energy[name] = energy.get(name, 0) + value
        streams = layer["latency_by_stream_s"]
        assert streams.keys() == model["latency_by_component_s"].keys()
        assert layer["bound_by"] in streams and layer["next_bound"] in streams
        assert max(streams.values()) <= layer["latency_s"] * (1 + 1e-12), layer["name"]
        phases = layer["latency_phases"]
        assert phases.keys() == {"program_s", "fill_s", "steady_s", "chain_s", "drain_s"}
        assert min(phases.values()) >= -1e-12 * layer["latency_s"], layer["name"]
        assert math.isclose(sum(phases.values()), layer["latency_s"], rel_tol=1e-12), layer["name"]
        assert 0 <= layer["slack_s"] <= layer["latency_s"]
        assert 0 <= layer["utilization"] <= 1 and 0 <= layer["compute_share"] <= 1 + 1e-12
        roof = layer["roofline"]
        assert roof["attained_macs_per_s"] <= roof["roof_macs_per_s"] * (1 + 1e-12) <= roof["peak_macs_per_s"] * (1 + 1e-11)
        if layer["macs"]:
            level = roof["global_buffer"]
            assert math.isclose(level["macs_per_byte"] * level["bytes_per_s"], level["macs_per_s"], rel_tol=1e-12)
            assert math.isclose(roof["attained_macs_per_s"], layer["macs"] / layer["latency_s"], rel_tol=1e-12)
    for name, value in model["energy_by_component_j"].items():
        assert math.isclose(energy[name], value, rel_tol=1e-9), name
    knobs = {row["knob"]: row for row in model["sensitivity"]}
    assert len(knobs) == len(model["sensitivity"]) >= 18, knobs.keys()
    assert knobs["machine.cycle_time_ns"]["down"]["new_violations"] == ["cycle_time"]
    assert knobs["machine.adc_bits"]["down"]["change"]["sqnr_db"] < 0
    sizes = [max([abs(step["change"]["edap_js_mm2"]) for step in (row["down"], row["up"]) if step and "change" in step],
                 default=0) for row in model["sensitivity"]]
    assert sizes == sorted(sizes, reverse=True), sizes
print("adds up")
