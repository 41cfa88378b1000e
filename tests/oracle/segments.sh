#!/usr/bin/env bash
# Compares the innermost addresses, ports and TCP sequence numbers of each frame with tshark's.
#
#   segments.sh DUMP_SEGMENTS FOLDER...   DUMP_SEGMENTS is the program of dump_segments.c
#
# Frames that tshark calls malformed are left out. Packets quoted in ICMP are no segments. What may
# differ and why stands in segments.exceptions beside this script: path, tab, reason. Exits with 1
# on a difference; says "skipped" when tshark or the folders are missing. KRBSCOPE_ORACLE_EVERY=8
# takes every eighth.
set -euo pipefail
export LC_ALL=C TZ=UTC
jobs_max=2

# Prints at most three differences of one capture.
compare_one() {
    local program=$1 file=$2 scratch
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' RETURN
    "$program" "$file" >"$scratch/ours" 2>/dev/null || return 0 # frame_counts.sh is about those
    tshark -n -r "$file" -o tcp.desegment_tcp_streams:FALSE -T fields -e frame.number \
        -e frame.protocols -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e tcp.srcport \
        -e tcp.dstport -e udp.srcport -e udp.dstport -e tcp.seq_raw -e udp.length -e _ws.malformed \
        >"$scratch/tshark" 2>/dev/null || true
    awk -F '\t' -v OFS='\t' '
        function nth(list, n, parts) { return n <= split(list, parts, ",") ? parts[n] : "?" }
        NR == FNR { ours[$1] = $0; next }
        {
            number = $1; wanted = ""; kind = ""
            num["ip"] = num["ipv6"] = num["tcp"] = num["udp"] = 0
            count = split($2, layers, ":")
            for (i = 1; i <= count && layers[i] !~ /^icmp/; i++) {
                if (layers[i] in num) num[layers[i]]++
                if (layers[i] == "ip" || layers[i] == "ipv6") { family = layers[i]; kind = "" }
                if (layers[i] == "tcp" || layers[i] == "udp") kind = layers[i]
            }
            if (i <= count) kind = ""
            if (kind != "") {
                at = family == "ip" ? 3 : 5
                port = kind == "tcp" ? 7 : 9
                length_or_seq = nth($(kind == "tcp" ? 11 : 12), num[kind])
                wanted = number OFS kind OFS nth($at, num[family]) OFS nth($(at + 1), num[family]) \
                    OFS nth($port, num[kind]) OFS nth($(port + 1), num[kind]) OFS length_or_seq
            }
            mine = ours[number]
            if (kind == "udp" && length_or_seq + 0 < 8) { # what cannot be is not believed
                sub(/\t[0-9]*$/, "", mine); sub(/\t[0-9]*$/, "", wanted)
            }
            if ($13 == "" && mine != wanted) {
                print "ours " mine "   tshark " wanted "   " $2
                if (++differences == 3) exit
            }
        }' "$scratch/ours" "$scratch/tshark" | sed "s|^|$file: |"
}

if [ "${1:-}" = --one ]; then
    compare_one "$2" "$3"
    exit
fi

[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program=$1
shift
command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 0; }
folders=()
for folder in "$@"; do
    [ ! -d "$folder" ] || folders+=("$folder")
done
[ "${#folders[@]}" -gt 0 ] || { echo "skipped: no folder of captures"; exit 0; }

exceptions=$(dirname "$0")/segments.exceptions

is_exception() {
    local folder
    for folder in "${folders[@]}"; do
        if awk -F '\t' -v path="${1#"$folder"/}" '$1 == path { found = 1 } END { exit !found }' \
            "$exceptions"; then
            return 0
        fi
    done
    return 1
}

found=$(mktemp)
trap 'rm -f "$found"' EXIT
find "${folders[@]}" -type f ! -name '*.txt' ! -name '*.tsv' ! -name '*.md' ! -name '*.sh' \
    ! -name '*.json' -print0 | sort -z | sed -zn "1~${KRBSCOPE_ORACLE_EVERY:-1}p" |
    xargs -0 -n 1 -P "$jobs_max" "$0" --one "$program" >"$found"
differences=0
while IFS= read -r line; do
    path=${line%%: *}
    if is_exception "$path"; then
        continue
    fi
    echo "$line"
    differences=$((differences + 1))
done <"$found"
[ "$differences" -eq 0 ] || { echo "$differences differences"; exit 1; }
echo "as tshark: all captures below ${folders[*]}"
