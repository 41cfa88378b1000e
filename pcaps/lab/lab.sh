#!/bin/bash
# lab.sh - a small Windows-like site in Linux network namespaces, used to make
# REAL captures of the SCCM mixed-mode client approval exchange.
# Unquoted words are paths of ours or words meant to be split; passwords are this toy's own.
# shellcheck disable=SC2086,SC2046,SC2018,SC2019,SC2231,SC2034,SC1091,SC2119,SC2120
#
#   lab.sh deps            apt-get install what is needed (Debian 12)
#   lab.sh up              build namespaces, Samba AD DC (KDC+DNS), two Apache "MPs"
#   lab.sh scenario NAME   run one scenario -> pcaps/NAME.pcap + pcaps/NAME.txt
#   lab.sh list            list the scenarios
#   lab.sh evidence [F]    one line for each capture
#   lab.sh check           compare each capture with what it must show
#   lab.sh all             run them all, then derive
#   lab.sh derive          make the variants (other capture clock, Network Monitor, damaged)
#   lab.sh cases FOLDER    copy each capture to FOLDER/<case>/, as in this project's pcaps/
#   lab.sh down            stop what `up` started (by pid) and delete the namespaces
#
# All traffic stays on one bridge inside namespace kl-sw; nothing is attached to
# the host's own interfaces and there are no default routes.
#
#   kl-sw  bridge br0 (the "switch")
#   kl-dc  10.77.0.10  dc1.corp.test  Samba AD DC: KDC 88, DNS 53, LDAP 389, kpasswd 464
#          10.77.0.12  same host, port 88 silently dropped    (KDC unreachable)
#          10.77.0.13  same host, nothing listens             (KDC / DNS refused)
#          10.77.0.14  same host, port 53 silently dropped    (DNS timeout)
#   kl-mp1 10.77.0.21  Apache + mod_auth_gssapi, account MP1$
#   kl-mp2 10.77.0.22  Apache + mod_auth_gssapi, account MP2$
#   kl-mp3 10.77.0.23  a host with no web server               (MP down)
#   kl-lb  10.77.0.19  load balancer (direct server return) for VIP 10.77.0.20
#   kl-cli 10.77.0.101 the SCCM client, account CLIENT1$
#   kl-cNN 10.77.0.1NN the clients of the multi-client scenario (made on demand)
#   10.77.0.98/.99     nobody (no ARP answer)
#
# The state of the directory is STATIC: each fault has its own MP name / account,
# so scenarios can be run in any order and any number of times.
#
#   mp01  A .21  SPN on MP1$, key in mp1's keytab          -> works
#   mp02  A .22  SPN on MP2$, key in mp2's keytab          -> works
#   mp03  A .21  no SPN anywhere                           -> KDC_ERR_S_PRINCIPAL_UNKNOWN (7)
#   mp04  A .21  SPN on OLDSRV$, mp1 has MP1$'s key        -> KRB_AP_ERR_MODIFIED (41)
#   mp05  A .21  SPN on both MP1$ and OLDSRV$              -> duplicate SPN
#   mp06  no A record                                      -> NXDOMAIN
#   mp07  A .99  nobody there                              -> wrong address (no answer)
#   mp08  A .10  the DC: port 80 closed                    -> wrong address (RST)
#   mp09  A .22  SPN on MP1$, but address is MP2's         -> wrong address (other server)
#   mp10  A .21  SPN on AESMP$ (AES256 only)               -> etype tests
#   mp11  A .21  vhost offering Basic only
#   mp12  A .21  vhost: 401 without any WWW-Authenticate
#   mp13  A .23  host up, no web server                    -> RST
#   mp14  A .21  vhost answering 503 ;  mp15: 500 after authentication
#   mp16  A .21  vhost where the user authenticates but is not authorized (403)
#   mp17  A .21  vhost with Negotiate that also accepts NTLMSSP, SPN missing
#   mp18  A .21  as mp17 but SPN present
#   mp19  TXT only ; mp20 A .24 port 80 dropped ; mp21 vhost that never answers
#   mp22  A .22  SPN on MP1$, mp2 has no key at all under that name
#   ccm   CNAME mp01 ; ccm2 CNAME mp01, SPN of its own on MP1$
#   mpvip A .20  VIP; SPN on MP1$; mp2's keytab has MP2$'s key under that SPN
set -u
LAB=${LAB:-$PWD/lab-state}
P=$LAB/pcaps
R=CORP.TEST
D=corp.test
NSP=kl
PATH=/usr/sbin:/usr/bin:/sbin:/bin
CLIPW='Cl1ent.Passw0rd'
NET=10.77.0
DNS=$NET.10
KDC=$NET.10
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# the VIP is at the load balancer
mkns_more() { nx $1 ip neigh replace $NET.20 lladdr $(mac 19) dev eth0 nud permanent; }

deps() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=540 install -y --no-install-recommends \
        samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind python3-samba ldb-tools \
        krb5-user apache2 libapache2-mod-auth-gssapi gss-ntlmssp curl python3-gssapi faketime \
        tcpdump tshark iproute2 iptables ethtool bind9-dnsutils
}

# ---------------------------------------------------------------- network ---

net_up() {
    ip netns add $NSP-sw
    nx sw sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    nx sw ip link set lo up
    nx sw ip link add br0 type bridge && nx sw ip link set br0 up
    mkns dc 10 12 13 14
    mkns mp1 21
    mkns mp2 22
    mkns mp3 23 24
    mkns cli 101
    mkns lb 19
    printf '10.77.0.10 dc1.%s dc1\n' $D >>/etc/netns/$NSP-dc/hosts
    # black holes on the DC's extra addresses
    local p
    for p in udp tcp; do
        nx dc iptables -A INPUT -d 10.77.0.12 -p $p --dport 88 -j DROP
        nx dc iptables -A INPUT -d 10.77.0.14 -p $p --dport 53 -j DROP
    done
    nx mp3 iptables -A INPUT -d 10.77.0.24 -p tcp --dport 80 -j DROP
    # VIP: clients have a static ARP entry for .20 -> kl-lb's MAC (as with NLB multicast mode); kl-lb hands
    # connections from ports below 45000 to mp1, the others to mp2; both hold .20 on lo and answer the
    # client directly (direct server return: the client sees one address, two source MACs)
    local m
    for m in mp1 mp2; do
        nx $m ip addr add 10.77.0.20/32 dev lo
        nx $m sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
    done
    nx lb sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
    nx lb ip route add 10.77.0.20 via 10.77.0.21
    nx lb ip route add 10.77.0.20 via 10.77.0.21 table 101
    nx lb ip route add 10.77.0.20 via 10.77.0.22 table 102
    nx lb ip rule add fwmark 1 table 101
    nx lb ip rule add fwmark 2 table 102
    nx lb iptables -t mangle -A PREROUTING -d 10.77.0.20 -p tcp --sport 1024:44999 -j MARK --set-mark 1
    nx lb iptables -t mangle -A PREROUTING -d 10.77.0.20 -p tcp --sport 45000:65535 -j MARK --set-mark 2
}

