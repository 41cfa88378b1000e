/* The engine of rules: facts set by hand, whatever the wire would have to say for them. */
#include "diagnose/case_private.h"
#include "diagnose/rules.h"
#include "story_check.h"

#include <ctype.h>
#include <string.h>

#define RANDOM_ROUNDS 4000

/* A judgement with those facts and nothing else. */
struct bench {
    struct case_file *c;
    struct client client;
    struct view view;
    struct judgement j;
    struct attempt_record out;
};

static void bench_begin(struct bench *b)
{
    static const struct case_options none;
    *b = (struct bench){.c = case_new(&none)};
    cr_assert_not_null(b->c);
    b->client.was_spoken_to = true;
    b->view = (struct view){.c = b->c, .client = &b->client, .kdc_visible = true};
    b->j.v = &b->view;
    b->j.outcome = OUTCOME_REFUSED;
}

static void bench_apply(struct bench *b, const enum fact *facts, size_t num)
{
    memset(b->j.seen, 0, sizeof b->j.seen);
    for (size_t i = 0; i < num; i++) {
        b->j.seen[facts[i]] = true;
    }
    b->out = (struct attempt_record){.kind = KIND_CCM_APPROVAL};
    rules_apply(&b->j, &b->out);
}

#define APPLY(b, ...)                                                                              \
    bench_apply(b, (const enum fact[]){__VA_ARGS__},                                               \
                sizeof((const enum fact[]){__VA_ARGS__}) / sizeof(enum fact))

static void bench_end(struct bench *b)
{
    case_free(b->c);
}

static bool rule_holds(const struct judgement *j, const struct rule *r)
{
    for (size_t i = 0; i < RULE_FACTS_MAX && r->needs[i] != FACT_NONE; i++) {
        if (!j->seen[r->needs[i]]) {
            return false;
        }
    }
    for (size_t i = 0; i < RULE_FACTS_MAX && r->unless[i] != FACT_NONE; i++) {
        if (j->seen[r->unless[i]]) {
            return false;
        }
    }
    return true;
}

/* ---- which rule decides ---- */

Test(rules, nothing_seen_is_no_verdict)
{
    struct bench b;
    bench_begin(&b);
    bench_apply(&b, NULL, 0);
    cr_expect_not(b.out.has_verdict);
    cr_expect_eq(b.out.num_also, 0);
    cr_expect_eq(b.out.num_ruled_out, 0);
    bench_end(&b);
}

Test(rules, earliest_step_wins)
{
    struct bench b;
    bench_begin(&b);
    APPLY(&b, FACT_DENIED, FACT_NOT_BY_KERBEROS, FACT_TGS_7, FACT_AS_6, FACT_TICKET_REFUSED);
    cr_assert(b.out.has_verdict);
    cr_expect_eq(b.out.verdict.cause, CAUSE_CLIENT_UNKNOWN);
    cr_expect_eq(b.out.verdict.step, STEP_TGT);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_CERTAIN);
    cr_expect_not_null(also_of(&b.out, CAUSE_SPN_MISSING));
    cr_expect_not_null(also_of(&b.out, CAUSE_TICKET_REFUSED));
    bench_end(&b);
}

Test(rules, superset_wins_and_keeps_its_confidence)
{
    struct bench b;
    bench_begin(&b);
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_TGS_7);
    cr_expect_eq(b.out.verdict.cause, CAUSE_SPN_MISSING);
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_TGS_7, FACT_NAME_IS_ALIAS);
    cr_expect_eq(b.out.verdict.cause, CAUSE_SPN_MISSING_FOR_ALIAS);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_LIKELY);
    cr_expect_null(also_of(&b.out, CAUSE_SPN_MISSING), "the general cause beside its own kind");
    bench_end(&b);
}

Test(rules, tie_generalises_and_lowers_confidence)
{
    struct bench b;
    bench_begin(&b);
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_TGS_7, FACT_NAME_IS_ALIAS, FACT_NAME_IS_SHORT);
    cr_expect_eq(b.out.verdict.cause, CAUSE_SPN_MISSING);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_POSSIBLE);
    cr_expect_not_null(also_of(&b.out, CAUSE_SPN_MISSING_FOR_ALIAS));
    cr_expect_not_null(also_of(&b.out, CAUSE_SPN_MISSING_FOR_SHORT_NAME));
    bench_end(&b);
}

Test(rules, tie_of_a_real_story)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    LOOK_UP(&s, .name = "mp.example.com");
    RESOLVE(&s, .name = "mp.example.com", .alias_of = "node1.example.com", .address = MP);
    story_ticket_error(&s, "HTTP/mp", 7, 0);
    struct talk t = talk_open(&s);
    ASK(&t, .host = "mp");
    ANSWER(&t, .status = 401);
    story_wait(&s, 11);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_POSSIBLE);
    story_free(&s);
}

