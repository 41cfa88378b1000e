#!/usr/bin/env bash
# The command line as a user meets it: exit status, what goes to standard output and what does not.
#
#   tests/check_cli.sh KRBSCOPE SOURCE_DIR
set -uo pipefail
krbscope=$1
source_dir=$2
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# expect STATUS OUT ERR ARGUMENT...: OUT and ERR are patterns (grep -E), '-' for nothing at all.
expect() {
    local status=$1 out=$2 err=$3 got
    shift 3
    "$krbscope" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    got=$?
    if [ "$got" != "$status" ]; then
        fail "exit status $got instead of $status" "$@"
    fi
    check_stream "$scratch/out" "$out" "standard output" "$@"
    check_stream "$scratch/err" "$err" "standard error" "$@"
}

check_stream() {
    local file=$1 pattern=$2 what=$3
    shift 3
    if [ "$pattern" = - ]; then
        [ ! -s "$file" ] || fail "$what is not empty: $(head -n 1 "$file")" "$@"
    elif ! grep -Eq -- "$pattern" "$file"; then
        fail "$what lacks /$pattern/: $(head -n 1 "$file")" "$@"
    fi
}

fail() {
    failures=$((failures + 1))
    echo "FAILED: $1"
    shift
    echo "        krbscope $*"
}

# A capture of no frames: a pcap header and nothing else.
printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\x00\x00\x04\x00\x01\x00\x00\x00' \
    >"$scratch/empty.pcap"
printf 'no capture at all, only some text\n' >"$scratch/text.cap"
: >"$scratch/nothing.cap"
name=$(printf 'esc\033[31m.cap')
printf 'x' >"$scratch/$name"

# Help and version go to standard output.
expect 0 '^krbscope [0-9]+\.[0-9]+\.[0-9]+$' - --version
expect 0 '^Examples:' - --help
expect 0 '^Examples:' - analyze --help
expect 0 '^Examples:' - explain --help
expect 0 '^Examples:' - live --help

# A command line that is wrong.
expect 2 - 'No capture file'
expect 2 - 'No capture file' analyze
expect 2 - 'Try .krbscope analyze --help' analyze --width 1 "$scratch/empty.pcap"
expect 2 - 'filter' -f 'port (' "$scratch/empty.pcap"
expect 2 - 'is given twice' "$scratch/empty.pcap" "$scratch/../${scratch##*/}/empty.pcap"
expect 2 - 'to be read and to be written' --json "$scratch/empty.pcap" "$scratch/empty.pcap"

expect 2 - 'name its file' --evidence-flows "$scratch/empty.pcap"
expect 2 - 'as in 500M or 20G' --spool-max 5X "$scratch/empty.pcap"
expect 2 - 'to be read and to be written' --evidence "$scratch/empty.pcap" "$scratch/empty.pcap"

# Evidence: of a capture without frames, of one from a pipe, and when there is no room for it.
expect 3 '0 frames' - --evidence "$scratch/evidence" "$scratch/empty.pcap"
expect 3 'pcapng' - "$scratch/evidence"
case=$source_dir/pcaps/spn-missing/capture.pcap
for from in "$case" "-"; do
    "$krbscope" -q --evidence "$scratch/evidence" "$from" >"$scratch/out" 2>"$scratch/err" \
        < <(cat "$case")
    expect 1 'spn-missing \(likely' - -q "$scratch/evidence"
done
"$krbscope" -q --evidence "$scratch/evidence" --spool-max 1K - >"$scratch/out" 2>"$scratch/err" \
    < <(cat "$case")
grep -q 'raise --spool-max' "$scratch/err" || fail "a spool that is full is not told" --spool-max
if [ -w /dev/full ]; then
    expect 2 . '/dev/full cannot be written: No space left' --evidence /dev/full "$case"
fi

# Redaction: stable with a key, another without, and no key is a failure.
head -c 32 /dev/zero >"$scratch/key"
for i in 1 2; do
    "$krbscope" -q --redact-key "$scratch/key" "$case" >"$scratch/redacted$i" 2>&1
done
cmp -s "$scratch/redacted1" "$scratch/redacted2" || fail "pseudonyms change" --redact-key
if grep -qi 'corp\|mp03\|10\.77\.0\.' "$scratch/redacted1"; then
    fail "a name is told" --redact-key
