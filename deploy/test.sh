#!/usr/bin/env bash
# Installs what is missing and runs every test: Swift's, then the main job against peers written in another language.
#   deploy/test.sh           everything
#   deploy/test.sh unit      Swift tests only
#   deploy/test.sh interop   the peers only; further arguments go to pytest
#   deploy/test.sh address   Swift tests under the address sanitizer
#   deploy/test.sh thread    Swift tests under the thread sanitizer, and a relay under it with its peers
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/dependencies.sh

part=${1:-all}
[ $# -gt 0 ] && shift
require_swift
install_packages "${build_packages[@]}" "${test_packages[@]}"
SLUICE_PYTHON=$(python_peers)
export SLUICE_PYTHON

unit() {
  deploy/generate-pubsub.sh --check
  [ $# -gt 0 ] && { swift test "$@"; return; }
  swift test --skip SimulationTests
}

# By itself: it wants both processors for a minute, which tests with deadlines should not have to share.
simulation() { swift test --skip-build --filter SimulationTests; }

interop() {
  SLUICE_BIN=$(build_release sluice)
  export SLUICE_BIN
  "$SLUICE_PYTHON" -m pytest Tests/Interop -q -n 2 --durations=5 "$@"
}

# With arguments: those Swift tests. The simulation is left out: it runs the relay on one thread. One target after another,
# since tests with deadlines should not have to share slow code with all the others.
thread() {
  local build=(--sanitize=thread --scratch-path .build/thread) mutex="$PWD/.build/thread/mutex.so"
  swift build --build-tests "${build[@]}"
  "$(dirname "$(readlink -f "$(command -v swift)")")/clang" -shared -fPIC -O1 -o "$mutex" Tests/ThreadSanitizer/mutex.c
  export LD_PRELOAD=$mutex TSAN_OPTIONS="halt_on_error=1 history_size=4"
  [ $# -gt 0 ] && { swift test --skip-build "${build[@]}" "$@"; return; }
  local target
  for target in Tests/*Tests; do
    target=$(basename "$target")
    [ "$target" = SimulationTests ] || swift test --skip-build "${build[@]}" --filter "^$target\\."
  done
  SLUICE_BIN=$PWD/.build/thread/debug/sluice "$SLUICE_PYTHON" -m pytest Tests/Interop/test_main_job.py -q
}

case "$part" in
  all)
    unit
    # Optimised, three times as many seeds take the same time. Built first: `set -e` sees no failure in front of a command.
    simulator=$(build_release sluice-simulation)
    SLUICE_SIMULATION=$simulator SLUICE_SIMULATION_SEEDS=1500 simulation
    interop
    ;;
  unit)
    unit "$@"
    [ $# -gt 0 ] || simulation
    ;;
  interop) interop "$@" ;;
  # Leaks are not looked for: the test library itself leaves some behind.
  address) ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build/address "$@" ;;
  thread) thread "$@" ;;
  *) fail "Unknown part '$part': all, unit, interop, address or thread." ;;
esac
