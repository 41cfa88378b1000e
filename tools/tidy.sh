#!/usr/bin/env bash
# clang-tidy (checks: .clang-tidy) and cppcheck over the program's own code; any finding fails.
#
#   tools/tidy.sh BUILD_FOLDER    a configured folder that holds compile_commands.json
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$(cd "${1:?usage: tools/tidy.sh BUILD_FOLDER}" && pwd -P)
cd "$top"
seconds_max=600 # for each of the two tools; clang-tidy takes about 230 with 2 cores

mapfile -t folders < <(sed -n 's/^\([a-z0-9]*\):.*/\1/p' docs/LAYERS)
mapfile -t sources < <(find "${folders[@]}" -name '*.c' | sort)
status=0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! printf '%s\0' "${sources[@]}" | timeout "$seconds_max" xargs -0 -n 4 -P 2 \
    clang-tidy -p "$build" --quiet >"$log" 2>/dev/null; then
    cat "$log"
    echo "tidy: clang-tidy found something (or needed over $seconds_max s)" >&2
    status=1
fi

# What cppcheck is told not to say, each for a reason:
#   missingIncludeSystem   we do not lead it through the system's headers
#   internalAstError       cppcheck 2.10 cannot read a compound literal inside ?:
#   nullPointerArithmeticRedundantCheck   it does not know that the empty arena has size 0
#   unusedFunction is not enabled: it sees no tests
if ! timeout "$seconds_max" cppcheck -j2 --quiet --std=c11 --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem --suppress=internalAstError \
    --suppress=nullPointerArithmeticRedundantCheck \
    -D_DEFAULT_SOURCE -I . "${sources[@]}"; then
    echo "tidy: cppcheck found something (or needed over $seconds_max s)" >&2
    status=1
fi
[ "$status" -ne 0 ] || echo "tidy: ${#sources[@]} files clean"
exit "$status"
