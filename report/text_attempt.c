/* One attempt as text: who and what, ladder, steps, verdict, and last what to do about it. */
#include "report/text_private.h"

#include "report/escape.h"

#define MARK_COLUMN 2
#define BODY_COLUMN 4
#define STEP_STATE_COLUMN 17
#define STEP_DETAIL_COLUMN 31
#define NARROW_WIDTH 60 /* a step's detail goes below it */
#define BRIEF_COLUMN 4
#define EVIDENCE_GAP 2

struct outcome_look {
    const char *words;
    enum page_sign sign;
    enum page_style style;
};

static struct outcome_look outcome_look(const struct attempt_record *a)
{
    static const struct outcome_look looks[OUTCOME_COUNT] = {
        [OUTCOME_INCOMPLETE] = {"INCOMPLETE", SIGN_OPEN, PAGE_WARNING},
        [OUTCOME_APPROVED] = {"APPROVED", SIGN_OK, PAGE_GOOD},
        [OUTCOME_APPROVED_NTLM] = {"APPROVED over NTLM, not Kerberos", SIGN_OK, PAGE_WARNING},
        [OUTCOME_ACCEPTED_ANONYMOUS] = {"ACCEPTED ANONYMOUSLY, nobody logged on", SIGN_FAILED,
                                        PAGE_BAD},
        [OUTCOME_REFUSED] = {"REFUSED", SIGN_FAILED, PAGE_BAD},
        [OUTCOME_FAILED] = {"FAILED", SIGN_FAILED, PAGE_BAD},
    };
    struct outcome_look look = looks[a->outcome];
    if (a->outcome == OUTCOME_APPROVED && a->authenticated_by == BY_KERBEROS) {
        look.words = "APPROVED by Kerberos";
    }
    return look;
}

static void write_outcome(struct text_report *r, const struct attempt_record *a)
{
    struct outcome_look look = outcome_look(a);
    page_style(&r->page, look.style);
    page_text(&r->page, page_sign(&r->page, look.sign));
    page_text(&r->page, look.words);
    page_style(&r->page, PAGE_PLAIN);
}

static const char *kind_words(enum attempt_kind kind)
{
    switch (kind) {
    case KIND_CCM_APPROVAL:
        return "Client approval";
    case KIND_HTTP_NEGOTIATE:
        return "HTTP logon";
    case KIND_KERBEROS_ONLY:
        return "Kerberos, no HTTP seen";
    case KIND_APPROACH_ONLY:
        return "On the way to the server";
    }
    return "";
}

static void write_endpoint(struct page *p, const struct endpoint *e)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_endpoint(&t, e);
    page_word(p, text_bytes(&t));
}

/* "PC01$@EXAMPLE.COM at 192.0.2.7 -> mp.example.com at 192.0.2.21:80" */
static void write_parties(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    struct endpoint client = {.address = a->client.address};
    if (a->principal.len > 0) {
        page_word(p, a->principal);
        page_text(p, "at");
    }
    write_endpoint(p, &client);
    page_text(p, page_sign(p, SIGN_TO));
    if (a->host.len > 0) {
        page_word(p, a->host);
    } else if (a->spn.len > 0) {
        page_word(p, a->spn);
    }
    if (a->server.address.family != ADDRESS_NONE) {
        if (a->host.len > 0 || a->spn.len > 0) {
            page_text(p, "at");
        }
        write_endpoint(p, &a->server);
    } else if (a->host.len == 0 && a->spn.len == 0) {
        page_text(p, "unknown server");
    }
}

static void write_when(struct text_report *r, const struct attempt_record *a)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, a->first_time_ns);
    page_bytes(&r->page, text_bytes(&t));
    if (a->capture < r->analysis->num_captures) {
        text_init(&t, buffer, sizeof buffer);
        uint16_t base = phrase_time_base(r->analysis, a->capture);
        text_add(&t, r->analysis->captures[base].info.zone == CAPTURE_ZONE_UNKNOWN ? "local time"
                                                                                   : "UTC");
        page_bytes(&r->page, text_bytes(&t));
    }
}

