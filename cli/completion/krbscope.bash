# shellcheck shell=bash
# Completion of krbscope for bash. What there is to complete is read from --help, so it is never
# older than the program. Words come in COMP_WORDS as bash splits them.

# Options of a command, a line each: the option, and the words that it takes, if they are few.
_krbscope_options() {
    "$1" "$2" --help 2>/dev/null | awk '
        /^  +-/ {
            sub(/^ +/, "")
            sub(/   *[^ -].*$/, "") # the description
            gsub(/,/, "")
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^-/) {
                    values = i < NF && $(i + 1) ~ /^[a-z]+(\|[a-z]+)+$/ ? $(i + 1) : ""
                    gsub(/\|/, " ", values)
                    takes = i < NF && $(i + 1) !~ /^-/ ? "value" : "none"
                    print $i, takes, values
                }
            }
        }'
}

_krbscope_commands() {
    "$1" --help 2>/dev/null | sed -nE 's/^(Usage:)? +krbscope ([a-z]+) \[.*$/\2/p'
}

_krbscope() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]} command=analyze commands options values
    COMPREPLY=()
    commands=$(_krbscope_commands "$program")
    if [ "$COMP_CWORD" -gt 1 ] && grep -qxF -- "${COMP_WORDS[1]}" <<<"$commands"; then
        command=${COMP_WORDS[1]}
    fi
    options=$(_krbscope_options "$program" "$command")
    values=$(awk -v option="$previous" '$1 == option && NF > 2' <<<"$options")
    if [ -n "$values" ]; then
        read -r _ _ values <<<"$values"
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$options")" -- "$current")
    elif [ "$command" = explain ]; then
        values=$("$program" explain 2>/dev/null | grep '^[a-z]')
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        if [ "$COMP_CWORD" -eq 1 ]; then
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$commands" -- "$current")
        fi
    fi
}

complete -o filenames -F _krbscope krbscope