# ------------------------------------------------------------ Samba AD DC ---
smbconf() {
    cat <<E
[global]
	netbios name = DC1
	realm = $R
	workgroup = CORP
	server role = active directory domain controller
	# no smbd/nmbd/winbindd: only what a KDC + DNS + LDAP needs
	server services = rpc, ldap, cldap, kdc, dns
	dcerpc endpoint servers = epmapper, dnsserver
	interfaces = 127.0.0.1/8 10.77.0.10/24
	bind interfaces only = yes
	# no LDAPS: generating its RSA-4096 key would delay the start by 2 to 30 s
	tls enabled = no
	disable netbios = yes
	# names outside corp.test are forwarded to a host where nothing listens on 53 -> SERVFAIL
	dns forwarder = 10.77.0.23
	allow dns updates = nonsecure and secure
	private dir = $LAB/samba/private
	state directory = $LAB/samba/state
	cache directory = $LAB/samba/cache
	lock directory = $LAB/samba
	binddns dir = $LAB/samba/bind-dns
	pid directory = $LAB/samba/run
	ncalrpc dir = $LAB/samba/run/ncalrpc
	ntp signd socket directory = $LAB/samba/run/ntp_signd
	winbindd socket directory = $LAB/samba/run/winbindd
	log file = $LAB/samba/log/log.%m
	log level = 1 kerberos:3 auth_audit:3
	ldap server require strong auth = no
E
}

dc_up() {
    rm -rf $LAB/samba
    nx dc samba-tool domain provision --realm=$R --domain=CORP --server-role=dc --dns-backend=SAMBA_INTERNAL \
        --adminpass='Adm1n.Passw0rd' --host-name=DC1 --host-ip=10.77.0.10 \
        --targetdir=$LAB/samba --option="ncalrpc dir=$LAB/samba/run/ncalrpc" >$LAB/provision.log 2>&1 || {
        tail -5 $LAB/provision.log
        return 1
    }
    mkdir -p $LAB/samba/run/ncalrpc $LAB/samba/log
    smbconf >$LAB/samba/etc/smb.conf
    accounts || return 1
    nxbg dc samba -i -M single --debug-stdout -s $LAB/samba/etc/smb.conf >$LAB/samba/log/stdout 2>&1 </dev/null &
    echo $! >$LAB/samba.pid
    local i
    for i in $(seq 100); do
        nx dc dig +short +time=1 +tries=1 dc1.$D @10.77.0.10 2>/dev/null | grep -q '^10.77' && break
        sleep 0.2
    done
    {
        echo "server 10.77.0.10"
        echo "zone $D"
        while read -r n t v; do echo "update add $n.$D. 3600 $t $v"; done <<E
mp01 A 10.77.0.21
mp02 A 10.77.0.22
mp03 A 10.77.0.21
mp04 A 10.77.0.21
mp05 A 10.77.0.21
mp07 A 10.77.0.99
mp08 A 10.77.0.10
mp09 A 10.77.0.22
mp10 A 10.77.0.21
mp11 A 10.77.0.21
mp12 A 10.77.0.21
mp13 A 10.77.0.23
mp14 A 10.77.0.21
mp15 A 10.77.0.21
mp16 A 10.77.0.21
mp17 A 10.77.0.21
mp18 A 10.77.0.21
mp20 A 10.77.0.24
mp22 A 10.77.0.22
mp21 A 10.77.0.21
mpvip A 10.77.0.20
mp19 TXT "no-address-here"
ccm CNAME mp01.$D.
ccm2 CNAME mp01.$D.
E
        echo send
    } >$LAB/nsupdate.txt
    nx dc nsupdate $LAB/nsupdate.txt
}

