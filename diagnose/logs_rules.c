/* What a log's line testifies, and what a line that was joined does to a verdict. */
#include "diagnose/logs_private.h"

#include "diagnose/rules.h"

#include <assert.h>
#include <string.h>

#define FILLED_BYTES_MAX 1000
#define WHY_BYTES_MAX 300

#define REMEDY(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define RULE(status_, substatus_, win32_, reason_, cause_, step_, confidence_, says_why_, name_,   \
             summary_, remedy_)                                                                    \
    {.status = (status_),                                                                          \
     .substatus = (substatus_),                                                                    \
     .win32 = (win32_),                                                                            \
     .reason = (reason_),                                                                          \
     .cause = CAUSE_##cause_,                                                                      \
     .step = STEP_##step_,                                                                         \
     .confidence = CONFIDENCE_##confidence_,                                                       \
     .says_why = (says_why_),                                                                      \
     .name = (name_),                                                                              \
     .summary = (summary_),                                                                        \
     .remedy = remedy_},
static const struct log_rule rules[] = {
#include "diagnose/logs.def"
};
#undef RULE

/* Clients that were asked for a logon and never let in. */
static const struct log_rule challenged[] = {
    {.status = 401,
     .substatus = 2,
     .win32 = ANY,
     .cause = CAUSE_NO_CREDENTIALS_SENT,
     .step = STEP_PRESENT,
     .confidence = CONFIDENCE_POSSIBLE,
     .name = "challenge",
     .summary = "{server} asked the client to log on {num} times in a row and never let it in: it "
                "did not authenticate. The log does not say why.",
     .remedy = {"klist -li 0x3e7", "A capture on the client shows whether it found a KDC, got a "
                                   "ticket, and sent it."}},
    {.status = 401,
     .substatus = 1,
     .win32 = ANY,
     .cause = CAUSE_TICKET_REFUSED,
     .step = STEP_ACCEPT,
     .confidence = CONFIDENCE_POSSIBLE,
     .name = "no credentials in the token",
     .summary =
         "The client sent a token, and {server} took no credentials from it ({num} times 401 "
         "in a row).",
     .remedy = {"Event 4625 on the server, if there is one, tells why.",
                "A capture on the client or the server shows the token and what became of it."}},
};

size_t log_rules_count(void)
{
    return sizeof rules / sizeof rules[0];
}

const struct log_rule *log_rules_at(size_t i)
{
    assert(i < log_rules_count());
    return &rules[i];
}

const struct log_rule *log_rule_challenged(bool has_token)
{
    return &challenged[has_token ? 1 : 0];
}

/* How many particulars of the rule the line has; 0: it is not of this rule. */
static unsigned fits(const struct log_rule *r, const struct log_status *s, struct bytes reason)
{
    unsigned fit = 1;
    if (r->reason != NULL ? !bytes_is_nocase(reason, r->reason) : reason.len > 0) {
        return 0;
    }
    fit += r->reason != NULL;
    if (r->status != ANY) {
        if (!s->has_status || s->status != (unsigned)r->status) {
            return 0;
        }
        fit++;
    }
    if (r->substatus != ANY) {
        if (!s->has_substatus || s->substatus != (unsigned)r->substatus) {
            return 0;
        }
        fit++;
    }
    if (r->win32 != ANY) {
        if (!s->has_win32 || s->win32 != (uint32_t)r->win32) {
            return 0;
        }
        fit++;
    }
    return fit;
}

const struct log_rule *log_rule_for(const struct log_status *status, struct bytes reason)
{
    const struct log_rule *best = NULL;
    unsigned best_fit = 0;
    for (size_t i = 0; i < log_rules_count(); i++) {
        unsigned fit = fits(&rules[i], status, reason);
        if (fit > best_fit) {
            best = &rules[i];
            best_fit = fit;
        }
    }
    return best;
}

bool log_status_is_challenge(const struct log_status *s)
{
    return s->has_status && s->status == 401 && log_rule_for(s, (struct bytes){0}) == NULL;
}

void log_status_print(struct text *t, const struct log_status *s)
{
    static const char *const none = "-";
    if (s->has_status) {
        text_format(t, "%u", s->status);
    } else {
        text_add(t, none);
    }
    if (s->has_substatus || s->has_win32) {
        text_add(t, " ");
        if (s->has_substatus) {
            text_format(t, "%u", s->substatus);
        } else {
            text_add(t, none);
        }
        text_add(t, " ");
        if (s->has_win32) {
            text_format(t, "%lu", (unsigned long)s->win32);
        } else {
            text_add(t, none);
        }
    }
}

