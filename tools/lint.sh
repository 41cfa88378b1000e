#!/usr/bin/env bash
# The look of the tree: width, leftovers, white space, paths of one machine, links, clang-format,
# shell.
#
#   tools/lint.sh [TREE]    prints each finding as file:line: why; exits with 1 if any
#
# clang-format and shellcheck are used when they are installed (tools/deps.sh test installs them).
set -euo pipefail
tree=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd -P)
cd "$tree"
export LC_ALL=C.UTF-8 # columns are characters
columns_max=100
findings=0

# report WHY: counts the lines "file:line: ..." that arrive, each shown with WHY.
report() {
    local why=$1 line
    while IFS= read -r line; do
        echo "$line: $why"
        findings=$((findings + 1))
    done
}

# Of the tree, not of builds. pcaps/lab is a tool for making captures, kept as it was when it made
# them; of it only bash and shellcheck are asked.
tree_files() {
    find . -type f -not -path './.git/*' -not -path './build*/*' "$@" -printf '%P\n' | sort
}
mapfile -t c_files < <(tree_files \( -name '*.[ch]' -o -name '*.def' \))
mapfile -t shell_files < <(
    tree_files -name '*.sh' -not -path './pcaps/lab/*'
    tree_files -perm -u+x \( -path './tools/*' -o -path './.ci/*' \) -not -name '*.sh' |
        while IFS= read -r file; do
            case "$(head -c 64 "$file" | head -n 1)" in *sh) echo "$file" ;; esac
        done
)
mapfile -t code_files < <(
    printf '%s\n' "${c_files[@]}" "${shell_files[@]}"
    tree_files \( -name '*.py' -o -name 'CMakeLists.txt' -o -name '*.cmake' -o -name '*.asn1' \)
)
mapfile -t text_files < <(
    printf '%s\n' "${code_files[@]}"
    tree_files \( -name '*.md' -o -name '*.json' -o -name '.clang*' -o -name 'LAYERS' \)
)
find_lines() { # PATTERN FILES...: file:line of every line that matches
    local pattern=$1
    shift
    [ "$#" -eq 0 ] || grep -nHIP -e "$pattern" -- "$@" | cut -d: -f1,2 || true
}

report "over $columns_max columns" < <(find_lines "^.{$((columns_max + 1)),}" "${code_files[@]}")
# The words are written in two halves, or this file would find itself.
report "left open; finish it or say so in docs" \
    < <(find_lines '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' "${code_files[@]}")
report "white space at the end of the line" < <(find_lines '[ \t]$' "${code_files[@]}")
report "a tab; we indent with spaces" \
    < <(find_lines '^ *\t' "${c_files[@]}" "${shell_files[@]}")
report "a path of one machine" \
    < <(find_lines '(?<![\w.])/(work|home|root|Users)/\w' "${text_files[@]}")
report "no newline at the end" < <(perl -e '
    for (@ARGV) {
        open(my $in, "<", $_) or next;
        seek($in, -1, 2) or next;
        read($in, my $last, 1);
        print "$_:1\n" if $last ne "\n";
    }' "${text_files[@]}")
report "names a package registry" \
    < <(mapfile -t locks < <(tree_files -name 'package-lock.json') &&
        find_lines '"resolved"|https?://registry' "${locks[@]}")
mapfile -t scripts < <(
    printf '%s\n' "${shell_files[@]}"
    tree_files -path './pcaps/lab/*.sh'
)
# [text](file) in Markdown leads to a file of the tree, seen from where it stands.
report "leads nowhere" < <(
    tree_files -name '*.md' | xargs -d '\n' grep -HnoP '\]\(\K[^)#:\s]+(?=\))' |
        while IFS=: read -r file line target; do
            case "$file" in */*) folder=${file%/*} ;; *) folder=. ;; esac
            [ -e "$folder/$target" ] || echo "$file:$line"
        done
)
report "bash cannot read it" < <(for file in "${scripts[@]}"; do
    bash -n "$file" 2>/dev/null || echo "$file:1"
done)

checked="width, leftovers, white space, paths, links, bash"
if command -v clang-format >/dev/null && [ -f .clang-format ]; then
    checked+=", clang-format"
    mapfile -t formatted < <(printf '%s\n' "${c_files[@]}" | grep '\.[ch]$' || true)
    if [ "${#formatted[@]}" -gt 0 ]; then
        report "clang-format would change it" < <(
            clang-format --dry-run "${formatted[@]}" 2>&1 |
                sed -nE 's/^([^: ]+:[0-9]+):[0-9]+: warning: .*/\1/p' | sort -u -t: -k1,1
        )
    fi
fi
if command -v shellcheck >/dev/null && [ "${#scripts[@]}" -gt 0 ]; then
    checked+=", shellcheck"
    report "shellcheck" < <(
        shellcheck -f gcc "${scripts[@]}" | sed -E 's/^([^:]+:[0-9]+):[0-9]+/\1/' || true
    )
fi

if [ "$findings" -gt 0 ]; then
    echo "lint: $findings findings"
    exit 1
fi
echo "lint: ${#text_files[@]} files clean ($checked)"
