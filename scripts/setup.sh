#!/usr/bin/env bash
# Installs what building and testing imc-mlir needs on Debian 12: compiler,
# MLIR and libraries from apt, Python packages into .venv. Idempotent: what is
# there already is left alone, so a second run takes a second.
#   scripts/setup.sh [demo|test]    test adds what only the tests need
set -euo pipefail
cd "$(dirname "$0")/.."
what="${1:-test}"

packages=(
  build-essential ninja-build cmake ccache git python3 python3-venv
  clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  protobuf-compiler libprotobuf-dev libyaml-cpp-dev libsqlite3-dev libzip-dev
  libgtest-dev libbenchmark-dev libcli11-dev
)
if [ "$what" = test ]; then
  # Sanitizer runtime, formatter, and a browser that looks at the report.
  packages+=(libclang-rt-22-dev clang-format-22 chromium)
fi

missing=()
for package in "${packages[@]}"; do
  status="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
  [ "$status" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing packages: ${missing[*]}" >&2; exit 1; }
    sudo=sudo
  fi
  echo "setup: installing ${missing[*]}"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The onnx wheel carries the .proto files that the importer is built from, the
# plotly wheel the script that reports inline; the rest is for the tests.
python=/usr/bin/python3
if [ ! -x .venv/bin/python ]; then
  "$python" -m venv .venv
fi
stamp=".venv/requirements.$what"
if ! cmp -s scripts/requirements.txt "$stamp"; then
  echo "setup: Python packages into .venv"
  .venv/bin/pip install -q --disable-pip-version-check -r scripts/requirements.txt
  cp scripts/requirements.txt "$stamp"
fi
