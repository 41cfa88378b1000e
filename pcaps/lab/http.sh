#!/bin/bash
# http.sh - what can go wrong, or looks odd and is right, between a client and the MP's web server: status
# codes, proxies, TLS, silence, resets, probes, parallel and everyday requests. Kerberos itself works.
#
#   dc    192.168.178.10  KDC and DNS of SHOP.LAN        mp  192.168.178.30  Apache, a virtual host a fault
#   proxy 192.168.178.50  Apache as proxy: 3128 open, 3129 wants Basic, 3130 wants Negotiate
#   cli   192.168.178.41  KASSE1$                        lb  192.168.178.60  a balancer that probes
#
# shellcheck disable=SC2086,SC2154,SC2034,SC1091,SC2119,SC2120
LAB=${LAB:-$PWD/lab-state}/http
P=$LAB/pcaps
R=SHOP.LAN
D=shop.lan
NSP=kh
NET=192.168.178
DNS=$NET.10
KDC=$NET.10
CLIENT='KASSE1$'
. "$(dirname "${BASH_SOURCE[0]}")/site.sh"
W=/ccm_system_windowsauth/request

HOSTS="verb405 verb501 verb404 missing open early403 late403 ntlmonly early500 early503 late503 mute ntlm reject lateauth tls fallback"
site_hosts() {
    mkns proxy 50
    mkns lb 60
}
site_records() {
    local n
    for n in $HOSTS; do printf 'host-record=%s.%s,%s.30\n' $n $D $NET; done
    printf 'host-record=proxy.%s,%s.50\n' $D $NET
    printf 'cname=mp-alias.%s,mp-old.%s,mp.%s\nhost-record=mp-old.%s,%s.30\n' $D $D $D $D $NET
}
site_principals() {
    local n
    for n in $HOSTS; do
        kq "addprinc -randkey HTTP/$n.$D"
        keys kdc mp HTTP/$n.$D
    done
    # the key that the web server has of this name is not the account's any more
    kq "delprinc -force HTTP/fallback.$D"
    kq "addprinc -randkey HTTP/fallback.$D"
    kq "addprinc -randkey HTTP/proxy.$D"
    keys kdc proxy HTTP/proxy.$D
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=tls.$D" -addext "subjectAltName=DNS:tls.$D" \
        -keyout $LAB/tls.key -out $LAB/tls.crt 2>/dev/null
    chmod 644 $LAB/tls.key
    proxy_up
}
vhost() { # vhost NAME [PORT]: lines of the virtual host on standard input
    printf '<VirtualHost *:%s>\n  ServerName %s.%s\n' ${2:-80} $1 $D
    sed 's/^/  /'
    printf '</VirtualHost>\n'
}
# answer NAME STATUS [more lines]: every CCM_POST gets this status before any authentication
answer() {
    {
        printf 'RewriteEngine On\nRewriteCond %%{REQUEST_METHOD} CCM_POST\nRewriteRule ^ - [R=%s,L]\n%s\n' $2 "${3:-}"
        [ -n "${4:-}" ] || printf '<Location />\n  AuthType None\n  AuthMerging Off\n  Require all granted\n</Location>\n'
    } | vhost $1
}
site_vhosts() {
    printf 'Listen 443\n'
    answer verb405 405 'Header always set Allow "GET, HEAD, POST"'
    answer verb501 501
    answer verb404 404 "" keep
    answer missing 404
    answer early403 403
    answer early500 500
    answer early503 503
    answer ntlmonly 401 'Header always set WWW-Authenticate NTLM'
    vhost open <<<"<Location /ccm_system_windowsauth/>
  AuthType None
  AuthMerging Off
  Require all granted
</Location>"
    vhost late403 <<<"<Location /ccm_system_windowsauth/>
  AuthzSendForbiddenOnFailure On
  Require user nobody-else
</Location>"
    vhost lateauth <<<"<Location /ccm_system_windowsauth/>
  Require user nobody-else
</Location>"
    vhost late503 <<<"ProxyPass /ccm_system_windowsauth/ http://127.0.0.1:8099/"
    vhost mute <<<"ScriptAlias /ccm_system_windowsauth/request $LAB/mp/cgi/hang
<Location /ccm_system_windowsauth/>
  AuthType None
  AuthMerging Off
  Require all granted
</Location>"
    vhost ntlm <<<"<Location /ccm_system_windowsauth/>
  AuthType GSSAPI
  AuthName x
  GssapiConnectionBound On
  Require valid-user
  GssapiAllowedMech krb5
  GssapiAllowedMech ntlmssp
</Location>"
    vhost reject <<<"<Location /ccm_system_windowsauth/>
  GssapiCredStore keytab:/nonexistent
</Location>"
    vhost fallback <<<"<Location /ccm_system_windowsauth/>
  AuthType GSSAPI
  AuthName x
  GssapiConnectionBound On
  Require valid-user
  GssapiAllowedMech krb5
  GssapiAllowedMech ntlmssp
</Location>"
    vhost tls 443 <<<"SSLEngine On
SSLCertificateFile $LAB/tls.crt
SSLCertificateKeyFile $LAB/tls.key"
}
proxy_up() {
    local d=$LAB/proxy M=/usr/lib/apache2/modules m
    mkdir -p $d/log
    {
        printf 'ServerRoot %s\nServerName proxy.%s\nPidFile %s/httpd.pid\nUser www-data\nGroup www-data\n' $d $D $d
        for m in mpm_prefork authn_core authz_core authz_user authz_host authn_file auth_basic auth_gssapi headers proxy \
            proxy_http proxy_connect setenvif env; do
            printf 'LoadModule %s_module %s/mod_%s.so\n' $m $M $m
        done
        cat <<E
Listen 3128
Listen 3129
Listen 3130
Mutex file:$d default
DefaultRuntimeDir $d
ErrorLog $d/log/error.log
ServerTokens Prod
ProxyVia On
# every request by a connection of its own, as a careless proxy does it
SetEnv proxy-nokeepalive 1
<VirtualHost *:3128>
  ProxyRequests On
  AllowCONNECT 443
</VirtualHost>
<VirtualHost *:3129>
  ProxyRequests On
  <Proxy *>
    AuthType Basic
    AuthName proxy
    AuthBasicProvider file
    AuthUserFile /dev/null
    Require valid-user
  </Proxy>
</VirtualHost>
<VirtualHost *:3130>
  ProxyRequests On
  <Proxy *>
    AuthType GSSAPI
    AuthName proxy
    GssapiAllowedMech krb5
    Require valid-user
  </Proxy>
</VirtualHost>
E
    } >$d/httpd.conf
    daemon proxy proxy env -i PATH=$PATH KRB5_CONFIG=$LAB/krb5/std.conf KRB5RCACHENAME=none: KRB5_KTNAME=FILE:$LAB/kt/proxy.keytab \
        apache2 -f $d/httpd.conf -DFOREGROUND
    listening proxy 3130
}
probe() { # probe NAMESPACE -G|-I PATH: an anonymous look from a monitor or a balancer
    nx $1 curl -s -m 3 $2 -A 'HealthCheck/1.0' -o /dev/null http://mp.$D$3 --resolve mp.$D:80:$NET.30
}

