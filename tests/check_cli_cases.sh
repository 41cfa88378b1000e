#!/usr/bin/env bash
# The program on every recorded case: its exit status follows from the outcomes, nothing goes to
# standard error, and --ascii keeps its word.
#
#   tests/check_cli_cases.sh KRBSCOPE SOURCE_DIR
set -uo pipefail
krbscope=$1
source_dir=$2
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    failures=$((failures + 1))
    echo "FAILED: $1: $2"
}

for folder in "$source_dir"/pcaps/*/; do
    for capture in "$folder"capture.*; do
        [ -f "$capture" ] || continue
        "$krbscope" --json - "$capture" >"$scratch/out" 2>"$scratch/err" </dev/null
        got=$?
        if grep -Eq '"by_outcome":\{[^}]*"(refused|failed|accepted-anonymous)"' "$scratch/out"; then
            wanted=1
        elif grep -Eq '"by_outcome":\{[^}]*"approved' "$scratch/out"; then
            wanted=0
        else
            wanted=3
        fi
        [ "$got" = "$wanted" ] || fail "exit status $got instead of $wanted" "$capture"
        [ ! -s "$scratch/err" ] || fail "standard error: $(head -n 1 "$scratch/err")" "$capture"
        if "$krbscope" --ascii --color never "$capture" | LC_ALL=C grep -q '[^ -~]'; then
            fail "--ascii wrote something else" "$capture"
        fi
    done
done

[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
