#!/usr/bin/env bash
# The manual has every option of every --help, with an example, and no other option; --help has
# every option of its command.
#
#   tests/check_manual.sh KRBSCOPE SOURCE_DIR
set -uo pipefail
krbscope=$1
manual=$2/docs/krbscope.1
failures=0

fail() {
    failures=$((failures + 1))
    echo "FAILED: $1"
}

mapfile -t commands < <("$krbscope" --help |
    sed -nE 's/^(Usage:)? +krbscope ([a-z]+) \[.*$/\2/p')
[ "${#commands[@]}" -ge 3 ] || fail "the commands could not be read from --help"

for command in "${commands[@]}"; do
    "$krbscope" "$command" --help | head -n 1 | grep -qx 'Examples:' ||
        fail "$command --help does not begin with examples"
    grep -qE "^\.It Cm $command( |$)" "$manual" || fail "the manual lacks the command $command"
done

# Options: those that --help describes, and those that head a paragraph of the manual.
told=$(for command in "${commands[@]}"; do "$krbscope" "$command" --help; done |
    sed -nE '/^  +-/{s/^ +//;s/  +[^ -].*$//;p}' | grep -oE -- '(^|[ ,])--?[a-z][a-z-]*' |
    tr -d ' ,' | sort -u)
written=$(grep '^\.It Fl' "$manual" | grep -oE 'Fl (Fl )?[a-zA-Z][a-zA-Z-]*' |
    sed -E 's/^Fl Fl /--/;s/^Fl /-/' | sort -u)
[ "$(wc -l <<<"$told")" -gt 15 ] || fail "the options could not be read from --help"
while read -r option; do
    fail "the manual lacks $option"
done < <(comm -23 <(echo "$told") <(echo "$written"))
while read -r option; do
    fail "no --help tells $option"
done < <(comm -13 <(echo "$told") <(echo "$written"))

# Every paragraph of an option shows one being used.
while read -r item; do
    fail "no example: $item"
done < <(awk '
    function close_item() { if (item != "" && !shown) print item; item = "" }
    /^\.(It|El|Sh|Ss)/ { close_item() }
    /^\.It Fl/ { item = $0; shown = 0 }
    /^\.Dl .*krbscope/ { shown = 1 }
    END { close_item() }' "$manual")

# --help of a command tells each option that the command takes.
for pair in analyze:options messages:messages live:live_options; do
    help=$("$krbscope" "${pair%:*}" --help)
    while read -r option; do
        grep -qE -- "--$option([ ,]|$)" <<<"$help" ||
            fail "${pair%:*} --help lacks --$option"
    done < <(grep -oE '\{"[a-z-]+", (no|required)_argument' "$2/cli/${pair#*:}.c" | cut -d'"' -f2)
done

for status in 0 1 2 3; do
    item=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$manual" |
        sed -n "/^\.It $status\$/,/^\.\(It\|El\)/p")
    [ -n "$item" ] || fail "the manual lacks the exit status $status"
    grep -q '^\.Dl .*krbscope' <<<"$item" || fail "no example of exit status $status"
done

[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