static void write_request(struct text_report *r, const struct attempt_record *a)
{
    if (a->method.len > 0) {
        page_word(&r->page, a->method);
        page_word(&r->page, a->uri);
    }
}

static void write_title(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "ATTEMPT %u", (unsigned)a->id);
    page_style(p, PAGE_STRONG);
    page_bytes(p, text_bytes(&t));
    page_style(p, PAGE_PLAIN);
    page_text(p, page_sign(p, SIGN_DOT));
    page_text(p, kind_words(a->kind));
    page_text(p, page_sign(p, SIGN_DOT));
    write_outcome(r, a);
    if (a->outcome == OUTCOME_INCOMPLETE) {
        page_text(p, "(its end is not in the capture)");
    }
    page_end(p);
    page_column(p, BODY_COLUMN);
    write_parties(r, a);
    page_end(p);
    if (a->method.len > 0) {
        page_column(p, BODY_COLUMN);
        write_request(r, a);
        page_end(p);
    }
    if (a->spn.len > 0 && a->host.len > 0) {
        page_column(p, BODY_COLUMN);
        page_text(p, "ticket for");
        page_word(p, a->spn);
        page_end(p);
    }
    page_column(p, BODY_COLUMN);
    write_when(r, a);
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "for ");
    phrase_duration(&t, a->first_time_ns, a->last_time_ns);
    page_bytes(p, text_bytes(&t));
    page_end(p);
}

static void write_steps(struct text_report *r, const struct attempt_record *a)
{
    static const enum page_style styles[] = {[STATE_NOT_SEEN] = PAGE_FAINT,
                                             [STATE_OK] = PAGE_GOOD,
                                             [STATE_FAILED] = PAGE_BAD,
                                             [STATE_NOT_NEEDED] = PAGE_FAINT,
                                             [STATE_NOT_VISIBLE] = PAGE_FAINT};
    struct page *p = &r->page;
    text_heading(r, "The eight steps");
    for (enum step step = 0; step < STEP_COUNT; step++) {
        const struct step_result *s = &a->steps[step];
        page_style(p, s->state == STATE_FAILED ? PAGE_BAD : PAGE_PLAIN);
        if (s->state == STATE_FAILED) {
            page_column(p, MARK_COLUMN);
            page_text(p, page_sign(p, SIGN_FAILED));
        }
        page_column(p, BODY_COLUMN);
        page_number(p, step + 1U);
        page_text(p, step_word(step));
        page_column(p, STEP_STATE_COLUMN);
        page_style(p, styles[s->state]);
        page_text(p, step_state_word(s->state));
        page_style(p, PAGE_PLAIN);
        if (s->detail.len > 0 || s->evidence.num > 0) {
            page_column(p, p->width < NARROW_WIDTH ? BODY_COLUMN + 4 : STEP_DETAIL_COLUMN);
            page_bytes(p, s->detail);
            text_frames(r, &s->evidence);
        }
        page_end(p);
    }
}

/* A line a realm: who was asked, and what it said. */
static void write_referrals(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (a->num_referrals > 0) {
        text_heading(r, "Referrals");
    }
    for (size_t i = 0; i < a->num_referrals; i++) {
        const struct referral *hop = &a->referrals[i];
        const struct frame_ref at = {hop->capture, hop->frame, {0}};
        const struct evidence evidence = {.at = &at, .num = hop->frame == 0 ? 0 : 1};
        page_column(p, BODY_COLUMN);
        page_number(p, (unsigned)i + 1U);
        page_bytes(p, hop->realm);
        if (hop->kdc.family != ADDRESS_NONE) {
            text_init(&t, buffer, sizeof buffer);
            text_add(&t, "(");
            address_print(&t, &hop->kdc);
            text_add(&t, ")");
            page_bytes(p, text_bytes(&t));
        }
        text_init(&t, buffer, sizeof buffer);
        phrase_referral_result(&t, hop);
        page_bytes(p, text_bytes(&t));
        if (hop->next.len > 0) {
            page_text(p, "to");
            page_bytes(p, hop->next);
        }
        if (hop->is_repeat) {
            page_text(p, "again: a loop");
        }
        text_frames(r, &evidence);
        page_end(p);
    }
}

