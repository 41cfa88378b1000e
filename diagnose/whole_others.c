/* What the case's other attempts tell of one: another node takes the ticket, another client has a
 * newer key, the same client learned just before that Kerberos does not work there. */
#include "base/civil.h"
#include "diagnose/case_private.h"

#include <string.h>

#define NODE_WORDS_BYTES_MAX 1000
#define SPN_MEMORY_S 900 /* how long Windows remembers that a KDC did not know a name */

static bool same_service(const struct record *a, const struct record *b)
{
    return a->has_ticket && b->has_ticket && bytes_equal_nocase(a->ticket_sname, b->ticket_sname) &&
           bytes_equal(a->ticket_realm, b->ticket_realm);
}

static bool same_name_or_address(const struct record *a, const struct record *b)
{
    return address_equal(&a->out->server.address, &b->out->server.address) ||
           (a->out->host.len > 0 && bytes_equal_nocase(a->out->host, b->out->host));
}

/* Evidence of a verdict that another attempt changes: its own, and what is added. */
static void add_evidence(struct case_file *c, struct finding *f, const struct frame_ref *more,
                         size_t num_more)
{
    struct frame_ref *refs =
        arena_alloc_array(&c->out.arena, f->evidence.num + num_more, sizeof *refs);
    size_t num = 0;
    for (size_t i = 0; refs != NULL && i < f->evidence.num; i++) {
        refs[num++] = f->evidence.at[i];
    }
    for (size_t i = 0; refs != NULL && i < num_more; i++) {
        if (more[i].frame != 0) {
            refs[num++] = more[i];
        }
    }
    if (refs != NULL) {
        f->evidence = (struct evidence){.at = refs, .num = num};
    }
}

static void restate(struct case_file *c, struct record *r, enum cause cause, struct bytes summary)
{
    struct finding *f = &r->out->verdict;
    f->cause = cause;
    f->summary = summary;
    also_drop(c, r->out, cause);
    if (r->out->steps[f->step].state == STATE_FAILED) {
        r->out->steps[f->step].detail = bytes_of(cause_id(cause));
    }
}

/* The frame that shows how the other attempt went. */
static struct frame_ref accepted_at(const struct record *other, const char *why)
{
    const struct step_result *accepted = &other->out->steps[STEP_ACCEPT];
    struct frame_ref ref = {0};
    if (accepted->evidence.num > 0) {
        ref = accepted->evidence.at[0];
        ref.why = bytes_of(why);
    }
    return ref;
}

static struct bytes words(struct case_file *c, const char *a, struct bytes name, const char *b)
{
    char buffer[NODE_WORDS_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, a);
    text_add_bytes(&t, name);
    text_add(&t, b);
    return text_keep(&t, &c->out.arena);
}

static bool differ(struct bytes a, struct bytes b)
{
    return a.len > 0 && b.len > 0 && !bytes_equal_nocase(a, b);
}

/* What a header of the refusing node says that the other's does not. */
static bool name_by_headers(struct text *t, const struct node_sight *node,
                            const struct node_sight *other)
{
    const char *name = node->header;
    struct bytes value = node->header_value;
    if (value.len == 0 || bytes_equal_nocase(value, other->header_value)) {
        bool is_server = differ(node->server, other->server);
        name = is_server ? "Server" : "X-Powered-By";
        value = is_server ? node->server : node->powered_by;
        if (!is_server && !differ(node->powered_by, other->powered_by)) {
            return false;
        }
    }
    text_format(t, ", with %s: ", name);
    text_add_bytes(t, value);
    return true;
}

/* Which node refused: by its own name, by address or by the adapter that its frames come from, and
 * by what its headers say. *has_headers: they say something. */
static void name_node(struct text *t, const struct record *refused, const struct record *accepted,
                      bool *has_headers)
{
    const struct node_sight *node = &refused->node;
    const struct hardware_address *adapter = &node->hardware;
    bool has_own_address =
        !address_equal(&refused->out->server.address, &accepted->out->server.address);
    bool has_own_adapter =
        adapter->known && accepted->node.hardware.known &&
        memcmp(adapter->octets, accepted->node.hardware.octets, sizeof adapter->octets) != 0;
    if (node->name.len > 0) {
        text_add(t, ", ");
        text_add_bytes(t, node->name);
    }
    if (has_own_address) {
        text_add(t, node->name.len > 0 ? " at " : ", ");
        address_print(t, &refused->out->server.address);
    } else if (has_own_adapter) {
        text_format(t, "%s %02x:%02x:%02x:%02x:%02x:%02x",
                    node->name.len > 0 ? " with MAC address" : ", with MAC address",
                    adapter->octets[0], adapter->octets[1], adapter->octets[2], adapter->octets[3],
                    adapter->octets[4], adapter->octets[5]);
    }
    *has_headers = name_by_headers(t, node, &accepted->node);
}

