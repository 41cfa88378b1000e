#include "report/messages.h"

#include "report/message_order.h"
#include "report/messages_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TREE_BYTES_MAX 1048576 /* one message's tree */
#define CARRIED_MAX 12         /* a message, two tokens, a body, and what lies in each */

struct messages {
    FILE *out;
    struct messages_options options;
    struct arena arena;
    struct message_order order;
    char *line; /* of page: the message at work */
    size_t line_len;
    FILE *page;
    bool no_memory;
    bool is_broken; /* the stream: nothing more is written */
    int broken_errno;
};

/* A message and those nested in it. */
struct carried {
    struct {
        struct message_kind kind;
        const struct krb_message *krb;
    } at[CARRIED_MAX];
    size_t num;
};

static const char *const types[] = {
    "AS-REQ",
    "AS-REP",
    "TGS-REQ",
    "TGS-REP",
    "AP-REQ",
    "AP-REP",
    "KRB-SAFE",
    "KRB-PRIV",
    "KRB-CRED",
    "KRB-ERROR",
    "HTTP-REQUEST",
    "HTTP-RESPONSE",
    "DNS-QUERY",
    "DNS-RESPONSE",
    "NTLM-NEGOTIATE",
    "NTLM-CHALLENGE",
    "NTLM-AUTHENTICATE",
    "SPNEGO-INIT",
    "SPNEGO-RESP",
};
static const char *const protocols[] = {"kerberos", "spnego", "ntlm", "http", "dns"};

static const char *word_of(const char *const *words, size_t num, struct bytes word)
{
    for (size_t i = 0; i < num; i++) {
        if (bytes_is_nocase(word, words[i])) {
            return words[i];
        }
    }
    return NULL;
}

const char *messages_type_word(struct bytes word)
{
    return word_of(types, sizeof types / sizeof types[0], word);
}

const char *messages_protocol_word(struct bytes word)
{
    return word_of(protocols, sizeof protocols / sizeof protocols[0], word);
}

const char *messages_carrier_word(struct bytes word)
{
    for (int carrier = CARRIER_UDP; carrier <= CARRIER_OTHER; carrier++) {
        const char *name = carrier_name((enum carrier)carrier);
        if (bytes_is_nocase(word, name)) {
            return name;
        }
    }
    return NULL;
}

struct message_kind message_kind(const struct event *e)
{
    switch (e->kind) {
    case EVENT_KRB:
        return (struct message_kind){"kerberos", krb_type_name(e->krb->type)};
    case EVENT_HTTP_REQUEST:
        return (struct message_kind){"http", "HTTP-REQUEST"};
    case EVENT_HTTP_RESPONSE:
        return (struct message_kind){"http", "HTTP-RESPONSE"};
    case EVENT_DNS:
        return (struct message_kind){"dns", e->dns->is_response ? "DNS-RESPONSE" : "DNS-QUERY"};
    case EVENT_TOKEN:
        return message_token_kind(e->token);
    case EVENT_NONE:
    case EVENT_TCP_SYN:
    case EVENT_TCP_CONNECT:
    case EVENT_TCP_REFUSED:
    case EVENT_TCP_FIN:
    case EVENT_TCP_RESET:
    case EVENT_TCP_SILENCE:
    case EVENT_TCP_END:
    case EVENT_GAP:
    case EVENT_ICMP_UNREACHABLE:
    case EVENT_NEIGHBOUR_REQUEST:
    case EVENT_NEIGHBOUR_REPLY:
    case EVENT_HOST_SEEN:
    case EVENT_DUPLICATE:
    case EVENT_TLS:
        break;
    }
    return (struct message_kind){0};
}

static void carry(struct carried *c, struct message_kind kind, const struct krb_message *krb)
{
    if (c->num < CARRIED_MAX) {
        c->at[c->num].kind = kind;
        c->at[c->num++].krb = krb;
    }
}

