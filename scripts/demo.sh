#!/usr/bin/env bash
# The demo: sets up, builds, searches chip and compiler decisions jointly for
# four ImageNet networks and a small trained one, and leaves in out/:
#   front.json report.html study.db     the search
#   chosen/                             the design with the least energy x delay x area: its
#                                       compiled modules and its cost report
set -euo pipefail
cd "$(dirname "$0")/.."
begin=$(date +%s)
scripts/setup.sh demo
scripts/build.sh release imc imc-opt
echo "set-up and build: $(( $(date +%s) - begin )) s"

models=(models/resnet18.onnx models/vgg16.onnx models/alexnet.onnx
        models/mobilenet_v3_large.onnx models/trained-small/glyphs_resnet8.onnx)
mkdir -p out
rm -rf out/chosen out/study.db out/study.db-wal out/study.db-shm
begin=$(date +%s)
build/bin/imc search "${models[@]}" --space spaces/rram-joint.yaml --aggregate geomean \
  --budget "${IMC_DEMO_BUDGET:-20000}" --seed 1 --jobs 2 \
  --study out/study.db --front out/front.json --report out/report.html

# The chosen design, rebuilt by the real passes.
mapfile -t sets < <(.venv/bin/python scripts/chosen_design.py out/front.json)
build/bin/imc compile "${models[@]}" --target rram-32nm "${sets[@]}" --to costed -o out/chosen
build/bin/imc cost "${models[@]}" --target rram-32nm "${sets[@]}" --json out/chosen/cost.json > out/chosen/cost.txt
echo "search, compilation and reports: $(( $(date +%s) - begin )) s"
echo "wrote out/report.html out/front.json out/study.db out/chosen/"
