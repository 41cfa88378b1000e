#include "krb5asn1/spnego.h"

#include "base/cursor.h"
#include "krb5asn1/copy.h"
#include "krb5asn1/tlv.h"

#include "spnego_asn1.h"

#define OIDS_MAX 64 /* looked at in one mechTypes */
#define TOK_ID_LEN 2
#define SIGNATURE_LEN 8

/* The bodies of the OIDs, without tag and length (RFC 4178, RFC 4121, MS-SPNG 1.9). */
struct mech_oid {
    enum gss_mech mech;
    uint8_t len;
    uint8_t body[12];
    const char *name;
};

static const struct mech_oid mech_oids[] = {
    {GSS_MECH_SPNEGO, 6, {0x2B, 6, 1, 5, 5, 2}, "SPNEGO"},
    {GSS_MECH_KRB5, 9, {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2}, "Kerberos"},
    {GSS_MECH_MS_KRB5, 9, {0x2A, 0x86, 0x48, 0x82, 0xF7, 0x12, 1, 2, 2}, "MS-Kerberos"},
    {GSS_MECH_KRB5_U2U, 10, {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2, 3}, "Kerberos-U2U"},
    {GSS_MECH_NTLMSSP, 10, {0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0A}, "NTLMSSP"},
    {GSS_MECH_NEGOEX, 10, {0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x1E}, "NegoEx"},
    {GSS_MECH_IAKERB, 6, {0x2B, 6, 1, 5, 2, 5}, "IAKERB"},
};
#define MECH_OIDS (sizeof mech_oids / sizeof mech_oids[0])

static const uint8_t ntlm_signature[SIGNATURE_LEN] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', '\0'};
static const uint8_t negoex_signature[SIGNATURE_LEN] = {'N', 'E', 'G', 'O', 'E', 'X', 'T', 'S'};

/* One token on its way from the wire to *out. */
struct unwrap {
    struct arena *arena;
    struct gss_token *out;
    struct flaw *flaw;
    struct bytes input; /* the whole of it, for flaw.at */
};

static enum verdict broken(const struct unwrap *u, struct bytes at, const char *why,
                           const char *source)
{
    /* Nothing is there only at the end. */
    size_t offset = at.len > 0 ? (size_t)(at.at - u->input.at) : u->input.len;
    return flaw_set(u->flaw, offset, why, source);
}

static enum verdict cut(const struct unwrap *u)
{
    u->out->complete = false;
    return VERDICT_MORE;
}

static enum gss_mech mech_of(struct bytes oid)
{
    for (size_t i = 0; i < MECH_OIDS; i++) {
        struct bytes known = {.at = mech_oids[i].body, .len = mech_oids[i].len};
        if (bytes_equal(oid, known)) {
            return mech_oids[i].mech;
        }
    }
    return GSS_MECH_UNKNOWN;
}

static bool is_krb5(enum gss_mech mech)
{
    return mech == GSS_MECH_KRB5 || mech == GSS_MECH_MS_KRB5 || mech == GSS_MECH_KRB5_U2U;
}

/* Does b begin with the signature? When b is not whole, as far as it goes. */
static bool begins(struct bytes b, const uint8_t signature[SIGNATURE_LEN], bool whole)
{
    struct bytes seen = bytes_part(b, 0, SIGNATURE_LEN);
    return seen.len > 0 && (seen.len == SIGNATURE_LEN || !whole) &&
           bytes_equal(seen, (struct bytes){.at = signature, .len = seen.len});
}

/* The identifier octets of the Kerberos messages that a GSS token holds. */
static bool is_krb_tag(uint8_t tag)
{
    return tag == TLV_APPLICATION((unsigned)KRB_AP_REQ) ||
           tag == TLV_APPLICATION((unsigned)KRB_AP_REP) ||
           tag == TLV_APPLICATION((unsigned)KRB_ERROR_MSG);
}

static bool is_tok_id(uint16_t id)
{
    return id == KRB5_TOK_AP_REQ || id == KRB5_TOK_AP_REP || id == KRB5_TOK_ERROR ||
           id == KRB5_TOK_TGT_REQ || id == KRB5_TOK_TGT_REP;
}

