/* Judges what a client did without HTTP: logons and tickets that failed, servers never reached. */
#include "diagnose/judge.h"

#include "base/civil.h"

#define APPROACH_BEFORE_S 10 /* how long before the look-up a logon belongs to an approach */

/* wpad, isatap, reverse and service names say nothing about a server that somebody wants. */
static bool is_background_name(struct bytes name)
{
    struct bytes label = bytes_part(name, 0, bytes_find(name, '.', 0));
    return name.len == 0 || name.at[0] == '_' || bytes_is_nocase(label, "wpad") ||
           bytes_is_nocase(label, "isatap") || bytes_ends_nocase(name, "in-addr.arpa") ||
           bytes_ends_nocase(name, "ip6.arpa");
}

/* Is b a with a search suffix behind it? */
static bool is_suffix_try(struct bytes a, struct bytes b)
{
    return b.len > a.len && b.at[a.len] == '.' && bytes_equal_nocase(a, bytes_part(b, 0, a.len));
}

/* mp.example.com.example.com: a search suffix behind a name that has it already. */
static bool has_suffix_twice(struct bytes name)
{
    for (size_t dot = bytes_find(name, '.', 0); dot < name.len;
         dot = bytes_find(name, '.', dot + 1)) {
        struct bytes suffix = bytes_part(name, dot + 1, name.len);
        struct bytes head = bytes_part(name, 0, dot);
        if (bytes_find(suffix, '.', 0) < suffix.len && head.len > suffix.len &&
            head.at[head.len - suffix.len - 1] == '.' &&
            bytes_equal_nocase(bytes_part(head, head.len - suffix.len, head.len), suffix)) {
            return true;
        }
    }
    return false;
}

/* The name that stands for its group: no shorter one was asked, and no try of it succeeded. */
static bool is_group_head(const struct view *v, struct bytes name)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        if (l->type != DNS_A && l->type != DNS_AAAA) {
            continue;
        }
        if (is_suffix_try(l->name, name)) {
            return false;
        }
        if (is_suffix_try(name, l->name)) {
            struct resolution r;
            resolution_of(v, l->name, &r);
            if (r.state == RESOLUTION_OK) {
                return false;
            }
        }
    }
    return true;
}

/* Ports of services that are no HTTP, whatever else they are. */
static bool is_other_service(uint16_t port)
{
    static const uint16_t ports[] = {22,  25,  53,   88,   110,  111,  135,  137,
                                     139, 143, 389,  445,  464,  465,  587,  636,
                                     993, 995, 1433, 3268, 3269, 3389, 5355, 0};
    for (size_t i = 0; ports[i] != 0; i++) {
        if (ports[i] == port) {
            return true;
        }
    }
    return false;
}

/* Is it the name of a domain controller, as a look-up for one told? That is no server to log on at.
 */
static bool is_srv_target(const struct view *v, struct bytes name)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        for (size_t k = 0;
             l->type == DNS_SRV && l->response != NULL && k < l->response->u.dns.num_answers; k++) {
            if (bytes_equal_nocase(l->response->u.dns.answers[k].target, name)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_explained(const struct view *v, const struct address *server)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        for (size_t k = 0; l->response != NULL && k < l->response->u.dns.num_answers; k++) {
            if (address_equal(&l->response->u.dns.answers[k].address, server)) {
                return true;
            }
        }
    }
    return false;
}

/* The client went on to a host that no other look-up explains: the name had an address after all.
 */
static bool went_on(const struct view *v, const struct resolution *failed)
{
    int64_t to_ns = failed->last_ns + 5 * NS_PER_S;
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (conn->first_ns >= failed->first_ns && conn->first_ns <= to_ns &&
            !is_other_service(conn->server.port) && !is_explained(v, &conn->server.address)) {
            return true;
        }
    }
    for (unsigned i = 0; i < v->client->num_tls && i < CLIENT_TLS_MAX; i++) {
        const struct tls_sight *tls = &v->client->tls[i];
        if (tls->time_ns >= failed->first_ns && tls->time_ns <= to_ns &&
            !is_explained(v, &tls->server)) {
            return true;
        }
    }
    return false;
}