static void add_or(struct text *t, struct bytes value, const char *otherwise)
{
    if (value.len > 0) {
        text_add_bytes(t, value);
    } else {
        text_add(t, otherwise);
    }
}

static void add_slot(struct text *t, struct bytes slot, const struct log_words *w)
{
    if (bytes_is(slot, "client")) {
        add_or(t, w->client, "the client");
    } else if (bytes_is(slot, "server")) {
        add_or(t, w->server, "the server");
    } else if (bytes_is(slot, "method")) {
        add_or(t, w->method, "the request");
    } else if (bytes_is(slot, "path")) {
        add_or(t, w->path, "the path");
    } else if (bytes_is(slot, "spn")) {
        add_or(t, w->spn, "HTTP/<name of the server>");
    } else if (bytes_is(slot, "reason")) {
        add_or(t, w->reason, "no reason");
    } else if (bytes_is(slot, "user")) {
        add_or(t, w->user, "nobody");
    } else if (bytes_is(slot, "num")) {
        text_format(t, "%llu", (unsigned long long)w->num);
    } else {
        log_status_print(t, &w->status);
    }
}

/* What a shell takes as it is; see rules_fill_command(). */
static bool is_plain(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = b.at[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (c == '\0' || strchr("._-/:", c) == NULL)) {
            return false;
        }
    }
    return b.len > 0 && b.at[0] != '-';
}

struct bytes log_fill(struct arena *arena, const char *template, const struct log_words *words,
                      bool for_command)
{
    char buffer[FILLED_BYTES_MAX];
    char value_buffer[FILLED_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    for (const char *p = template; *p != '\0'; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end == NULL) {
            text_add_char(&t, *p);
            continue;
        }
        const struct bytes slot = {.at = (const uint8_t *)p + 1, .len = (size_t)(end - p - 1)};
        struct text value;
        text_init(&value, value_buffer, sizeof value_buffer);
        add_slot(&value, slot, words);
        bool is_ours = bytes_is(slot, "spn") && words->spn.len == 0;
        if (for_command && !is_ours && !is_plain(text_bytes(&value))) {
            text_add(&t, "<");
            text_add_bytes(&t, slot);
            text_add(&t, ">");
        } else {
            text_add_bytes(&t, text_bytes(&value));
        }
        p = end;
    }
    return text_keep(&t, arena);
}

void log_finding(struct arena *arena, const struct log_rule *rule, const struct log_words *words,
                 struct finding *out)
{
    *out = (struct finding){.cause = rule->cause,
                            .step = rule->step,
                            .confidence = rule->confidence,
                            .summary = log_fill(arena, rule->summary, words, false),
                            .source = rule->reason != NULL ? "HTTP.sys error log"
                                                           : "IIS sc-status, sc-substatus, "
                                                             "sc-win32-status"};
    struct bytes *remedy = arena_alloc_array(arena, LOG_RULE_REMEDIES_MAX, sizeof *remedy);
    for (size_t i = 0; remedy != NULL && i < LOG_RULE_REMEDIES_MAX && rule->remedy[i] != NULL;
         i++) {
        remedy[out->num_remedies++] = log_fill(arena, rule->remedy[i], words, true);
    }
    out->remedy = remedy;
}

void log_evidence_add(struct arena *arena, struct log_evidence *e, uint16_t log, uint64_t line,
                      struct bytes why)
{
    for (size_t i = 0; i < e->num; i++) {
        if (e->at[i].log == log && e->at[i].line == line) {
            return;
        }
    }
    struct log_ref *refs = arena_alloc_array(arena, e->num + 1, sizeof *refs);
    if (refs == NULL) {
        return;
    }
    if (e->num > 0) {
        memcpy(refs, e->at, e->num * sizeof *refs);
    }
    refs[e->num] = (struct log_ref){.log = log, .line = line, .why = why};
    *e = (struct log_evidence){.at = refs, .num = e->num + 1};
}

