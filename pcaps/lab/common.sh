#!/bin/bash
# common.sh - what the sites of this folder share: hosts as network namespaces, captures, the client's
# commands, scenarios. Sourced by the scripts, which set beforehand
#
#   NSP  prefix of the namespaces       NET  the first three octets of the site's network
#   R D  realm and DNS domain           DNS  address of the resolver, KDC of the default KDC
#   LAB  where everything is kept       P    where the captures go
#
# Unquoted words are paths of ours or words meant to be split.
# shellcheck disable=SC2086,SC2046,SC2018,SC2019,SC2231,SC2034,SC2154,SC2119,SC2120

# Settings that a scenario may change before it calls run, post or kinit_:
NS=cli
CONF=std.conf
CC=
SKEW=
NTLMU=
CURLOPT=
EXPECT=
WHAT=
CAPS=()

nx() {
    local ns=$1
    shift
    ip netns exec $NSP-$ns "$@"
}
# for background use: exec, so that $! is the daemon itself and not a subshell; setsid, so that no
# terminal or job-control signal reaches it (Apache takes SIGWINCH as "graceful stop")
nxbg() {
    local ns=$1
    shift
    exec setsid ip netns exec $NSP-$ns "$@"
}
log() { echo "[$(date +%T)] $*" >&2; }
# the MAC address of host OCTET
mac() { printf '02:00:%02x:%02x:%02x:%02x' ${NET//./ } $1; }
mkns() { # mkns NAME LASTOCTET [EXTRA ADDRS]
    local n=$1 o=$2
    shift 2
    ip netns add $NSP-$n
    nx $n sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    nx $n ip link set lo up
    ip link add eth0 netns $NSP-$n address $(mac $o) type veth peer name p-$n netns $NSP-sw
    nx sw ip link set p-$n master br0 up
    # no checksum/segmentation offload, so that the capture shows <=1514 byte frames with right checksums
    nx $n ethtool -K eth0 tx off rx off tso off gso off gro off >/dev/null 2>&1
    nx $n ip link set eth0 up
    nx $n ip addr add $NET.$o/24 dev eth0
    local a
    for a in "$@"; do nx $n ip addr add $NET.$a/32 dev eth0; done
    declare -F mkns_more >/dev/null && mkns_more $n
    mkdir -p /etc/netns/$NSP-$n
    printf 'nameserver %s\nsearch %s\noptions timeout:2 attempts:2 single-request-reopen\n' $DNS $D >/etc/netns/$NSP-$n/resolv.conf
    printf '127.0.0.1 localhost\n' >/etc/netns/$NSP-$n/hosts
    # only files+dns: no mdns/resolve plugins
    printf 'passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nservices: files\nprotocols: files\n' >/etc/netns/$NSP-$n/nsswitch.conf
}
# krb5.conf variants: krb5conf FILE 'extra libdefaults' [kdc address | dns]
krb5conf() {
    local f=$1 extra=$2 kdc=${3:-$KDC}
    {
        printf '[libdefaults]\n default_realm = %s\n dns_lookup_realm = false\n rdns = false\n' $R
        [ "$kdc" = dns ] && echo " dns_lookup_kdc = true" || echo " dns_lookup_kdc = false"
        case "$extra" in *dns_canonicalize_hostname*) ;; *) echo " dns_canonicalize_hostname = false" ;; esac
        printf '%s\n' "$extra" | tr ';' '\n' | sed 's/^ */ /'
        echo "[realms]"
        echo " $R = {"
        [ "$kdc" = dns ] || for kdc in $kdc; do echo "  kdc = $kdc"; done
        [ -z "${ADMIN:-}" ] || echo "  admin_server = $ADMIN"
        echo " }"
        printf '[domain_realm]\n .%s = %s\n %s = %s\n' $D $R $D $R
    } >$LAB/krb5/$f
}
# an approval-request-like body: multipart/mixed, UTF-16 header + opaque payload; body [ENDPOINT REQUEST]
body() {
    python3 - "${1:-MP_ClientRegistration}" "${2:-ClientRegistrationRequest}" <<'E'
import sys, zlib
endpoint, request = sys.argv[1:]
b = "aAbBcCdDv1234567890VxXyYzZ"
hdr = ('<Msg ReplyCompression="zlib" SchemaVersion="1.1"><Body Type="ByteRange" Length="1522" Offset="0" />'
 '<CorrelationID>{00000000-0000-0000-0000-000000000000}</CorrelationID><Hooks><Hook3 Name="zlib-compress" /></Hooks>'
 '<ID>{5DD100CD-DF1D-45F5-BA17-A327F43465F8}</ID><Payload Type="inline" /><Priority>0</Priority><Protocol>http</Protocol>'
 '<ReplyMode>Sync</ReplyMode><ReplyTo>direct:client1:SccmMessaging</ReplyTo><SentTime>2026-11-22T10:00:00Z</SentTime>'
 '<SourceHost>client1</SourceHost><TargetAddress>mp:' + endpoint + '</TargetAddress><TargetEndpoint>' + endpoint + '</TargetEndpoint>'
 '<TargetHost>mp</TargetHost><Timeout>60000</Timeout></Msg>')
pay = zlib.compress(("<" + request + "><Data HashAlgorithm=\"1.2.840.113549.1.1.11\" SMSID=\"\" RequestType=\"Registration\"/>" * 12).encode("utf-16"))
o = sys.stdout.buffer
o.write(f"--{b}\r\ncontent-type: text/plain; charset=UTF-16\r\n\r\n".encode() + b"\xff\xfe" + hdr.encode("utf-16-le"))
o.write(f"\r\n--{b}\r\ncontent-type: application/octet-stream\r\n\r\n".encode() + pay + f"\r\n--{b}--".encode())
E
}
say() { printf '%s\n' "$*" >>$TXT; }
run() { # run a command in the client's namespace with the current settings, log command and result
    local pre=()
    [ -n "$SKEW" ] && pre=(faketime -f "$SKEW")
    local rc t0=$SECONDS
    say "\$ ${SKEW:+faketime -f $SKEW }$*   [KRB5_CONFIG=$CONF${NTLMU:+ NTLM_USER_FILE=$NTLMU}]"
    nx $NS env -i PATH=$PATH KRB5_CONFIG=$LAB/krb5/$CONF KRB5CCNAME=FILE:$CC ${NTLMU:+NTLM_USER_FILE=$NTLMU} \
        "${pre[@]}" "$@" >$TXT.out 2>&1
    rc=$?
    grep -aE '^(< HTTP|< WWW|\* (gss|Could|connect|Connection timed|Failed|Recv|Re-using|  Trying|Connected))|^[A-Za-z]' $TXT.out | tr -d '\r\0' | cut -c1-200 | grep -avE '^(Unauthorized|This server|are auth|requested|creden|brows|the cred|content-|Content-)' | head -40 | sed 's/^/    /' >>$TXT
    rm -f $TXT.out
    say "  -> rc=$rc after $((SECONDS - t0)) s"
    return $rc
}
# the account's Kerberos logon (AS exchange) with its keytab
kinit_() { run kinit -k -t $LAB/kt/$1.keytab "${2:-$(echo $1 | tr a-z A-Z)\$}"; }
kinit_pw() { # kinit_pw PRINCIPAL PASSWORD
    echo "$2" >$LAB/cc/pw
    local c="kinit '$1' <$LAB/cc/pw"
    run sh -c "$c"
}
# the client's request: unauthenticated CCM_POST, then, on 401 Negotiate, again with a token
post() {
    local h=$1
    shift
    run curl -sv --max-time ${MAXT:-20} --anyauth -u : -X CCM_POST -A 'ConfigMgr Messaging HTTP Sender' \
        -H 'Content-Type: multipart/mixed; boundary="aAbBcCdDv1234567890VxXyYzZ"' -H 'Accept:' $CURLOPT "$@" \
        --data-binary @$LAB/body.bin -o /dev/null http://$h/ccm_system_windowsauth/request
}
quiet_kinit() { # get a TGT before the capture (a PC that logged on earlier)
    nx $NS env -i PATH=$PATH KRB5_CONFIG=$LAB/krb5/std.conf KRB5CCNAME=FILE:$CC ${SKEW:+faketime -f "$SKEW"} kinit -k -t $LAB/kt/$1.keytab "${2:-$(echo $1 | tr a-z A-Z)\$}"
}
resolv() {
    printf 'search %s\noptions timeout:%s attempts:%s single-request-reopen\n' \
        $D ${2:-2} ${3:-2} >/etc/netns/$NSP-$NS/resolv.conf
    local a
    for a in $1; do echo "nameserver $a"; done >>/etc/netns/$NSP-$NS/resolv.conf
}
cap() { # cap NAMESPACE FILE [if] : start tcpdump and wait until it listens
    local ns=$1 f=$2 i=${3:-eth0}
    nxbg $ns tcpdump -Z root --immediate-mode -U -s 0 -i $i -w $f >/dev/null 2>$LAB/cc/tcpdump.$ns </dev/null &
    CAPS+=($!)
    local _
    for _ in $(seq 100); do
        grep -q 'listening on' $LAB/cc/tcpdump.$ns && return
        sleep 0.05
    done
    log "tcpdump in $ns did not start"
}
capstop() {
    sleep 0.4
    local p
    for p in "${CAPS[@]}"; do
        kill $p
        wait $p 2>/dev/null
    done
    CAPS=()
}
# a scenario may define pre_NAME (before the capture) and post_NAME (after it)
scenario() {
    local n=$1 f=${1//-/_} t0=$SECONDS
    declare -F scn_$f >/dev/null || {
        echo "no scenario $n"
        return 1
    }
    TXT=$P/$n.txt
    CC=$LAB/cc/$n
    NS=cli
    CONF=std.conf
    SKEW=
    NTLMU=
    CURLOPT=
    MAXT=20
    EXTRACAP=
    CAPNS=cli
    CAPIF=eth0
    EXPECT=
    WHAT=
    rm -f $CC $P/$n.*
    : >$TXT
    resolv $DNS
    nx cli ip neigh flush all 2>/dev/null
    declare -F pre_$f >/dev/null && pre_$f
    cap $CAPNS $P/$n.pcap $CAPIF
    local e
    for e in $EXTRACAP; do cap $e $P/$n.$e.pcap; done
    scn_$f
    capstop
    declare -F post_$f >/dev/null && post_$f
    {
        echo "scenario: $n"
        echo "expected verdict: $EXPECT"
        echo "what was done: $WHAT"
        echo
        echo "commands (in the client's namespace):"
        cat $TXT
        echo
    } >$TXT.new
    mv $TXT.new $TXT
    for e in $P/$n.pcap $P/$n.*.pcap; do [ -f $e ] && summary $e >>$TXT; done
    log "$n: $((SECONDS - t0)) s, $(stat -c %s $P/$n.pcap) bytes"
}
# what tshark sees, one line a message
summary() {
    echo "tshark: $(basename $1) ($(stat -c %s $1) bytes, $(capinfos -Mcr $1 2>/dev/null | tail -1 | awk '{print $NF}') packets)"
    tshark -r $1 -o kerberos.decrypt:false -Y 'kerberos || http || dns || icmp || (tcp.flags.reset==1) || (tcp.flags.syn==1 && (tcp.analysis.retransmission||tcp.dstport==88))' \
        -T fields -E separator=' ' -e frame.number -e frame.time_relative -e ip.src -e ip.dst -e _ws.col.Protocol -e _ws.col.Info 2>/dev/null | cut -c1-230
    echo
}
# one line a capture: size, packets and the conversation in short
#   A? = DNS query, A!rc = answer (0 ok, 2 SERVFAIL, 3 NXDOMAIN), ENN = KRB-ERROR, [CCM_POST+AP] = with AP-REQ, 401+E41 etc.
evidence() {
    local f
    [ $# -gt 0 ] || set -- $P/*.pcap
    for f in "$@"; do
        printf '%-34s %7s B %4s pkt  ' $(basename $f) $(stat -c %s $f) $(capinfos -Mcr $f 2>/dev/null | tail -1 | awk '{print $NF}')
        tshark -r $f -Y "kerberos || http || dns || icmp || tcp.flags.reset==1 || (arp.opcode==1 && arp.dst.proto_ipv4==$NET.98/31)" -T fields -E separator='|' -E aggregator=, -e dns.flags.response -e dns.flags.rcode -e dns.qry.type -e kerberos.msg_type -e kerberos.error_code -e http.request.method -e http.response.code -e ntlmssp.messagetype -e icmp.type -e tcp.flags.reset -e arp.opcode 2>/dev/null |
            awk -F'|' 'function put(x){ if (x==last) {n++; return} flush(); last=x; n=1 } function flush(){ if (last!="") printf "%s%s ", last, (n>1?"*" n:"") }
	function krb(t,e,  r,a,i,k){ k=split(t,a,","); r=""; for(i=1;i<=k;i++) r=r (a[i]==10?"AS-REQ":a[i]==11?"AS-REP":a[i]==12?"TGS-REQ":a[i]==13?"TGS-REP":a[i]==14?"AP-REQ":a[i]==15?"AP-REP":a[i]==30?"E" e:"k" a[i]) (i<k?"/":""); sub("TGS-REQ/AP-REQ","TGS-REQ",r); return r }
	{ m=$8!=""?"+NTLM" (substr($8,length($8))+0):"";
	  if ($9!="") put("ICMP-unreach"); else if ($1!="") put($1=="1"||$1=="True"? ($3==33?"SRV":$3==28?"AAAA":"A") "!" $2 : ($3==33?"SRV":$3==28?"AAAA":"A") "?");
	  else if ($6!="") put("[" $6 ($4!=""?"+" krb($4,$5):"") m "]"); else if ($7!="") put("[" $7 ($4!=""?"+" krb($4,$5):"") m "]");
	  else if ($4!="") put(krb($4,$5)); else if ($10=="1"||$10=="True") put("RST"); else if ($11!="") put("ARP?") } END { flush(); print "" }'
    done
}
list() { declare -F | awk '$3 ~ /^scn_/ {sub("scn_","",$3); gsub("_","-",$3); print $3}'; }
helpers() { # little clients for what curl cannot send
    cat >$LAB/rawntlm.py <<'E'
# raw NTLMSSP tokens inside "Negotiate", as Windows clients send when they skip Kerberos altogether
import sys, base64, http.client, gssapi
host, bodyf = sys.argv[1:3]; scheme = sys.argv[3] if len(sys.argv) > 3 else "Negotiate"; proxy = sys.argv[4] if len(sys.argv) > 4 else ""; body = open(bodyf, "rb").read()
ntlm = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
ctx = gssapi.SecurityContext(name=gssapi.Name(f"HTTP@{host}", gssapi.NameType.hostbased_service), mech=ntlm, usage="initiate")
c = http.client.HTTPConnection(proxy or host, timeout=20); h = {"User-Agent": "ConfigMgr Messaging HTTP Sender"}
uri = (f"http://{host}" if proxy else "") + "/ccm_system_windowsauth/request"
def go(extra):
    c.request("CCM_POST", uri, body, {**h, **extra}); r = c.getresponse(); r.read()
    print("HTTP", r.status, [v[:60] for v in r.headers.get_all("WWW-Authenticate") or []]); return r
r = go({}); tok = None
for _ in range(4):
    out = ctx.step(tok) if not ctx.complete else None
    if out is None: break
    r = go({"Authorization": scheme + " " + base64.b64encode(out).decode()})
    if r.status != 401: break
    t = [v for v in r.headers.get_all("WWW-Authenticate") or [] if v.startswith(scheme + " ")]
    if not t: break
    tok = base64.b64decode(t[0].split()[1])
E
    cat >$LAB/fallback.py <<'E'
# a Kerberos token first, and when it is refused NTLM on the same connection
import sys, base64, http.client, gssapi
host, bodyf = sys.argv[1:3]; body = open(bodyf, "rb").read()
target = gssapi.Name(f"HTTP@{host}", gssapi.NameType.hostbased_service)
c = http.client.HTTPConnection(host, timeout=20); h = {"User-Agent": "ConfigMgr Messaging HTTP Sender"}
def go(extra):
    c.request("CCM_POST", "/ccm_system_windowsauth/request", body, {**h, **extra}); r = c.getresponse(); r.read()
    print("HTTP", r.status, [v[:60] for v in r.headers.get_all("WWW-Authenticate") or []]); return r
r = go({})
for oid, cred in (("1.3.6.1.5.5.2", "1.2.840.113554.1.2.2"), ("1.3.6.1.4.1.311.2.2.10", None)):
    if r.status != 401: break
    mech = gssapi.OID.from_int_seq(oid)
    creds = gssapi.Credentials(usage="initiate", mechs=[gssapi.OID.from_int_seq(cred)]) if cred else None
    ctx = gssapi.SecurityContext(name=target, mech=mech, usage="initiate", creds=creds); tok = None
    for _ in range(3):
        out = ctx.step(tok) if not ctx.complete else None
        if out is None: break
        r = go({"Authorization": "Negotiate " + base64.b64encode(out).decode()})
        t = [v for v in r.headers.get_all("WWW-Authenticate") or [] if v.startswith("Negotiate ")]
        if r.status != 401 or cred or not t: break
        tok = base64.b64decode(t[0].split()[1])
E
    cat >$LAB/replay.py <<'E'
# sends the very same AP-REQ twice, on two connections
import sys, base64, http.client, gssapi
host, bodyf = sys.argv[1:3]; body = open(bodyf, "rb").read()
spnego = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
ctx = gssapi.SecurityContext(name=gssapi.Name(f"HTTP@{host}", gssapi.NameType.hostbased_service), mech=spnego, usage="initiate")
tok = base64.b64encode(ctx.step()).decode()
for _ in range(2):
    c = http.client.HTTPConnection(host, timeout=20)
    c.request("CCM_POST", "/ccm_system_windowsauth/request", body, {"User-Agent": "ConfigMgr Messaging HTTP Sender", "Authorization": "Negotiate " + tok})
    r = c.getresponse(); r.read(); print("HTTP", r.status, [v[:80] for v in r.headers.get_all("WWW-Authenticate") or []]); c.close()
E
}