Test(rules, tie_lowers_certain_to_likely)
{
    struct bench b;
    bench_begin(&b);
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_AS_6);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_CERTAIN);
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_AS_6, FACT_AS_24);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_LIKELY);
    cr_expect_eq(b.out.verdict.step, STEP_TGT);
    bench_end(&b);
}

/* Exactly what a rule needs makes it hold, and no rule of its step is more particular. */
Test(rules, needs_of_a_rule_give_that_rule)
{
    struct bench b;
    bench_begin(&b);
    for (size_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        size_t num = 0;
        while (num < RULE_FACTS_MAX && r->needs[num] != FACT_NONE) {
            num++;
        }
        bench_apply(&b, r->needs, num);
        cr_assert(r->is_side || b.out.has_verdict, "rule %zu (%s)", i, cause_id(r->cause));
        if (r->is_side) {
            cr_expect(!b.out.has_verdict || b.out.verdict.cause != r->cause,
                      "rule %zu (%s) decides by itself", i, cause_id(r->cause));
            continue;
        }
        cr_expect_leq(b.out.verdict.step, r->step, "rule %zu (%s)", i, cause_id(r->cause));
        cr_expect(b.out.verdict.step < r->step || b.out.verdict.cause == r->cause,
                  "rule %zu (%s): %s", i, cause_id(r->cause), cause_id(b.out.verdict.cause));
        cr_expect_leq(b.out.verdict.confidence, CONFIDENCE_CERTAIN);
    }
    bench_end(&b);
}

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void expect_sane(const struct bench *b, unsigned round)
{
    enum step first = STEP_COUNT;
    bool is_cause_held = false;
    for (size_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        if (!r->is_side && rule_holds(&b->j, r)) {
            first = r->step < first ? r->step : first;
        }
    }
    cr_assert_eq(b->out.has_verdict, first != STEP_COUNT, "round %u", round);
    if (!b->out.has_verdict) {
        return;
    }
    const struct finding *v = &b->out.verdict;
    cr_expect_eq(v->step, first, "round %u", round);
    for (size_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        is_cause_held = is_cause_held || (r->cause == v->cause && r->step == v->step &&
                                          rule_holds(&b->j, r) && v->confidence <= r->confidence);
    }
    cr_expect(is_cause_held, "round %u: %s holds nowhere", round, cause_id(v->cause));
    cr_expect_eq(bytes_find(v->summary, '{', 0), v->summary.len);
    for (size_t i = 0; i < b->out.num_also; i++) {
        cr_expect_neq(b->out.also[i].cause, v->cause, "round %u: %s twice", round,
                      cause_id(v->cause));
        for (size_t k = 0; k < i; k++) {
            cr_expect_neq(b->out.also[i].cause, b->out.also[k].cause, "round %u", round);
        }
    }
    for (size_t i = 0; i < b->out.num_ruled_out; i++) {
        cr_expect_neq(b->out.ruled_out[i].cause, v->cause, "round %u", round);
        cr_expect_null(also_of(&b->out, b->out.ruled_out[i].cause), "round %u", round);
    }
}

Test(rules, any_facts_give_a_sane_record)
{
    struct bench b;
    uint32_t state = 2463534242;
    bench_begin(&b);
    for (unsigned round = 0; round < RANDOM_ROUNDS; round++) {
        enum fact facts[FACT_COUNT];
        size_t num = 0;
        uint32_t sparsity = 2 + round % 12;
        for (enum fact f = FACT_NONE + 1; f < FACT_COUNT; f++) {
            if (random_next(&state) % sparsity == 0) {
                facts[num++] = f;
            }
        }
        bench_apply(&b, facts, num);
        expect_sane(&b, round);
        arena_reset(&b.c->out.arena);
    }
    enum fact all[FACT_COUNT];
    for (size_t i = 0; i + 1 < FACT_COUNT; i++) {
        all[i] = (enum fact)(i + 1);
    }
    bench_apply(&b, all, FACT_COUNT - 1);
    expect_sane(&b, RANDOM_ROUNDS);
    bench_end(&b);
}

Test(rules, absence_is_trusted_less_where_nothing_was_sent_to_the_client)
{
    struct bench b;
    bench_begin(&b);
    b.client.was_spoken_to = false;
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_KDC_SILENT);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_POSSIBLE);
    APPLY(&b, FACT_NOT_BY_KERBEROS, FACT_KDC_CLOSED);
    cr_expect_eq(b.out.verdict.confidence, CONFIDENCE_CERTAIN);
    bench_end(&b);
}