fi
expect 1 'capture-1' - -q --redact "$case"
expect 2 - 'No such file' --redact-key "$scratch/nothing/key" "$case"
expect 2 - 'too few for a key' --redact-key "$scratch/nothing.cap" "$case"
expect 0 'HTTP-REQUEST' - messages --redact "$case"
# … and of a log a line that nobody can read, a reason that is none, and its name.
printf '%s\n' '#Fields: date time c-ip c-port s-ip s-port cs-method cs-uri sc-status s-reason' \
    '2026-11-22 11:36:44 192.0.2.7 1 192.0.2.8 80 GET /secret 503 Secret' \
    'secret words 192.0.2.9' >"$scratch/secret.log"
expect 3 'log-1' - -v --all --redact --httperr-log "$scratch/secret.log"
if grep -qi 'secret\|192\.0\.2\.' "$scratch/out"; then
    fail "a log's words are told" --redact --httperr-log
fi
# live: its command line.
expect 2 - 'No interface is named' live
expect 2 - 'exclude each other' live -i lo --read "$scratch/empty.pcap"
expect 2 - 'exclude each other' live -i lo -f 'port 80' --every-port
expect 2 - 'is no option; a saved capture is read with --read' live "$scratch/empty.pcap"
expect 2 - 'need -w and the name of a file' live --read "$scratch/empty.pcap" --ring-files 3
expect 2 - 'Standard output can take one form only' \
    live --read "$scratch/empty.pcap" --json - --format text
expect 2 - 'is none of local, udp' live --read "$scratch/empty.pcap" --syslog tls:x
expect 2 - 'is not a number of seconds' live --read "$scratch/empty.pcap" --duration x
expect 2 - 'cannot be written' live --read "$scratch/empty.pcap" --json "$scratch/no/such/folder"
expect 2 - 'No such file' live --read "$scratch/not-there.pcap"
expect 0 'No attempt' - live --read "$scratch/empty.pcap"
expect 0 '"reason":"end"' - live --read "$scratch/empty.pcap" --format json

# messages: its command line, and its exit status, which is 0 whatever is in the capture.
expect 0 '^Examples:' - messages --help
expect 2 - 'No capture file' messages
expect 2 - 'No such file' messages x.cap
expect 2 - "'AS-REX' is not a type of message" messages --type AS-REQ,AS-REX "$scratch/empty.pcap"
expect 2 - "'smb' is not kerberos, spnego" messages --protocol smb "$scratch/empty.pcap"
expect 2 - "'0x' is not a number or name" messages --error 0x "$scratch/empty.pcap"
expect 2 - "'xml' is not text or json" messages --format xml "$scratch/empty.pcap"
expect 2 - 'Try .krbscope messages --help' messages --width 80 "$scratch/empty.pcap"
expect 2 - 'filter' messages -f 'port (' "$scratch/empty.pcap"
expect 0 - - messages "$scratch/empty.pcap"
expect 2 - 'missing\.cap' messages "$scratch/empty.pcap" "$scratch/missing.cap"
case=$source_dir/pcaps/spn-missing/capture.pcap
expect 0 'KRB-ERROR +KDC_ERR_S_PRINCIPAL_UNKNOWN \(7\) for HTTP/mp03' - messages "$case"
expect 0 '^ +41 .* \[answers 38\]' - messages --error 7 "$case"
expect 0 '^ +41 ' - messages --error KDC_ERR_S_PRINCIPAL_UNKNOWN "$case"
expect 0 '"type":"KRB-ERROR".*"error_code":7' - messages --format json --error 0x7 "$case"
expect 0 - - messages --error 99 "$case"
# S4U2Self is told once, though two PA-DATA say it.
expect 0 'TGS-REQ +CLIENT1\$@CORP.TEST, S4U2Self for u-ok@CORP.TEST, armored' - \
    messages --type TGS-REQ "$source_dir/pcaps/s4u-proxy-refused/capture.pcap"
expect 0 'NS-RESPONSE +SOA corp.test: SOA \[answers' - \
    messages --protocol dns "$source_dir/pcaps/carrier-dns-tkey/capture.pcap"
