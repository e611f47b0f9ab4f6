#!/usr/bin/env bash
# Regenerates Sources/CPubSub from schemas/pubsub_api.proto. With --check it only compares, and exits 1 on a difference.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v protoc-c >/dev/null || { echo "protoc-c is missing: apt-get install protobuf-c-compiler" >&2; exit 3; }

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
protoc-c --proto_path=schemas --c_out="$out" pubsub_api.proto

if [ "${1:-}" = --check ]; then
  cmp "$out/pubsub_api.pb-c.c" Sources/CPubSub/pubsub_api.pb-c.c
  cmp "$out/pubsub_api.pb-c.h" Sources/CPubSub/include/pubsub_api.pb-c.h
  echo "Sources/CPubSub is current"
else
  mkdir -p Sources/CPubSub/include
  mv "$out/pubsub_api.pb-c.c" Sources/CPubSub/
  mv "$out/pubsub_api.pb-c.h" Sources/CPubSub/include/
fi
