/* The wall between "bytes that may lie" and "things that happened".
 *
 * A decoder hands out events one by one; each is borrowed during the sink call, immutable, and
 * holds no packet bytes: names and numbers only. Right of this header nothing reads packets, and
 * tests write events by hand.
 */
#ifndef KRBSCOPE_DECODE_EVENT_H
#define KRBSCOPE_DECODE_EVENT_H

#include "decode/carrier.h"
#include "decode/ccm.h"
#include "decode/dns.h"
#include "decode/http.h"
#include "decode/negotiate.h"

#define EVENT_FRAMES_MAX 32 /* frames kept of those that carried one message */

enum event_kind {
    EVENT_NONE,
    EVENT_KRB, /* any Kerberos message on UDP or TCP */
    EVENT_HTTP_REQUEST,
    EVENT_HTTP_RESPONSE,
    EVENT_DNS,         /* query or response, any flavour */
    EVENT_TCP_SYN,     /* each SYN, retransmissions too (tcp.is_repeat) */
    EVENT_TCP_CONNECT, /* SYN and SYN/ACK seen; at the client's next segment, or the end */
    EVENT_TCP_REFUSED, /* RST to a SYN: from the server, to the client */
    EVENT_TCP_FIN,     /* first FIN of a direction */
    EVENT_TCP_RESET,   /* RST on a connection that was open */
    EVENT_TCP_SILENCE, /* an HTTP request has waited DECODER_SILENCE_NS: the facts by then */
    EVENT_TCP_END,     /* the flow's last word: closed, evicted, port reused, capture end */
    EVENT_GAP,         /* bytes of a stream were never captured */
    EVENT_ICMP_UNREACHABLE,
    EVENT_NEIGHBOUR_REQUEST, /* ARP or ND: from.address asks for target */
    EVENT_NEIGHBOUR_REPLY,
    EVENT_HOST_SEEN, /* first frame between two hosts (from, to: addresses only) for some minutes */
    EVENT_DUPLICATE, /* another copy of event `reply_to`'s message was captured */
    EVENT_TOKEN,     /* a GSS token in SMB, LDAP, DCE/RPC, TDS or by itself */
    EVENT_TLS,       /* a TLS ClientHello or ServerHello at a stream's start */
};

enum carrier {
    CARRIER_UDP,
    CARRIER_TCP,
    CARRIER_HTTP,
    CARRIER_SMB,
    CARRIER_LDAP,
    CARRIER_DCERPC,
    CARRIER_DNS,
    CARRIER_OTHER,
};

enum tcp_end_reason {
    TCP_END_CLOSED, /* FIN both ways */
    TCP_END_RESET,
    TCP_END_REUSED,  /* a new SYN took the ports */
    TCP_END_EVICTED, /* the flow table was full */
    TCP_END_CAPTURE, /* the capture ended first */
};

/* TCP facts; side 0 is the client (who sent the SYN; else who sends requests; else lower port). */
struct tcp_facts {
    bool seen_from_syn;         /* the client's SYN was captured */
    bool is_repeat;             /* EVENT_TCP_SYN: same sequence number as before */
    unsigned num_syns;          /* SYNs of this connection so far */
    int64_t syn_time_ns;        /* first SYN; 0 unknown */
    int64_t synack_time_ns;     /* 0: none seen */
    int64_t ack_time_ns;        /* client's first segment after it; 0: none seen */
    bool handshake_inferred;    /* SYN/ACK lost, but the client acknowledged one */
    enum tcp_end_reason reason; /* EVENT_TCP_END */
    /* By side: what can be said of delivery, at the time of the event. */
    uint64_t bytes_seen[2];  /* stream offsets up to which data was captured */
    uint64_t bytes_lost[2];  /* of those, in gaps */
    bool acked_all[2];       /* all captured bytes of this side were acknowledged by the other */
    bool acked_unseen[2];    /* the other side acknowledged bytes of this side that the capture
                                lacks: something was sent here and not captured */
    unsigned num_resent[2];  /* data segments seen again with other frames' bytes: retransmission */
    int64_t last_data_ns[2]; /* last segment with payload; 0: none */
    int64_t last_seen_ns[2]; /* last segment of any kind */
    bool fin_seen[2];
    uint32_t initial_seq[2]; /* when seen_from_syn */
    struct hardware_address
        hardware[2];  /* who sent this side's frames to where they were captured */
    uint64_t gap_len; /* EVENT_GAP: bytes; 0 unknown number */
    int gap_side;     /* EVENT_GAP: whose bytes */
};

