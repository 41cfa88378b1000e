#!/usr/bin/env bash
# A check that cannot fail shows nothing: builds small trees in a temporary folder, each with one
# sin, and sees tools/layering.sh or tools/lint.sh find just that one.
#
#   tests/check_tools.sh layering|lint
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
tool=${1:?usage: tests/check_tools.sh layering|lint}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
tree=$scratch/tree

new_tree() { # a small tree that is clean
    rm -rf "$tree"
    mkdir -p "$tree"/{base,capture,decode,report,docs,tools}
    cp "$top/.clang-format" "$top/.shellcheckrc" "$tree/"
    cat >"$tree/docs/LAYERS" <<'LAYERS'
# comment
base:
capture: base
decode: base capture
report: base
only <pcap/ capture
only <jansson report/json.c
LAYERS
    printf '#include "base/bytes.h"\n#include <pcap/pcap.h>\n' >"$tree/capture/pcap.c"
    printf '#include <jansson.h>\n' >"$tree/report/json.c"
    printf '/* strlen(x) in a comment\n * sprintf(y) */\nint bytes;\n' >"$tree/base/bytes.h"
    printf '#include "capture/capture.h"\nconst char *why = "sprintf(";\n' >"$tree/decode/http.c"
    printf '#!/bin/sh\necho ok\n' >"$tree/tools/say.sh"
}

# expect LINE: the tool fails on the tree and names LINE; expect clean: it does not fail.
expect() {
    local output status=0
    output=$("$top/tools/$tool.sh" "$tree" 2>&1) || status=$?
    if [ "$1" = clean ]; then
        [ "$status" -eq 0 ] && return
    else
        [ "$status" -eq 1 ] && grep -qF -- "$1" <<<"$output" && return
    fi
    printf '%s: expected "%s", got status %s:\n%s\n' "$tool" "$1" "$status" "$output"
    failures=$((failures + 1))
}

sin() { # FILE TEXT EXPECTED: adds a line to a file of a clean tree
    new_tree
    printf '%b\n' "$2" >>"$tree/$1"
    expect "$3"
}

new_tree
expect clean
case "$tool" in
layering)
    sin base/bytes.h '#include "decode/http.h"' 'base/bytes.h:4: base/ may not include decode/'
    sin decode/http.c '  #  include "report/report.h"' 'decode/http.c:3: decode/ may not'
    sin report/text.c '#include "capture/capture.h"' 'report/text.c:1: report/ may not'
    sin decode/http.c '#include <pcap/bpf.h>' 'decode/http.c:3: only capture may include <pcap/'
    sin report/text.c '#include <jansson.h>' 'report/text.c:1: only report/json.c may include'
    sin decode/http.c 'int n = sprintf(a, b);' 'decode/http.c:3: sprintf() is for base/ only'
    sin decode/http.c '/* a */ x = strlen (a);' 'decode/http.c:3: strlen() is for base/ only'
    sin capture/pcap.c 'y(ntohs(x));' 'capture/pcap.c:3: ntohs() is for base/ only'
    sin base/bytes.c 'int n = snprintf(a, b);' clean
    sin decode/http.c 'int n = my_strlen(a);' clean
    new_tree && mkdir "$tree/extra" && echo 'int a;' >"$tree/extra/a.c"
    expect 'extra: holds C code and stands not in docs/LAYERS'
    ;;
lint)
    long=$(printf '%0101d' 0)
    sin base/bytes.c "// $long" 'base/bytes.c:1: over 100 columns'
    sin base/bytes.c "// $(printf 'ä%.0s' {1..97})" clean
    sin tools/say.sh "# TO""DO: more" 'tools/say.sh:3: left open'
    sin base/bytes.c "// FIX""ME" 'base/bytes.c:1: left open'
    sin base/bytes.c 'int a; ' 'base/bytes.c:1: white space at the end'
    sin base/bytes.c 'void f(void);\n\tint a;' 'base/bytes.c:2: a tab'
    sin docs/A.md 'see /ho''me/me/x' 'docs/A.md:1: a path of one machine'
    sin docs/A.md 'see [it](B.md)' 'docs/A.md:1: leads nowhere'
    sin docs/A.md 'see [me](A.md), [there](http://x/y)' clean
    sin tools/say.sh 'if then' 'tools/say.sh:1: bash cannot read it'
    new_tree && echo '{"resolved": "x"}' >"$tree/package-lock.json"
    expect 'package-lock.json:1: names a package registry'
    new_tree && printf 'int a;' >"$tree/base/a.c"
    expect 'base/a.c:1: no newline at the end'
    if command -v clang-format >/dev/null; then
        sin base/bytes.c 'int  a;' 'base/bytes.c:1: clang-format would change it'
    fi
    if command -v shellcheck >/dev/null; then
        # shellcheck disable=SC2016
        sin tools/say.sh 'ls $1' 'tools/say.sh:3: note'
    fi
    ;;
*)
    echo "usage: tests/check_tools.sh layering|lint" >&2
    exit 2
    ;;
esac
[ "$failures" -eq 0 ] || exit 1
echo "$tool: finds what it must"
