#!/usr/bin/env bash
# Compares each Kerberos message that `krbscope messages` prints with tshark's.
#
#   messages.sh KRBSCOPE FOLDER...   captures below the folders; of a folder with an INDEX.tsv those
#                                    whose columns kerberos_frames or ntlmssp_msgs say so
#
# What is compared, and with which preferences of tshark, stands in messages.py; what may differ and
# why in messages.exceptions: path, tab, frame, tab, field, tab, reason. Exits with 1 on a
# difference; says "skipped" when tshark, python3 or the folders are missing.
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
here=$(dirname "$0")

[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
for tool in tshark python3; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 0; }
done
program=$1
shift
folders=()
for folder in "$@"; do
    [ ! -d "$folder" ] || folders+=("$folder")
done
[ "${#folders[@]}" -gt 0 ] || { echo "skipped: no folder of captures"; exit 0; }
exec python3 "$here/messages.py" "$program" "$here/messages.exceptions" "${folders[@]}"