/* ---- the table ---- */

static bool is_slot(const char *begin, size_t len)
{
    static const char *const slots[] = {"refusal", "host",    "address", "port",   "server",
                                        "spn",     "realm",   "domain",  "client", "account",
                                        "dns",     "kdc",     "method",  "path",   "status",
                                        "error",   "offered", "skew",    "token",  "next"};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        if (strlen(slots[i]) == len && memcmp(slots[i], begin, len) == 0) {
            return true;
        }
    }
    return false;
}

static void expect_slots(const char *template)
{
    for (const char *p = strchr(template, '{'); p != NULL; p = strchr(p + 1, '{')) {
        size_t len = strcspn(p + 1, "}");
        cr_expect(is_slot(p + 1, len), "no such slot: \"%s\"", template);
    }
}

Test(rules, templates_use_known_slots)
{
    for (size_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        expect_slots(r->summary);
        cr_expect_eq(r->summary[strlen(r->summary) - 1], '.', "\"%s\"", r->summary);
        cr_expect_not_null(r->remedy[0], "%s has no remedy", cause_id(r->cause));
        cr_expect_gt(strlen(r->source), 3, "%s has no source", cause_id(r->cause));
        for (size_t k = 0; k < RULE_REMEDIES_MAX && r->remedy[k] != NULL; k++) {
            expect_slots(r->remedy[k]);
        }
        for (size_t k = 0; k < RULE_ALTERNATIVES_MAX; k++) {
            if (r->alternatives[k].cause != CAUSE_NONE) {
                cr_expect_neq(r->alternatives[k].cause, r->cause);
                cr_expect_not_null(rules_for(r->alternatives[k].cause));
                expect_slots(r->alternatives[k].tell_apart);
            }
        }
    }
}

Test(rules, causes_generalise_to_an_end)
{
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        enum cause up = cause;
        size_t steps = 0;
        while (up != CAUSE_CAPTURE_INCOMPLETE && steps <= CAUSE_COUNT) {
            up = cause_generalises(up);
            steps++;
        }
        cr_expect_eq(up, CAUSE_CAPTURE_INCOMPLETE, "%s", cause_id(cause));
    }
    cr_expect_eq(cause_generalises(CAUSE_CAPTURE_INCOMPLETE), CAUSE_CAPTURE_INCOMPLETE);
}

Test(rules, causes_generalise_as_the_contract_says)
{
    static const struct {
        enum cause cause, general;
    } pairs[] = {
        {CAUSE_SPN_MISSING_FOR_ALIAS, CAUSE_SPN_MISSING},
        {CAUSE_SPN_MISSING_FOR_SHORT_NAME, CAUSE_SPN_MISSING},
        {CAUSE_SPN_DUPLICATE, CAUSE_SPN_MISSING},
        {CAUSE_NLB_KEY_MISMATCH, CAUSE_SERVICE_KEY_MISMATCH},
        {CAUSE_SERVICE_KEY_STALE, CAUSE_SERVICE_KEY_MISMATCH},
        {CAUSE_SERVICE_KEY_MISMATCH, CAUSE_TICKET_REFUSED},
        {CAUSE_CLIENT_DISABLED, CAUSE_CLIENT_REVOKED},
        {CAUSE_CLIENT_LOCKED_OUT, CAUSE_CLIENT_REVOKED},
        {CAUSE_CLIENT_EXPIRED, CAUSE_CLIENT_REVOKED},
        {CAUSE_CLIENT_LOGON_HOURS, CAUSE_CLIENT_REVOKED},
        {CAUSE_CLIENT_WORKSTATION, CAUSE_CLIENT_REVOKED},
        {CAUSE_KDC_TCP_BLOCKED, CAUSE_KDC_UNREACHABLE},
        {CAUSE_KDC_REFUSED, CAUSE_KDC_UNREACHABLE},
        {CAUSE_HOST_IS_IP_ADDRESS, CAUSE_NTLM_INSTEAD_OF_KERBEROS},
        {CAUSE_NTLM_WITHOUT_KERBEROS, CAUSE_NTLM_INSTEAD_OF_KERBEROS},
        {CAUSE_SPN_MISSING, CAUSE_CAPTURE_INCOMPLETE},
        {CAUSE_CLOCK_SKEW, CAUSE_CAPTURE_INCOMPLETE},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        cr_expect_eq(cause_generalises(pairs[i].cause), pairs[i].general, "%s",
                     cause_id(pairs[i].cause));
    }
}