/* A bare Kerberos message. whole: the token around it is not cut, so neither may the message be. */
static enum verdict read_krb(struct unwrap *u, struct bytes message, bool whole)
{
    struct krb_message *krb = arena_alloc(u->arena, sizeof *krb);
    size_t used = 0;
    if (krb == NULL) {
        return broken(u, message, "no room for the decoded token", "");
    }
    struct flaw inner = {0};
    enum verdict verdict = krb_decode(message, u->arena, krb, &used, &inner);
    if (verdict == VERDICT_BAD) {
        return flaw_set(u->flaw, (size_t)(message.at - u->input.at) + inner.at, inner.why,
                        inner.source);
    }
    u->out->krb = krb;
    if (verdict == VERDICT_DONE) {
        return VERDICT_DONE;
    }
    return whole ? broken(u, message, "the Kerberos message runs past its token", "RFC 4121 4.1")
                 : cut(u);
}

/* What follows a Kerberos OID: TOK_ID and a message, or only the message, as some servers send
 * their KRB-ERROR. */
static enum verdict read_krb5_token(struct unwrap *u, struct bytes token, bool whole)
{
    if (token.len > 0 && is_krb_tag(token.at[0])) {
        return read_krb(u, token, whole);
    }
    if (token.len < TOK_ID_LEN) {
        return whole ? broken(u, token, "no TOK_ID", "RFC 4121 4.1") : cut(u);
    }
    uint16_t id = bytes_u16be_at(token, 0);
    if (!is_tok_id(id)) {
        return whole ? VERDICT_DONE : cut(u); /* a per-message token, or one of a later draft */
    }
    u->out->tok_id = (enum krb5_tok_id)id;
    token = bytes_part(token, TOK_ID_LEN, token.len);
    if (token.len == 0) {
        return whole ? broken(u, token, "nothing behind the TOK_ID", "RFC 4121 4.1") : cut(u);
    }
    if (id == KRB5_TOK_TGT_REQ || id == KRB5_TOK_TGT_REP) {
        return whole ? VERDICT_DONE : cut(u);
    }
    return read_krb(u, token, whole);
}

/* 60 len 06 len OID, RFC 2743 3.1. DONE: *mech and *token are what was wrapped, and *whole tells
 * whether it is all there. */
static enum verdict open_wrapper(struct unwrap *u, enum gss_mech *mech, struct bytes *token,
                                 bool *whole, struct bytes input)
{
    struct bytes rest = input;
    struct tlv wrapper;
    struct tlv oid;
    enum tlv_result found = tlv_next(&rest, &wrapper);
    if (found == TLV_CUT) {
        return *whole ? broken(u, input, "the token ends in its header", "RFC 2743 3.1") : cut(u);
    }
    if (found != TLV_OK || (*whole && !wrapper.whole)) {
        return broken(u, input, "the token's length is wrong", "RFC 2743 3.1");
    }
    *whole = wrapper.whole;
    *token = wrapper.content;
    found = tlv_next(token, &oid);
    if (!*whole && (found == TLV_CUT || found == TLV_END || (found == TLV_OK && !oid.whole))) {
        return cut(u);
    }
    if (found != TLV_OK || oid.tag != TLV_OID || !oid.whole) {
        return broken(u, wrapper.content, "no mechanism OID in the token", "RFC 2743 3.1");
    }
    *mech = mech_of(oid.content);
    return VERDICT_DONE;
}

/* mechToken or responseToken. whole: it is all there. */
static enum verdict read_inner(struct unwrap *u, struct bytes token, bool whole)
{
    struct gss_token *out = u->out;
    if (token.len == 0) {
        return whole ? VERDICT_DONE : cut(u);
    }
    if (begins(token, ntlm_signature, whole)) {
        out->mech = GSS_MECH_NTLMSSP;
        out->ntlm = token;
        return whole ? VERDICT_DONE : cut(u);
    }
    if (begins(token, negoex_signature, whole)) {
        out->mech = GSS_MECH_NEGOEX;
        return whole ? VERDICT_DONE : cut(u);
    }
    if (token.at[0] == TLV_APPLICATION(0)) {
        enum verdict verdict = open_wrapper(u, &out->mech, &token, &whole, token);
        if (verdict != VERDICT_DONE) {
            return verdict;
        }
        if (is_krb5(out->mech)) {
            return read_krb5_token(u, token, whole);
        }
        if (begins(token, ntlm_signature, whole)) {
            out->mech = GSS_MECH_NTLMSSP;
            out->ntlm = token;
        }
        return whole ? VERDICT_DONE : cut(u);
    }
    /* Without the wrapper: the message alone, or behind its TOK_ID. */
    if (is_krb_tag(token.at[0]) ||
        (is_tok_id(bytes_u16be_at(token, 0)) && is_krb_tag(bytes_u8_at(token, TOK_ID_LEN)))) {
        out->mech = GSS_MECH_KRB5;
        return read_krb5_token(u, token, whole);
    }
    return whole ? VERDICT_DONE : cut(u); /* a mechanism that we do not know */
}

