#!/usr/bin/env bash
# Installs what is missing and runs every test: Swift's, then the main job against peers written in another language.
#   deploy/test.sh           everything
#   deploy/test.sh unit      Swift tests only
#   deploy/test.sh interop   the peers only; further arguments go to pytest
#   deploy/test.sh address   Swift tests under the address sanitizer
#   deploy/test.sh thread    Swift tests under the thread sanitizer, which does not understand Synchronization.Mutex:
#                            races that it reports inside withLock are none
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
  # The simulation wants both processors for a minute, which tests with deadlines should not have to share.
  swift test --skip SimulationTests
  swift test --skip-build --filter SimulationTests
}

interop() {
  SLUICE_BIN=$(build_release sluice)
  export SLUICE_BIN
  "$SLUICE_PYTHON" -m pytest Tests/Interop -q -n 2 --durations=5 "$@"
}

case "$part" in
  all)
    unit
    interop
    ;;
  unit) unit "$@" ;;
  interop) interop "$@" ;;
  # Leaks are not looked for: the test library itself leaves some behind.
  address) ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build/address "$@" ;;
  thread) swift test --sanitize=thread --scratch-path .build/thread "$@" ;;
  *) fail "Unknown part '$part': all, unit, interop, address or thread." ;;
esac