/* "the log says 401 1 2148074276 (SEC_E_TIME_SKEW)" */
static struct bytes why_of(struct arena *arena, const struct joined_line *line,
                           const struct log_rule *rule)
{
    char buffer[WHY_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "the server logged ");
    log_status_print(&t, &line->status);
    if (line->reason.len > 0) {
        text_add(&t, ", reason ");
        text_add_bytes(&t, line->reason);
    } else if (rule != NULL && rule->win32 != ANY) {
        text_format(&t, " (%s)", rule->name);
    }
    return text_keep(&t, arena);
}

/* Is `general` reached from cause along the chain of generalisations? */
static bool generalises(enum cause general, enum cause cause)
{
    while (cause != general && cause != CAUSE_CAPTURE_INCOMPLETE) {
        cause = cause_generalises(cause);
    }
    return cause == general;
}

/* Could a line with this status have told of that cause, had it been so? */
static bool is_told_apart(enum cause cause, const struct log_rule *told)
{
    for (size_t i = 0; i < log_rules_count(); i++) {
        bool same_answer =
            rules[i].status == told->status && (rules[i].reason == NULL) == (told->reason == NULL);
        if (rules[i].cause == cause && same_answer) {
            return true;
        }
    }
    return false;
}

/* An alternative that nothing was seen of falls when the line says something else. Codes that are
 * said of many troubles (their rows are only possible) let nothing fall. */
static void rule_out(struct case_file *c, struct attempt_record *out,
                     const struct joined_line *line, const struct log_rule *rule)
{
    struct arena *arena = &c->out.arena;
    struct finding *kept = arena_alloc_array(arena, out->num_also, sizeof *kept);
    struct ruled_out *list =
        arena_alloc_array(arena, out->num_ruled_out + out->num_also, sizeof *list);
    if (kept == NULL || list == NULL || rule->confidence == CONFIDENCE_POSSIBLE) {
        return;
    }
    if (out->num_ruled_out > 0) {
        memcpy(list, out->ruled_out, out->num_ruled_out * sizeof *list);
    }
    size_t num_kept = 0;
    size_t num = out->num_ruled_out;
    for (size_t i = 0; i < out->num_also; i++) {
        const struct finding *f = &out->also[i];
        bool falls = f->evidence.num == 0 && f->logs.num == 0 && f->cause != rule->cause &&
                     is_told_apart(f->cause, rule) && !generalises(f->cause, rule->cause) &&
                     !generalises(rule->cause, f->cause);
        if (!falls) {
            kept[num_kept++] = *f;
            continue;
        }
        list[num] = (struct ruled_out){.cause = f->cause, .why = why_of(arena, line, rule)};
        log_evidence_add(arena, &list[num].logs, line->log, line->line, list[num].why);
        num++;
    }
    out->also = kept;
    out->num_also = num_kept;
    out->ruled_out = list;
    out->num_ruled_out = num;
}

static struct finding *also_of(struct attempt_record *out, enum cause cause)
{
    for (size_t i = 0; i < out->num_also; i++) {
        if (out->also[i].cause == cause) {
            /* The list is the arena's and ours to change. */
            /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
            return (struct finding *)(uintptr_t)&out->also[i];
        }
    }
    return NULL;
}

static void add_also(struct case_file *c, struct attempt_record *out, const struct finding *f)
{
    struct finding *list = arena_alloc_array(&c->out.arena, out->num_also + 1, sizeof *list);
    if (list == NULL) {
        return;
    }
    if (out->num_also > 0) {
        memcpy(list, out->also, out->num_also * sizeof *list);
    }
    list[out->num_also] = *f;
    out->also = list;
    out->num_also++;
}

static struct bytes spn_without_realm(struct bytes spn)
{
    return bytes_part(spn, 0, bytes_find(spn, '@', 0));
}

static struct log_words words_of(struct case_file *c, const struct attempt_record *out,
                                 const struct joined_line *line)
{
    char buffer[64];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &out->client.address);
    struct log_words w = {.client = text_keep(&t, &c->out.arena),
                          .server = out->host,
                          .method = out->method,
                          .path = out->uri,
                          .spn = spn_without_realm(out->spn),
                          .reason = line->reason,
                          .user = line->user,
                          .status = line->status,
                          .num = 1};
    if (w.server.len == 0) {
        text_init(&t, buffer, sizeof buffer);
        endpoint_print(&t, &out->server);
        w.server = text_keep(&t, &c->out.arena);
    }
    return w;
}