# Of several captures: by the clock of the first, though the second's is 600 s behind.
client=$source_dir/pcaps/clock-skew-mp/capture.pcap
server=$source_dir/pcaps/clock-skew-mp.mp2-clock-600s/capture.pcap
expect 0 '^ +B:9  11:40:20' - messages --protocol http "$client" "$server"
order=$(awk '{printf "%s ", $1}' "$scratch/out")
[ "$order" = 'A:29 B:9 B:11 A:32 A:50 B:16 B:17 A:52 ' ] ||
    fail "not in the order of time: $order" messages "$client" "$server"
if [ -w /dev/full ]; then
    "$krbscope" messages "$case" >/dev/full 2>"$scratch/err"
    [ $? = 2 ] || fail "a full disk is not told by the exit status" messages
fi

# explain: what it means, what usually causes it, the remedy; every word has a number and a kind
# (that every number has its texts, cli/explain_texts.c checks).
for number in 7 0xC0000072 0x80090322; do
    expect 0 '^  Usually:  [A-Z]' - explain "$number"
    grep -q '^  Remedy:   .' "$scratch/out" || fail "no remedy" explain "$number"
done
sed -n 's/^KRB_[A-Z_]*(-\{0,1\}[0-9]*, "\([^"]*\)".*/\1/p' \
    "$source_dir"/krb5asn1/krb_{etypes,padata,name_types}.def >"$scratch/words"
while read -r word; do
    "$krbscope" explain "$word" || fail "unknown" explain "$word"
done <"$scratch/words" | grep -E '^[A-Za-z-]+ type -?[0-9]+ [^ ]+$' | cut -d' ' -f4 >"$scratch/out"
cmp -s "$scratch/words" "$scratch/out" || fail "not every word has a number and a kind" explain
expect 0 '^KDC option 14 cname-in-addl-tkt$' - explain kdc-option-14
expect 0 '^encryption type -133 rc4-hmac-old$' - explain etype--133
expect 2 - 'is no cause, no name and no number' explain etype-9999
for number in 30 53 59 82 84 87 89 96 99 0x7f; do
    expect 2 - 'is no Kerberos error: .* unassigned' explain "$number"
done
expect 2 - 'is no cause, no name and no number' explain pa-x

# Files that cannot be read.
expect 2 - 'No such file' "$scratch/missing.cap"
expect 2 - 'directory' "$scratch"
expect 2 - 'text\.cap' "$scratch/text.cap"
expect 2 - 'empty' "$scratch/nothing.cap"
expect 2 - 'esc.x1b\[31m\.cap' "$scratch/$name"
expect 2 - 'empty' -

# No attempt; one file of several unreadable; every form.
expect 3 'No attempt to log on was found' - "$scratch/empty.pcap"
expect 3 'No attempt to log on was found' - analyze "$scratch/empty.pcap"
expect 2 'No attempt to log on was found' 'missing\.cap' \
    "$scratch/empty.pcap" "$scratch/missing.cap"
expect 3 '^"schema": "krbscope.report/1"' - --json - "$scratch/empty.pcap"
expect 3 '^"schema": "krbscope.report/1"' - --format json "$scratch/empty.pcap"
expect 3 '^# Logon report' - --format markdown "$scratch/empty.pcap"
expect 3 '^<!DOCTYPE html>' - --format html --markdown "$scratch/report.md" "$scratch/empty.pcap"
grep -q '^No attempt' "$scratch/report.md" || fail "--markdown F wrote no report"
expect 2 - "'xml' is not text, json, markdown or html" --format xml "$scratch/empty.pcap"
expect 3 'No attempt' - --json "$scratch/report.json" --text "$scratch/report.txt" \
    "$scratch/empty.pcap"
cmp -s "$scratch/out" "$scratch/report.txt" || fail "--text F differs from standard output"
grep -q '^"schema"' "$scratch/report.json" || fail "--json F wrote no report"