scn_mp_405_allow() {
    EXPECT="the web server does not take CCM_POST: 405 with Allow"
    WHAT="405 with an Allow header without CCM_POST"
    logon
    post verb405.$D
}
scn_mp_501() {
    EXPECT="the web server does not know CCM_POST: 501"
    WHAT="501 to every CCM_POST"
    logon
    post verb501.$D
}
scn_mp_404_other_verb() {
    EXPECT="404 to CCM_POST where GET on the same path is answered: the verb is filtered"
    WHAT="404 to CCM_POST only, a GET gets 401 and then 200"
    logon
    run curl -sv --max-time 20 --anyauth -u : -o /dev/null http://verb404.$D$W
    post verb404.$D
}
scn_mp_not_found() {
    EXPECT="404: the MP's application is not there"
    WHAT="404 to every request"
    logon
    post missing.$D
}
scn_anonymous_accepted() {
    EXPECT="200 without any token: the path asks for no authentication"
    WHAT="windowsauth path with anonymous access"
    logon
    post open.$D
}
scn_mp_403_anonymous() {
    EXPECT="403 before any authentication"
    WHAT="403 to every CCM_POST"
    logon
    post early403.$D
}
scn_mp_403_token() {
    EXPECT="403 after a valid token"
    WHAT="Require user nobody-else, AuthzSendForbiddenOnFailure"
    logon
    post late403.$D
}
scn_mp_401_authorisation() {
    EXPECT="the token is valid, the server says 401 all the same: not authorised"
    WHAT="Require user nobody-else, without AuthzSendForbiddenOnFailure"
    logon
    post lateauth.$D
}
scn_negotiate_not_offered_ntlm() {
    EXPECT="NTLM is offered, Negotiate is not"
    WHAT="401 with WWW-Authenticate: NTLM only"
    logon
    post ntlmonly.$D
}
scn_mp_500_anonymous() {
    EXPECT="500 before any authentication"
    WHAT="500 to every CCM_POST"
    logon
    post early500.$D
}
scn_mp_503_token() {
    EXPECT="503 after the token"
    WHAT="the backend behind the authentication is down"
    logon
    post late503.$D
}
scn_mp_no_reply_anonymous() {
    EXPECT="the first request is never answered"
    WHAT="a program that sleeps, no authentication asked"
    MAXT=11
    logon
    post mute.$D
    later 1
}
pre_mp_reset_anonymous() {
    nx mp iptables -I INPUT -p tcp --dport 80 -m string --algo bm --string CCM_POST -j REJECT --reject-with tcp-reset
}
scn_mp_reset_anonymous() {
    EXPECT="the first request is answered by a reset"
    WHAT="a firewall that knows only GET and POST resets the connection"
    logon
    post mp.$D
}
post_mp_reset_anonymous() { nx mp iptables -F INPUT; }
pre_mp_large_lost() {
    nx mp iptables -I INPUT -p tcp --dport 80 -m length --length 1400:65535 -j DROP
}
scn_mp_large_lost() {
    EXPECT="large segments never arrive: MTU black hole"
    WHAT="a router drops packets of more than 1400 bytes"
    MAXT=12
    logon
    post mp.$D
    later 1
}
post_mp_large_lost() { # and nothing of that connection shall show up in a later capture
    nx mp iptables -F INPUT
    nx cli ss -K dst $NET.30 >/dev/null 2>&1
    mp_restart
}
post_mp_no_reply_anonymous() { mp_restart; }
scn_ticket_refused() {
    EXPECT="401 after the AP-REQ without an error token"
    WHAT="the web server has no keytab at all"
    logon
    post reject.$D
}
fallback() { # fallback NTLM-USERS: a ticket, then NTLM on the same connection
    NTLMU=$1
    helpers
    logon
    run python3 $LAB/fallback.py fallback.$D $LAB/body.bin
}
scn_ticket_refused_then_ntlm_refused() {
    EXPECT="the server cannot decrypt the ticket; NTLM on the same connection is refused too"
    WHAT="a keytab with another key, an NTLM user with a wrong password"
    echo "${R%%.*}:$CLIENT:wrong" >$LAB/cc/badntlm
    fallback $LAB/cc/badntlm
}
scn_ticket_refused_then_ntlm() {
    EXPECT="the server cannot decrypt the ticket; NTLM on the same connection is let in"
    WHAT="a keytab with another key, an NTLM user with the right password"
    fallback $LAB/kt/ntlm.users
}
scn_host_is_ip_address() {
    EXPECT="NTLM because the host is an address"
    WHAT="python client, gssapi NTLM mechanism, http://192.168.178.30"
    NTLMU=$LAB/kt/ntlm.users
    helpers
    logon
    run python3 $LAB/rawntlm.py $NET.30 $LAB/body.bin
}
scn_ntlm_works() {
    EXPECT="NTLM is used and accepted, the client asked for no ticket"
    WHAT="python client, gssapi NTLM mechanism, the host by its name"
    NTLMU=$LAB/kt/ntlm.users
    helpers
    logon
    run python3 $LAB/rawntlm.py ntlm.$D $LAB/body.bin
}
scn_proxy_407() {
    EXPECT="the proxy wants credentials that the client does not send"
    WHAT="a proxy with Basic authentication"
    logon
    post mp.$D -x http://proxy.$D:3129
}
scn_proxy_kerberos() {
    EXPECT="approved: the proxy's 407 is answered with Kerberos"
    WHAT="a proxy that wants Negotiate"
    logon
    post mp.$D -x http://proxy.$D:3130 --proxy-negotiate --proxy-user :
}
scn_proxy_via() {
    EXPECT="approved through a proxy that asks nothing"
    WHAT="an open proxy, Kerberos in one request"
    logon
    post mp.$D -x http://proxy.$D:3128
}
scn_proxy_breaks_ntlm() {
    EXPECT="NTLM's handshake is broken by a proxy that opens a connection for each request"
    WHAT="NTLM through a proxy without keep-alive towards the MP"
    NTLMU=$LAB/kt/ntlm.users
    helpers
    run python3 $LAB/rawntlm.py ntlm.$D $LAB/body.bin Negotiate proxy.$D:3128
}
scn_tls() {
    EXPECT="the exchange is inside TLS; a ticket for the host was got"
    WHAT="https"
    logon
    run curl -skv --max-time 20 --anyauth -u : -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null https://tls.$D$W
}
scn_tls_connect() {
    EXPECT="the exchange is inside TLS through a CONNECT proxy; a ticket for the host was got"
    WHAT="https through a proxy"
    logon
    run curl -skv --max-time 20 --anyauth -u : -X CCM_POST --data-binary @$LAB/body.bin -o /dev/null -x http://proxy.$D:3128 https://tls.$D$W
}
scn_tls_no_ticket() {
    EXPECT="TLS to a host that nobody asked a ticket for: nothing to say"
    WHAT="https without authentication"
    run curl -skv --max-time 20 -o /dev/null https://tls.$D/ccm_system/request
}
pre_probes() { CAPNS=mp; }
scn_probes() {
    EXPECT="no failure: a balancer's anonymous probes, and a client that is approved"
    WHAT="GET and HEAD without a token from a balancer every second, captured on the MP"
    local i
    for i in 1 2 3; do
        probe lb -G /SMS_MP/.sms_aut?mplist
        probe lb -I $W
        [ $i = 2 ] && logon && post mp.$D
        sleep 0.5
    done
}
scn_everyday() {
    EXPECT="no attempt: a registered client's everyday requests"
    WHAT="five CCM_POSTs to /ccm_system/request for policy and status"
    local i
    body MP_PolicyManager RequestAssignments >$LAB/everyday.bin
    for i in 1 2 3 4 5; do
        run curl -sv --max-time 20 -X CCM_POST -A 'ConfigMgr Messaging HTTP Sender' -H 'Content-Type: multipart/mixed; boundary="aAbBcCdDv1234567890VxXyYzZ"' \
            --data-binary @$LAB/everyday.bin -o /dev/null http://mp.$D/ccm_system/request
    done
}
scn_parallel() {
    EXPECT="approved four times: a browser's parallel connections"
    WHAT="curl --parallel, four URLs, a connection each"
    logon
    run curl -sv --max-time 20 --parallel --parallel-immediate --anyauth -u : -o /dev/null http://mp.$D$W?a -o /dev/null http://mp.$D$W?b \
        -o /dev/null http://mp.$D$W?c -o /dev/null http://mp.$D$W?d
}
scn_keep_alive() {
    EXPECT="approved, then two more requests on the same connection"
    WHAT="three GETs on one connection"
    logon
    run curl -sv --max-time 20 --anyauth -u : -o /dev/null http://mp.$D$W -o /dev/null http://mp.$D$W -o /dev/null http://mp.$D$W
}
scn_expect_continue() {
    EXPECT="approved, with 100 Continue in between"
    WHAT="Expect: 100-continue and a chunked body"
    logon
    post mp.$D -H 'Expect: 100-continue' -H 'Transfer-Encoding: chunked'
}
[ "${BASH_SOURCE[0]}" = "$0" ] && site_main "$@"
