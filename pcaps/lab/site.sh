#!/bin/bash
# site.sh - a small site without Active Directory, up in three seconds: one host with an MIT KDC, kadmind
# and dnsmasq, one Apache with mod_auth_gssapi (the MP) and one client. Sourced by the scripts beside it,
# after common.sh's variables are set; a script adds hosts, principals, records and virtual hosts with
# the hooks site_hosts, site_principals, site_records, site_vhosts.
#
# shellcheck disable=SC2086,SC2046,SC2154,SC1091,SC2034,SC2231,SC2119,SC2120
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
PW='Site.Passw0rd'

deps() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=540 install -y --no-install-recommends \
        krb5-user krb5-kdc krb5-admin-server krb5-pkinit krb5-k5tls dnsmasq-base apache2 libapache2-mod-auth-gssapi \
        gss-ntlmssp curl python3-gssapi faketime tcpdump tshark iproute2 iptables ethtool bind9-dnsutils openssl
}

hook() { declare -F site_$1 >/dev/null && site_$1; }

# daemon NAMESPACE PIDNAME COMMAND...: runs it in the background, down stops it by its pid
daemon() {
    local ns=$1 name=$2
    shift 2
    nxbg $ns "$@" >$LAB/$name.log 2>&1 </dev/null &
    echo $! >$LAB/run/$name.pid
}
stop() { # stop PIDNAME
    [ -s $LAB/run/$1.pid ] || return 0
    kill $(cat $LAB/run/$1.pid) 2>/dev/null
    rm -f $LAB/run/$1.pid
    sleep 0.3
}
listening() { # listening NAMESPACE PORT [u]: waits until something listens
    local i
    for i in $(seq 50); do
        nx $1 ss -ln${3:-t} | grep -q ":$2 " && return
        sleep 0.1
    done
    log "nothing listens on $2 in $1"
}

# realm_up NAMESPACE REALM: an MIT KDC for REALM; KDCCONF holds further lines of its realm's section
realm_up() {
    local ns=$1 r=$2 d=$LAB/$1
    mkdir -p $d
    cat >$d/kdc.conf <<E
[kdcdefaults]
 kdc_listen = 88
 kdc_tcp_listen = 88
[realms]
 $r = {
  database_name = $d/principal
  key_stash_file = $d/stash
  acl_file = $d/acl
  kadmind_port = 749
  kpasswd_port = 464
  max_life = 12h
  supported_enctypes = aes256-cts:normal aes128-cts:normal
  ${KDCCONF:-}
 }
E
    : >$d/acl
    [ -s $d/krb5.conf ] || kdc_krb5conf $ns "$r" ""
    ka $ns '' >/dev/null 2>&1 || kdb $ns create -s -P master.$r >/dev/null 2>&1
    kdc_start $ns
}
# the configuration that the KDC itself reads: kdc_krb5conf NAMESPACE REALM 'libdefaults;...' ['section lines']
kdc_krb5conf() {
    {
        printf '[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n dns_lookup_realm = false\n' "$2"
        printf '%s\n' "$3" | tr ';' '\n'
        printf '%s\n' "${4:-}"
    } >$LAB/$1/krb5.conf
}
kenv() { # kenv NAMESPACE COMMAND...: with the KDC's configuration
    local d=$LAB/$1
    nx $1 env KRB5_CONFIG=$d/krb5.conf KRB5_KDC_PROFILE=$d/kdc.conf "${@:2}"
}
kdb() { kenv $1 kdb5_util "${@:2}"; }
ka() { kenv $1 kadmin.local -q "$2"; } # ka NAMESPACE 'kadmin command'
kq() { ka kdc "$1" >>$LAB/kadmin.log 2>&1; }
kdc_start() { # kdc_start NAMESPACE [clock offset]
    local d=$LAB/$1 pl=
    [ -n "${2:-}" ] && pl=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1
    daemon $1 krb5kdc-$1 env KRB5_CONFIG=$d/krb5.conf KRB5_KDC_PROFILE=$d/kdc.conf ${KDCTRACE:+KRB5_TRACE=$KDCTRACE} \
        LD_PRELOAD=$pl FAKETIME="${2:-}" krb5kdc -n
    listening $1 88
}
kdc_restart() {
    stop krb5kdc-$1
    kdc_start "$@"
}

dns_up() { # dns_up NAMESPACE: records come from the hook, as dnsmasq's options
    {
        printf 'no-resolv\nno-hosts\nbind-interfaces\nlisten-address=%s\nauth-ttl=600\nlocal-ttl=600\n' "$DNS"
        printf 'local=/%s/\n' $D
        printf 'host-record=kdc.%s,%s\nhost-record=mp.%s,%s\n' $D $KDC $D $NET.30
        printf 'srv-host=_kerberos._udp.%s,kdc.%s,88\nsrv-host=_kerberos._tcp.%s,kdc.%s,88\n' $D $D $D $D
        hook records
    } >$LAB/dnsmasq.conf
    daemon $1 dnsmasq dnsmasq -k -C $LAB/dnsmasq.conf --user=root --pid-file=
    listening $1 53 u
}

