/* What HTTP, SPNEGO, NTLM and DNS messages say, as a tree. */
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

/* MS-NLMP 2.2.1. */
static void put_ntlm(struct tree_builder *b, const struct ntlm_message *n)
{
    struct tree *former = tree_enter(b, "message", TREE_OBJECT);
    tree_word(b, "carrier", "http");
    tree_word(b, "protocol", "ntlm");
    tree_word(b, "type", message_ntlm_type(n));
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
    tree_bool(b, "complete", n->complete);
    tree_leave(b, former);
}

static void put_krb(struct tree_builder *b, const struct krb_message *krb)
{
    struct tree *former = tree_enter(b, "message", TREE_OBJECT);
    tree_word(b, "carrier", "http");
    tree_word(b, "protocol", "kerberos");
    tree_word(b, "type", krb_type_name(krb->type));
    message_krb_tree(b, krb);
    tree_bool(b, "complete", krb->complete);
    tree_leave(b, former);
}

/* RFC 4178 4.2. */
static void put_gss(struct tree_builder *b, const struct gss_token *gss)
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
        put_krb(b, gss->krb);
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
            put_gss(b, auth->gss);
        }
        if (auth->ntlm != NULL) {
            put_ntlm(b, auth->ntlm);
        }
        tree_leave(b, object);
    }
    tree_leave(b, former);
}

/* MS-KKDCP 2.2.2. */
static void put_kkdcp(struct tree_builder *b, const struct kkdcp_facts *kkdcp)
{
    struct tree *former = tree_enter(b, "kkdcp", TREE_OBJECT);
    tree_known(b, "target_domain", kkdcp->target_domain);
    if (kkdcp->has_hint) {
        tree_number(b, "dclocator_hint", kkdcp->dclocator_hint);
    } else {
        tree_null(b, "dclocator_hint");
    }
    if (kkdcp->krb != NULL) {
        message_krb_nested(b, "message", kkdcp->krb);
        if (kkdcp->kpasswd != NULL) {
            message_kpasswd_tree(b, kkdcp->kpasswd, kkdcp->krb);
        }
    } else {
        tree_null(b, "message");
    }
    tree_leave(b, former);
}

void message_http_tree(struct tree_builder *b, const struct event *e)
{
    const struct http_message *m = &e->http->message;
    if (m->is_request) {
        tree_known(b, "method", m->method);
        tree_known(b, "uri", m->target);
        tree_known(b, "host", m->host);
        tree_known(b, "user_agent", m->user_agent);
        message_auth_tree(b, "authorization", &e->http->auth);
        message_auth_tree(b, "proxy_authorization", &e->http->proxy_auth);
    } else {
        tree_number(b, "status", m->status);
        tree_known(b, "server", m->server);
        if (e->http->has_date) {
            tree_time(b, "date", e->http->date_ns, 0, true);
        } else {
            tree_null(b, "date");
        }
        tree_known(b, "via", m->via);
        tree_known(b, "location", m->location);
        message_auth_tree(b, "www_authenticate", &e->http->auth);
        message_auth_tree(b, "proxy_authenticate", &e->http->proxy_auth);
    }
    tree_known(b, "content_type", m->content_type);
    if (m->has_content_length && m->content_length <= INT64_MAX) {
        tree_number(b, "content_length", (int64_t)m->content_length);
    } else {
        tree_null(b, "content_length");
    }
    tree_number(b, "body_len", m->body_len > INT64_MAX ? INT64_MAX : (int64_t)m->body_len);
    if (e->http->kkdcp != NULL) {
        put_kkdcp(b, e->http->kkdcp);
    }
}

static void put_record(struct tree_builder *b, const struct dns_record *r)
{
    struct tree *former = tree_enter(b, NULL, TREE_OBJECT);
    tree_bytes(b, "name", r->name);
    tree_noted(b, "type", r->type, dns_type_name(r->type));
    tree_word(b, "type_name", dns_type_name(r->type));
    tree_number(b, "ttl", r->ttl_s);
    tree_word(b, "section", r->is_additional ? "additional" : "answer");
    if (r->address.family != ADDRESS_NONE) {
        tree_address(b, "address", &r->address);
    }
    if (r->target.len > 0) {
        tree_bytes(b, "target", r->target);
    }
    if (r->type == DNS_SRV || r->type == DNS_URI) {
        tree_number(b, "priority", r->priority);
        tree_number(b, "weight", r->weight);
    }
    if (r->type == DNS_SRV) {
        tree_number(b, "port", r->port);
    }
    tree_leave(b, former);
}

void message_dns_tree(struct tree_builder *b, const struct dns_message *dns)
{
    static const char *const flavours[] = {
        [DNS_PLAIN] = "dns", [DNS_LLMNR] = "llmnr", [DNS_NBNS] = "nbns", [DNS_MDNS] = "mdns"};
    tree_word(b, "flavour", flavours[dns->flavour]);
    tree_number(b, "id", dns->id);
    tree_number(b, "opcode", dns->opcode);
    if (dns->num_questions == 0) {
        tree_null(b, "question");
    } else {
        struct tree *former = tree_enter(b, "question", TREE_OBJECT);
        tree_bytes(b, "name", dns->question);
        tree_number(b, "type", dns->question_type);
        tree_word(b, "type_name", dns_type_name(dns->question_type));
        tree_leave(b, former);
    }
    if (!dns->is_response) {
        return;
    }
    tree_number(b, "rcode", dns->rcode);
    tree_word(b, "rcode_name", dns_rcode_name(dns->rcode));
    tree_bool(b, "truncated", dns->is_truncated);
    tree_bool(b, "authoritative", dns->is_authoritative);
    struct tree *former = tree_enter(b, "answers", TREE_LIST);
    for (size_t i = 0; i < dns->num_answers; i++) {
        put_record(b, &dns->answers[i]);
    }
    tree_leave(b, former);
}
