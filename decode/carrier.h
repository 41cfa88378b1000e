/* Protocols that carry GSS tokens beside HTTP and DNS: where their PDUs begin and end, and where in
 * them a token lies. Found by content on any port.
 *
 *   SMB       NetBIOS session service; SMB1, SMB2; DCE/RPC in reads, writes and transactions of
 * pipes LDAP      bind requests and responses; SASL buffers are stepped over DCE/RPC   bind, alter
 * context and AUTH3 TDS       LOGIN7 and SSPI messages, SSPI tokens of the server NNS       the
 * .NET NegotiateStream GSS       a token by itself, or behind its length in four bytes
 *
 * A reader of a stream gathers one PDU at a time:
 *
 *      kind = carrier_of(start)                       at the start of a segment
 *      carrier_frame(kind, what came of the PDU, &f)  DONE: f.len bytes; ask again with all of them
 *      carrier_decode(kind, pdu, …)                   when f.is_wanted, else pass over f.len bytes
 */
#ifndef KRBSCOPE_DECODE_CARRIER_H
#define KRBSCOPE_DECODE_CARRIER_H

#include "base/arena.h"
#include "base/status.h"

#define CARRIER_TOKENS_MAX 4   /* tokens kept of one PDU */
#define CARRIER_HEAD_BYTES 32  /* of a PDU, enough to judge it */
#define CARRIER_PDU_MAX 262144 /* bytes of a PDU that is decoded */
#define CARRIER_PIPE_MAX                                                                           \
    16384 /* bytes of an SMB read or write that may hold a bind; binds are short */
#define CARRIER_CHAIN_MAX 16   /* SMB2 messages in one PDU, TDS tokens in one packet */
#define CARRIER_PACKETS_MAX 64 /* TDS packets of one message */

enum carrier_kind {
    CARRIER_KIND_NONE,
    CARRIER_KIND_SMB,
    CARRIER_KIND_LDAP,
    CARRIER_KIND_RPC,
    CARRIER_KIND_TDS,
    CARRIER_KIND_NNS,
    CARRIER_KIND_GSS,
    CARRIER_KIND_GSS_LENGTH,
    CARRIER_KIND_TLS, /* carries nothing for us: its records, for those who rewrite captures */
};

/* What carried a token. */
enum carrier_pdu {
    CARRIER_PDU_TOKEN, /* nothing that we know: the token by itself */
    CARRIER_PDU_SMB1_NEGOTIATE,
    CARRIER_PDU_SMB1_SESSION_SETUP,
    CARRIER_PDU_SMB2_NEGOTIATE,
    CARRIER_PDU_SMB2_SESSION_SETUP,
    CARRIER_PDU_LDAP_BIND,
    CARRIER_PDU_RPC_BIND,
    CARRIER_PDU_RPC_ALTER,
    CARRIER_PDU_RPC_AUTH3,
    CARRIER_PDU_TDS_LOGIN7,
    CARRIER_PDU_TDS_SSPI,
    CARRIER_PDU_NNS_HANDSHAKE,
    CARRIER_PDU_DNS_TKEY,
};

struct carrier_token {
    enum carrier_pdu pdu;
    bool is_response;
    bool has_id; /* a response has its request's */
    uint64_t id;
    bool has_status; /* SMB response: NTSTATUS; LDAP response: result code */
    uint32_t status;
    struct bytes mechanism; /* LDAP: SASL mechanism; borrowed */
    struct bytes token;     /* borrowed from the input; never empty */
    bool complete;          /* false: cut by the input's end */
};

struct carrier_message {
    struct carrier_token at[CARRIER_TOKENS_MAX];
    size_t num;
    struct bytes data;                   /* TDS: of all packets, one behind the other */
    struct bytes rpc[CARRIER_CHAIN_MAX]; /* DCE/RPC PDUs, by themselves or in a pipe; borrowed */
    size_t num_rpc;
};

struct carrier_frame {
    size_t len; /* bytes of the PDU as far as is known: ask again when all of them are there */
    bool is_wanted;
};

/* Does a PDU of ours begin here? Cheap, for every segment of an undecided flow: most bytes fail the
 * first test. CARRIER_KIND_NONE for fewer bytes than it takes; 32 suffice. */
enum carrier_kind carrier_of(struct bytes start);

/* May bytes with this first one be ours, when there are more of them? */
bool carrier_may_begin(uint8_t first);

/* The length of the PDU that begins at pdu.at. DONE: *out is filled (and when pdu has out->len
 * bytes, that is the whole of it); MORE: the input is too short to tell, CARRIER_HEAD_BYTES
 * suffice; BAD: no PDU of that kind begins here. */
enum verdict carrier_frame(enum carrier_kind kind, struct bytes pdu, struct carrier_frame *out);

/* The tokens in one PDU.
 *
 * out      the tokens, borrowed from the input or, where they were joined, from the arena
 * used     bytes of the PDU on DONE
 *
 * DONE  a whole PDU, with or without a token
 * MORE  cut: the tokens as far as they lie in the input
 * BAD   no such PDU, or broken inside; flaw (may be NULL) says why
 */
enum verdict carrier_decode(enum carrier_kind kind, struct bytes pdu, struct arena *arena,
                            struct carrier_message *out, size_t *used, struct flaw *flaw);

const char *carrier_pdu_name(enum carrier_pdu pdu); /* "SMB2 SESSION_SETUP" */

#endif