static void add_mech(struct gss_token *out, struct bytes oid)
{
    if (out->num_mechs < SPNEGO_MECHS_MAX) {
        out->mechs[out->num_mechs++] = mech_of(oid);
    }
}

/* The mechTypes (a SEQUENCE OF OID) as they stand on the wire. */
static void read_mechs(struct gss_token *out, struct bytes list)
{
    struct tlv oid;
    for (size_t i = 0; i < OIDS_MAX && tlv_next(&list, &oid) == TLV_OK; i++) {
        if (oid.tag == TLV_OID && oid.whole) {
            add_mech(out, oid.content);
        }
    }
}

/* Does asn1_compile's decoder take the whole SEQUENCE as a NegTokenInit in either form? [3] is
 * mechListMIC in RFC 4178 and negHints in MS-SPNG 2.2.1. */
static bool init_is_valid(struct bytes sequence)
{
    NegTokenInit init;
    NegTokenInit2 init2;
    size_t size = 0;
    if (decode_NegTokenInit(sequence.at, sequence.len, &init, &size) == 0) {
        free_NegTokenInit(&init);
        if (size == sequence.len) {
            return true;
        }
    }
    if (decode_NegTokenInit2(sequence.at, sequence.len, &init2, &size) == 0) {
        free_NegTokenInit2(&init2);
        return size == sequence.len;
    }
    return false;
}

static bool resp_is_valid(struct bytes sequence)
{
    NegTokenResp resp;
    size_t size = 0;
    if (decode_NegTokenResp(sequence.at, sequence.len, &resp, &size) != 0) {
        return false;
    }
    free_NegTokenResp(&resp);
    return size == sequence.len;
}

/* NegTokenInit or NegTokenResp, with its [0] or [1]. The generated decoder judges whether it is
 * right; the fields are then taken from where they stand on the wire, because the NTLM message is
 * lent to the caller and the ticket's bytes are hashed. Cut tokens are read in the same way. */
static enum verdict read_negotiation(struct unwrap *u, struct bytes input, bool whole)
{
    struct gss_token *out = u->out;
    struct bytes rest = input;
    struct tlv choice;
    struct tlv sequence;
    struct tlv field;
    enum tlv_result found = tlv_next(&rest, &choice);
    if (found == TLV_WRONG || (whole && (found != TLV_OK || !choice.whole))) {
        return broken(u, input, "the token's length is wrong", "RFC 4178 4.2");
    }
    if (found != TLV_OK) {
        return cut(u);
    }
    whole = choice.whole;
    rest = choice.content;
    found = tlv_next(&rest, &sequence);
    if (!whole && (found == TLV_END || found == TLV_CUT)) {
        return cut(u);
    }
    if (found != TLV_OK || sequence.tag != TLV_SEQUENCE) {
        return broken(u, choice.content, "no SEQUENCE in the token", "RFC 4178 4.2");
    }
    bool init = choice.tag == TLV_CONTEXT(0);
    bool valid = !whole || (init ? init_is_valid(choice.content) : resp_is_valid(choice.content));
    if (init && tlv_field(sequence.content, 0, &field)) {
        read_mechs(out, field.content);
    }
    if (!init && tlv_field(sequence.content, 0, &field) && field.tag == TLV_ENUMERATED &&
        field.content.len == 1 && field.content.at[0] <= NEG_STATE_REQUEST_MIC) {
        out->neg_state = (enum neg_state)field.content.at[0];
    }
    if (!init && tlv_field(sequence.content, 1, &field) && field.tag == TLV_OID && field.whole) {
        out->supported_mech = mech_of(field.content);
    }
    enum verdict verdict = VERDICT_DONE;
    if (tlv_field(sequence.content, 2, &field) && field.tag == TLV_OCTET_STRING) {
        verdict = read_inner(u, field.content, field.whole);
    }
    if (!valid) {
        out->complete = false;
        return broken(u, choice.content, "not the DER of a negotiation token", "RFC 4178 4.2");
    }
    return verdict == VERDICT_DONE && !whole ? cut(u) : verdict;
}

