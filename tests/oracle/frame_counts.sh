#!/usr/bin/env bash
# Compares frame numbers, times and lengths with tshark's.
#
#   frame_counts.sh COUNT_FRAMES FOLDER...   COUNT_FRAMES is the program of count_frames.c
#
# For each capture below the folders: the number of the last frame, and for each frame that is no
# special record its time, original and captured length. What may differ and why stands in
# frame_counts.exceptions beside this script: path, tab, reason. Exits with 1 on a difference; says
# "skipped" when tshark or the folders are missing. KRBSCOPE_ORACLE_EVERY=8 takes every eighth.
set -euo pipefail
export LC_ALL=C TZ=UTC # tshark takes Network Monitor's local times for those of its own zone
jobs_max=2

# Prints the differences of one capture.
compare_one() {
    local program=$1 file=$2 scratch last ours
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' RETURN
    tshark -n -r "$file" -T fields -e frame.number -e frame.time_epoch -e frame.len \
        -e frame.cap_len >"$scratch/tshark" 2>"$scratch/tshark.err" || true
    last=$(tail -n 1 "$scratch/tshark" | cut -f 1)
    ours=$("$program" "$file" | cut -f 4) || ours=refused
    if [ "$ours" = refused ]; then
        [ -z "$last" ] || echo "$file: refused; tshark reads ${last} frames"
        return
    fi
    # tshark reads no capture of a link type that it does not know; krbscope counts its frames.
    if [ -z "$last" ] && grep -qE 'network type [0-9]+ unknown|reserved field' \
        "$scratch/tshark.err"; then
        return
    fi
    if [ "$ours" != "${last:-0}" ]; then
        echo "$file: $ours frames; tshark reads ${last:-0}: $(tail -n 1 "$scratch/tshark.err")"
    fi
    "$program" -f "$file" >"$scratch/ours"
    # What tshark prints of odd fields is not compared: captured lengths over the original one
    # (krbscope takes the larger), lengths over 31 bits, fractions over 9 digits, times before 1970
    # and beyond what 64 bits of ns can hold.
    awk -F '\t' -v OFS='\t' '
        function odd_time(t) {
            return t ~ /^-/ || length(substr(t, index(t, "."))) > 10 || t + 0 > 9223372035 }
        NR == FNR { if ($3 < $4) $3 = $4; tshark[$1] = $0; next }
        { line = $0; split(tshark[$1], theirs)
          if (odd_time(theirs[2])) theirs[2] = $2
          if (theirs[3] == 2147483647) theirs[3] = $3
          if ($0 == theirs[1] "\t" theirs[2] "\t" theirs[3] "\t" theirs[4]) next
          print "ours " line "   tshark " tshark[$1]; if (++n == 3) exit }' \
        "$scratch/tshark" "$scratch/ours" | sed "s|^|$file: |"
}

if [ "${1:-}" = --one ]; then
    compare_one "$2" "$3"
    exit
fi

[ $# -ge 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program=$1
shift
command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 0; }
folders=()
for folder in "$@"; do
    [ ! -d "$folder" ] || folders+=("$folder")
done
[ "${#folders[@]}" -gt 0 ] || { echo "skipped: no folder of captures"; exit 0; }

exceptions=$(dirname "$0")/frame_counts.exceptions
found=$(mktemp)
trap 'rm -f "$found"' EXIT
find "${folders[@]}" -type f ! -name '*.txt' ! -name '*.tsv' ! -name '*.md' ! -name '*.sh' \
    ! -name '*.json' -print0 | sort -z | sed -zn "1~${KRBSCOPE_ORACLE_EVERY:-1}p" |
    xargs -0 -n 1 -P "$jobs_max" "$0" --one "$program" >"$found"
declare -A excepted=()
while IFS=$'\t' read -r path _; do
    case "$path" in
    '' | '#'*) ;;
    *) for folder in "${folders[@]}"; do excepted[$folder/$path]=1; done ;;
    esac
done <"$exceptions"
differences=0
while IFS= read -r line; do
    if [ -z "${excepted[${line%%: *}]:-}" ]; then
        echo "$line"
        differences=$((differences + 1))
    fi
done <"$found"
[ "$differences" -eq 0 ] || { echo "$differences differences"; exit 1; }
echo "as tshark: all captures below ${folders[*]}"
