#!/usr/bin/env bash
# Completion offers what --help says, no more and no less, in every shell that is installed.
#
#   tests/check_completion.sh KRBSCOPE SOURCE_DIR
#
# bash and fish complete for real; zsh's functions are called. A shell that is missing is told.
set -uo pipefail
program_dir=$(cd "$(dirname "$1")" && pwd -P)
source_dir=$2
failures=0
PATH=$program_dir:$PATH

fail() {
    failures=$((failures + 1))
    echo "FAILED: $1"
}

# options_of COMMAND: every option that its --help tells, sorted; not those of the examples.
options_of() {
    krbscope "$1" --help | sed -nE '/^  +-/{s/^ +//;s/  +[^ -].*$//;p}' |
        grep -oE -- '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u
}

# compare WHAT WANTED GOT
compare() {
    if [ "$2" != "$3" ]; then
        fail "$1"
        diff <(printf '%s\n' "$2") <(printf '%s\n' "$3")
    fi
}

mapfile -t commands < <(krbscope --help | sed -nE 's/^(Usage:)? +krbscope ([a-z]+) \[.*$/\2/p')
[ "${#commands[@]}" -ge 3 ] || fail "the commands could not be read from --help"

# In bash.
# shellcheck source=cli/completion/krbscope.bash
. "$source_dir/cli/completion/krbscope.bash"
bash_says() { # WORD...: completions of the last one
    COMP_WORDS=(krbscope "$@")
    COMP_CWORD=$#
    _krbscope
    printf '%s\n' "${COMPREPLY[@]}" | sort -u
}
for command in "${commands[@]}"; do
    compare "bash: options of $command" "$(options_of "$command")" "$(bash_says "$command" -)"
done
compare "bash: options without a command" "$(options_of analyze)" "$(bash_says -)"
compare "bash: --color" $'always\nauto\nnever' "$(bash_says analyze --color '')"
compare "bash: --format" $'html\njson\nmarkdown\ntext' "$(bash_says --format '')"
compare "bash: explain" spn-duplicate "$(bash_says explain spn-dup)"
compare "bash: a command" messages "$(bash_says mess)"
complete -p krbscope >/dev/null || fail "bash: nothing is registered"

if command -v zsh >/dev/null; then
    zsh -n "$source_dir/cli/completion/_krbscope" || fail "zsh cannot read it"
    for command in "${commands[@]}"; do
        got=$(zsh -f -c '. "$1"; _krbscope_options krbscope "$2"' zsh \
            "$source_dir/cli/completion/_krbscope" "$command" | cut -d: -f1 | sort -u)
        compare "zsh: options of $command" "$(options_of "$command")" "$got"
    done
    got=$(zsh -f -c '. "$1"; _krbscope_values krbscope analyze --color' zsh \
        "$source_dir/cli/completion/_krbscope")
    compare "zsh: --color" $'auto\nalways\nnever' "$got"
else
    echo "zsh is not installed: not checked"
fi

if command -v fish >/dev/null; then
    home=$(mktemp -d)
    trap 'rm -rf "$home"' EXIT
    fish_says() { # LINE
        # shellcheck disable=SC2016 # fish expands it
        HOME=$home fish --no-config -c 'source $argv[1]; complete -C $argv[2]' \
            "$source_dir/cli/completion/krbscope.fish" "$1" | cut -f1 | sort -u
    }
    for command in "${commands[@]}"; do
        compare "fish: options of $command" "$(options_of "$command")" \
            "$(fish_says "krbscope $command -")"
    done
    compare "fish: --color" $'always\nauto\nnever' "$(fish_says 'krbscope analyze --color ')"
    compare "fish: explain" spn-duplicate "$(fish_says 'krbscope explain spn-dup')"
else
    echo "fish is not installed: not checked"
fi

[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