/* Was that name the last to give the connection's address before it was made? */
static bool is_approach_by(const struct view *v, const struct resolution *r,
                           const struct conn *conn)
{
    int64_t mine_ns = INT64_MIN;
    int64_t other_ns = INT64_MIN;
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        for (size_t k = 0; l->response != NULL && k < l->response->u.dns.num_answers; k++) {
            if (l->first_ns > conn->first_ns ||
                !address_equal(&l->response->u.dns.answers[k].address, &conn->server.address)) {
                continue;
            }
            int64_t *latest_ns = bytes_equal_nocase(l->name, r->name) ? &mine_ns : &other_ns;
            *latest_ns = l->first_ns > *latest_ns ? l->first_ns : *latest_ns;
        }
    }
    return mine_ns >= other_ns;
}

/* Did every connection to the name's addresses fail? *server is then the endpoint to speak of. */
static bool approach_failed(const struct view *v, const struct resolution *r,
                            struct endpoint *server)
{
    bool found = false;
    bool tried = false;
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        for (size_t i = 0; i < r->num_addresses; i++) {
            if (!address_equal(&r->addresses[i], &conn->server.address) ||
                is_other_service(conn->server.port)) {
                continue;
            }
            if (conn->connected) {
                return false;
            }
            tried = true;
            if (!is_approach_by(v, r, conn)) {
                continue;
            }
            *server = conn->server;
            found = true;
        }
    }
    if (!tried && r->num_addresses > 0) {
        server->address = r->addresses[0];
        found = true; /* nothing was sent: ARP or ND may say why */
    }
    return found;
}

/* Fills v for an approach by that name; false when it did not fail. */
static bool view_approach(struct view *v, struct case_file *c, struct client *client,
                          struct bytes name)
{
    view_begin(v, c, client, NULL, name);
    v->kdc_visible = true;
    const struct resolution *r = &v->resolution;
    if (r->state != RESOLUTION_NONE) {
        view_narrow(v, r->first_ns - APPROACH_BEFORE_S * NS_PER_S,
                    r->last_ns + VIEW_AFTER_S * NS_PER_S);
    }
    switch (r->state) {
    case RESOLUTION_NXDOMAIN:
    case RESOLUTION_NO_ADDRESS:
    case RESOLUTION_FAILURE:
    case RESOLUTION_UNREACHABLE:
        return !went_on(v, r);
    case RESOLUTION_OK:
        return approach_failed(v, r, &v->server);
    case RESOLUTION_NONE:
    case RESOLUTION_PENDING:
        break;
    }
    return false;
}

static void fill_bare(const struct judgement *j, struct attempt_record *out, enum attempt_kind kind)
{
    out->kind = kind;
    out->client.address = j->v->client->address;
    out->server = j->v->server;
}

/* Judges the client as if it had failed; the record stays only when a rule holds. */
static struct record *judge_bare(struct case_file *c, struct view *v, enum attempt_kind kind,
                                 enum outcome outcome)
{
    struct judgement *j = arena_reserve_array(&c->scratch, 1, sizeof *j);
    struct record *r = j == NULL ? NULL : case_record(c);
    if (r == NULL) {
        return NULL;
    }
    judge_begin(j, v);
    j->outcome = outcome;
    r->out->kind = kind;
    judge_conclude(j, r->out);
    fill_bare(j, r->out, kind);
    judge_keep_clocks(j, r);
    r->is_dropped = outcome == OUTCOME_FAILED && !r->out->has_verdict;
    if (kind == KIND_APPROACH_ONLY && outcome == OUTCOME_FAILED && r->out->has_verdict &&
        r->out->verdict.step > STEP_CONNECT) {
        r->is_dropped = true; /* the name and the server are in order: that is no approach */
    }
    if (!r->is_dropped) {
        r->is_dropped = !judge_is_wanted(c, r->out);
        judge_mark_used(v->client, v);
    }
    return r;
}

