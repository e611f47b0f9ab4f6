# Sourced by demo.sh and test.sh: installs what is missing, and says in one line what it cannot.

build_packages=(build-essential pkg-config git libcurl4-openssl-dev libssl-dev libnghttp2-dev libprotobuf-c-dev
  protobuf-c-compiler libre2-dev libsqlite3-dev zlib1g-dev)
test_packages=(python3 python3-venv tinyproxy nginx-light haproxy openssl)

fail() {
  echo "$1" >&2
  exit 3
}

require_swift() {
  command -v swift >/dev/null || fail "Swift 6.2 or later is missing: install it from swift.org and put it on PATH."
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
  read -r major minor <<<"$version"
  if [ "${major:-0}" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    fail "Swift 6.2 or later is needed, this is $(swift --version 2>/dev/null | head -n 1)."
  fi
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "Missing: ${missing[*]}. This is no Debian system: install them by hand."
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "Missing: ${missing[*]}. Run as root, or: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  echo "Installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq >/dev/null || true
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || fail "Could not install ${missing[*]}: see the lines of apt-get above."
}

# Test peers in a virtual environment of their own; prints its python.
python_peers() {
  local venv=.build/peers requirements=Tests/Interop/requirements.txt
  if ! cmp -s "$requirements" "$venv/installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2 || fail "Could not make a Python environment: apt-get install python3-venv."
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2 ||
      fail "Could not install the Python test peers named in $requirements by pip."
    cp "$requirements" "$venv/installed"
  fi
  echo "$PWD/$venv/bin/python"
}

# The product as it is released: optimised, with the Swift runtime inside. Prints its path.
build_release() {
  swift build --configuration release --static-swift-stdlib --product "$1" >&2 || fail "The build failed; see above."
  echo "$(swift build --configuration release --static-swift-stdlib --show-bin-path)/$1"
}
