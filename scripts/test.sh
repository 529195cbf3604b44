#!/usr/bin/env bash
# The whole test command: sets up, builds, runs every test, prints the time of
# each part and, last, "N passed, N failed, N skipped". Exit status 1 on any failure.
#   IMC_TEST_ASAN=0   leaves out the AddressSanitizer/UBSan build and its tests
set -euo pipefail
cd "$(dirname "$0")/.."
parts=()
part() { # part NAME COMMAND...: runs it, remembers its seconds
  local name="$1" begin; shift
  begin=$(date +%s)
  echo "== $name"
  "$@"
  parts+=("$name=$(( $(date +%s) - begin ))")
}
part "set-up" scripts/setup.sh test
part "build (release)" scripts/build.sh release all imc-unittests
if [ "${IMC_TEST_ASAN:-1}" != 0 ]; then
  part "build (asan-ubsan)" scripts/build.sh asan-ubsan imc-opt imc imc-batch imc-translate imc-doc imc-unittests
fi
exec .venv/bin/python scripts/run_tests.py "${parts[@]/#/--part=}"
