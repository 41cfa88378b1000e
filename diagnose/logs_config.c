/* What applicationHost.config confirms or rules out of a verdict.
 *
 * Which key opens a ticket at the server (REFERENCE: Microsoft IIS pages on kernel-mode
 * authentication):
 *
 *      useKernelMode  useAppPoolCredentials   the ticket is opened with the key of
 *      true           false (default)         the computer, whatever runs the pool
 *      true           true                    the pool's identity
 *      false          either                  the pool's identity (built in: the computer)
 *
 * A web.config below may change what this file says; several files are several nodes. */
#include "diagnose/logs_private.h"

#include <string.h>

#define TEXT_BYTES_MAX 600
#define REMEDIES_MAX 5

/* One configuration and what it says of the attempt's path. */
struct view_of_config {
    struct case_file *c;
    struct record *r;
    uint16_t log;
    struct iis_settings s;
};

static struct bytes keep(struct view_of_config *v, struct text *t)
{
    return text_keep(t, &v->c->out.arena);
}

static void add_evidence(struct view_of_config *v, uint32_t line, struct bytes why)
{
    if (line != 0) {
        log_evidence_add(&v->c->out.arena, &v->r->out->verdict.logs, v->log, line, why);
    }
}

static void add_note(struct view_of_config *v, struct bytes note)
{
    struct attempt_record *out = v->r->out;
    for (size_t i = 0; i < out->num_notes; i++) {
        if (bytes_equal(out->notes[i], note)) {
            return; /* another node's file says the same */
        }
    }
    struct bytes *notes = arena_alloc_array(&v->c->out.arena, out->num_notes + 1, sizeof *notes);
    if (notes == NULL || note.len == 0) {
        return;
    }
    if (out->num_notes > 0) {
        memcpy(notes, out->notes, out->num_notes * sizeof *notes);
    }
    notes[out->num_notes] = note;
    out->notes = notes;
    out->num_notes++;
}

static void note(struct view_of_config *v, const char *before, struct bytes middle,
                 const char *after)
{
    char buffer[TEXT_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, before);
    text_add_bytes(&t, middle);
    text_add(&t, after);
    add_note(v, keep(v, &t));
}

static void add_rule_out(struct view_of_config *v, enum cause cause, uint32_t line, const char *why)
{
    struct attempt_record *out = v->r->out;
    struct arena *arena = &v->c->out.arena;
    struct ruled_out *list = arena_alloc_array(arena, out->num_ruled_out + 1, sizeof *list);
    struct finding *kept = arena_alloc_array(arena, out->num_also, sizeof *kept);
    if (list == NULL || kept == NULL) {
        return;
    }
    size_t num = 0;
    bool was_listed = false;
    for (size_t i = 0; i < out->num_also; i++) {
        if (out->also[i].cause == cause && out->also[i].evidence.num == 0) {
            was_listed = true;
        } else {
            kept[num++] = out->also[i];
        }
    }
    if (!was_listed) {
        return;
    }
    if (out->num_ruled_out > 0) {
        memcpy(list, out->ruled_out, out->num_ruled_out * sizeof *list);
    }
    struct ruled_out *fallen = &list[out->num_ruled_out];
    *fallen = (struct ruled_out){.cause = cause, .why = bytes_of(why)};
    if (line != 0) {
        log_evidence_add(arena, &fallen->logs, v->log, line, fallen->why);
    }
    out->ruled_out = list;
    out->num_ruled_out++;
    out->also = kept;
    out->num_also = num;
}

/* Whose key opens tickets here. */
static bool is_opened_by_computer(const struct iis_settings *s)
{
    return iis_identity_is_builtin(s->identity.value) ||
           (s->kernel_mode.value && !s->pool_credentials.value);
}

static void add_identity(struct text *t, const struct iis_settings *s)
{
    if (iis_identity_is_builtin(s->identity.value)) {
        text_add(t, "the built-in identity ");
        text_add_bytes(t, s->identity.value);
    } else {
        text_add_bytes(t, s->user.value);
    }
}

static void add_mode(struct text *t, const struct iis_settings *s)
{
    if (!s->kernel_mode.value) {
        text_add(t, "useKernelMode is false");
    } else {
        text_format(t, "useKernelMode is true and useAppPoolCredentials %s",
                    s->pool_credentials.value ? "true" : "false");
    }
}

/* "The pool X runs as CORP\svc, and …": true of every verdict about keys. */
static struct bytes key_text(struct view_of_config *v)
{
    char buffer[TEXT_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "By its configuration the server opens tickets with the key of ");
    if (is_opened_by_computer(&v->s)) {
        text_add(&t, "the computer's account");
    } else {
        text_add(&t, "the pool's identity ");
        add_identity(&t, &v->s);
    }
    text_add(&t, " (the pool ");
    text_add_bytes(&t, v->s.pool);
    text_add(&t, " runs as ");
    add_identity(&t, &v->s);
    text_add(&t, "; ");
    add_mode(&t, &v->s);
    text_add(&t, "): ");
    text_add(&t, is_opened_by_computer(&v->s)
                     ? "the SPN must be held by the computer, not by a service account."
                     : "the SPN must be held by that account.");
    return keep(v, &t);
}