static void carry_krb(struct carried *c, const struct krb_message *krb)
{
    if (krb == NULL) {
        return;
    }
    carry(c, (struct message_kind){"kerberos", krb_type_name(krb->type)}, krb);
    if (krb->ap_req != NULL) {
        carry(c, (struct message_kind){"kerberos", krb_type_name(krb->ap_req->type)}, krb->ap_req);
    }
    if (krb->armor != NULL) {
        carry(c, (struct message_kind){"kerberos", krb_type_name(krb->armor->type)}, krb->armor);
    }
}

static void carry_kpasswd(struct carried *c, const struct kpasswd_facts *kpasswd)
{
    if (kpasswd != NULL) {
        carry_krb(c, kpasswd->after);
    }
}

static void carry_token(struct carried *c, const struct gss_token *gss,
                        const struct ntlm_message *ntlm)
{
    if (gss != NULL) {
        if (message_spnego_type(gss) != NULL) {
            carry(c, (struct message_kind){"spnego", message_spnego_type(gss)}, NULL);
        }
        carry_krb(c, gss->krb);
    }
    if (ntlm != NULL) {
        carry(c, (struct message_kind){"ntlm", message_ntlm_type(ntlm)}, NULL);
    }
}

static struct carried carried_by(const struct event *e)
{
    struct carried c = {0};
    if (e->krb != NULL) {
        carry_krb(&c, e->krb);
        carry_kpasswd(&c, e->kpasswd);
    } else {
        carry(&c, message_kind(e), NULL);
    }
    if (e->token != NULL) {
        carry_token(&c, e->token->gss, e->token->ntlm);
    }
    if (e->http != NULL) {
        carry_token(&c, e->http->auth.gss, e->http->auth.ntlm);
        carry_token(&c, e->http->proxy_auth.gss, e->http->proxy_auth.ntlm);
        if (e->http->kkdcp != NULL) {
            carry_krb(&c, e->http->kkdcp->krb);
            carry_kpasswd(&c, e->http->kkdcp->kpasswd);
        }
    }
    return c;
}

static bool is_one_of(const char *word, const char *const *words, size_t num)
{
    return word != NULL && word_of(words, num, bytes_of(word)) != NULL;
}

static bool is_error_wanted(const struct krb_message *krb, const struct messages_selection *s)
{
    for (size_t i = 0; krb != NULL && krb->type == KRB_ERROR_MSG && i < s->num_errors; i++) {
        if (krb->error_code == s->errors[i]) {
            return true;
        }
    }
    return false;
}

/* By what brought the message, or what is nested in it. */
static bool is_carrier_wanted(const struct event *e, const struct messages_selection *s)
{
    bool has_token = e->http != NULL && (e->http->auth.token_scheme != AUTH_NONE ||
                                         e->http->proxy_auth.token_scheme != AUTH_NONE);
    bool is_wanted = s->num_carriers == 0;
    for (size_t i = 0; i < s->num_carriers; i++) {
        struct bytes carrier = bytes_of(s->carriers[i]);
        is_wanted = is_wanted || bytes_is(carrier, carrier_name(e->carrier)) ||
                    (has_token && bytes_is(carrier, carrier_name(CARRIER_HTTP))) ||
                    (e->token != NULL && bytes_is(carrier, carrier_name(e->token->carrier)));
    }
    return is_wanted;
}

static bool is_selected(const struct messages_selection *s, const struct event *e)
{
    struct carried c = carried_by(e);
    bool has_type = s->num_types == 0;
    bool has_protocol = s->num_protocols == 0;
    bool has_error = s->num_errors == 0;
    for (size_t i = 0; i < c.num; i++) {
        has_type = has_type || is_one_of(c.at[i].kind.type, s->types, s->num_types);
        has_protocol =
            has_protocol || is_one_of(c.at[i].kind.protocol, s->protocols, s->num_protocols);
        has_error = has_error || is_error_wanted(c.at[i].krb, s);
    }
    return has_type && has_protocol && has_error && is_carrier_wanted(e, s);
}

static void put_place(struct tree_builder *b, const char *name, const char *capture_name,
                      const struct reply_place *place, const struct event *e)
{
    if (!place->known) {
        tree_null(b, name);
        return;
    }
    tree_number(b, name, place->frame);
    if (place->capture != e->capture) { /* another piece of the same capture */
        tree_number(b, capture_name, place->capture);
    }
}

