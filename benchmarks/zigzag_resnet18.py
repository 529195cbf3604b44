"""Prices ResNet-18 on ZigZag's analog template with ZigZag and with imc in the same run, and prints the ratio of rates.

ZigZag (zigzag-dse, its own hardware, mapping and ONNX files, energy-optimal, few temporal loops) evaluates one design per
call; build/benchmarks/price_macros prices random designs around the same template. Both rates are per CPU-second of one
process. What a design costs is not compared here (ZigZag searches temporal mappings for one macro with a buffer and a
DRAM); that the template's own figures agree is a test.

  python3 -m venv ZZ && ZZ/bin/pip install zigzag-dse==3.9.1 six==1.17.0
  ZZ/bin/python benchmarks/zigzag_resnet18.py
"""
import importlib.metadata
import logging
import pathlib
import re
import subprocess
import tempfile
import time

import zigzag
from zigzag.api import get_hardware_performance_zigzag

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    logging.disable(logging.CRITICAL)
    inputs = pathlib.Path(zigzag.__file__).parent / "inputs"
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        result = get_hardware_performance_zigzag(
            str(inputs / "workload" / "resnet18.onnx"), str(inputs / "hardware" / "aimc.yaml"),
            str(inputs / "mapping" / "default_imc.yaml"), opt="energy", dump_folder=folder, lpf_limit=3,
            in_memory_compute=True, loma_show_progress_bar=False)
        seconds = time.process_time() - begin
    energy, latency = result[:2]
    print(f"zigzag-dse {importlib.metadata.version('zigzag-dse')}: ResNet-18, {energy * 1e-9:.5f} mJ, {latency:.0f} cycles, "
          f"{seconds:.1f} CPU-seconds: {1 / seconds:.4f} designs per CPU-second")
    text = subprocess.run([ROOT / "build" / "benchmarks" / "price_macros"], check=True, stdout=subprocess.PIPE, text=True).stdout
    print(text, end="")
    ours = float(re.search(r"^ResNet-18: (\d+) per CPU-second", text, re.M)[1])
    print(f"ratio: {ours * seconds:.3g}")


if __name__ == "__main__":
    main()