mp_conf() { # the MP's httpd.conf
    local d=$LAB/mp M=/usr/lib/apache2/modules m
    mkdir -p $d/www $d/cgi $d/log
    printf '#!/bin/sh\ncat >/dev/null\nprintf "Content-Type: text/plain\\r\\n\\r\\n<Msg><Body/></Msg>\\r\\n"\n' >$d/cgi/request
    printf '#!/bin/sh\nexit 1\n' >$d/cgi/broken
    printf '#!/bin/sh\nsleep 30\n' >$d/cgi/hang
    chmod 755 $d/cgi/*
    chmod -R a+rX $d
    {
        printf 'ServerRoot %s\nServerName mp.%s\nPidFile %s/httpd.pid\nListen 80\nUser www-data\nGroup www-data\n' $d $D $d
        for m in mpm_prefork authn_core authz_core authz_user authz_host authn_file auth_basic auth_gssapi alias \
            headers rewrite proxy proxy_http proxy_connect cgi ssl socache_shmcb setenvif env; do
            printf 'LoadModule %s_module %s/mod_%s.so\n' $m $M $m
        done
        cat <<E
StartServers 2
MinSpareServers 2
ServerLimit 20
MaxRequestWorkers 20
Mutex file:$d default
DefaultRuntimeDir $d
ErrorLog $d/log/error.log
LogLevel warn auth_gssapi:debug
LogFormat "%h %u \"%r\" %>s %b" c
CustomLog $d/log/access.log c
ServerTokens Prod
KeepAlive On
KeepAliveTimeout 60
DocumentRoot $d/www
RegisterHttpMethod CCM_POST
<Directory />
  Require all denied
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
  ServerName mp.$D
</VirtualHost>
E
        hook vhosts
    } >$d/httpd.conf
}
mp_start() { # mp_start [clock offset]   (KT=keytab, KRB5RC=replay cache may be set)
    local d=$LAB/mp pl=
    [ -n "${1:-}" ] && pl=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1
    rm -f $d/httpd.pid
    daemon mp apache env -i PATH=$PATH KRB5_CONFIG=$LAB/krb5/std.conf KRB5RCACHENAME=${KRB5RC:-none:} \
        KRB5_KTNAME=FILE:${KT:-$LAB/kt/mp.keytab} NTLM_USER_FILE=$LAB/kt/ntlm.users LD_PRELOAD=$pl FAKETIME="${1:-}" \
        apache2 -f $d/httpd.conf -DFOREGROUND
    listening mp 80
}
mp_stop() { stop apache; }
mp_restart() {
    mp_stop
    mp_start "$@"
}
# keys NAMESPACE KEYTAB PRINCIPAL...: writes their keys as they are
keys() {
    local ns=$1 kt=$LAB/kt/$2.keytab p
    shift 2
    for p in "$@"; do ka $ns "ktadd -norandkey -k $kt $p" >>$LAB/kadmin.log 2>&1; done
    chmod 644 $kt
}

up() {
    down 2>/dev/null
    rm -rf ${LAB:?}/kt $LAB/kdc* $LAB/mp $LAB/cc
    mkdir -p $LAB/run $LAB/kt $LAB/cc $LAB/krb5 $LAB/kdc $P
    chmod 755 $LAB $LAB/kt
    local t0=$SECONDS
    ip netns add $NSP-sw
    nx sw sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    nx sw ip link set lo up
    nx sw ip link add br0 type bridge && nx sw ip link set br0 up
    mkns kdc ${DNS##*.}
    mkns mp 30
    mkns cli 41
    hook hosts
    body >$LAB/body.bin
    ADMIN=$KDC krb5conf std.conf ""
    krb5conf nosync.conf "kdc_timesync = 0"
    krb5conf dns.conf "dns_uri_lookup = false" dns
    realm_up kdc $R
    kq "addprinc -pw $PW +requires_preauth $CLIENT"
    kq "addprinc -randkey HTTP/mp.$D"
    keys kdc client "$CLIENT"
    keys kdc mp HTTP/mp.$D
    printf '%s:%s:%s\n' "${R%%.*}" "${CLIENT}" "$PW" >$LAB/kt/ntlm.users
    chmod 644 $LAB/kt/ntlm.users
    hook principals
    daemon kdc kadmind env KRB5_CONFIG=$LAB/kdc/krb5.conf KRB5_KDC_PROFILE=$LAB/kdc/kdc.conf kadmind -nofork
    dns_up kdc
    mp_conf
    mp_start
    log "site of $R up: $((SECONDS - t0)) s"
}
down() {
    local f n
    for f in $LAB/run/*.pid; do
        [ -s $f ] && kill $(cat $f) 2>/dev/null
        rm -f $f
    done
    sleep 0.2
    for n in $(ip netns list | awk -v p="^$NSP-" '$1 ~ p {print $1}'); do
        ip netns del $n
        rm -rf /etc/netns/$n
    done
}
# some seconds later the client looks up another name: the capture shows that nothing more came before
later() {
    sleep ${1:-4}
    nx $NS dig +short +tries=1 +time=1 kdc.$D @$DNS >/dev/null
}
# the client's logon with its keytab, and a scenario that begins with it done
logon() { run kinit -k -t $LAB/kt/client.keytab "$CLIENT"; }
logged_on() { TXT=/dev/null logon; }

site_main() {
    local s
    case "${1:-}" in
    deps | up | down | list) "$1" ;;
    all) for s in $(list); do scenario $s; done ;;
    evidence)
        shift
        evidence "$@"
        ;;
    scenario)
        shift
        for s in "$@"; do scenario $s; done
        ;;
    *) echo "usage: $0 deps | up | scenario NAME... | all | list | evidence | down" >&2 ;;
    esac
}
