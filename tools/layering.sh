#!/usr/bin/env bash
# Checks that every folder includes only what docs/LAYERS lets it include, that headers from
# outside stay in their one folder, and that nobody but base/ calls what docs/STYLE.md bans.
#
#   tools/layering.sh [TREE]    prints each violation as file:line: why; exits with 1 if any
set -euo pipefail
tree=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd -P)
cd "$tree"
violations=0

violation() {
    echo "$1"
    violations=$((violations + 1))
}

declare -A may=()   # folder -> "base capture ", the folders it may include
declare -A seen=()  # folders of the tree that were checked
folders=()
only=()             # "<prefix place"
while read -r first rest; do
    case "$first" in
    '' | '#'*) ;;
    only) only+=("$rest") ;;
    *:)
        folders+=("${first%:}")
        may[${first%:}]=" ${first%:} $rest "
        ;;
    *)
        echo "docs/LAYERS: cannot read the line that begins with $first" >&2
        exit 2
        ;;
    esac
done <docs/LAYERS
[ "${#folders[@]}" -gt 0 ] || { echo "docs/LAYERS names no folder" >&2; exit 2; }

# Folder by folder: #include "other/..." must be allowed. One grep for all: processes cost.
existing=()
for folder in "${folders[@]}"; do
    [ ! -d "$folder" ] || existing+=("$folder")
done
mapfile -t sources < <(find "${existing[@]}" -name '*.[ch]' -o -name '*.def' | sort)
for file in "${sources[@]}"; do
    seen[${file%%/*}]=1
done
while IFS=: read -r file line header; do
    [ -n "$line" ] || continue
    folder=${file%%/*}
    header=${header#*\"}
    header=${header%%\"*}
    other=${header%%/*}
    if [ "$other" = "$header" ]; then
        [ -f "$header" ] || continue # a generated header, or one of the tool chain
    fi
    [ -d "$other" ] || continue
    case "${may[$folder]}" in
    *" $other "*) ;;
    *) violation "$file:$line: $folder/ may not include $header (docs/LAYERS)" ;;
    esac
done < <(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "${sources[@]}" || true)

# A folder with code that docs/LAYERS does not know is no folder of ours.
while IFS= read -r folder; do
    folder=${folder#./}
    [ -n "${may[$folder]:-}" ] || violation "$folder: holds C code and stands not in docs/LAYERS"
done < <(find . -mindepth 2 -name '*.[ch]' -not -path './build*' -not -path './.*' \
    -not -path './tests/*' -not -path './pcaps/*' -printf '%h\n' | cut -d/ -f2 | sort -u)

# Headers from outside: "only <pcap/ capture" or "only <jansson report/json.c".
places_of() { # every place that may include a header with this prefix
    local entry
    for entry in "${only[@]}"; do
        [ "${entry% *}" != "$1" ] || echo "${entry##* }"
    done
}
for entry in "${only[@]}"; do
    prefix=${entry% *}
    mapfile -t places < <(places_of "$prefix")
    while IFS=: read -r file line _; do
        [ -n "$file" ] || continue
        allowed=no
        for place in "${places[@]}"; do
            case "$file" in
            "$place" | "$place"/*) allowed=yes ;;
            esac
        done
        [ "$allowed" = yes ] ||
            violation "$file:$line: only ${places[*]} may include $prefix (docs/LAYERS)"
    done < <(grep -nHF "include $prefix" "${sources[@]}" || true)
done

# Functions that read or write without a bound, or hide a byte order. base/ wraps what is needed.
banned='sprintf|vsprintf|snprintf|vsnprintf|strcpy|strncpy|stpcpy|strcat|strncat|strtok|strtok_r'
banned+='|sscanf|vsscanf|fscanf|scanf|gets|atoi|atol|atoll|atof|ntohs|ntohl|htons|htonl'
banned+='|be16toh|be32toh|le16toh|le32toh|alloca|strlen'
# Line by line without comments and what strings hold: file:line: the function that is called.
find_banned() {
    awk -v banned="(^|[^A-Za-z0-9_])($banned)[[:space:]]*[(]" '
        FNR == 1 { inside = 0 }
        { gsub(/"([^"\\]|\\.)*"/, "\"\""); sub(/\/\/.*/, ""); out = ""
          while (length($0)) {
              if (inside) { at = index($0, "*/")
                  if (!at) { $0 = ""; break }
                  $0 = substr($0, at + 2); inside = 0
              } else { at = index($0, "/*")
                  if (!at) { out = out $0; break }
                  out = out substr($0, 1, at - 1); $0 = substr($0, at + 2); inside = 1 } }
          if (match(out, banned)) {
              name = substr(out, RSTART, RLENGTH)
              gsub(/[^A-Za-z0-9_]/, "", name)
              print FILENAME ":" FNR ":" name } }' "$@"
}
mapfile -t outside_base < <(printf '%s\n' "${sources[@]}" | grep -v '^base/' || true)
if [ "${#outside_base[@]}" -gt 0 ]; then
    while IFS=: read -r file line name; do
        violation "$file:$line: $name() is for base/ only (docs/STYLE.md)"
    done < <(find_banned "${outside_base[@]}")
fi

if [ "$violations" -gt 0 ]; then
    echo "layering: $violations violations"
    exit 1
fi
echo "layering: ${#seen[@]} folders clean"