static void write_offset(struct text_report *r, const char *what, const struct offset *o)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (!o->known) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    page_column(p, BODY_COLUMN);
    page_text(p, what);
    phrase_offset(&t, o->value);
    text_add(&t, ", between ");
    phrase_offset(&t, o->low);
    text_add(&t, " and ");
    phrase_offset(&t, o->high);
    page_bytes(p, text_bytes(&t));
    text_frames(r, &o->evidence);
    page_end(p);
}

static void write_clocks(struct text_report *r, const struct attempt_record *a)
{
    const struct attempt_clocks *c = &a->clocks;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (!c->client_to_kdc.known && !c->client_to_server.known && !c->kdc_to_server.known) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "Clocks (limit %g s)", c->limit_s);
    text_heading(r, t.at);
    write_offset(r, "KDC minus client:", &c->client_to_kdc);
    write_offset(r, "server minus client:", &c->client_to_server);
    write_offset(r, "server minus KDC:", &c->kdc_to_server);
}

static void write_list(struct text_report *r, const char *heading, const struct bytes *items,
                       size_t num)
{
    struct page *p = &r->page;
    if (num == 0) {
        return;
    }
    text_heading(r, heading);
    for (size_t i = 0; i < num; i++) {
        page_column(p, BODY_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, BODY_COLUMN + 2);
        page_bytes(p, items[i]);
        page_end(p);
    }
}

static void write_evidence(struct text_report *r, const struct evidence *evidence)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    size_t columns = 0;
    for (size_t i = 0; i < evidence->num; i++) {
        text_init(&t, buffer, sizeof buffer);
        phrase_frame(&t, r->analysis, evidence->at[i].capture, evidence->at[i].frame);
        columns = t.len > columns ? t.len : columns;
    }
    for (size_t i = 0; i < evidence->num; i++) {
        text_init(&t, buffer, sizeof buffer);
        phrase_frame(&t, r->analysis, evidence->at[i].capture, evidence->at[i].frame);
        page_column(p, BODY_COLUMN);
        page_text(p, "frame");
        page_right(p, BODY_COLUMN + sizeof "frame" + columns, text_bytes(&t));
        page_column(p, BODY_COLUMN + sizeof "frame" + columns + EVIDENCE_GAP);
        page_bytes(p, evidence->at[i].why);
        page_end(p);
    }
}

void text_advice(struct text_report *r, struct bytes line, size_t column)
{
    struct page *p = &r->page;
    if (phrase_is_sentence(line)) {
        page_column(p, column);
        page_bytes(p, line);
    } else {
        page_column(p, column + 2);
        page_word(p, line);
    }
    page_end(p);
}

static void write_remedy(struct text_report *r, const struct finding *f)
{
    if (f->num_remedies == 0) {
        return;
    }
    text_heading(r, f->is_note ? "What can be done" : "Remedy");
    for (size_t i = 0; i < f->num_remedies; i++) {
        text_advice(r, f->remedy[i], BODY_COLUMN);
    }
}

