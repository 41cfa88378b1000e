# Shared by tools/run and tools/test; sourced, not run.
# shellcheck shell=bash

# Runs a command silently; its output goes to standard error only when it fails.
quiet() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$log" >&2
    fi
    rm -f "$log"
    return "$status"
}

# build_in SOURCE FOLDER [CMAKE OPTIONS...]: configures when the options changed, then builds.
build_in() {
    local source=$1 folder=$2
    shift 2
    # A tree that was moved or copied brings a cache that names the old place, and another compiler
    # makes cmake forget the other options of a cache.
    if [ -f "$folder/CMakeCache.txt" ] &&
        { [ "$(cat "$folder/options" 2>/dev/null)" != "$*" ] ||
            ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$source" "$folder/CMakeCache.txt"; }; then
        find "$folder" -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
    fi
    mkdir -p "$folder"
    if [ ! -f "$folder/build.ninja" ]; then
        cmake -S "$source" -B "$folder" -G Ninja "$@" || return
        printf '%s\n' "$*" >"$folder/options"
    fi
    ninja -C "$folder" -j2
}
