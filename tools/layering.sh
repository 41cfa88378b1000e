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

sources_of() {
    find "$1" -name '*.[ch]' -o -name '*.def' | sort
}

# Folder by folder: #include "other/..." must be allowed.
check_folder() {
    local folder=$1 file line header other
    while IFS= read -r file; do
        seen[$folder]=1
        while IFS=: read -r line header; do
            [ -n "$line" ] || continue
            other=${header%%/*}
            if [ "$other" = "$header" ]; then
                [ -f "$header" ] || continue # a generated header, or one of the tool chain
            fi
            [ -d "$other" ] || continue
            case "${may[$folder]}" in
            *" $other "*) ;;
            *) violation "$file:$line: $folder/ may not include $header (docs/LAYERS)" ;;
            esac
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+"([^"]+)".*/\1/;T;=;p' \
            "$file" | paste -d: - -)
    done < <(sources_of "$folder")
}
for folder in "${folders[@]}"; do
    [ ! -d "$folder" ] || check_folder "$folder"
done

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
    for folder in "${folders[@]}"; do
        [ -d "$folder" ] || continue
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
        done < <(grep -rnHF --include='*.[ch]' "include $prefix" "$folder" || true)
    done
done

# Functions that read or write without a bound, or hide a byte order. base/ wraps what is needed.
banned='sprintf|vsprintf|snprintf|vsnprintf|strcpy|strncpy|stpcpy|strcat|strncat|strtok|strtok_r'
banned+='|sscanf|vsscanf|fscanf|scanf|gets|atoi|atol|atoll|atof|ntohs|ntohl|htons|htonl'
banned+='|be16toh|be32toh|le16toh|le32toh|alloca|strlen'
strip_comments() { # keeps the line numbers; strings are emptied too
    sed -E -e 's/"([^"\\]|\\.)*"/""/g' -e 's@//.*@@' "$1" |
        awk '{ out = ""
               while (length($0)) {
                   if (inside) { at = index($0, "*/")
                       if (!at) { $0 = ""; break }
                       $0 = substr($0, at + 2); inside = 0
                   } else { at = index($0, "/*")
                       if (!at) { out = out $0; break }
                       out = out substr($0, 1, at - 1); $0 = substr($0, at + 2); inside = 1 } }
               print out }'
}
for folder in "${folders[@]}"; do
    [ "$folder" != base ] && [ -d "$folder" ] || continue
    while IFS= read -r file; do
        while IFS=: read -r line text; do
            [ -n "$line" ] || continue
            name=$(grep -oE "(^|[^A-Za-z0-9_])($banned)[[:space:]]*\(" <<<"$text" | head -n 1 |
                grep -oE '[a-z0-9_]+' | head -n 1)
            violation "$file:$line: $name() is for base/ only (docs/STYLE.md)"
        done < <(strip_comments "$file" |
            grep -nE "(^|[^A-Za-z0-9_])($banned)[[:space:]]*\(" || true)
    done < <(sources_of "$folder")
done

if [ "$violations" -gt 0 ]; then
    echo "layering: $violations violations"
    exit 1
fi
echo "layering: ${#seen[@]} folders clean"