static void tell_nodes(struct case_file *c, struct record *refused, const struct record *accepted)
{
    char buffer[NODE_WORDS_BYTES_MAX];
    struct text t;
    bool has_headers;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "A ticket for ");
    text_add_bytes(&t, refused->ticket_sname);
    text_add(&t, " is accepted by one server behind this name and refused by another");
    name_node(&t, refused, accepted, &has_headers);
    text_add(&t, ": the nodes do not run under the same account.");
    const struct frame_ref more[] = {
        accepted_at(accepted, "the same service ticket's key is accepted here"),
        refused->node.name.len > 0 ? refused->node.named : (struct frame_ref){0},
        has_headers ? refused->node.answered : (struct frame_ref){0},
    };
    restate(c, refused, CAUSE_NLB_KEY_MISMATCH, text_keep(&t, &c->out.arena));
    add_evidence(c, &refused->out->verdict, more, sizeof more / sizeof more[0]);
}

/* One server that changed its mind is not two. A header says less: a balancer may have written it.
 */
static bool is_same_node(const struct record *a, const struct record *b)
{
    return a->node.name.len > 0 && bytes_equal_nocase(a->node.name, b->node.name);
}

static void tell_stale(struct case_file *c, struct record *r, const struct record *other)
{
    static const char *const lines[] = {
        "klist -li 0x3e7 purge",
        "repadmin /replsummary",
        "After replication, restart the service (iisreset, or a new keytab).",
    };
    struct finding *f = &r->out->verdict;
    const struct frame_ref more = accepted_at(other, "another client's ticket has a newer key");
    struct bytes *remedy =
        arena_alloc_array(&c->out.arena, sizeof lines / sizeof lines[0], sizeof *remedy);
    f->num_remedies = 0;
    for (size_t i = 0; remedy != NULL && i < sizeof lines / sizeof lines[0]; i++) {
        remedy[f->num_remedies++] = bytes_of(lines[i]);
    }
    f->remedy = remedy;
    restate(c, r, CAUSE_SERVICE_KEY_STALE,
            words(c, "The ticket for ", r->ticket_sname,
                  " was made with an older key than another client's: the account's password "
                  "changed."));
    add_evidence(c, f, &more, 1);
}

/* The same ticket's key is right on one node and wrong on another. */
void whole_compare_nodes(struct case_file *c, struct record *r)
{
    if (!r->out->has_verdict || r->out->verdict.cause != CAUSE_SERVICE_KEY_MISMATCH) {
        return;
    }
    for (struct record *x = c->first_record; x != NULL; x = x->next) {
        if (x == r || x->is_dropped || !same_service(r, x)) {
            continue;
        }
        bool accepted = x->out->outcome == OUTCOME_APPROVED;
        bool same_key = !r->has_kvno || !x->has_kvno || r->kvno == x->kvno;
        if (accepted && same_key && same_name_or_address(r, x) && !is_same_node(r, x)) {
            tell_nodes(c, r, x);
            return;
        }
        if (r->has_kvno && x->has_kvno && r->kvno < x->kvno) {
            tell_stale(c, r, x);
            return;
        }
    }
}

/* Verdicts on NTLM that say no more than that Kerberos was not used. */
static bool is_about_ntlm(enum cause cause)
{
    return cause == CAUSE_NTLM_WITHOUT_KERBEROS || cause == CAUSE_NTLM_INSTEAD_OF_KERBEROS ||
           cause == CAUSE_NTLM_REFUSED;
}

/* The KDC knows no such name: Windows remembers that for a while and does not ask again. */
static bool is_about_spn(enum cause cause)
{
    return cause == CAUSE_SPN_MISSING || cause == CAUSE_SPN_MISSING_FOR_ALIAS ||
           cause == CAUSE_SPN_MISSING_FOR_SHORT_NAME || cause == CAUSE_SPN_DUPLICATE;
}

/* The server did not take the ticket; that it forbids what was asked for is another matter. */
static bool is_about_ticket(enum cause cause)
{
    return cause == CAUSE_SERVICE_KEY_MISMATCH || cause == CAUSE_NLB_KEY_MISMATCH ||
           cause == CAUSE_SERVICE_KEY_STALE || cause == CAUSE_TICKET_REFUSED ||
           cause == CAUSE_TICKET_EXPIRED || cause == CAUSE_CLOCK_SKEW || cause == CAUSE_REPLAY;
}