static struct bytes command(struct view_of_config *v, const char *before, const char *after)
{
    char buffer[TEXT_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, before);
    text_add(&t, "\"");
    bool is_plain = v->s.site.len > 0;
    for (size_t i = 0; i < v->s.site.len; i++) {
        uint8_t c = v->s.site.at[i];
        is_plain = is_plain && c >= ' ' && c < 0x7f && c != '"' && c != '%' && c != '`';
    }
    text_add_bytes(&t, is_plain ? v->s.site : bytes_of("<site>"));
    struct bytes path = v->s.application;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.at[i];
        is_plain = is_plain && c >= ' ' && c < 0x7f && c != '"' && c != '%' && c != '`';
    }
    text_add_bytes(&t, is_plain ? path : bytes_of("/<application>"));
    text_add(&t, "\"");
    text_add(&t, after);
    return keep(v, &t);
}

/* The commonest mistake: a service account runs the pool, holds the SPN, and kernel mode opens
 * tickets with the computer's key all the same. */
static void set_remedy(struct view_of_config *v)
{
    struct finding *f = &v->r->out->verdict;
    struct bytes *remedy = arena_alloc_array(&v->c->out.arena, REMEDIES_MAX, sizeof *remedy);
    if (remedy == NULL) {
        return;
    }
    size_t num = 0;
    if (f->num_remedies > 0) { /* setspn -Q comes first everywhere */
        remedy[num++] = f->remedy[0];
    }
    if (!iis_identity_is_builtin(v->s.identity.value) && is_opened_by_computer(&v->s)) {
        remedy[num++] = bytes_of("If it names the pool's identity, let that account's key open "
                                 "the tickets:");
        remedy[num++] = command(v, "appcmd set config ",
                                " -section:windowsAuthentication -useAppPoolCredentials:true "
                                "-commit:apphost");
    } else if (is_opened_by_computer(&v->s)) {
        remedy[num++] = bytes_of("If it names a service account, move the SPN to the computer, or "
                                 "let that account run the pool with useAppPoolCredentials=true.");
    } else {
        remedy[num++] = bytes_of("If it names another account, move the SPN to the pool's "
                                 "identity.");
    }
    remedy[num++] = bytes_of("Behind a load balancer every node needs the same identity and the "
                             "same setting.");
    f->remedy = remedy;
    f->num_remedies = num;
}

static void judge_key(struct view_of_config *v)
{
    struct bytes text = key_text(v);
    add_evidence(v, v->s.kernel_mode.line, bytes_of("useKernelMode"));
    add_evidence(v, v->s.pool_credentials.line, bytes_of("useAppPoolCredentials"));
    add_evidence(v, v->s.identity.line, bytes_of("the pool's identity"));
    add_note(v, text);
    if (v->r->out->verdict.cause == CAUSE_SERVICE_KEY_MISMATCH) {
        set_remedy(v);
    }
    if (v->r->out->verdict.cause == CAUSE_NLB_KEY_MISMATCH && is_opened_by_computer(&v->s)) {
        note(v,
             "Each node opens tickets with its own computer's key: behind one name that cannot "
             "work for more than one node.",
             (struct bytes){0}, "");
    }
    if (v->r->out->verdict.cause == CAUSE_TICKET_REFUSED &&
        bytes_is_nocase(v->s.token_checking.value, "None")) {
        note(v,
             "Extended Protection is off here: channel bindings are not why the ticket is "
             "refused.",
             (struct bytes){0}, "");
    } else if (v->r->out->verdict.cause == CAUSE_TICKET_REFUSED) {
        add_evidence(v, v->s.token_checking.line, bytes_of("Extended Protection"));
        note(v, "Extended Protection is on here (tokenChecking=", v->s.token_checking.value,
             "): a ticket without fitting channel bindings is refused.");
    }
}

static bool offers_negotiate(const struct iis_settings *s)
{
    for (size_t i = 0; i < s->num_providers; i++) {
        if (bytes_begins_nocase(s->providers[i].value, "Negotiate")) {
            return true;
        }
    }
    return false;
}