# accounts, SPNs and keytabs, straight into sam.ldb before the DC starts
accounts() {
    mkdir -p $LAB/kt
    rm -f $LAB/kt/*
    cat >$LAB/accounts.py <<'E'
import sys, ldb
from samba.samdb import SamDB
from samba.auth import system_session
from samba.param import LoadParm
from samba.net import Net
from samba import dckeytab            # gives Net.export_keytab
LAB, REALM, DOM, CLIPW = sys.argv[1:5]
lp = LoadParm(); lp.load(LAB + "/samba/etc/smb.conf")
sam = SamDB(url=LAB + "/samba/private/sam.ldb", session_info=system_session(), lp=lp)
base = sam.get_default_basedn()
net = Net(None, lp)
def keytab(f, princ): net.export_keytab(keytab=f"{LAB}/kt/{f}", principal=princ)
def computer(name, pw, spns=(), etypes=28, uac=4096):
    m = {"dn": f"CN={name},CN=Computers,{base}", "objectClass": "computer", "sAMAccountName": name + "$",
         "dNSHostName": f"{name.lower()}.{DOM}", "userAccountControl": "4096",
         "msDS-SupportedEncryptionTypes": str(etypes)}
    if spns: m["servicePrincipalName"] = [s if "." in s else f"{s}.{DOM}" for s in spns]
    sam.add(m)
    sam.setpassword(f"(sAMAccountName={name}$)", pw, False)
    if uac != 4096:
        sam.modify_ldif(f"dn: CN={name},CN=Computers,{base}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: {uac}\n")
def spn(name, op, *spns):
    l = "".join(f"servicePrincipalName: {s}.{DOM}\n" for s in spns)
    sam.modify_ldif(f"dn: CN={name},CN=Computers,{base}\nchangetype: modify\n{op}: servicePrincipalName\n{l}")
# two management points, one stale server account, an AES-only one
computer("MP1", "Mp1.Passw0rd", [f"HTTP/{n}" for n in ("mp01","mp04","mp05","mp11","mp12","mp14","mp15","mp16","mp18","mp21","mp22","mpvip","ccm2")])
computer("MP2", "Mp2.Passw0rd", [f"HTTP/{n}" for n in ("mp02","mp09")])
computer("OLDSRV", "Old.Passw0rd")
computer("AESMP", "Aes.Passw0rd", ["HTTP/mp10"], etypes=16)
for n in ("mp01","mp04","mp05","mp11","mp12","mp14","mp15","mp16","mp18","mp21","mp22","mpvip","ccm2"): keytab("mp1.keytab", f"HTTP/{n}.{DOM}")
keytab("mp1.keytab", f"HTTP/mp10.{DOM}")
for n in ("mp02","mp09"): keytab("mp2.keytab", f"HTTP/{n}.{DOM}")
# mp2 behind the VIP: has its own key under the VIP's name (the admin did not share one account)
spn("MP1","delete","HTTP/mpvip"); spn("MP2","add","HTTP/mpvip"); keytab("mp2.keytab", f"HTTP/mpvip.{DOM}")
spn("MP2","delete","HTTP/mpvip"); spn("MP1","add","HTTP/mpvip")
# mp09 belongs to MP1$, its A record points at mp2 (whose keytab has MP2$'s key for that name)
spn("MP2","delete","HTTP/mp09"); spn("MP1","add","HTTP/mp09")
# mp04: SPN moved to another account after mp1 got its key
spn("MP1","delete","HTTP/mp04"); spn("OLDSRV","add","HTTP/mp04")
# clients
computer("CLIENT1", CLIPW); keytab("client1.keytab", f"CLIENT1$@{REALM}")
computer("CLIENT2", CLIPW); keytab("client2.keytab", f"CLIENT2$@{REALM}")
computer("CLIENTDIS", CLIPW, uac=4098); keytab("clientdis.keytab", f"CLIENTDIS$@{REALM}")
computer("CLIENTBIG", CLIPW); keytab("clientbig.keytab", f"CLIENTBIG$@{REALM}")
for i in range(1, 21):
    computer(f"PC{i:02d}", CLIPW); keytab(f"pc{i:02d}.keytab", f"PC{i:02d}$@{REALM}")
for i in range(120):
    g = f"CN=Site Group {i:03d},CN=Users,{base}"
    sam.add({"dn": g, "objectClass": "group", "sAMAccountName": f"SiteGroup{i:03d}",
             "groupType": "-2147483646" if i % 2 else "-2147483644",
             "member": f"CN=CLIENTBIG,CN=Computers,{base}"})
def user(n):
    sam.newuser(n, CLIPW)
    sam.modify_ldif(f"dn: CN={n},CN=Users,{base}\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 28\n")
for n in ("u-ok", "u-mustchange", "u-acctexp", "u-hours", "u-locked"): user(n)
def mod(n, attr, val): sam.modify_ldif(f"dn: CN={n},CN=Users,{base}\nchangetype: modify\nreplace: {attr}\n{attr}{val}\n")
sam.modify_ldif(f"dn: {base}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: 10\n")
mod("u-mustchange", "pwdLastSet", ": 0")
mod("u-acctexp", "accountExpires", ": 132223104000000000")
mod("u-hours", "logonHours", ":: AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
E
    nx dc python3 $LAB/accounts.py $LAB $R $D "$CLIPW" >$LAB/accounts.log 2>&1 || {
        tail -20 $LAB/accounts.log
        return 1
    }
    # duplicate SPN: samldb refuses it, so write beneath the modules, into the partition's own file
    cat >$LAB/dup.ldif <<E
dn: CN=OLDSRV,CN=Computers,DC=corp,DC=test
changetype: modify
add: servicePrincipalName
servicePrincipalName: HTTP/mp05.$D
E
    nx dc ldbmodify -H tdb://$LAB/samba/private/sam.ldb.d/DC=CORP,DC=TEST.ldb $LAB/dup.ldif >>$LAB/accounts.log 2>&1 || {
        tail $LAB/accounts.log
        return 1
    }
    chmod 755 $LAB/kt
    chmod 644 $LAB/kt/*
}

# --------------------------------------------------- Apache = the MP's IIS ---
mp_up() { # mp_up mp1
    local m=$1 d=$LAB/$1 M=/usr/lib/apache2/modules
    mkdir -p $d/www/ccm_system_windowsauth $d/www/err $d/cgi $d/log
    chmod -R a+rX $d
    cat >$d/cgi/request <<'E'
#!/bin/sh
# stands for the MP's ISAPI: swallows the body, answers a small CCM reply
cat >/dev/null
printf 'Content-Type: multipart/mixed; boundary="aAbBcCdDv1234567890VxXyYzZ"\r\nStatus: 200 OK\r\n\r\n'
printf -- '--aAbBcCdDv1234567890VxXyYzZ\r\nContent-Type: text/plain; charset=UTF-16\r\n\r\n<Msg><Body Type="ByteRange"/><TargetHost/></Msg>\r\n--aAbBcCdDv1234567890VxXyYzZ--\r\n'
E
    printf '#!/bin/sh\nexit 1\n' >$d/cgi/broken
    printf '#!/bin/sh\nsleep 30\n' >$d/cgi/hang
    chmod 755 $d/cgi/*
    cat >$d/httpd.conf <<E
ServerRoot $d
ServerName $m.$D
PidFile $d/httpd.pid
Listen 80
User www-data
Group www-data
LoadModule mpm_prefork_module $M/mod_mpm_prefork.so
LoadModule authn_core_module $M/mod_authn_core.so
LoadModule authz_core_module $M/mod_authz_core.so
LoadModule authz_user_module $M/mod_authz_user.so
LoadModule authn_file_module $M/mod_authn_file.so
LoadModule auth_basic_module $M/mod_auth_basic.so
LoadModule auth_gssapi_module $M/mod_auth_gssapi.so
LoadModule alias_module $M/mod_alias.so
LoadModule headers_module $M/mod_headers.so
LoadModule proxy_module $M/mod_proxy.so
LoadModule proxy_http_module $M/mod_proxy_http.so
LoadModule cgi_module $M/mod_cgi.so
StartServers 3
MinSpareServers 3
ServerLimit 30
MaxRequestWorkers 30
Mutex file:$d default
DefaultRuntimeDir $d
ErrorLog $d/log/error.log
LogLevel warn auth_gssapi:debug
LogFormat "%h %u \"%r\" %>s %b" c
CustomLog $d/log/access.log c
ServerTokens Prod
KeepAlive On
KeepAliveTimeout 120
DocumentRoot $d/www
# CCM_POST: with the default LenientMethods CGI and auth accept it even unregistered; registering it makes
# "HttpProtocolOptions Strict RegisteredMethods" accept it too (else 501)
RegisterHttpMethod CCM_POST
<Directory />
  Require all denied
</Directory>
<Directory $d/www>
  Require all granted
</Directory>
<Directory $d/cgi>
  Options +ExecCGI
  SetHandler cgi-script
</Directory>
ScriptAlias /ccm_system_windowsauth/ $d/cgi/
ScriptAlias /ccm_system/ $d/cgi/
<Location /ccm_system/>
  Require all granted
</Location>
<Location /ccm_system_windowsauth/>
  AuthType GSSAPI
  AuthName "x"
  GssapiAllowedMech krb5
  GssapiConnectionBound On
  GssapiNegotiateOnce Off
  Require valid-user
</Location>
<VirtualHost *:80>
  ServerName $m.$D
</VirtualHost>
<VirtualHost *:80>
  ServerName mp11.$D
  <Location /ccm_system_windowsauth/>
    AuthType Basic
    AuthName "mp11"
    AuthBasicProvider file
    AuthUserFile /dev/null
    Require valid-user
  </Location>
</VirtualHost>
<VirtualHost *:80>
  ServerName mp12.$D
  RedirectMatch 401 ^/ccm_system_windowsauth/
  <Location /ccm_system_windowsauth/>
    AuthType None
    AuthMerging Off
    Require all granted
  </Location>
</VirtualHost>
<VirtualHost *:80>
  ServerName mp14.$D
  # a stopped application pool answers before any authentication
  ProxyPass /ccm_system_windowsauth/ http://127.0.0.1:8099/
  <Location /ccm_system_windowsauth/>
    AuthType None
    AuthMerging Off
    Require all granted
  </Location>
</VirtualHost>
<VirtualHost *:80>
  ServerName mp15.$D
  ScriptAlias /ccm_system_windowsauth/request $d/cgi/broken
</VirtualHost>
<VirtualHost *:80>
  ServerName mp21.$D
  ScriptAlias /ccm_system_windowsauth/request $d/cgi/hang
</VirtualHost>
<VirtualHost *:80>
  ServerName mp16.$D
  <Location /ccm_system_windowsauth/>
    AuthzSendForbiddenOnFailure On
    Require user nobody-else
  </Location>
</VirtualHost>
<VirtualHost *:80>
  ServerName mp17.$D
  ServerAlias mp18.$D
  <Location /ccm_system_windowsauth/>
    AuthType GSSAPI
    AuthName "x"
      GssapiAllowedMech krb5
    GssapiAllowedMech ntlmssp
    GssapiConnectionBound On
    GssapiNegotiateOnce Off
    Require valid-user
  </Location>
</VirtualHost>
E
    mp_start $m
}
# An MIT acceptor that cannot decrypt the ticket answers KRB_AP_ERR_BAD_INTEGRITY (31); Windows answers
# KRB_AP_ERR_MODIFIED (41) to the very same request. This preload changes that one number inside the real
# Apache (libgssapi_krb5 calls krb5_mk_error in libkrb5); everything else stays real. AS_MIT=1 omits it.
shim() {
    cat >$LAB/shim.c <<'E'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
/* leading members of MIT krb5 1.20's krb5_error (krb5.h) */
struct err { int32_t magic; int32_t ctime, cusec, susec, stime; uint32_t error; };
int32_t krb5_mk_error(void *ctx, struct err *e, void *out)
{
	int32_t (*real)(void *, struct err *, void *) = (int32_t (*)(void *, struct err *, void *))dlsym(RTLD_NEXT, "krb5_mk_error");
	if (e->error == 31) e->error = 41;
	return real(ctx, e, out);
}
E
    gcc -shared -fPIC -O1 -o $LAB/shim.so $LAB/shim.c -ldl
}
mp_start() { # mp_start mp1 [clock offset, e.g. +600s]   (AS_MIT=1, KRB5RC=..., KT=keytab may be set)
    local m=$1 d=$LAB/$1
    shift
    printf 'CORP:CLIENT1$:%s\nCORP:u-ok:%s\n' "$CLIPW" "$CLIPW" >$LAB/kt/ntlm.users
    chmod 644 $LAB/kt/ntlm.users
    # libfaketime by LD_PRELOAD, not the faketime command: that forks, and $! would not be Apache
    local pl=
    [ -z "${AS_MIT:-}" ] && pl=$LAB/shim.so
    [ -n "${1:-}" ] && pl="/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1 $pl"
    rm -f $d/httpd.pid
    nxbg $m env -i PATH=$PATH KRB5_CONFIG=$LAB/krb5/mp.conf KRB5RCACHENAME=${KRB5RC:-none:} KRB5_KTNAME=FILE:${KT:-$LAB/kt/$m.keytab} \
        NTLM_USER_FILE=$LAB/kt/ntlm.users LD_PRELOAD="$pl" ${1:+FAKETIME="$1"} \
        apache2 -f $d/httpd.conf -DFOREGROUND >$d/log/stdout 2>&1 </dev/null &
    echo $! >$d/apache.pid
    local i
    for i in $(seq 50); do
        nx $m ss -ltn | grep -q ':80 ' && return
        sleep 0.1
    done
    log "$m: apache did not start"
    cat $d/log/stdout $d/log/error.log | tail -5
}
mp_stop() {
    kill $(cat $LAB/$1/apache.pid) 2>/dev/null
    local i
    for i in $(seq 50); do
        nx $1 ss -ltn | grep -q ':80 ' || return
        sleep 0.1
    done
}