/* The verdict becomes what the line says; what it rested on stays. */
static void replace(struct case_file *c, struct attempt_record *out, const struct finding *told,
                    bool keep_old)
{
    struct finding old = out->verdict;
    out->verdict = *told;
    out->verdict.evidence = old.evidence;
    out->verdict.is_note = old.is_note;
    /* One direct testimony over an attempt whose other steps are known to be in order. */
    also_drop(c, out, told->cause);
    if (keep_old) {
        old.confidence = CONFIDENCE_POSSIBLE;
        old.tell_apart = (struct bytes){0};
        add_also(c, out, &old);
    }
    struct step_result *step = &out->steps[told->step];
    if (step->state == STATE_FAILED) {
        step->detail = bytes_of(cause_id(told->cause));
    }
}

static bool replaces(struct attempt_record *out, const struct log_rule *rule)
{
    const struct finding *v = &out->verdict;
    const struct finding *listed = also_of(out, rule->cause);
    bool is_alternative = listed != NULL && listed->evidence.num == 0;
    return v->cause == CAUSE_CAPTURE_INCOMPLETE || is_alternative ||
           (v->cause != rule->cause && generalises(v->cause, rule->cause));
}

static void apply(struct case_file *c, struct attempt_record *out, const struct joined_line *line,
                  const struct log_rule *rule)
{
    struct arena *arena = &c->out.arena;
    const struct log_words words = words_of(c, out, line);
    struct bytes why = why_of(arena, line, rule);
    struct finding told;
    log_finding(arena, rule, &words, &told);
    log_evidence_add(arena, &told.logs, line->log, line->line, why);
    struct finding *v = &out->verdict;
    if (rule->cause == v->cause) {
        log_evidence_add(arena, &v->logs, line->log, line->line, why);
        if (rule->says_why) {
            v->summary = told.summary;
            v->remedy = told.remedy;
            v->num_remedies = told.num_remedies;
        }
        v->confidence = rule->confidence > v->confidence ? rule->confidence : v->confidence;
        rule_out(c, out, line, rule);
    } else if (replaces(out, rule)) {
        bool is_kin = generalises(v->cause, rule->cause);
        replace(c, out, &told, !is_kin && rule->confidence != CONFIDENCE_CERTAIN);
        rule_out(c, out, line, rule);
    } else if (generalises(rule->cause, v->cause)) {
        log_evidence_add(arena, &v->logs, line->log, line->line, why);
    } else {
        struct finding *listed = also_of(out, rule->cause);
        if (listed != NULL) {
            log_evidence_add(arena, &listed->logs, line->log, line->line, why);
        } else {
            told.confidence =
                told.confidence > CONFIDENCE_LIKELY ? CONFIDENCE_LIKELY : told.confidence;
            add_also(c, out, &told);
        }
    }
}

/* SEC_E_LOGON_DENIED and its kin are said of tickets and of NTLM alike: the capture knows which. */
static enum cause cause_on_wire(const struct log_rule *rule, const struct attempt_record *out)
{
    bool is_ticket = out->verdict.cause == CAUSE_TICKET_REFUSED ||
                     generalises(CAUSE_TICKET_REFUSED, out->verdict.cause);
    return rule->cause == CAUSE_NTLM_REFUSED && is_ticket && out->verdict.step == STEP_ACCEPT
               ? CAUSE_TICKET_REFUSED
               : rule->cause;
}

void log_rules_apply(struct case_file *c, struct record *r)
{
    struct attempt_record *out = r->out;
    bool is_bad = out->outcome == OUTCOME_REFUSED || out->outcome == OUTCOME_FAILED;
    if (!is_bad || !out->has_verdict) {
        return;
    }
    for (size_t i = out->num_log_lines; i > 0; i--) {
        const struct joined_line *line = &out->log_lines[i - 1];
        const struct log_rule *rule = log_rule_for(&line->status, line->reason);
        if (rule == NULL) {
            continue;
        }
        struct log_rule adapted = *rule;
        adapted.cause = cause_on_wire(rule, out);
        apply(c, out, line, &adapted);
        return; /* the last answer decides */
    }
    /* A challenge that nothing followed is what the verdict says already. */
    if (out->num_log_lines > 0) {
        const struct joined_line *line = &out->log_lines[out->num_log_lines - 1];
        log_evidence_add(&c->out.arena, &out->verdict.logs, line->log, line->line,
                         why_of(&c->out.arena, line, NULL));
    }
}
