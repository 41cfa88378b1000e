/* SPNEGO (RFC 4178, MS-SPNG), the GSS-API wrapper (RFC 2743 3.1) and what lies in it: a Kerberos
 * token (RFC 4121 4.1) or NTLMSSP. Decoded with code that asn1_compile makes from spnego.asn1. */
#ifndef KRBSCOPE_KRB5ASN1_SPNEGO_H
#define KRBSCOPE_KRB5ASN1_SPNEGO_H

#include "krb5asn1/krb.h"

#define SPNEGO_MECHS_MAX 8 /* mechanisms kept of one offer */

enum gss_mech {
    GSS_MECH_UNKNOWN,
    GSS_MECH_SPNEGO,
    GSS_MECH_KRB5,
    GSS_MECH_MS_KRB5, /* 1.2.840.48018.1.2.2 */
    GSS_MECH_KRB5_U2U,
    GSS_MECH_NTLMSSP,
    GSS_MECH_NEGOEX,
    GSS_MECH_IAKERB,
};

enum token_form {
    TOKEN_NONE,
    TOKEN_NEG_INIT, /* NegTokenInit / NegTokenInit2 */
    TOKEN_NEG_RESP, /* NegTokenResp */
    TOKEN_RAW_KRB5, /* a krb5 GSS token or a bare Kerberos message, without SPNEGO */
    TOKEN_RAW_NTLM, /* NTLMSSP without SPNEGO */
    TOKEN_UNKNOWN,  /* bytes that are none of these */
};

enum neg_state {
    NEG_STATE_ABSENT = -1,
    NEG_STATE_ACCEPT_COMPLETED = 0,
    NEG_STATE_ACCEPT_INCOMPLETE = 1,
    NEG_STATE_REJECT = 2,
    NEG_STATE_REQUEST_MIC = 3,
};

/* RFC 4121 4.1 TOK_ID and the U2U draft. */
enum krb5_tok_id {
    KRB5_TOK_NONE = 0,
    KRB5_TOK_AP_REQ = 0x0100,
    KRB5_TOK_AP_REP = 0x0200,
    KRB5_TOK_ERROR = 0x0300,
    KRB5_TOK_TGT_REQ = 0x0400,
    KRB5_TOK_TGT_REP = 0x0401,
};

struct gss_token {
    enum token_form form;
    bool complete;                         /* false: the token was cut short */
    enum gss_mech mechs[SPNEGO_MECHS_MAX]; /* NegTokenInit: the offer, in order */
    size_t num_mechs;
    enum neg_state neg_state;     /* NegTokenResp */
    enum gss_mech supported_mech; /* NegTokenResp; GSS_MECH_UNKNOWN when absent */
    enum gss_mech mech;           /* mechanism of the inner token, from its own bytes */
    enum krb5_tok_id tok_id;
    struct krb_message *krb; /* AP-REQ, AP-REP or KRB-ERROR found inside, or NULL */
    struct bytes ntlm;       /* the NTLMSSP message found inside, borrowed from the input */
};

/* Decodes the bytes of a Negotiate or Kerberos token (after base64): dispatches on the first bytes
 * (0x60 with an OID, 0xA0, 0xA1, "NTLMSSP\0", a bare Kerberos tag), never fails on odd content.
 *
 * DONE  *out is filled; form TOKEN_UNKNOWN when nothing was recognised
 * MORE  the token is longer than the input: filled as far as it goes, complete = false
 * BAD   starts like a token and is broken inside: form is set, flaw says why
 */
enum verdict gss_token_decode(struct bytes input, struct arena *arena, struct gss_token *out,
                              struct flaw *flaw);

const char *gss_mech_name(enum gss_mech mech);
const char *token_form_name(enum token_form form);
const char *neg_state_name(enum neg_state state);

#endif
