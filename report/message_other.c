/* What HTTP and DNS messages say, as a tree. */
#include "base/civil.h"
#include "report/messages_private.h"

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

/* RFC 2930 2; the token is GSS-TSIG's (RFC 3645). */
static void put_tkey(struct tree_builder *b, const struct dns_tkey *tkey,
                     const struct token_facts *token)
{
    struct tree *former = tree_enter(b, "tkey", TREE_OBJECT);
    tree_bytes(b, "algorithm", tkey->algorithm);
    tree_number(b, "mode", tkey->mode);
    tree_number(b, "error", tkey->error);
    if (token != NULL) {
        message_token_nested(b, "token", token);
    } else {
        tree_null(b, "token");
    }
    tree_leave(b, former);
}

void message_dns_tree(struct tree_builder *b, const struct dns_message *dns,
                      const struct token_facts *token)
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
    if (dns->tkey != NULL) {
        put_tkey(b, dns->tkey, token);
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