krb_up() {
    mkdir -p $LAB/krb5 $LAB/cc
    krb5conf mp.conf ""
    krb5conf dns.conf "dns_uri_lookup = false" dns # finds its KDC by SRV, as Windows does
    krb5conf std.conf ""
    krb5conf canon.conf "dns_canonicalize_hostname = true"
    krb5conf nosync.conf "kdc_timesync = 0"
    krb5conf tcp.conf "udp_preference_limit = 1"
    krb5conf udp.conf "udp_preference_limit = 65000"
    krb5conf rc4.conf "allow_weak_crypto = true; default_tkt_enctypes = arcfour-hmac; default_tgs_enctypes = arcfour-hmac"
    krb5conf camellia.conf "default_tkt_enctypes = camellia256-cts-cmac; default_tgs_enctypes = camellia256-cts-cmac; permitted_enctypes = camellia256-cts-cmac"
    krb5conf drop.conf "" 10.77.0.12
    krb5conf refused.conf "" 10.77.0.13
    krb5conf dead.conf "" 10.77.0.98
    krb5conf failover.conf "" "10.77.0.13 10.77.0.12 10.77.0.10"
}

up() {
    down 2>/dev/null
    mkdir -p $LAB $P
    chmod 755 $LAB
    local t0=$SECONDS
    net_up
    krb_up
    body >$LAB/body.bin
    shim
    helpers
    log "network up"
    dc_up || {
        log "DC failed"
        return 1
    }
    log "DC up"
    mp_up mp1
    mp_up mp2
    log "MPs up; total $((SECONDS - t0)) s"
}
down() {
    local f
    for f in $LAB/mp1/apache.pid $LAB/mp2/apache.pid $LAB/samba.pid; do
        [ -s $f ] && {
            kill $(cat $f) 2>/dev/null
            sleep 0.3
            rm -f $f
        }
    done
    local n
    for n in $(ip netns list | awk -v p="^$NSP-" '$1 ~ p {print $1}'); do
        ip netns del $n
        rm -rf /etc/netns/$n
    done
}

# ------------------------------------------------------------ scenarios ---
pre_success() { EXTRACAP="mp1 dc"; }
scn_success() {
    CONF=dns.conf
    EXPECT="OK (Kerberos)"
    WHAT="kinit by keytab (AS exchange), SRV lookup of the KDC, CCM_POST -> 401 -> TGS HTTP/mp01 -> 200. Also captured at mp1 and at the DC"
    kinit_ client1
    post mp01.$D
}
pre_success_cached_ticket() {
    CONF=std.conf
    quiet_kinit client1
    TXT=/dev/null post mp01.$D
}
scn_success_cached_ticket() {
    EXPECT="OK (Kerberos), service ticket was cached: no TGS in the trace"
    WHAT="ticket obtained before the capture"
    CONF=std.conf
    post mp01.$D
}
pre_success_cached_tgt() { quiet_kinit client1; }
scn_success_cached_tgt() {
    EXPECT="OK (Kerberos), TGT was cached: no AS in the trace"
    WHAT="TGT obtained before the capture"
    post mp01.$D
}
scn_success_short_name() {
    EXPECT="OK (Kerberos): the short name is completed to HTTP/mp01.corp.test by the client"
    WHAT="client uses the short name mp01"
    kinit_ client1
    post mp01
}
scn_success_cname_canon() {
    EXPECT="OK (Kerberos) through CNAME ccm -> mp01, SPN HTTP/mp01 asked"
    WHAT="dns_canonicalize_hostname = true"
    CONF=canon.conf
    kinit_ client1
    post ccm.$D
}
scn_success_cname_ownspn() {
    EXPECT="OK (Kerberos) through CNAME ccm2 -> mp01, SPN HTTP/ccm2 asked and registered"
    WHAT="no canonicalization; SPN of the alias is on MP1$"
    kinit_ client1
    post ccm2.$D
}
scn_cname_spn_missing() {
    EXPECT="SPN missing for the alias HTTP/ccm"
    WHAT="no canonicalization, alias has no SPN"
    kinit_ client1
    post ccm.$D
}
scn_success_tcp_only() {
    EXPECT="OK (Kerberos), Kerberos over TCP only"
    WHAT="udp_preference_limit = 1"
    CONF=tcp.conf
    kinit_ client1
    post mp01.$D
}
scn_success_response_too_big() {
    EXPECT="OK (Kerberos), UDP reply too big (52) then TCP"
    WHAT="CLIENTBIG$ is in 120 groups: PAC too large for UDP; requests forced to UDP first"
    CONF=udp.conf
    kinit_ clientbig
    post mp01.$D
}
scn_success_keepalive_two_requests() {
    EXPECT="OK twice on one connection"
    WHAT="two CCM_POSTs on one connection"
    kinit_ client1
    run curl -sv --max-time 20 --anyauth -u : -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null http://mp01.$D/ccm_system_windowsauth/request -o /dev/null http://mp01.$D/ccm_system_windowsauth/request
}
scn_success_new_connection() {
    EXPECT="OK (Kerberos), the token goes over a second TCP connection"
    WHAT="Connection: close on both requests"
    kinit_ client1
    post mp01.$D -H 'Connection: close'
}
scn_success_preemptive() {
    EXPECT="OK (Kerberos), token sent without waiting for a 401"
    WHAT="curl --negotiate: Authorization in the first request"
    kinit_ client1
    run curl -sv --max-time 20 --negotiate -u : -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null http://mp01.$D/ccm_system_windowsauth/request
}
scn_nlb_mixed() {
    EXPECT="Behind one address: OK on one MP, KRB_AP_ERR_MODIFIED on the other (NLB members do not share the key)"
    WHAT="4 posts to VIP 10.77.0.20, alternately answered by mp1 (good key) and mp2 (other key)"
    kinit_ client1
    local b=$((RANDOM % 4000))
    post mpvip.$D --local-port $((40000 + b))-44999
    post mpvip.$D --local-port $((50000 + b))-59999
    post mpvip.$D --local-port $((40010 + b))-44999
    post mpvip.$D --local-port $((50010 + b))-59999
}