static bool is_negotiation(struct bytes token)
{
    return token.len > 0 && (token.at[0] == TLV_CONTEXT(0) || token.at[0] == TLV_CONTEXT(1));
}

static enum token_form form_of_negotiation(struct bytes token)
{
    return token.at[0] == TLV_CONTEXT(0) ? TOKEN_NEG_INIT : TOKEN_NEG_RESP;
}

/* A token that begins with the wrapper of RFC 2743 3.1. */
static enum verdict read_wrapped(struct unwrap *u, struct bytes input)
{
    struct gss_token *out = u->out;
    enum gss_mech mech = GSS_MECH_UNKNOWN;
    struct bytes token = {0};
    bool whole = false;
    enum verdict verdict = open_wrapper(u, &mech, &token, &whole, input);
    if (verdict != VERDICT_DONE) {
        return verdict;
    }
    if (mech == GSS_MECH_SPNEGO) {
        if (is_negotiation(token)) {
            out->form = form_of_negotiation(token);
            return read_negotiation(u, token, whole);
        }
        return token.len == 0 && !whole ? cut(u)
                                        : broken(u, token, "no negotiation token", "RFC 4178 4.2");
    }
    out->mech = mech;
    if (is_krb5(mech)) {
        out->form = TOKEN_RAW_KRB5;
        return read_krb5_token(u, token, whole);
    }
    if (mech == GSS_MECH_NTLMSSP || begins(token, ntlm_signature, whole)) {
        out->form = TOKEN_RAW_NTLM;
        out->mech = GSS_MECH_NTLMSSP;
        out->ntlm = token;
    }
    return whole ? VERDICT_DONE : cut(u);
}

enum verdict gss_token_decode(struct bytes input, struct arena *arena, struct gss_token *out,
                              struct flaw *flaw)
{
    struct unwrap u = {.arena = arena, .out = out, .flaw = flaw, .input = input};
    size_t len;
    *out = (struct gss_token){.complete = true, .neg_state = NEG_STATE_ABSENT};
    if (input.len == 0) {
        return VERDICT_DONE;
    }
    out->form = TOKEN_UNKNOWN;
    if (begins(input, ntlm_signature, false)) {
        if (input.len < SIGNATURE_LEN) {
            return cut(&u);
        }
        out->form = TOKEN_RAW_NTLM;
        out->mech = GSS_MECH_NTLMSSP;
        out->ntlm = input;
        return VERDICT_DONE; /* NTLM tells no total length */
    }
    if (input.at[0] == TLV_APPLICATION(0)) {
        return read_wrapped(&u, input);
    }
    if (is_negotiation(input)) {
        out->form = form_of_negotiation(input);
        return read_negotiation(&u, input, false);
    }
    if (krb_looks_like(input, &len)) {
        out->form = TOKEN_RAW_KRB5;
        out->mech = GSS_MECH_KRB5;
        return read_krb(&u, input, false);
    }
    return VERDICT_DONE;
}

const char *gss_mech_name(enum gss_mech mech)
{
    for (size_t i = 0; i < MECH_OIDS; i++) {
        if (mech_oids[i].mech == mech) {
            return mech_oids[i].name;
        }
    }
    return "unknown";
}

const char *token_form_name(enum token_form form)
{
    switch (form) {
    case TOKEN_NONE:
        return "none";
    case TOKEN_NEG_INIT:
        return "NegTokenInit";
    case TOKEN_NEG_RESP:
        return "NegTokenResp";
    case TOKEN_RAW_KRB5:
        return "raw-krb5";
    case TOKEN_RAW_NTLM:
        return "raw-ntlm";
    case TOKEN_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *neg_state_name(enum neg_state state)
{
    switch (state) {
    case NEG_STATE_ABSENT:
        return "absent";
    case NEG_STATE_ACCEPT_COMPLETED:
        return "accept-completed";
    case NEG_STATE_ACCEPT_INCOMPLETE:
        return "accept-incomplete";
    case NEG_STATE_REJECT:
        return "reject";
    case NEG_STATE_REQUEST_MIC:
        return "request-mic";
    }
    return "unknown";
}