static void build(struct tree_builder *b, const struct event *e, const struct reply *reply,
                  bool utc)
{
    struct message_kind kind = message_kind(e);
    tree_number(b, "capture", e->capture);
    tree_number(b, "frame", e->frame);
    tree_time(b, "time", e->time_ns, e->time_ns % 1000 == 0 ? 6 : 9, utc);
    tree_endpoint(b, "from", &e->from);
    tree_endpoint(b, "to", &e->to);
    tree_word(b, "carrier", carrier_name(e->carrier));
    tree_word(b, "protocol", kind.protocol);
    tree_word(b, "type", kind.type);
    if (e->krb != NULL) {
        message_krb_tree(b, e->krb);
        if (e->krb->type == KRB_TGS_REP) {
            bool is_tgt = bytes_begins_nocase(e->krb->ticket.sname.text, "krbtgt/");
            tree_bool(b, "referral", reply->asked_for_other && is_tgt);
        }
        if (e->kpasswd != NULL) {
            message_kpasswd_tree(b, e->kpasswd, e->krb);
        }
    } else if (e->http != NULL) {
        message_http_tree(b, e);
    } else if (e->dns != NULL) {
        message_dns_tree(b, e->dns, e->token);
    } else if (e->token != NULL) {
        message_token_tree(b, e->token);
    }
    put_place(b, "reply_to", "reply_to_capture", &reply->reply_to, e);
    put_place(b, "repeats", "repeats_capture", &reply->repeats, e);
    tree_bool(b, "complete", e->complete);
}

struct messages *messages_new(FILE *out, const struct messages_options *options)
{
    struct messages *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->out = out;
    m->options = *options;
    m->page = open_memstream(&m->line, &m->line_len);
    if (m->page == NULL || !arena_new(&m->arena, TREE_BYTES_MAX)) {
        messages_free(m);
        return NULL;
    }
    return m;
}

void messages_free(struct messages *m)
{
    if (m != NULL) {
        message_order_drop(&m->order);
        if (m->page != NULL) {
            (void)fclose(m->page);
        }
        free(m->line);
        arena_free(&m->arena);
        free(m);
    }
}

/* The message as text or JSON, on the page. */
static struct bytes set_line(struct messages *m, const struct event *e, const struct reply *reply,
                             bool utc)
{
    struct tree root = {.kind = TREE_OBJECT};
    struct tree_builder b = {.arena = &m->arena, .at = &root};
    rewind(m->page);
    if (m->options.json || m->options.verbose) {
        build(&b, e, reply, utc);
    }
    if (m->options.json) {
        m->no_memory = !messages_json_write(m->page, &root) || m->no_memory;
    } else {
        messages_text_write(m->page, &m->options, e, reply, &root);
    }
    arena_reset(&m->arena);
    m->no_memory = fflush(m->page) != 0 || m->no_memory;
    return (struct bytes){.at = (const uint8_t *)m->line, .len = m->line_len};
}

void messages_write(struct messages *m, const struct event *e, const struct reply *reply, bool utc,
                    bool more_may_come)
{
    if (!more_may_come) {
        message_order_flush(&m->order, m->out);
    }
    if (message_kind(e).type == NULL || m->is_broken || !is_selected(&m->options.selection, e)) {
        return;
    }
    struct bytes line = set_line(m, e, reply, utc);
    m->no_memory = !message_order_add(&m->order, m->out, e, line) || m->no_memory;
    if (!more_may_come) {
        message_order_flush(&m->order, m->out);
    }
    if (ferror(m->out) != 0) {
        m->is_broken = true;
        m->broken_errno = errno;
    }
}

enum status messages_end(struct messages *m, struct trouble *trouble)
{
    message_order_flush(&m->order, m->out);
    if (!m->is_broken && fflush(m->out) != 0) {
        m->is_broken = true;
        m->broken_errno = errno;
    }
    if (m->is_broken) {
        trouble_set(trouble, "Standard output cannot be written: %s.", strerror(m->broken_errno));
        return STATUS_OUTPUT;
    }
    if (m->no_memory) {
        trouble_set(trouble, "There is not enough memory for some of the messages.");
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}