scn_spn_missing() {
    EXPECT="SPN missing (KDC_ERR_S_PRINCIPAL_UNKNOWN 7)"
    WHAT="HTTP/mp03 is on no account"
    kinit_ client1
    post mp03.$D
}
scn_spn_wrong_account() {
    EXPECT="SPN on the wrong account (KRB_AP_ERR_MODIFIED 41)"
    WHAT="HTTP/mp04 is on OLDSRV$, mp1 holds MP1$'s key"
    kinit_ client1
    post mp04.$D
}
pre_spn_wrong_account_mit() {
    mp_stop mp1
    AS_MIT=1 mp_start mp1
}
scn_spn_wrong_account_mit() {
    EXPECT="SPN on the wrong account (the MP is an MIT acceptor: KRB_AP_ERR_BAD_INTEGRITY 31)"
    WHAT="as spn-wrong-account, without the 31 -> 41 preload"
    kinit_ client1
    post mp04.$D
}
post_spn_wrong_account_mit() {
    mp_stop mp1
    mp_start mp1
}
pre_mp_key_changed() {
    printf 'addent -password -p HTTP/mp01.%s -k 3 -e aes256-cts-hmac-sha1-96\nNew.Passw0rd\nwkt %s\nq\n' $D $LAB/kt/mp1new.keytab >$LAB/cc/ktutil.in
    rm -f $LAB/kt/mp1new.keytab
    KRB5_CONFIG=$LAB/krb5/std.conf ktutil <$LAB/cc/ktutil.in >/dev/null 2>&1
    chmod 644 $LAB/kt/mp1new.keytab
    CONF=std.conf
    quiet_kinit client1
    mp_stop mp1
    KT=$LAB/kt/mp1new.keytab mp_start mp1
}
scn_mp_key_changed() {
    EXPECT="the MP's key has another version than the ticket (KRB_AP_ERR_BADKEYVER 44; Windows says MODIFIED 41)"
    WHAT="mp1 runs with a keytab holding kvno 3 only, tickets have kvno 2"
    post mp01.$D
}
post_mp_key_changed() {
    mp_stop mp1
    mp_start mp1
}
pre_mp_no_key() { pre_dns; }
scn_mp_no_key() {
    EXPECT="the server has no key for this name (KRB_AP_ERR_NOT_US 35 / NOKEY 45): wrong A record or wrong SPN account"
    WHAT="mp22 -> mp2, which has no key for HTTP/mp22"
    post mp22.$D
}
scn_spn_duplicate() {
    EXPECT="duplicate SPN (KDC_ERR_S_PRINCIPAL_UNKNOWN 7: on the wire the same as a missing SPN)"
    WHAT="HTTP/mp05 is on both MP1$ and OLDSRV$"
    kinit_ client1
    post mp05.$D
}
# the client's clock
scn_clock_skew_ahead() {
    EXPECT="clock skew: client 10 min ahead of the DC (KRB_AP_ERR_SKEW 37)"
    WHAT="client under faketime +600s, kdc_timesync = 0"
    CONF=nosync.conf
    SKEW=+600s
    kinit_ client1
}
scn_clock_skew_behind() {
    EXPECT="clock skew: client 10 min behind the DC (KRB_AP_ERR_SKEW 37)"
    WHAT="client under faketime -600s, kdc_timesync = 0"
    CONF=nosync.conf
    SKEW=-600s
    kinit_ client1
}
scn_clock_skew_timesync() {
    EXPECT="OK; the client's clock is 10 min ahead but it corrects itself by the KDC's time"
    WHAT="client under faketime +600s, kdc_timesync = 1 (MIT default)"
    SKEW=+600s
    kinit_ client1
    post mp01.$D
}
pre_clock_skew_tgs() {
    CONF=nosync.conf
    quiet_kinit client1
}
scn_clock_skew_tgs() {
    EXPECT="clock skew at the TGS: client 10 min ahead (KRB_AP_ERR_SKEW 37 to a TGS-REQ)"
    WHAT="TGT cached, then the client's clock moved +600s, kdc_timesync = 0"
    CONF=nosync.conf
    SKEW=+600s
    post mp01.$D
}
# the MP's clock: restart mp2's Apache under faketime
pre_clock_skew_mp() {
    EXTRACAP="mp2"
    mp_stop mp2
    mp_start mp2 +600s
}
scn_clock_skew_mp() {
    EXPECT="clock skew: the MP's clock is 10 min ahead (KRB_AP_ERR_SKEW 37 in the MP's 401)"
    WHAT="mp2's Apache runs under faketime +600s; the HTTP Date header shows it"
    kinit_ client1
    post mp02.$D
}
post_clock_skew_mp() {
    mp_stop mp2
    mp_start mp2
}
pre_clock_skew_mp_behind() {
    EXTRACAP="mp2"
    mp_stop mp2
    mp_start mp2 -600s
}
scn_clock_skew_mp_behind() {
    EXPECT="clock: the MP's clock is 10 min behind (fresh ticket not yet valid, KRB_AP_ERR_TKT_NYV 33, in the MP's 401)"
    WHAT="mp2's Apache runs under faketime -600s"
    kinit_ client1
    post mp02.$D
}
post_clock_skew_mp_behind() {
    mp_stop mp2
    mp_start mp2
}

pre_clock_skew_mp_12h_ahead() {
    mp_stop mp2
    mp_start mp2 +12h
}
scn_clock_skew_mp_12h_ahead() {
    EXPECT="clock: the MP's clock is 12 h ahead (KRB_AP_ERR_TKT_EXPIRED 32 in the MP's 401)"
    WHAT="mp2's Apache runs under faketime +12h"
    kinit_ client1
    post mp02.$D
}
post_clock_skew_mp_12h_ahead() {
    mp_stop mp2
    mp_start mp2
}
pre_clock_skew_mp_12h_behind() {
    mp_stop mp2
    mp_start mp2 -12h
}
scn_clock_skew_mp_12h_behind() {
    EXPECT="clock: the MP's clock is 12 h behind (KRB_AP_ERR_TKT_NYV 33 in the MP's 401)"
    WHAT="mp2's Apache runs under faketime -12h"
    kinit_ client1
    post mp02.$D
}
post_clock_skew_mp_12h_behind() {
    mp_stop mp2
    mp_start mp2
}

