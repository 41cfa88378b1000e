/* What SPNEGO and NTLM tokens say, as a tree, in HTTP and in other carriers. */
#include "base/civil.h"
#include "report/messages_private.h"

const char *message_ntlm_type(const struct ntlm_message *ntlm)
{
    switch (ntlm->type) {
    case NTLM_NEGOTIATE:
        return "NTLM-NEGOTIATE";
    case NTLM_CHALLENGE:
        return "NTLM-CHALLENGE";
    case NTLM_AUTHENTICATE:
        return "NTLM-AUTHENTICATE";
    }
    return NULL;
}

const char *message_spnego_type(const struct gss_token *gss)
{
    return gss->form == TOKEN_NEG_INIT   ? "SPNEGO-INIT"
           : gss->form == TOKEN_NEG_RESP ? "SPNEGO-RESP"
                                         : NULL;
}

struct message_kind message_token_kind(const struct token_facts *token)
{
    if (token->gss != NULL && message_spnego_type(token->gss) != NULL) {
        return (struct message_kind){"spnego", message_spnego_type(token->gss)};
    }
    if (token->gss != NULL && token->gss->krb != NULL) {
        return (struct message_kind){"kerberos", krb_type_name(token->gss->krb->type)};
    }
    return token->ntlm == NULL ? (struct message_kind){0}
                               : (struct message_kind){"ntlm", message_ntlm_type(token->ntlm)};
}

/* MS-NLMP 2.2.1. */
static void put_ntlm_fields(struct tree_builder *b, const struct ntlm_message *n)
{
    tree_hex(b, "flags", n->flags);
    tree_known(b, n->type == NTLM_CHALLENGE ? "target" : "domain", n->domain);
    if (n->type == NTLM_AUTHENTICATE) {
        tree_known(b, "user", n->user);
        tree_bool(b, "anonymous", n->is_anonymous);
        tree_number(b, "nt_response_len", (int64_t)n->nt_response_len);
        tree_number(b, "lm_response_len", (int64_t)n->lm_response_len);
        tree_known(b, "target_spn", n->target_spn);
        tree_bool(b, "channel_bindings", n->has_channel_bindings);
    }
    if (n->type != NTLM_CHALLENGE) {
        tree_known(b, "workstation", n->workstation);
    }
    if (n->type != NTLM_NEGOTIATE) {
        tree_known(b, "netbios_computer", n->netbios_computer);
        tree_known(b, "netbios_domain", n->netbios_domain);
        tree_known(b, "dns_computer", n->dns_computer);
        tree_known(b, "dns_domain", n->dns_domain);
        tree_known(b, "dns_tree", n->dns_tree);
        if (n->has_time) {
            tree_time(b, "timestamp", n->time_ns, 7, true); /* in 100 ns */
            tree_word(b, "clock", n->time_is_servers ? "server" : "client");
        } else {
            tree_null(b, "timestamp");
        }
    }
}

static void put_ntlm(struct tree_builder *b, const struct ntlm_message *n, enum carrier carrier)
{
    struct tree *former = tree_enter(b, "message", TREE_OBJECT);
    tree_word(b, "carrier", carrier_name(carrier));
    tree_word(b, "protocol", "ntlm");
    tree_word(b, "type", message_ntlm_type(n));
    put_ntlm_fields(b, n);
    tree_bool(b, "complete", n->complete);
    tree_leave(b, former);
}

static void put_krb(struct tree_builder *b, const struct krb_message *krb, enum carrier carrier)
{
    struct tree *former = tree_enter(b, "message", TREE_OBJECT);
    tree_word(b, "carrier", carrier_name(carrier));
    tree_word(b, "protocol", "kerberos");
    tree_word(b, "type", krb_type_name(krb->type));
    message_krb_tree(b, krb);
    tree_bool(b, "complete", krb->complete);
    tree_leave(b, former);
}

