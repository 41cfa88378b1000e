#include "decode/carrier_private.h"

struct protocol {
    bool (*begins)(struct bytes start);
    enum verdict (*frame)(struct bytes pdu, struct carrier_frame *out);
    enum verdict (*decode)(struct carrier_reader *r);
};

static enum verdict decode_rpc(struct carrier_reader *r)
{
    return rpc_decode(r, r->pdu);
}

static const struct protocol protocols[] = {
    [CARRIER_KIND_SMB] = {smb_begins, smb_frame, smb_decode},
    [CARRIER_KIND_LDAP] = {ldap_begins, ldap_frame, ldap_decode},
    [CARRIER_KIND_RPC] = {rpc_begins, rpc_frame, decode_rpc},
    [CARRIER_KIND_TDS] = {tds_begins, tds_frame, tds_decode},
    [CARRIER_KIND_NNS] = {nns_begins, nns_frame, nns_decode},
    [CARRIER_KIND_GSS] = {gss_begins, gss_frame, gss_decode},
    [CARRIER_KIND_GSS_LENGTH] = {gss_length_begins, gss_length_frame, gss_length_decode},
    [CARRIER_KIND_TLS] = {tls_begins, tls_frame, tls_decode},
};
#define NUM_PROTOCOLS (sizeof protocols / sizeof protocols[0])

bool carrier_may_begin(uint8_t first)
{
    switch (first) {
    case 0x00: /* NetBIOS session message; a length below 2^24 */
    case 0x04: /* TDS response */
    case 0x05: /* DCE/RPC version */
    case 0x10: /* TDS LOGIN7, SSPI, PRELOGIN */
    case 0x11:
    case 0x12:
    case 0x16: /* NNS handshake */
    case 0x30: /* LDAP: SEQUENCE */
    case 0x60: /* GSS: [APPLICATION 0], NegTokenResp: [1] */
    case 0xa1:
    case 0x81: /* NetBIOS session request, positive response */
    case 0x82:
        return true;
    default:
        return false;
    }
}

enum carrier_kind carrier_of(struct bytes start)
{
    if (start.len == 0 || !carrier_may_begin(start.at[0])) {
        return CARRIER_KIND_NONE;
    }
    for (size_t kind = CARRIER_KIND_SMB; kind < NUM_PROTOCOLS; kind++) {
        if (protocols[kind].begins(start)) {
            return (enum carrier_kind)kind;
        }
    }
    return CARRIER_KIND_NONE;
}

enum verdict carrier_frame(enum carrier_kind kind, struct bytes pdu, struct carrier_frame *out)
{
    *out = (struct carrier_frame){0};
    if (kind == CARRIER_KIND_NONE) {
        return VERDICT_BAD;
    }
    enum verdict v = protocols[kind].frame(pdu, out);
    if (v == VERDICT_DONE && out->len > CARRIER_PDU_MAX) {
        out->is_wanted = false;
    }
    return v;
}

enum verdict carrier_decode(enum carrier_kind kind, struct bytes pdu, struct arena *arena,
                            struct carrier_message *out, size_t *used, struct flaw *flaw)
{
    struct carrier_frame frame = {0};
    struct carrier_reader r = {.pdu = pdu, .arena = arena, .out = out, .flaw = flaw};
    *out = (struct carrier_message){0};
    *used = 0;
    enum verdict framing = carrier_frame(kind, pdu, &frame);
    if (framing == VERDICT_BAD) {
        return flaw_set(flaw, 0, "no PDU of that kind begins here", "");
    }
    if (framing == VERDICT_MORE) {
        return VERDICT_MORE;
    }
    r.pdu = bytes_part(pdu, 0, frame.len);
    r.is_cut = pdu.len < frame.len;
    enum verdict v = protocols[kind].decode(&r);
    if (v == VERDICT_BAD) {
        return v;
    }
    if (r.is_cut) {
        return VERDICT_MORE;
    }
    *used = frame.len;
    return VERDICT_DONE;
}

uint16_t carrier_u16le_at(struct bytes b, size_t offset)
{
    return (uint16_t)(bytes_u8_at(b, offset) | bytes_u8_at(b, offset + 1) << 8);
}

uint32_t carrier_u32le_at(struct bytes b, size_t offset)
{
    return carrier_u16le_at(b, offset) | (uint32_t)carrier_u16le_at(b, offset + 2) << 16;
}

uint64_t carrier_u64le_at(struct bytes b, size_t offset)
{
    return carrier_u32le_at(b, offset) | (uint64_t)carrier_u32le_at(b, offset + 4) << 32;
}

void carrier_add(struct carrier_reader *r, struct carrier_token token, struct bytes b,
                 size_t offset, size_t len)
{
    if (len == 0 || offset >= b.len || r->out->num == CARRIER_TOKENS_MAX) {
        return;
    }
    token.token = bytes_part(b, offset, len);
    token.complete = token.token.len == len;
    r->out->at[r->out->num++] = token;
}

const char *carrier_pdu_name(enum carrier_pdu pdu)
{
    static const char *const names[] = {
        [CARRIER_PDU_TOKEN] = "token",
        [CARRIER_PDU_SMB1_NEGOTIATE] = "SMB1 NEGOTIATE",
        [CARRIER_PDU_SMB1_SESSION_SETUP] = "SMB1 SESSION_SETUP",
        [CARRIER_PDU_SMB2_NEGOTIATE] = "SMB2 NEGOTIATE",
        [CARRIER_PDU_SMB2_SESSION_SETUP] = "SMB2 SESSION_SETUP",
        [CARRIER_PDU_LDAP_BIND] = "LDAP bind",
        [CARRIER_PDU_RPC_BIND] = "DCE/RPC bind",
        [CARRIER_PDU_RPC_ALTER] = "DCE/RPC alter context",
        [CARRIER_PDU_RPC_AUTH3] = "DCE/RPC AUTH3",
        [CARRIER_PDU_TDS_LOGIN7] = "TDS LOGIN7",
        [CARRIER_PDU_TDS_SSPI] = "TDS SSPI",
        [CARRIER_PDU_NNS_HANDSHAKE] = "NNS handshake",
        [CARRIER_PDU_DNS_TKEY] = "DNS TKEY",
    };
    return names[pdu];
}