# DNS
pre_dns() {
    quiet_kinit client1
    CONF=std.conf
}
pre_dns_nxdomain() { pre_dns; }
scn_dns_nxdomain() {
    EXPECT="DNS: MP name does not exist (NXDOMAIN)"
    WHAT="mp06 has no record"
    post mp06.$D
}
pre_dns_nodata() { pre_dns; }
scn_dns_nodata() {
    EXPECT="DNS: name exists but has no address (NOERROR, no answers)"
    WHAT="mp19 has only a TXT record"
    post mp19.$D
}
pre_dns_servfail() { pre_dns; }
scn_dns_servfail() {
    EXPECT="DNS: SERVFAIL for the MP name"
    WHAT="mp01.other.example: forwarder unreachable"
    post mp01.other.example
}
pre_dns_timeout() {
    pre_dns
    resolv "10.77.0.14"
}
scn_dns_timeout() {
    EXPECT="DNS: server does not answer"
    WHAT="nameserver 10.77.0.14 drops port 53"
    post mp01.$D
}
pre_dns_timeout_second_ok() {
    pre_dns
    resolv "10.77.0.14 10.77.0.10"
}
scn_dns_timeout_second_ok() {
    EXPECT="OK, but the first DNS server does not answer"
    WHAT="nameservers 10.77.0.14 (drops) and 10.77.0.10"
    post mp01.$D
}
pre_dns_refused() {
    pre_dns
    resolv "10.77.0.13"
}
scn_dns_refused() {
    EXPECT="DNS: nothing listens (ICMP port unreachable)"
    WHAT="nameserver 10.77.0.13 has no DNS"
    post mp01.$D
}
pre_dns_wrong_address_dead() { pre_dns; }
scn_dns_wrong_address_dead() {
    EXPECT="MP address answers nothing (ARP unanswered): wrong A record or host down"
    WHAT="mp07 -> 10.77.0.99"
    MAXT=8
    post mp07.$D
}
pre_dns_wrong_address_rst() { pre_dns; }
scn_dns_wrong_address_rst() {
    EXPECT="MP address refuses port 80 (wrong A record: it is the DC)"
    WHAT="mp08 -> 10.77.0.10"
    post mp08.$D
}
pre_dns_wrong_address_other() { pre_dns; }
scn_dns_wrong_address_other() {
    EXPECT="KRB_AP_ERR_MODIFIED 41: the A record points to another server"
    WHAT="mp09 (SPN on MP1$) -> mp2"
    post mp09.$D
}
scn_dns_kdc_srv_nxdomain() {
    CONF=dns.conf
    EXPECT="DNS: no SRV record for the realm (KDC not found)"
    WHAT="realm NOREALM.CORP.TEST has no SRV"
    kinit_pw 'CLIENT1$@NOREALM.CORP.TEST' "$CLIPW"
}
# KDC
pre_kdc_unreachable() { quiet_kinit client1; }
scn_kdc_unreachable() {
    EXPECT="KDC does not answer"
    WHAT="TGT cached; KDC 10.77.0.12 drops port 88"
    CONF=drop.conf
    MAXT=60
    post mp01.$D
}
pre_kdc_refused() { quiet_kinit client1; }
scn_kdc_refused() {
    EXPECT="KDC port closed (ICMP port unreachable / RST)"
    WHAT="TGT cached; KDC 10.77.0.13 has no KDC"
    CONF=refused.conf
    MAXT=60
    post mp01.$D
}
pre_kdc_host_dead() { quiet_kinit client1; }
scn_kdc_host_dead() {
    EXPECT="KDC host is not there (no ARP answer)"
    WHAT="TGT cached; KDC 10.77.0.98"
    CONF=dead.conf
    MAXT=60
    post mp01.$D
}
scn_success_kdc_failover() {
    EXPECT="OK (Kerberos), but the first KDC refuses and the second does not answer; the third does"
    WHAT="kdc = .13 (closed), .12 (drops), .10"
    CONF=failover.conf
    kinit_ client1
    MAXT=60
    post mp01.$D
}
scn_kdc_unreachable_as() {
    EXPECT="KDC does not answer the AS-REQ"
    WHAT="KDC 10.77.0.12 drops port 88"
    CONF=drop.conf
    kinit_ client1
}
# AS errors
scn_preauth_failed() {
    EXPECT="preauth failed (24): the client's password is wrong"
    WHAT="CLIENT1$ with a wrong password"
    kinit_pw 'CLIENT1$' wrong-password
}
scn_client_unknown() {
    EXPECT="client principal unknown (6)"
    WHAT="GONE$ does not exist"
    kinit_pw 'GONE$' whatever
}
scn_client_disabled() {
    EXPECT="client revoked (18): account disabled"
    WHAT="CLIENTDIS$ is disabled"
    kinit_ clientdis
}
scn_password_expired() {
    EXPECT="client key expired (23): password must be changed"
    WHAT="u-mustchange has pwdLastSet=0"
    kinit_pw u-mustchange "$CLIPW"
}
scn_account_expired() {
    EXPECT="client revoked/expired (18 or 1): account expired"
    WHAT="u-acctexp has accountExpires in the past"
    kinit_pw u-acctexp "$CLIPW"
}
scn_logon_hours() {
    EXPECT="client revoked (18): logon hours"
    WHAT="u-hours may never log on"
    kinit_pw u-hours "$CLIPW"
}
pre_client_locked() {
    local i
    echo bad >$LAB/cc/pw
    for i in $(seq 11); do nx cli env KRB5_CONFIG=$LAB/krb5/std.conf KRB5CCNAME=$LAB/cc/x kinit u-locked <$LAB/cc/pw >/dev/null 2>&1; done
}
scn_client_locked() {
    EXPECT="client revoked (18): locked out after bad passwords"
    WHAT="11 bad passwords before the capture (threshold 10), then the right one"
    kinit_pw u-locked "$CLIPW"
}
scn_etype_nosupp_as() {
    EXPECT="no common encryption type (14) at the AS"
    WHAT="client offers camellia only"
    CONF=camellia.conf
    kinit_pw 'CLIENT1$' "$CLIPW"
}
scn_etype_nosupp_tgs() {
    EXPECT="no common encryption type (14) at the TGS"
    WHAT="client asks RC4 only, AESMP$ supports AES256 only"
    CONF=rc4.conf
    kinit_ client1
    post mp10.$D
}
scn_success_rc4() {
    EXPECT="OK (Kerberos) with RC4"
    WHAT="client asks RC4 only; mp01's account allows it"
    CONF=rc4.conf
    kinit_ client1
    post mp01.$D
}
# NTLM
scn_ntlm_fallback() {
    EXPECT="NTLM used instead of Kerberos because the SPN is missing (7); 200"
    WHAT="SPNEGO client with NTLM credentials; mp17 has no SPN, accepts NTLMSSP"
    NTLMU=$LAB/kt/ntlm.users
    kinit_ client1
    post mp17.$D
}
scn_ntlm_fallback_no_tgt() {
    EXPECT="NTLM used, no Kerberos attempt in the trace; 200"
    WHAT="no TGT"
    NTLMU=$LAB/kt/ntlm.users
    CONF=std.conf
    post mp17.$D
}
# (curl --ntlm is no use here: gss-ntlmssp 1.2.0 refuses its type 1 message, "Failed to decode data")
scn_ntlm_raw() {
    EXPECT="NTLM (scheme NTLM, raw NTLMSSP); 200"
    WHAT="python client, gssapi NTLM mech, Authorization: NTLM"
    NTLMU=$LAB/kt/ntlm.users
    run python3 $LAB/rawntlm.py mp18.$D $LAB/body.bin NTLM
}
scn_ntlm_raw_in_negotiate() {
    EXPECT="NTLM: raw NTLMSSP inside Negotiate; 200"
    WHAT="python client, gssapi NTLM mech, raw token"
    NTLMU=$LAB/kt/ntlm.users
    run python3 $LAB/rawntlm.py mp18.$D $LAB/body.bin
}
scn_ntlm_denied() {
    EXPECT="NTLM refused: 401 after NTLMSSP AUTHENTICATE"
    WHAT="as ntlm-raw-in-negotiate with a wrong password"
    echo 'CORP:CLIENT1$:wrong' >$LAB/cc/badntlm
    NTLMU=$LAB/cc/badntlm
    run python3 $LAB/rawntlm.py mp18.$D $LAB/body.bin
}
scn_ntlm_not_accepted() {
    EXPECT="NTLM fallback (SPN missing), the MP takes Kerberos only: 401"
    WHAT="NTLM token to a Kerberos-only location, mp03 has no SPN"
    NTLMU=$LAB/kt/ntlm.users
    kinit_ client1
    post mp03.$D
}
# HTTP
scn_no_negotiate_offered() {
    EXPECT="the MP does not offer Negotiate (Basic only)"
    WHAT="mp11"
    kinit_ client1
    post mp11.$D
}
scn_no_auth_header() {
    EXPECT="401 without any WWW-Authenticate"
    WHAT="mp12"
    kinit_ client1
    post mp12.$D
}
pre_mp_down() { pre_dns; }
scn_mp_down() {
    EXPECT="MP's port 80 closed (RST)"
    WHAT="mp13 -> host without web server"
    post mp13.$D
}
pre_mp_timeout() { pre_dns; }
scn_mp_timeout() {
    EXPECT="MP does not answer (SYNs dropped)"
    WHAT="mp20 -> 10.77.0.24 drops port 80"
    MAXT=10
    post mp20.$D
}
pre_mp_hang() { pre_dns; }
scn_mp_hang() {
    EXPECT="Kerberos token sent, the MP never answers"
    WHAT="mp21: CGI sleeps"
    MAXT=6
    post mp21.$D
}
pre_mp_503() { pre_dns; }
scn_mp_503() {
    EXPECT="MP answers 503"
    WHAT="mp14: backend down, no authentication asked"
    post mp14.$D
}
pre_mp_500() { pre_dns; }
scn_mp_500() {
    EXPECT="Kerberos OK, MP answers 500"
    WHAT="mp15: broken CGI behind the authentication"
    post mp15.$D
}
pre_mp_403() { pre_dns; }
scn_mp_403() {
    EXPECT="Kerberos OK, not authorized (403)"
    WHAT="mp16"
    post mp16.$D
}
pre_mp_404() { pre_dns; }
scn_mp_404() {
    EXPECT="the MP has no such virtual directory (Apache says 405, IIS would say 404)"
    WHAT="wrong path"
    run curl -sv --max-time 20 --anyauth -u : -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null http://mp01.$D/ccm_nothing/request
}
scn_two_401_no_kerberos() {
    EXPECT="two 401s, the client never tried Kerberos (no ticket, no TGT)"
    WHAT="client without credentials posts twice"
    CONF=std.conf
    local i
    for i in 1 2; do run curl -sv --max-time 20 -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null http://mp01.$D/ccm_system_windowsauth/request; done
}
scn_self_signed_no_windowsauth() {
    EXPECT="client used /ccm_system/request (no Windows auth): nothing to approve"
    WHAT="CCM_POST /ccm_system/request -> 200"
    CONF=std.conf
    run curl -sv --max-time 20 -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null http://mp01.$D/ccm_system/request
}
pre_mp_connection_reset() {
    pre_dns
    nx mp1 iptables -I INPUT -p tcp --dport 80 -m connbytes --connbytes 4000 --connbytes-dir original --connbytes-mode bytes -j REJECT --reject-with tcp-reset
}
scn_mp_connection_reset() {
    EXPECT="connection reset while the token is being sent"
    WHAT="RST injected by a firewall rule after 4000 bytes"
    post mp01.$D
}
post_mp_connection_reset() { nx mp1 iptables -F INPUT; }
pre_replay() {
    quiet_kinit client1
    mp_stop mp1
    mkdir -p $LAB/mp1/rc
    chown www-data $LAB/mp1/rc
    KRB5RC=file2:$LAB/mp1/rc/rcache mp_start mp1
}
scn_replay() {
    EXPECT="KRB_AP_ERR_REPEAT 34"
    WHAT="the same Authorization header sent twice"
    CONF=std.conf
    run python3 $LAB/replay.py mp01.$D $LAB/body.bin
}
post_replay() {
    mp_stop mp1
    mp_start mp1
}
# many clients at once, captured on the switch
pre_multi_client() {
    CAPNS=sw
    CAPIF=br0
    local i
    for i in $(seq -w 1 20); do
        ip netns list | grep -q "^$NSP-c$i\b" || mkns c$i $((110 + 10#$i))
        NS=c$i resolv 10.77.0.10 1 1
    done
    NS=cli
}
scn_multi_client() {
    EXPECT="20 clients PC01$..PC20$ (10.77.0.111-130), interleaved, mixed"
    WHAT="captured on the bridge (switch view)"
    local i pids=() t=$TXT
    for i in $(seq -w 1 20); do
        (
            NS=c$i
            CC=$LAB/cc/mc$i
            rm -f $CC
            TXT=$t.$i
            : >$TXT
            sleep 0.$((RANDOM % 10))
            case $((10#$i)) in
                1 | 2 | 3 | 4 | 5 | 6)
                    v="OK"
                    kinit_ pc$i
                    post mp01.$D
                    ;;
                7 | 8)
                    v="OK"
                    kinit_ pc$i
                    post mp02.$D
                    ;;
                9 | 10)
                    v="SPN missing"
                    kinit_ pc$i
                    post mp03.$D
                    ;;
                11 | 12)
                    v="SPN on wrong account"
                    kinit_ pc$i
                    post mp04.$D
                    ;;
                13)
                    v="duplicate SPN"
                    kinit_ pc$i
                    post mp05.$D
                    ;;
                14)
                    v="DNS NXDOMAIN"
                    kinit_ pc$i
                    post mp06.$D
                    ;;
                15)
                    v="clock skew +10 min"
                    CONF=nosync.conf
                    SKEW=+600s
                    kinit_ pc$i
                    ;;
                16)
                    v="preauth failed"
                    run sh -c "echo wrong | kinit 'PC16\$'"
                    ;;
                17)
                    v="DNS server does not answer"
                    resolv 10.77.0.14 1 1
                    CONF=std.conf
                    kinit_ pc$i
                    post mp01.$D
                    ;;
                18)
                    v="KDC unreachable"
                    CONF=drop.conf
                    kinit_ pc$i
                    ;;
                19)
                    v="MP down (RST)"
                    kinit_ pc$i
                    post mp13.$D
                    ;;
                20)
                    v="Negotiate not offered"
                    kinit_ pc$i
                    post mp11.$D
                    ;;
            esac
            {
                echo "PC$i 10.77.0.$((110 + 10#$i)): $v"
                cat $TXT
            } >$TXT.2
            rm $TXT
        ) &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat $t.*.2 >>$t
    rm -f $t.*.2
}