static bool judge_approaches(struct case_file *c, struct client *client, bool has_better)
{
    struct bytes names[LOOKUPS_MAX];
    size_t num = 0;
    bool any = false;
    arena_reset(&c->scratch);
    struct view *v = arena_reserve_array(&c->scratch, 1, sizeof *v);
    if (v == NULL) {
        return false;
    }
    view_begin(v, c, client, NULL, (struct bytes){0});
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        bool is_known = (l->type != DNS_A && l->type != DNS_AAAA) || is_background_name(l->name) ||
                        has_suffix_twice(l->name) || is_srv_target(v, l->name);
        for (size_t k = 0; k < num && !is_known; k++) {
            is_known = bytes_equal_nocase(names[k], l->name);
        }
        if (!is_known && is_group_head(v, l->name)) {
            names[num++] = l->name;
        }
    }
    for (size_t i = 0; i < num; i++) {
        arena_reset(&c->scratch);
        v = arena_reserve_array(&c->scratch, 1, sizeof *v);
        if (v == NULL || !view_approach(v, c, client, names[i])) {
            continue;
        }
        view_add_krb(v);
        struct record *r = judge_bare(c, v, KIND_APPROACH_ONLY, OUTCOME_FAILED);
        if (r != NULL && !r->is_dropped) {
            r->is_provisional = true;
            r->client_has_better = has_better;
            any = true;
        }
    }
    return any;
}

/* What became of the ticket that was asked for; the worse, the more. */
enum ticket_end { TICKET_OBTAINED, TICKET_REFERRED, TICKET_UNANSWERED, TICKET_ERROR };

static enum ticket_end ticket_end_of(const struct transaction *t)
{
    struct bytes next;
    if (t->reply == NULL) {
        return TICKET_UNANSWERED;
    }
    if (t->reply->u.krb.type != KRB_TGS_REP) {
        return TICKET_ERROR;
    }
    return transaction_is_referral(t, &next) ? TICKET_REFERRED : TICKET_OBTAINED;
}

/* No later request of the view is for the same host. */
static bool is_last_for_host(const struct view *v, size_t at)
{
    struct bytes host = transaction_names(&v->transactions[at])->host;
    for (size_t i = at + 1; i < v->num_transactions; i++) {
        if (v->tgs_related[i] &&
            bytes_equal_nocase(transaction_names(&v->transactions[i])->host, host)) {
            return false;
        }
    }
    return true;
}

/* The host of the HTTP ticket to speak of: of the worst end, the last; empty when none was asked
 * for. */
static struct bytes host_to_tell(const struct view *v, enum ticket_end *end)
{
    struct bytes host = {0};
    *end = TICKET_OBTAINED;
    for (size_t i = 0; i < v->num_transactions; i++) {
        if (!v->tgs_related[i] || !is_last_for_host(v, i)) {
            continue;
        }
        enum ticket_end its = ticket_end_of(&v->transactions[i]);
        if (its >= *end) {
            *end = its;
            host = transaction_names(&v->transactions[i])->host;
        }
    }
    return host;
}

/* A logon or a ticket for HTTP that failed; or a ticket for HTTP that nothing was seen of. */
static struct record *judge_kerberos(struct case_file *c, struct client *client)
{
    arena_reset(&c->scratch);
    struct view *v = arena_reserve_array(&c->scratch, 1, sizeof *v);
    if (v == NULL) {
        return NULL;
    }
    view_fill(v, c, client, NULL, (struct bytes){0});
    enum ticket_end end;
    struct bytes host = host_to_tell(v, &end);
    if (host.len > 0) {
        view_fill(v, c, client, NULL, host);
    }
    bool has_ticket = host.len > 0 && end == TICKET_OBTAINED;
    struct record *r = judge_bare(c, v, KIND_KERBEROS_ONLY, OUTCOME_FAILED);
    if (r != NULL && r->is_dropped && has_ticket && !r->out->has_verdict) {
        return judge_bare(c, v, KIND_KERBEROS_ONLY, OUTCOME_INCOMPLETE);
    }
    return r;
}

