#include "decode/event.h"

const char *event_kind_name(enum event_kind kind)
{
    switch (kind) {
    case EVENT_NONE:
        return "none";
    case EVENT_KRB:
        return "kerberos";
    case EVENT_HTTP_REQUEST:
        return "http-request";
    case EVENT_HTTP_RESPONSE:
        return "http-response";
    case EVENT_DNS:
        return "dns";
    case EVENT_TCP_SYN:
        return "tcp-syn";
    case EVENT_TCP_CONNECT:
        return "tcp-connect";
    case EVENT_TCP_REFUSED:
        return "tcp-refused";
    case EVENT_TCP_FIN:
        return "tcp-fin";
    case EVENT_TCP_RESET:
        return "tcp-reset";
    case EVENT_TCP_SILENCE:
        return "tcp-silence";
    case EVENT_TCP_END:
        return "tcp-end";
    case EVENT_GAP:
        return "gap";
    case EVENT_ICMP_UNREACHABLE:
        return "icmp-unreachable";
    case EVENT_NEIGHBOUR_REQUEST:
        return "neighbour-request";
    case EVENT_NEIGHBOUR_REPLY:
        return "neighbour-reply";
    case EVENT_HOST_SEEN:
        return "host-seen";
    case EVENT_DUPLICATE:
        return "duplicate";
    case EVENT_TOKEN:
        return "token";
    case EVENT_TLS:
        return "tls";
    }
    return "unknown";
}

const char *carrier_name(enum carrier carrier)
{
    static const char *const names[] = {
        [CARRIER_UDP] = "udp", [CARRIER_TCP] = "tcp",     [CARRIER_HTTP] = "http",
        [CARRIER_SMB] = "smb", [CARRIER_LDAP] = "ldap",   [CARRIER_DCERPC] = "dcerpc",
        [CARRIER_DNS] = "dns", [CARRIER_OTHER] = "other",
    };
    return names[carrier];
}