/* RFC 4178 4.2. */
static void put_gss(struct tree_builder *b, const struct gss_token *gss, enum carrier carrier)
{
    bool is_spnego = gss->form == TOKEN_NEG_INIT || gss->form == TOKEN_NEG_RESP;
    if (is_spnego) {
        tree_word(b, "protocol", "spnego");
    }
    tree_word(b, "form", token_form_name(gss->form));
    if (gss->form == TOKEN_NEG_INIT) {
        struct tree *former = tree_enter(b, "mech_types", TREE_LIST);
        for (size_t i = 0; i < gss->num_mechs; i++) {
            tree_word(b, NULL, gss_mech_name(gss->mechs[i]));
        }
        tree_leave(b, former);
    }
    if (gss->form == TOKEN_NEG_RESP) {
        tree_word(b, "neg_state",
                  gss->neg_state == NEG_STATE_ABSENT ? NULL : neg_state_name(gss->neg_state));
        tree_word(b, "supported_mech",
                  gss->supported_mech == GSS_MECH_UNKNOWN ? NULL
                                                          : gss_mech_name(gss->supported_mech));
    }
    tree_word(b, "mech", gss->mech == GSS_MECH_UNKNOWN ? NULL : gss_mech_name(gss->mech));
    tree_bool(b, "complete", gss->complete);
    if (gss->krb != NULL) {
        put_krb(b, gss->krb, carrier);
    }
}

void message_auth_tree(struct tree_builder *b, const char *name, const struct auth *auth)
{
    if (auth->num_schemes == 0) {
        tree_null(b, name);
        return;
    }
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    struct tree *object = tree_enter(b, "schemes", TREE_LIST);
    for (size_t i = 0; i < auth->num_schemes; i++) {
        tree_word(b, NULL, auth_scheme_name(auth->schemes[i]));
    }
    tree_leave(b, object);
    if (auth->token_scheme == AUTH_NONE) {
        tree_null(b, "token");
    } else {
        object = tree_enter(b, "token", TREE_OBJECT);
        tree_word(b, "scheme", auth_scheme_name(auth->token_scheme));
        tree_number(b, "base64_len", (int64_t)auth->token_len);
        if (auth->bad_base64) {
            tree_bool(b, "bad_base64", true);
        }
        if (auth->gss != NULL) {
            put_gss(b, auth->gss, CARRIER_HTTP);
        }
        if (auth->ntlm != NULL) {
            put_ntlm(b, auth->ntlm, CARRIER_HTTP);
        }
        tree_leave(b, object);
    }
    tree_leave(b, former);
}

/* The PDU around a token. */
static void put_pdu(struct tree_builder *b, const struct token_facts *token)
{
    tree_word(b, "pdu", carrier_pdu_name(token->pdu));
    tree_word(b, "direction", token->is_response ? "response" : "request");
    if (token->has_id && token->id <= INT64_MAX) {
        tree_number(b, "pdu_id", (int64_t)token->id);
    } else {
        tree_null(b, "pdu_id");
    }
    if (token->carrier == CARRIER_LDAP) {
        tree_known(b, "mechanism", token->mechanism);
    }
    if (!token->has_status) {
        return;
    }
    if (token->carrier == CARRIER_SMB) {
        tree_hex(b, "ntstatus", token->status);
        tree_word(b, "ntstatus_name", krb_ntstatus_name(token->status));
    } else {
        tree_number(b, "result_code", token->status);
    }
}

void message_token_tree(struct tree_builder *b, const struct token_facts *token)
{
    put_pdu(b, token);
    tree_number(b, "token_len", (int64_t)token->token_len);
    if (token->gss != NULL && message_spnego_type(token->gss) != NULL) {
        message_token_nested(b, "token", token);
    } else if (token->gss != NULL && token->gss->krb != NULL) {
        message_krb_tree(b, token->gss->krb);
    } else if (token->ntlm != NULL) {
        put_ntlm_fields(b, token->ntlm);
    }
}

void message_token_nested(struct tree_builder *b, const char *name, const struct token_facts *token)
{
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    if (token->gss != NULL) {
        put_gss(b, token->gss, token->carrier);
    }
    if (token->ntlm != NULL) {
        put_ntlm(b, token->ntlm, token->carrier);
    }
    tree_leave(b, former);
}
