#!/usr/bin/env bash
# Installs the Debian packages that krbscope needs and that are not there yet.
#
#   tools/deps.sh build    what compiles the program
#   tools/deps.sh test     that, and what the tests and checks need
#
# As root or with sudo. With everything in place it asks nobody and needs no network.
set -euo pipefail

build_packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    libpcap-dev heimdal-multidev libarchive-dev libjansson-dev nettle-dev zlib1g-dev libxml2-dev
    libcap-ng-dev libseccomp-dev libjemalloc-dev
)
test_packages=(
    libcriterion-dev python3 python3-jsonschema tshark tcpdump tcpreplay iproute2
    rsyslog prometheus libcap2-bin systemd-container
    chromium chromium-driver python3-selenium tidy ruby-mdl zsh fish
    clang libclang-rt-14-dev clang-tidy clang-format cppcheck shellcheck mandoc
)

case "${1:-}" in
build) wanted=("${build_packages[@]}") ;;
test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
*)
    echo "usage: tools/deps.sh build|test" >&2
    exit 2
    ;;
esac

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "krbscope: this is no Debian; install what corresponds to: ${missing[*]}" >&2
    exit 2
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "krbscope: run as root, or install by hand: apt-get install ${missing[*]}" >&2
        exit 2
    fi
    as_root=(sudo)
fi

# tshark's package asks who may capture, and heimdal's for a realm: noninteractive takes "nobody".
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" </dev/null
}
echo "krbscope: installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing() {
    apt install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1
}
# A stale or empty package index is refreshed; one broken source must not stop the others.
if ! apt update >>"$log" 2>&1; then
    echo "krbscope: apt-get update had trouble; trying with the index as it is" >&2
fi
if ! install_missing; then
    cat "$log" >&2
    echo "krbscope: these packages could not be installed: ${missing[*]}" >&2
    exit 2
fi