static void judge_offer(struct view_of_config *v)
{
    if (!v->s.windows.value) {
        add_evidence(v, v->s.windows.line, bytes_of("windowsAuthentication is not enabled"));
        note(v, "The configuration has Windows authentication off for this path.",
             (struct bytes){0}, "");
    } else if (!offers_negotiate(&v->s)) {
        uint32_t line = v->s.num_providers > 0 ? v->s.providers[0].line : v->s.windows.line;
        add_evidence(v, line, bytes_of("the providers do not include Negotiate"));
        note(v,
             "The configuration has Windows authentication on for this path, without the "
             "provider Negotiate.",
             (struct bytes){0}, "");
    } else {
        note(v,
             "The configuration offers Negotiate for this path, the 401 does not: another "
             "server answered, or a web.config or proxy changes it.",
             (struct bytes){0}, "");
    }
}

static void judge_anonymous(struct view_of_config *v)
{
    if (v->s.anonymous.value) {
        add_evidence(v, v->s.anonymous.line, bytes_of("anonymousAuthentication is enabled"));
        note(v, "The configuration has anonymous authentication on for this path.",
             (struct bytes){0}, "");
    } else {
        note(v,
             "The configuration has anonymous authentication off for this path: another server "
             "answered, or a web.config changes it.",
             (struct bytes){0}, "");
    }
}

static void judge_verb(struct view_of_config *v)
{
    struct attempt_record *out = v->r->out;
    struct finding *f = &out->verdict;
    uint32_t line;
    if (iis_verb_is_allowed(&v->s, out->method, &line)) {
        if (f->cause == CAUSE_MP_NOT_FOUND) {
            add_rule_out(v, CAUSE_MP_VERB_BLOCKED, line,
                         "the configuration's request filtering lets the verb through");
        }
        if (f->cause == CAUSE_MP_NOT_FOUND && v->s.application.len <= 1) {
            note(v, "The configuration has no application for this path in the site ", v->s.site,
                 ".");
        }
        return;
    }
    if (f->cause == CAUSE_MP_NOT_FOUND) {
        /* IIS answers a denied verb with 404 (404.6). */
        char buffer[TEXT_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, "By the server's configuration request filtering denies the verb ");
        text_add_bytes(&t, out->method);
        text_add(&t, " on this path: that is its 404.");
        f->cause = CAUSE_MP_VERB_BLOCKED;
        f->summary = keep(v, &t);
        f->confidence = CONFIDENCE_LIKELY;
        out->steps[f->step].detail = bytes_of(cause_id(f->cause));
        add_rule_out(v, CAUSE_MP_VERB_BLOCKED, 0, ""); /* no alternative to itself */
        out->num_ruled_out -= out->num_ruled_out > 0 &&
                              out->ruled_out[out->num_ruled_out - 1].cause == CAUSE_MP_VERB_BLOCKED;
    }
    add_evidence(v, line, bytes_of("request filtering denies the verb"));
}

static void judge_pool(struct view_of_config *v)
{
    char buffer[TEXT_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "This path runs in the application pool ");
    text_add_bytes(&t, v->s.pool);
    text_add(&t, " as ");
    add_identity(&t, &v->s);
    text_add(&t, ".");
    add_note(v, keep(v, &t));
    add_evidence(v, v->s.identity.line, bytes_of("the pool's identity"));
}

static void judge(struct view_of_config *v)
{
    switch ((int)v->r->out->verdict.cause) {
    case CAUSE_SERVICE_KEY_MISMATCH:
    case CAUSE_NLB_KEY_MISMATCH:
    case CAUSE_SERVICE_KEY_STALE:
    case CAUSE_TICKET_REFUSED:
        judge_key(v);
        break;
    case CAUSE_SPN_MISSING:
    case CAUSE_SPN_MISSING_FOR_ALIAS:
    case CAUSE_SPN_MISSING_FOR_SHORT_NAME:
    case CAUSE_SPN_DUPLICATE:
        add_note(v, key_text(v)); /* whom to give the SPN */
        break;
    case CAUSE_NEGOTIATE_NOT_OFFERED:
        judge_offer(v);
        break;
    case CAUSE_ANONYMOUS_ACCEPTED:
        judge_anonymous(v);
        break;
    case CAUSE_MP_VERB_BLOCKED:
    case CAUSE_MP_NOT_FOUND:
        judge_verb(v);
        break;
    case CAUSE_MP_UNAVAILABLE:
        judge_pool(v);
        break;
    default:
        break;
    }
}

void log_configs_apply(struct case_file *c, struct record *r)
{
    const struct attempt_record *out = r->out;
    if (!out->has_verdict || out->uri.len == 0) {
        return;
    }
    const struct iis_target target = {.host = out->host,
                                      .address = &out->server.address,
                                      .port = out->server.port,
                                      .path = out->uri};
    for (size_t i = 0; i < c->logs->num_configs; i++) {
        struct view_of_config v = {.c = c, .r = r, .log = c->logs->configs[i].log};
        if (iis_config_settings(c->logs->configs[i].config, &target, &v.s)) {
            judge(&v);
        }
    }
}