/* Does --host name that server: by address, or by a name that DNS gave for it? */
static bool is_named(const struct view *v, const struct address *server, struct bytes *name)
{
    *name = (struct bytes){0};
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        for (size_t k = 0; l->response != NULL && k < l->response->u.dns.num_answers; k++) {
            if (address_equal(&l->response->u.dns.answers[k].address, server) &&
                judge_host_is_wanted(v->c, server, l->name)) {
                *name = l->name;
                return true;
            }
        }
    }
    return judge_host_is_wanted(v->c, server, *name);
}

/* With --host alone: TLS to that host, of a client of which neither HTTP nor a ticket is known. */
static void judge_named_tls(struct case_file *c, struct client *client)
{
    arena_reset(&c->scratch);
    struct view *v = arena_reserve_array(&c->scratch, 1, sizeof *v);
    if (v == NULL) {
        return;
    }
    view_fill(v, c, client, NULL, (struct bytes){0});
    for (unsigned i = 0; i < client->num_tls && i < CLIENT_TLS_MAX; i++) {
        const struct tls_sight *tls = &client->tls[i];
        struct bytes name;
        if (tls->time_ns < v->from_ns || tls->time_ns > v->to_ns ||
            !is_named(v, &tls->server, &name)) {
            continue;
        }
        view_fill(v, c, client, NULL, name);
        v->server = (struct endpoint){.address = tls->server};
        struct record *r = judge_bare(c, v, KIND_APPROACH_ONLY, OUTCOME_INCOMPLETE);
        if (r != NULL && r->out->first_time_ns == 0) {
            r->out->capture = tls->capture;
            r->out->first_time_ns = r->out->last_time_ns = tls->time_ns;
        }
        return;
    }
}

void judge_client(struct case_file *c, struct client *client)
{
    struct record *provisional = client->provisional;
    if (provisional != NULL) {
        bool is_only = client->num_ccm_posts == 1 || !provisional->is_elsewhere_post;
        provisional->is_dropped = provisional->is_dropped || !is_only || client->num_attempts > 0;
        if (!provisional->is_dropped) {
            client->num_attempts++;
            if (provisional->is_elsewhere_post && provisional->out->has_verdict) {
                provisional->out->verdict.confidence = CONFIDENCE_POSSIBLE;
            }
        }
    }
    bool has_attempt = client->num_attempts > 0;
    bool may_be_hidden = c->options.num_hosts > 0 && client->num_tls > 0 && !has_attempt;
    if (client->logs[LOG_KRB].num == 0 && client->logs[LOG_DNS].num == 0) {
        if (may_be_hidden) {
            judge_named_tls(c, client);
        }
        return;
    }
    struct record *kerberos = has_attempt ? NULL : judge_kerberos(c, client);
    bool kerberos_failed =
        kerberos != NULL && !kerberos->is_dropped && kerberos->out->outcome == OUTCOME_FAILED;
    bool has_better = has_attempt || kerberos_failed || client->saw_http || client->saw_tls ||
                      client->logs_on_elsewhere;
    /* A DNS server's own questions to others are nobody's approach. */
    bool asks_for_itself = client->logs[LOG_DNS].num > 0 && client->num_dns_served == 0;
    bool approached = asks_for_itself && judge_approaches(c, client, has_better);
    if (approached && kerberos != NULL && !kerberos_failed) {
        kerberos->is_dropped = true;
    }
    if (may_be_hidden && !approached && (kerberos == NULL || kerberos->is_dropped)) {
        judge_named_tls(c, client);
    }
    other_failures(c, client);
}
