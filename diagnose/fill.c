/* Templates with {slots}: names and numbers of the attempt at hand. Values stay raw bytes. */
#include "diagnose/rules.h"

#include <string.h>

#define FILLED_BYTES_MAX 1500

static const struct krb_moment *failed_error(const struct judgement *j)
{
    const struct transaction *t = j->tgs_failure != NULL ? j->tgs_failure : j->as_failure;
    return t == NULL ? NULL : &t->reply->u.krb;
}

static const struct krb_moment *any_request(const struct judgement *j, enum krb_type type)
{
    for (size_t i = j->v->num_transactions; i > 0; i--) {
        const struct transaction *t = &j->v->transactions[i - 1];
        if (t->type == type && (type == KRB_AS_REQ || j->v->tgs_related[i - 1])) {
            return t->request != NULL ? &t->request->u.krb : &t->reply->u.krb;
        }
    }
    return NULL;
}

static void add_or(struct text *t, struct bytes value, const char *otherwise)
{
    if (value.len > 0) {
        text_add_bytes(t, value);
    } else {
        text_add(t, otherwise);
    }
}

static void add_address_or(struct text *t, const struct address *a, const char *otherwise)
{
    if (a->family != ADDRESS_NONE) {
        address_print(t, a);
    } else {
        text_add(t, otherwise);
    }
}

static void add_host(struct text *t, const struct judgement *j)
{
    if (j->v->host.len > 0) {
        text_add_bytes(t, j->v->host);
    } else {
        add_address_or(t, &j->v->server.address, "the server");
    }
}

static struct bytes spn_of(const struct judgement *j)
{
    if (j->reading.krb != NULL && j->reading.krb->request->u.http.ticket.sname.len > 0) {
        return j->reading.krb->request->u.http.ticket.sname;
    }
    if (j->is_crossing_failed) {
        return (struct bytes){0}; /* it asked for another realm's TGT, for no service */
    }
    const struct krb_moment *k =
        j->tgs_failure != NULL ? &j->tgs_failure->reply->u.krb : any_request(j, KRB_TGS_REQ);
    if (j->tgs_failure != NULL && j->tgs_failure->request != NULL) {
        k = &j->tgs_failure->request->u.krb;
    }
    return k == NULL ? (struct bytes){0} : k->sname;
}

static void add_spn(struct text *t, const struct judgement *j)
{
    struct bytes spn = spn_of(j);
    if (spn.len > 0) {
        text_add_bytes(t, spn);
    } else {
        text_add(t, "HTTP/");
        add_host(t, j);
    }
}

static struct bytes realm_of(const struct judgement *j)
{
    const struct krb_moment *tgs = any_request(j, KRB_TGS_REQ);
    const struct krb_moment *as = any_request(j, KRB_AS_REQ);
    if (tgs != NULL && tgs->realm.len > 0) {
        return tgs->realm;
    }
    if (j->is_crossing_failed) {
        return transaction_names(j->tgs_failure)->realm;
    }
    if (as != NULL && as->realm.len > 0) {
        return as->realm;
    }
    if (j->reading.krb != NULL) {
        return j->reading.krb->request->u.http.ticket.realm;
    }
    return (struct bytes){0};
}

/* The realm's name as the SRV look-ups show it, when nothing else does. */
static struct bytes realm_of_srv(const struct judgement *j)
{
    for (size_t i = 0; i < j->v->num_lookups; i++) {
        struct bytes name = j->v->lookups[i].name;
        if (j->v->lookups[i].type == DNS_SRV && bytes_begins_nocase(name, "_kerberos._")) {
            return bytes_part(name, sizeof "_kerberos._udp." - 1, name.len);
        }
    }
    return (struct bytes){0};
}

static void add_realm(struct text *t, const struct judgement *j)
{
    struct bytes realm = realm_of(j);
    add_or(t, realm.len > 0 ? realm : realm_of_srv(j), "the domain");
}

/* A NetBIOS domain is by custom the first label of the realm. */
static void add_domain(struct text *t, const struct judgement *j)
{
    struct bytes realm = realm_of(j);
    add_or(t, bytes_part(realm, 0, bytes_find(realm, '.', 0)), "DOMAIN");
}

static void add_account(struct text *t, const struct judgement *j)
{
    const struct krb_moment *as = any_request(j, KRB_AS_REQ);
    if (j->as_failure != NULL && j->as_failure->request != NULL) {
        as = &j->as_failure->request->u.krb;
    }
    struct bytes cname = as == NULL ? (struct bytes){0} : as->cname;
    if (cname.len == 0 && j->as_failure != NULL) {
        cname = j->as_failure->reply->u.krb.cname;
    }
    add_or(t, cname, "the client's account");
}

