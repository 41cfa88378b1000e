#!/usr/bin/env bash
# Does tshark read of our pcapng what it reads of the original? capinfos and editcap, too?
#
#   pcapng_copies.sh COPY_PCAPNG FOLDER...   COPY_PCAPNG is the program of copy_pcapng.c
#
# Each capture is copied frame by frame; times, lengths, link types and protocols must be the same,
# every frame must have its comment, editcap must read it without a word. Captures of which tshark
# gives up, or that hold records that are no frames, are left out. KRBSCOPE_ORACLE_EVERY=8 takes
# every eighth.
set -euo pipefail
export LC_ALL=C TZ=UTC
[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program=$1
shift
command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 0; }
folders=()
for folder in "$@"; do
    [ ! -d "$folder" ] || folders+=("$folder")
done
[ "${#folders[@]}" -gt 0 ] || { echo "skipped: no folder of captures"; exit 0; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Times that tshark itself cannot print exactly are left out; see frame_counts.sh.
list() {
    tshark -n -r "$1" -T fields -e frame.time_epoch -e frame.len -e frame.cap_len \
        -e frame.encap_type -e frame.protocols "${@:2}" 2>"$scratch/errors"
}

checked=0
failed=0
while IFS= read -r -d '' file; do
    list "$file" >"$scratch/original" && [ -s "$scratch/original" ] || continue
    ! grep -q '^	' "$scratch/original" || continue # simple packet blocks: no time
    ! grep -qE '^[0-9]+[.][0-9]{10}' "$scratch/original" || continue # a fraction over a second
    rc=0
    "$program" "$file" "$scratch/copy.pcapng" || rc=$?
    [ "$rc" -ne 3 ] || continue
    if [ "$rc" -ne 0 ] || ! list "$scratch/copy.pcapng" -e frame.comment >"$scratch/commented"; then
        echo "$file: not copied, or tshark does not read it: $(head -1 "$scratch/errors")"
        failed=$((failed + 1))
        continue
    fi
    cut -f 1-5 "$scratch/commented" >"$scratch/copied"
    [ "$(wc -l <"$scratch/original")" -eq "$(wc -l <"$scratch/copied")" ] || continue
    checked=$((checked + 1))
    if ! diff "$scratch/original" "$scratch/copied" >"$scratch/diff"; then
        echo "$file: $(head -3 "$scratch/diff" | tr '\n\t' '  ')"
        failed=$((failed + 1))
    fi
    num=$(grep -cE '[	,]copied(,|$)' "$scratch/commented") || num=0
    said=$(capinfos -M "$scratch/copy.pcapng" 2>&1 | grep -c 'copy_pcapng\|a copy') || said=0
    words=$(editcap "$scratch/copy.pcapng" "$scratch/again.pcapng" 2>&1) || words=${words:-failed}
    if [ "$num" -ne "$(wc -l <"$scratch/copied")" ] || [ "$said" -lt 2 ] || [ -n "$words" ]; then
        echo "$file: $num comments, section said $said, editcap said '$words'"
        failed=$((failed + 1))
    fi
done < <(find "${folders[@]}" -type f -size -300k \( -name '*.pcap' -o -name '*.pcapng' \
    -o -name '*.cap' \) -print0 | sort -z | sed -zn "1~${KRBSCOPE_ORACLE_EVERY:-1}p")
[ "$failed" -eq 0 ] || exit 1
echo "as tshark: $checked copies"