# An old report is replaced whole; a run that fails leaves none, and does not touch an old one.
head -c 100000 /dev/zero >"$scratch/report.json"
expect 3 'No attempt' - --json "$scratch/report.json" "$scratch/empty.pcap"
[ "$(wc -c <"$scratch/report.json")" -lt 5000 ] || fail "the old report was not replaced"
expect 2 - 'No such file' --json "$scratch/new.json" "$scratch/missing.cap"
[ ! -e "$scratch/new.json" ] || fail "a failed run left an empty report"
expect 2 - 'No such file' --json "$scratch/report.json" "$scratch/missing.cap"
grep -q '^"schema"' "$scratch/report.json" || fail "a failed run destroyed an old report"
expect 2 - 'cannot be written' --json "$scratch/none/report.json" "$scratch/empty.pcap"

# Outputs that fail.
if [ -w /dev/full ]; then
    "$krbscope" "$scratch/empty.pcap" >/dev/full 2>"$scratch/err"
    [ $? = 2 ] || fail "a full disk is not told by the exit status"
    check_stream "$scratch/err" 'cannot be written' "standard error" "> /dev/full"
    expect 2 'schema' 'cannot be written' --json - --text /dev/full "$scratch/empty.pcap"
fi

# Standard input.
"$krbscope" - <"$scratch/empty.pcap" >"$scratch/out" 2>&1
[ $? = 3 ] || fail "a capture on standard input"
check_stream "$scratch/out" 'standard input' "standard output" -

# Servers' logs: alone, beside a capture, damaged, missing.
log=$scratch/u_ex.log
{
    printf '#Fields: date time s-ip cs-method cs-uri-stem s-port cs-username c-ip sc-status '
    printf 'sc-substatus sc-win32-status\r\n'
    for second in 10 11; do
        printf '2026-11-22 08:12:%s 192.0.2.21 CCM_POST ' $second
        printf '/ccm_system_windowsauth/request 80 - '
        printf '192.0.2.7 401 2 2148074254\r\n'
    done
} >"$log"
printf '<configuration/>' >"$scratch/applicationHost.config"
expect 1 '1 client was refused .* 2026-11-22T08:12:10Z, first' - --iis-log "$log"
expect 1 'No attempt to log on was found' - --iis-log "$log" "$scratch/empty.pcap"
expect 1 '"log_clients": \[' - --json - --iis-log "$log"
gzip -c "$log" >"$log.gz"
expect 1 'IIS log in gzip' - analyze --iis-log "$log.gz"
expect 1 'IIS log' - --httperr-log "$log" --iis-config "$scratch/applicationHost.config"
head -n 2 "$log" >"$scratch/one.log"
expect 3 'No client was refused' - --iis-log "$scratch/one.log"
head -n 1 "$log" >"$scratch/none.log"
expect 3 'No line of the logs tells of a client' - --iis-log "$scratch/none.log"
expect 3 'not parse; the first is line 1' - --iis-log "$scratch/text.cap"
expect 2 - 'No such file' --iis-log "$scratch/missing.log"
expect 2 '1 client was refused' 'No such file' --iis-log "$log" --httperr-log "$scratch/missing.log"
expect 2 - 'is given twice' --iis-log "$log" --httperr-log "$log"
expect 2 - 'cannot be used: its root is not <configuration>|no well-formed XML' \
    --iis-config "$scratch/text.cap"
expect 2 - 'to be read and to be written' --json "$log" --iis-log "$log"

# Words.
expect 0 'KDC_ERR_S_PRINCIPAL_UNKNOWN' - explain 7
expect 0 'KDC_ERR_S_PRINCIPAL_UNKNOWN' - explain 0x7
expect 0 'Kerberos error 7 ' - explain kdc_err_s_principal_unknown
expect 0 'SEC_E_WRONG_PRINCIPAL' - explain 2148074274
expect 0 'SEC_E_WRONG_PRINCIPAL' - explain -2146893022
expect 0 'STATUS_ACCOUNT_DISABLED' - explain 0xC0000072
expect 2 - 'no cause, no name' explain nonsense
expect 2 - 'One word' explain 7 8
expect 0 '^spn-missing$' - explain
sed -nE 's/^CAUSE\([A-Z_]+, "([^"]+)".*/\1/p' "$source_dir/diagnose/causes.def" >"$scratch/ids"
[ "$(wc -l <"$scratch/ids")" -gt 50 ] || fail "diagnose/causes.def could not be read"
while read -r id; do
    expect 0 'Remedy:' - explain "$id"
done <"$scratch/ids"

[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
