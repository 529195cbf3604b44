#!/usr/bin/env bash
# scripts/build.sh PRESET [TARGET...]: configures once, builds, leaves the tools in build*/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
preset="$1"; shift
dir=build; case "$preset" in asan-ubsan) dir=build-asan;; gcc) dir=build-gcc;; esac
[ -f "$dir/build.ninja" ] || cmake --preset "$preset" > "/tmp/imc-configure.$$.log" 2>&1 || { cat "/tmp/imc-configure.$$.log"; exit 1; }
rm -f "/tmp/imc-configure.$$.log"
ninja -C "$dir" --quiet "$@"