static bool same_host(const struct attempt_record *a, const struct attempt_record *b)
{
    return a->host.len > 0 && b->host.len > 0
               ? bytes_equal_nocase(a->host, b->host)
               : address_equal(&a->server.address, &b->server.address);
}

/* Does x, which ended pause_ns before, say why Kerberos was not used any more? A ticket that was
 * refused does for the next try; a name that the KDC does not know as long as that is remembered,
 * and only for that name; a logon that failed for every server, until another one is seen. */
static bool explains(const struct record *x, const struct record *r, int64_t pause_ns)
{
    const struct attempt_record *a = x->out;
    const struct step_result *steps = r->out->steps;
    if (!a->has_verdict || pause_ns < 0) {
        return false;
    }
    if (a->verdict.step == STEP_REACH_KDC || a->verdict.step == STEP_TGT) {
        return pause_ns <= ATTEMPT_GAP_S * NS_PER_S && steps[STEP_REACH_KDC].state != STATE_OK &&
               steps[STEP_TGT].state != STATE_OK &&
               r->out->verdict.cause == CAUSE_NTLM_WITHOUT_KERBEROS;
    }
    if (!same_host(a, r->out)) {
        return false;
    }
    if (is_about_spn(a->verdict.cause)) {
        return pause_ns <= SPN_MEMORY_S * NS_PER_S &&
               r->out->verdict.cause == CAUSE_NTLM_WITHOUT_KERBEROS;
    }
    return x->has_ticket && is_about_ticket(a->verdict.cause) && a->verdict.step == STEP_ACCEPT &&
           pause_ns <= ATTEMPT_GAP_S * NS_PER_S;
}

/* The attempt of the same client before this one that says why there is no Kerberos in it. */
static const struct record *reason_before(const struct case_file *c, const struct record *r)
{
    const struct record *found = NULL;
    for (const struct record *x = c->first_record; x != NULL; x = x->next) {
        const struct attempt_record *a = x->out;
        bool is_same_client = address_equal(&a->client.address, &r->out->client.address) &&
                              c->group_of_capture[a->capture % CAPTURES_MAX] ==
                                  c->group_of_capture[r->out->capture % CAPTURES_MAX];
        if (x != r && !x->is_dropped && is_same_client &&
            explains(x, r, r->out->first_time_ns - a->last_time_ns) &&
            (found == NULL || a->last_time_ns > found->out->last_time_ns)) {
            found = x;
        }
    }
    return found;
}

/* A client that used NTLM, and shortly before learned that Kerberos does not work there. */
void whole_take_reason(struct case_file *c, struct record *r)
{
    struct attempt_record *a = r->out;
    if (!a->has_verdict || r->has_ticket || r->has_looked_back ||
        !is_about_ntlm(a->verdict.cause)) {
        return;
    }
    r->has_looked_back = true; /* what ended before is known by now: live asks again and again */
    const struct record *before = reason_before(c, r);
    if (before == NULL) {
        return;
    }
    const struct finding old = a->verdict;
    struct finding *also = arena_alloc_array(&c->out.arena, a->num_also + 1, sizeof *also);
    if (also == NULL) {
        return;
    }
    for (size_t i = 0; i < a->num_also; i++) {
        also[i] = a->also[i];
    }
    a->also = also;
    if (old.cause == CAUSE_NTLM_REFUSED) {
        also[a->num_also++] = old;
    }
    const bool is_at_accept = before->out->verdict.step == STEP_ACCEPT;
    a->verdict = before->out->verdict;
    a->verdict.is_note = old.is_note;
    if (a->verdict.confidence > CONFIDENCE_LIKELY) {
        a->verdict.confidence = CONFIDENCE_LIKELY;
    }
    a->steps[STEP_PRESENT].state = STATE_OK;
    a->steps[STEP_PRESENT].detail = bytes_of("NTLM in Authorization");
    restate(c, r, a->verdict.cause,
            words(c,
                  is_at_accept
                      ? "Just before it used NTLM, the client presented a ticket that was refused. "
                      : "The client did not ask again: its attempt before failed so. ",
                  before->out->verdict.summary, ""));
    if (old.evidence.num > 0) {
        add_evidence(c, &a->verdict, &old.evidence.at[0], 1);
    }
    struct step_result *failed = &a->steps[a->verdict.step];
    if (a->outcome == OUTCOME_REFUSED || a->verdict.step < STEP_PRESENT) {
        failed->state = STATE_FAILED;
        failed->detail = bytes_of(cause_id(a->verdict.cause));
        failed->evidence = a->verdict.evidence;
    }
}