/* The KDC that could not be reached, when that is what the attempt failed by. */
static const struct address *failed_kdc(const struct judgement *j)
{
    const struct address *found = NULL;
    bool is_closed = j->seen[FACT_KDC_CLOSED];
    if ((!is_closed && !j->seen[FACT_KDC_SILENT]) || j->seen[FACT_KDC_TCP_BLOCKED]) {
        return NULL;
    }
    enum transaction_state state = is_closed ? TRANSACTION_REFUSED : TRANSACTION_UNANSWERED;
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        found = t->state == state ? &t->kdc : found;
    }
    const struct conn *conn = NULL;
    while (found == NULL && (conn = view_next_conn(j->v, conn)) != NULL) {
        bool failed = is_closed ? conn_is_refused(conn) : conn_is_unreached(j->v, conn);
        if (conn->server.port == 88 && failed) {
            found = &conn->server.address;
        }
    }
    return found;
}

static void add_kdc(struct text *t, const struct judgement *j)
{
    const struct address *failed = failed_kdc(j);
    if (failed != NULL) {
        address_print(t, failed);
        return;
    }
    const struct transaction *found = j->tgs_failure != NULL  ? j->tgs_failure
                                      : j->as_failure != NULL ? j->as_failure
                                                              : NULL;
    for (size_t i = j->v->num_transactions; found == NULL && i > 0; i--) {
        found = &j->v->transactions[i - 1];
    }
    if (found != NULL) {
        address_print(t, &found->kdc);
        return;
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (conn->server.port == 88) {
            address_print(t, &conn->server.address);
            return;
        }
    }
    text_add(t, "(not seen here)");
}

static void add_error(struct text *t, const struct judgement *j)
{
    const struct krb_moment *k = failed_error(j);
    if (k == NULL) {
        text_add(t, "an error");
        return;
    }
    const char *name = krb_error_name(k->error_code);
    text_format(t, "%s (%d)", name == NULL ? "error" : name, (int)k->error_code);
    const char *nt = k->has_ntstatus ? krb_ntstatus_name(k->ntstatus) : NULL;
    if (k->has_ntstatus) {
        text_format(t, ", NTSTATUS 0x%08x%s%s", (unsigned)k->ntstatus, nt == NULL ? "" : " ",
                    nt == NULL ? "" : nt);
    }
    if (k->etext.len > 0) {
        text_add(t, ", \"");
        text_add_bytes(t, k->etext);
        text_add(t, "\"");
    }
}

static void add_etypes(struct text *t, const int32_t *etypes, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        const char *name = krb_etype_name(etypes[i]);
        text_add(t, i == 0 ? "" : ", ");
        if (name != NULL) {
            text_add(t, name);
        } else {
            text_format(t, "%d", (int)etypes[i]);
        }
    }
}

/* " (it offers …; the account has …)": both sets, as far as they are on the wire. */
static void add_offered(struct text *t, const struct judgement *j)
{
    const struct transaction *x = j->tgs_failure != NULL ? j->tgs_failure : j->as_failure;
    if (x == NULL || x->request == NULL || x->request->u.krb.num_etypes == 0) {
        return;
    }
    text_add(t, " (offered: ");
    add_etypes(t, x->request->u.krb.etypes, x->request->u.krb.num_etypes);
    if (x->reply->u.krb.num_etypes > 0) {
        text_add(t, "; the account has: ");
        add_etypes(t, x->reply->u.krb.etypes, x->reply->u.krb.num_etypes);
    } else {
        text_add(t, "; the account's are not on the wire");
    }
    text_add(t, ")");
}

void rules_add_span(struct text *t, double s, const char *ahead, const char *other)
{
    double size = s < 0 ? -s : s;
    text_format(t, ": %s is ", ahead);
    if (size >= 3600) {
        text_format(t, "%.1f hours", size / 3600);
    } else if (size >= 120) {
        long whole = (long)(size + 0.5);
        text_format(t, "%ld min %ld s", whole / 60, whole % 60);
    } else {
        text_format(t, "%.1f s", size);
    }
    text_format(t, " %s %s", s < 0 ? "behind" : "ahead of", other);
}

/* ": the server is 10 min 0 s ahead of the KDC", when both clocks can be read; else that they
 * cannot. Two clocks never tell which of them is wrong. */
static void add_skew(struct text *t, const struct judgement *j)
{
    double limit = j->v->c->options.skew_limit_s;
    bool at_server = j->reading.krb != NULL;
    if (at_server && offset_is_beyond(&j->kdc_to_server, limit)) {
        rules_add_span(t, j->kdc_to_server.value, "the server", "the KDC");
    } else if (at_server && offset_is_beyond(&j->client_to_server, limit)) {
        rules_add_span(t, j->client_to_server.value, "the server", "the client");
    } else if (!at_server && offset_is_beyond(&j->client_to_kdc, limit)) {
        rules_add_span(t, -j->client_to_kdc.value, "the client", "the KDC");
    } else {
        text_add(t, "; this capture does not show by how much");
    }
}