# expected evidence, a regular expression on the capture's line of `evidence`
checks() {
    cat <<'E2'
account-expired E25 AS-REQ E18 $
client-disabled E25 AS-REQ E18 $
client-locked E25 AS-REQ E18 $
client-unknown AS-REQ E6 $
clock-skew-ahead E25 AS-REQ E37 $
clock-skew-behind E25 AS-REQ E37 $
clock-skew-mp \[401\+E37\] $
clock-skew-mp-12h-ahead \[401\+E32\] $
clock-skew-mp-12h-behind \[401\+E33\] $
clock-skew-mp-behind \[401\+E33\] $
clock-skew-tgs TGS-REQ E37 TGS-REQ E37 $
clock-skew-timesync TGS-REP \[CCM_POST\+AP-REQ\] \[200\+AP-REP\] $
cname-spn-missing TGS-REQ E7 TGS-REQ E7 $
dns-kdc-srv-nxdomain SRV\? SRV!3
dns-nodata A\? A!0 AAAA\? AAAA!0 A\? A!3
dns-nxdomain pkt  A\? A!3
dns-refused A\? ICMP-unreach
dns-servfail pkt  A\? A!2
dns-timeout pkt  A\?\*4 $
dns-timeout-second-ok A\?\*2 A!0 .*\[200\+AP-REP\] $
dns-wrong-address-dead A!0 AAAA\? AAAA!0 ARP\?\*[0-9]+ $
dns-wrong-address-other \[401\+E41\] $
dns-wrong-address-rst AAAA!0 RST $
etype-nosupp-as AS-REQ E14 $
etype-nosupp-tgs TGS-REQ E14 $
kdc-host-dead \[401\] ARP\?\*[0-9]+ \[CCM_POST\] \[401\]
kdc-refused \[401\] RST TGS-REQ ICMP-unreach
kdc-unreachable \[401\] TGS-REQ\*3
kdc-unreachable-as pkt  AS-REQ\*3 $
logon-hours E25 AS-REQ E18 $
mp-403 \[403\+AP-REP\] $
mp-404 \[40[45]\] $
mp-500 \[500\+AP-REP\] $
mp-503 \[CCM_POST\] \[503\] $
mp-connection-reset \[CCM_POST\+AP-REQ\] RST
mp-down AAAA!0 RST $
mp-hang \[CCM_POST\+AP-REQ\] $
mp-key-changed \[401\+E44\] $
mp-no-key \[401\+E35\] $
mp-timeout pkt  A\? A!0 AAAA\? AAAA!0 $
multi-client E7.*\[401\+E41\]
nlb-mixed \[200\+AP-REP\].*\[401\+E41\].*\[200\+AP-REP\].*\[401\+E41\] $
no-auth-header AAAA!0 \[CCM_POST\] \[401\] $
no-negotiate-offered \[CCM_POST\] \[401\]
ntlm-denied \[CCM_POST\+NTLM3\] \[401\] $
ntlm-fallback E7 \[CCM_POST\+NTLM1\] \[401\+NTLM2\] \[CCM_POST\+NTLM3\] \[200\] $
ntlm-fallback-no-tgt \[CCM_POST\+NTLM3\] \[200\] $
ntlm-not-accepted E7 \[CCM_POST\+NTLM1\] \[401\] $
ntlm-raw \[CCM_POST\+NTLM3\] \[200\] $
ntlm-raw-in-negotiate \[CCM_POST\+NTLM3\] \[200\] $
password-expired E25 AS-REQ E23
preauth-failed E25 AS-REQ E24 $
replay \[200\+AP-REP\].*\[401\+E34\] $
self-signed-no-windowsauth \[CCM_POST\] \[200\] $
spn-duplicate TGS-REQ E7
spn-missing TGS-REQ E7
spn-wrong-account \[401\+E41\] $
spn-wrong-account-mit \[401\+E31\] $
success \[200\+AP-REP\] $
success-cached-tgt pkt  A\?.*TGS-REP.*\[200\+AP-REP\] $
success-cached-ticket AAAA!0 \[CCM_POST\] \[401\] \[CCM_POST\+AP-REQ\] \[200\+AP-REP\] $
success-cname-canon \[200\+AP-REP\] $
success-cname-ownspn \[200\+AP-REP\] $
success-kdc-failover ICMP-unreach.*\[200\+AP-REP\] $
success-keepalive-two-requests \[200\+AP-REP\] \[CCM_POST\] \[200\] $
success-new-connection \[200\+AP-REP\] $
success-preemptive TGS-REP \[CCM_POST\+AP-REQ\] \[200\+AP-REP\] $
success-rc4 \[200\+AP-REP\] $
success-response-too-big TGS-REQ E52 TGS-REQ TGS-REP .*\[200\+AP-REP\] $
success-short-name \[200\+AP-REP\] $
success-tcp-only E25 AS-REQ AS-REP .*\[200\+AP-REP\] $
two-401-no-kerberos \[401\].*\[401\] $
E2
}
check() {
    local n re bad=0 good=0
    while read -r n re; do
        if evidence $P/$n.pcap | grep -qE -- "$re"; then good=$((good + 1)); else
            bad=$((bad + 1))
            echo "NOT AS EXPECTED: $n ($re)"
            evidence $P/$n.pcap
        fi
    done < <(checks)
    echo "check: $good as expected, $bad not"
    return $((bad > 0))
}