static void write_verdict(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    const struct finding *f = &a->verdict;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "(%s, step %u %s)", confidence_word(f->confidence), (unsigned)f->step + 1,
                step_word(f->step));
    text_heading(r, f->is_note ? "Note" : "Verdict");
    page_column(p, BODY_COLUMN);
    page_style(p, f->is_note ? PAGE_WARNING : PAGE_BAD);
    page_text(p, cause_id(f->cause));
    page_style(p, PAGE_PLAIN);
    page_bytes(p, text_bytes(&t));
    page_end(p);
    page_column(p, BODY_COLUMN);
    page_style(p, PAGE_STRONG);
    page_bytes(p, f->summary);
    page_style(p, PAGE_PLAIN);
    page_end(p);
    if (f->evidence.num > 0) {
        text_heading(r, "Evidence");
        write_evidence(r, &f->evidence);
    }
    text_log_evidence(r, &f->logs);
    if (f->source != NULL) {
        page_column(p, BODY_COLUMN);
        page_style(p, PAGE_FAINT);
        page_text(p, "after");
        page_text(p, f->source);
        page_style(p, PAGE_PLAIN);
        page_end(p);
    }
}

static void write_also(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    if (a->num_also > 0) {
        text_heading(r, "Also");
    }
    for (size_t i = 0; i < a->num_also; i++) {
        const struct finding *f = &a->also[i];
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "(%s, step %u %s):", confidence_word(f->confidence), (unsigned)f->step + 1,
                    step_word(f->step));
        page_column(p, BODY_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, BODY_COLUMN + 2);
        page_text(p, cause_id(f->cause));
        page_bytes(p, text_bytes(&t));
        page_bytes(p, f->summary);
        text_frames(r, &f->evidence);
        text_log_refs(r, &f->logs);
        page_end(p);
        if (f->tell_apart.len > 0) {
            page_column(p, BODY_COLUMN + 2);
            page_text(p, "To tell:");
            page_bytes(p, f->tell_apart);
            page_end(p);
        }
    }
}

static void write_ruled_out(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    if (a->num_ruled_out > 0) {
        text_heading(r, "Ruled out");
    }
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        page_column(p, BODY_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, BODY_COLUMN + 2);
        page_text(p, cause_id(a->ruled_out[i].cause));
        page_glue(p);
        page_text(p, ":");
        page_bytes(p, a->ruled_out[i].why);
        text_frames(r, &a->ruled_out[i].evidence);
        text_log_refs(r, &a->ruled_out[i].logs);
        page_end(p);
    }
}

void text_attempt(struct text_report *r, const struct attempt_record *a)
{
    page_rule(&r->page, true);
    write_title(r, a);
    if (a->num_events > 0) {
        page_end(&r->page);
        ladder_write(r, a);
    }
    write_steps(r, a);
    write_referrals(r, a);
    write_clocks(r, a);
    text_log_lines(r, a);
    write_list(r, "Notes", a->notes, a->num_notes);
    if (a->has_verdict) {
        write_verdict(r, a);
        write_also(r, a);
        write_ruled_out(r, a);
        write_remedy(r, &a->verdict);
    }
    write_list(r, "What this capture cannot show", a->cannot_show, a->num_cannot_show);
    write_list(r, "Next capture to take", a->next_capture, a->num_next_capture);
    page_end(&r->page);
}

void text_attempt_brief(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "Attempt %u", (unsigned)a->id);
    page_style(p, PAGE_STRONG);
    page_bytes(p, text_bytes(&t));
    page_style(p, PAGE_PLAIN);
    page_text(p, page_sign(p, SIGN_DOT));
    write_outcome(r, a);
    page_text(p, page_sign(p, SIGN_DOT));
    write_when(r, a);
    page_end(p);
    page_column(p, BRIEF_COLUMN);
    write_parties(r, a);
    if (a->method.len > 0) {
        page_glue(p);
        page_text(p, ",");
        write_request(r, a);
    }
    page_end(p);
    for (size_t i = 0; a->outcome == OUTCOME_INCOMPLETE && i < a->num_cannot_show; i++) {
        page_column(p, BRIEF_COLUMN);
        page_bytes(p, a->cannot_show[i]);
        page_end(p);
    }
}