static void add_status(struct text *t, const struct judgement *j)
{
    const struct exchange *last = j->reading.last;
    if (last != NULL && last->response != NULL) {
        text_format(t, "%u", last->response->u.http.status);
    }
}

static void add_http(struct text *t, const struct judgement *j, const char *slot)
{
    const struct exchange *last = j->reading.last;
    if (last == NULL) {
        return;
    }
    const struct http_moment *h = &last->request->u.http;
    if (bytes_is(bytes_of(slot), "method")) {
        text_add_bytes(t, h->method);
    } else if (bytes_is(bytes_of(slot), "path")) {
        text_add_bytes(t, h->path);
    } else {
        text_format(t, "%zu", h->header_len);
    }
}

static void add_server(struct text *t, const struct judgement *j)
{
    add_host(t, j);
}

static void add_address(struct text *t, const struct judgement *j)
{
    add_address_or(t, &j->v->server.address, "an address");
}

static void add_port(struct text *t, const struct judgement *j)
{
    text_format(t, "%u", j->v->server.port == 0 ? 80U : (unsigned)j->v->server.port);
}

static void add_client(struct text *t, const struct judgement *j)
{
    address_print(t, &j->v->client->address);
}

static void add_dns(struct text *t, const struct judgement *j)
{
    add_address_or(t, &j->v->resolution.server, "");
}

/* What the server's own error says to the ticket. */
static void add_refusal(struct text *t, const struct judgement *j)
{
    const struct exchange *krb = j->reading.krb;
    if (krb == NULL || krb->response == NULL || !krb->response->u.http.has_krb_error) {
        text_add(t, "an error");
        return;
    }
    const char *name = krb_error_name(krb->response->u.http.krb_error);
    text_format(t, "%s (%d)", name == NULL ? "error" : name, (int)krb->response->u.http.krb_error);
}

static void add_next(struct text *t, const struct judgement *j)
{
    struct bytes asked =
        j->is_crossing_failed ? transaction_names(j->tgs_failure)->host : (struct bytes){0};
    add_or(t, asked.len > 0 ? asked : j->next_realm, "the next realm");
}

static const struct {
    const char *name;
    void (*add)(struct text *t, const struct judgement *j);
} slots[] = {
    {"host", add_host},       {"server", add_server},   {"address", add_address},
    {"port", add_port},       {"spn", add_spn},         {"realm", add_realm},
    {"domain", add_domain},   {"client", add_client},   {"account", add_account},
    {"dns", add_dns},         {"kdc", add_kdc},         {"error", add_error},
    {"offered", add_offered}, {"skew", add_skew},       {"status", add_status},
    {"next", add_next},       {"refusal", add_refusal},
};

static void add_slot(struct text *t, const struct judgement *j, const char *slot)
{
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        if (bytes_is(bytes_of(slot), slots[i].name)) {
            slots[i].add(t, j);
            return;
        }
    }
    add_http(t, j, slot);
}

/* Plain enough for a command line: what host, SPN, realm and account names are made of. A '$' ends
 * a computer's name; elsewhere a shell would take it for a variable, as it would take a first '-'
 * or '@' for an option or a list. */
static bool is_plain(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = b.at[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool is_end = c == '$' && i > 0 && i + 1 == b.len;
        if (!is_word && !is_end && (c == '\0' || strchr("._-/:@", c) == NULL)) {
            return false;
        }
    }
    return b.len > 0 && b.at[0] != '-' && b.at[0] != '@';
}

static struct bytes fill(const struct judgement *j, const char *template, bool for_command)
{
    char buffer[FILLED_BYTES_MAX];
    char value_buffer[FILLED_BYTES_MAX];
    char slot[16];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    for (const char *p = template; *p != '\0'; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        size_t len = end == NULL ? 0 : (size_t)(end - p - 1);
        if (len == 0 || len >= sizeof slot) {
            text_add_char(&t, *p);
            continue;
        }
        struct text value;
        text_init(&value, value_buffer, sizeof value_buffer);
        memcpy(slot, p + 1, len);
        slot[len] = '\0';
        add_slot(&value, j, slot);
        if (for_command && value.len > 0 && !is_plain(text_bytes(&value))) {
            text_format(&t, "<%s>", slot);
        } else {
            text_add_bytes(&t, text_bytes(&value));
        }
        p = end;
    }
    return text_keep(&t, &j->v->c->out.arena);
}

struct bytes rules_fill(const struct judgement *j, const char *template)
{
    return fill(j, template, false);
}

struct bytes rules_fill_command(const struct judgement *j, const char *template)
{
    return fill(j, template, true);
}