derive() {
    # the same capture as taken by hosts with other clocks, and as Network Monitor files
    editcap -F pcap -t 600 $P/success.mp1.pcap $P/success.mp1-clock+600s.pcap
    editcap -F pcap -t -600 $P/clock-skew-mp.mp2.pcap $P/clock-skew-mp.mp2-clock-600s.pcap
    local f
    for f in success multi-client spn-missing spn-wrong-account clock-skew-mp; do
        editcap -F netmon2 $P/$f.pcap $P/$f.nm2.cap
        editcap -F netmon1 $P/$f.pcap $P/$f.nm1.cap
        editcap -F pcapng $P/$f.pcap $P/$f.pcapng
    done
    # damaged ones: short snap length, capture started late, capture cut off, packets missing
    editcap -F pcap -s 96 $P/success.pcap $P/success.snap96.pcap
    editcap -F pcap -r $P/success.pcap $P/success.late.pcap 30-9999
    editcap -F pcap -r $P/success.pcap $P/success.early-end.pcap 1-60
    editcap -F pcap $P/success.pcap $P/success.holes.pcap 5 12 26 40 63 70
    head -c 9000 $P/success.pcap >$P/success.truncated-file.pcap
    mergecap -w $P/success.duplicated.pcap -F pcap $P/success.pcap $P/success.mp1.pcap
}
all() {
    local n t0=$SECONDS
    for n in $(list); do scenario $n; done
    derive
    log "all: $((SECONDS - t0)) s"
}

# pcaps/<case>/capture.<ext>: the case is the file's name, a pcapng beside a pcap gets it in full
cases() {
    local f name
    for f in $P/*.pcap $P/*.pcapng $P/*.cap; do
        name=$(basename $f)
        case "$name" in *.pcapng) ;; *) name=${name%.*} ;; esac
        mkdir -p "$1/$name" && cp $f "$1/$name/capture.${f##*.}"
    done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    case "${1:-}" in
    deps | up | down | list | all | check | derive) "$1" ;;
    evidence)
        shift
        evidence "$@"
        ;;
    cases) cases "${2:?usage: lab.sh cases FOLDER}" ;;
    scenario)
        shift
        for s in "$@"; do scenario $s; done
        ;;
    *) sed -n 2,18p "$0" ;;
    esac
fi
