#!/usr/bin/env bash
# Installs what is missing, builds, and shows the main job against the built-in emulator.
# Arguments go to `sluice demo`: for example --events 50 ends by itself after 50 deliveries.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/dependencies.sh

require_swift
install_packages "${build_packages[@]}"
echo "Building (the first time takes some minutes)"
sluice=$(build_release sluice)
echo "Built: $sluice"
exec "$sluice" demo "$@"
