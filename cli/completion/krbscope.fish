# Completion of krbscope for fish. What there is to complete is read from --help, so it is never
# older than the program.

function __krbscope_commands
    krbscope --help 2>/dev/null | string replace -rf '^(?:Usage:)? +krbscope ([a-z]+) \[.*$' '$1'
end

function __krbscope_command
    set -l words (commandline -opc)
    if test (count $words) -gt 1; and contains -- $words[2] (__krbscope_commands)
        echo $words[2]
    else
        echo analyze
    end
end

# Options of the command at hand, each with a tab and its description.
function __krbscope_options
    krbscope (__krbscope_command) --help 2>/dev/null | awk '
        /^  +-/ {
            sub(/^ +/, "")
            about = ""
            if (match($0, /   *[^ -]/)) {
                about = substr($0, RSTART)
                sub(/^ +/, "", about)
                $0 = substr($0, 1, RSTART - 1)
            }
            gsub(/,/, "")
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^-/) {
                    print $i "\t" about
                }
            }
        }'
end

# The few words that the option before the cursor takes; nothing for others.
function __krbscope_values
    set -l words (commandline -opc)
    krbscope (__krbscope_command) --help 2>/dev/null | awk -v option="$words[-1]" '
        /^  +-/ {
            gsub(/,/, "")
            for (i = 1; i < NF; i++) {
                if ($i == option && $(i + 1) ~ /^[a-z]+(\|[a-z]+)+$/) {
                    gsub(/\|/, "\n", $(i + 1))
                    print $(i + 1)
                }
            }
        }'
end

function __krbscope_wants_option
    string match -q -- '-*' (commandline -ct)
end

complete -c krbscope -n __krbscope_wants_option -f -a '(__krbscope_options)'
complete -c krbscope -n 'test -n "$(__krbscope_values)"' -f -a '(__krbscope_values)'
complete -c krbscope -n 'test (count (commandline -opc)) -eq 1' -a '(__krbscope_commands)'
complete -c krbscope -n 'test (__krbscope_command) = explain; and not __krbscope_wants_option' -f -a '(krbscope explain 2>/dev/null | string match -r "^[a-z].*")'