/* A message of the password change protocol (RFC 3244): event.krb is its AP-REQ, AP-REP or
 * KRB-ERROR. */
struct kpasswd_facts {
    uint16_t version;                /* 1 change or any reply, 0xff80 set */
    const struct krb_message *after; /* the KRB-PRIV behind the AP-REQ or AP-REP; NULL: none */
    bool has_result;                 /* a KRB-ERROR's e-data; KRB-PRIV hides it (RFC 3244 2) */
    uint16_t result_code;
    struct bytes result_text;
};

/* Kerberos in the body of an HTTP message (MS-KKDCP). */
struct kkdcp_facts {
    struct bytes target_domain; /* empty: none */
    bool has_hint;
    int32_t dclocator_hint;
    const struct krb_message *krb; /* NULL: not readable */
    const struct kpasswd_facts *kpasswd;
};

/* An HTTP message with its tokens decoded. All slices live in the decoder's scratch. */
struct http_facts {
    struct http_message message; /* authentication values and body are emptied: see auth, ccm */
    struct auth auth;            /* Authorization / WWW-Authenticate */
    struct auth proxy_auth;
    bool has_date;
    int64_t date_ns;                 /* Date header, UTC, whole seconds: the server's clock */
    struct ccm_message ccm;          /* request with method CCM_POST */
    const struct kkdcp_facts *kkdcp; /* NULL: the body is no KDC-PROXY-MESSAGE */
    uint64_t request_id;             /* response: event id of its request; 0 unpaired */
    bool authorization_repeated;     /* same token bytes as an earlier request of this connection */
};

/* A GSS token beside HTTP: in a PDU of its own (EVENT_TOKEN) or in a TKEY record (EVENT_DNS). */
struct token_facts {
    enum carrier carrier; /* of what lies in the token */
    enum carrier_pdu pdu;
    bool is_response;
    bool has_id;
    uint64_t id;     /* of the PDU; a response has its request's */
    bool has_status; /* SMB: NTSTATUS; LDAP: result code */
    uint32_t status;
    struct bytes mechanism;          /* LDAP: SASL mechanism */
    size_t token_len;                /* bytes, those that are there */
    const struct gss_token *gss;     /* NULL: bare NTLM */
    const struct ntlm_message *ntlm; /* NTLM anywhere in the token, or NULL */
    uint64_t request_id;             /* response: event id of its request; 0 unpaired */
};

struct icmp_facts {
    uint8_t type, code;
    uint8_t quoted_protocol;                /* 6 TCP, 17 UDP */
    struct endpoint quoted_from, quoted_to; /* the packet that could not be delivered */
};

struct event {
    enum event_kind kind;
    uint64_t id;       /* from 1, rising in the order of the sink calls */
    uint64_t reply_to; /* EVENT_HTTP_RESPONSE: its request's id; EVENT_DUPLICATE: the original's */
    uint16_t capture;  /* index of the file in the case */
    uint16_t group;    /* index of the first piece of the same capture; often equal to capture */
    uint16_t scene;    /* captures that show the same hosts share it; equal to group for most */
    bool is_sighting;  /* another capture of the scene told it, or tells it, as an event */
    uint32_t frame;    /* the frame that completed the message */
    uint32_t frames[EVENT_FRAMES_MAX]; /* all that carried it, ascending; at least one */
    size_t num_frames;
    int64_t time_ns;       /* of `frame` */
    int64_t first_time_ns; /* of the first frame that carried it */
    struct endpoint from, to;
    uint64_t connection; /* TCP: the same for all events of one connection, else 0 */
    enum carrier carrier;
    bool complete;
    /* One of these, by kind; the others NULL. */
    const struct krb_message *krb;
    const struct kpasswd_facts *kpasswd; /* EVENT_KRB that changes a password, else NULL */
    const struct http_facts *http;
    const struct dns_message *dns;
    const struct token_facts *token; /* EVENT_TOKEN; EVENT_DNS with a TKEY record, else NULL */
    const struct tcp_facts *tcp;     /* EVENT_TCP_*, EVENT_GAP; also set for HTTP events */
    const struct icmp_facts *icmp;
    struct address target;               /* EVENT_NEIGHBOUR_* */
    bool is_mutual;                      /* EVENT_HOST_SEEN: frames the other way were seen, too */
    struct hardware_address adapters[2]; /* EVENT_HOST_SEEN: of from and to, on Ethernet */
};

typedef void event_sink(void *context, const struct event *event);

const char *event_kind_name(enum event_kind kind);
const char *carrier_name(enum carrier carrier); /* "smb" */

#endif