Test(rules, ids_are_words_of_their_own)
{
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        const char *id = cause_id(cause);
        cr_assert_not_null(id);
        for (const char *p = id; *p != '\0'; p++) {
            cr_expect(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-', "%s",
                      id);
        }
        cr_expect_eq(cause_from_id(bytes_of(id)), cause, "%s", id);
    }
    cr_expect_null(cause_id(CAUSE_NONE));
    cr_expect_eq(cause_from_id(bytes_of("spn")), CAUSE_NONE);
    cr_expect_eq(cause_from_id(bytes_of("")), CAUSE_NONE);
}

/* ---- names from the wire in commands ---- */

/* Each holds the word EVIL and something that a shell would act on. */
static const char *const hostile[] = {
    "mp.EVIL.com;calc",
    "$(EVIL)",
    "`EVIL`",
    "mp&EVIL",
    "mp|EVIL",
    "mp>EVIL",
    "'EVIL",
    "\"EVIL",
    "mp EVIL",
    "mp\nEVIL",
    "-EVIL",
    "EVIL%PATH%",
    "mp\\EVIL",
    "EVIL\x1b[31m",
    "EVIL\xff",
    "{host}EVIL",
    "#EVIL",
    "mp,EVIL",
    "EVIL^",
    "EVIL!x",
    "$env:EVIL",
    "mp.$EVIL",
    "@EVIL",
};

static void expect_clean(const struct finding *f, const char *name)
{
    for (size_t i = 0; i < f->num_remedies; i++) {
        cr_expect_not(holds_word(f->remedy[i], "EVIL"), "%s: \"%.*s\"", name, (int)f->remedy[i].len,
                      (const char *)f->remedy[i].at);
    }
    cr_expect_not(holds_word(f->tell_apart, "EVIL"), "%s: \"%.*s\"", name, (int)f->tell_apart.len,
                  (const char *)f->tell_apart.at);
}

/* Tells nothing but hostile names: of hosts, accounts, realms, services, methods, paths. */
static void tell_hostile(struct story *s, const char *name, unsigned which)
{
    story_client_side(s);
    switch (which) {
    case 0:
        LOOK_UP(s, .name = name);
        RESOLVE(s, .name = name, .rcode = 3);
        break;
    case 1:
        KRB(s, .type = KRB_AS_REQ, .cname = name, .realm = name, .has_preauth = true);
        KRB(s, .type = KRB_ERROR_MSG, .error = 18, .etext = name);
        break;
    case 2:
        story_ticket_error(s, MP_SPN, 7, 0);
        KRB(s, .type = KRB_TGS_REQ, .sname = name, .realm = name);
        KRB(s, .type = KRB_ERROR_MSG, .sname = name, .error = 7, .etext = name);
        break;
    default: {
        struct talk t = talk_open(s);
        ASK(&t, .method = which == 3 ? name : NULL, .host = name, .path = name, .token = TOKEN_KRB,
            .spn = name);
        ANSWER(&t,
               .status = which == 3   ? 404
                         : which == 4 ? 405
                         : which == 5 ? 403
                                      : 401,
               .allow = name, .krb_error = which == 6 ? 41 : 0);
        break;
    }
    }
}

Test(rules, hostile_names_never_land_in_commands)
{
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        for (unsigned which = 0; which < 8; which++) {
            struct story s;
            story_begin(&s, NULL);
            tell_hostile(&s, hostile[i], which);
            const struct analysis *a = story_end(&s);
            for (size_t k = 0; k < a->num_attempts; k++) {
                if (a->attempts[k]->has_verdict) {
                    expect_clean(&a->attempts[k]->verdict, hostile[i]);
                }
                for (size_t m = 0; m < a->attempts[k]->num_also; m++) {
                    expect_clean(&a->attempts[k]->also[m], hostile[i]);
                }
            }
            story_free(&s);
        }
    }
}

/* An honest name is not lost by that. */
Test(rules, honest_names_are_filled_in)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_ticket_error(&s, MP_SPN, 7, 0);
    END(&s, 1);
    const struct finding *f = &s.analysis.attempts[0]->verdict;
    cr_expect(bytes_is(f->remedy[0], "setspn -Q HTTP/mp.example.com"));
    cr_expect(holds_word(f->remedy[1], "EXAMPLE\\<account"));
    cr_expect(holds_word(f->summary, "EXAMPLE.COM"));
    story_free(&s);

    story_begin(&s, NULL);
    story_client_side(&s);
    story_logon_error(&s, 18, 0xC0000072);
    END(&s, 1);
    cr_expect(
        bytes_is(s.analysis.attempts[0]->verdict.remedy[0], "Enable-ADAccount -Identity 'PC01$'"));
    story_free(&s);
}
