#!/usr/bin/env bash
# docs/CAUSES.md from what krbscope itself says of each cause.
#
#   tools/causes.sh KRBSCOPE            prints the page
#   tools/causes.sh KRBSCOPE --check    fails when docs/CAUSES.md differs from it
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
krbscope=${1:?usage: tools/causes.sh KRBSCOPE [--check]}

page() {
    echo "# Causes"
    echo
    cat <<'TEXT'
What krbscope can conclude: the step that it breaks, the sign on the wire, the remedy, and the more
general cause that it weakens to when frames are missing. Made by tools/causes.sh; do not edit. The
rules are in [diagnose/rules.def](../diagnose/rules.def).
TEXT
    "$krbscope" explain | grep -v '^ ' | while read -r id; do
        [ -n "$id" ] || continue
        printf '\n## %s\n\n```text\n' "$id"
        "$krbscope" explain "$id" | tail -n +2
        printf '```\n'
    done
}

if [ "${2:-}" != --check ]; then
    page
elif ! diff -u "$top/docs/CAUSES.md" <(page); then
    echo "docs/CAUSES.md is old: tools/causes.sh build/krbscope >docs/CAUSES.md" >&2
    exit 1
fi
