/* Facts read off what the KDCs answered: tickets issued, logons and tickets refused. */
#include "diagnose/facts.h"

#include "base/civil.h"

/* Errors to a TGS-REQ that send a client back to the AS exchange. */
static bool wants_new_tgt(const struct transaction *t)
{
    int32_t code = transaction_is_error(t) ? t->reply->u.krb.error_code : 0;
    return code == 11 || code == 20 || code == 31 || code == 32 || code == 33 || code == 37 ||
           code == 41 || code == 44;
}

/* The client got as far as asking for tickets, or presented one: it had a TGT. A logon that fails
 * beside that is somebody else's on the same host. */
static bool had_tgt_after(const struct judgement *j, int64_t time_ns)
{
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        bool is_ours = j->v->attempt != NULL && j->v->tgs_related[i] && !wants_new_tgt(t);
        if (t->type == KRB_TGS_REQ && (is_ours || transaction_begin_ns(t) >= time_ns)) {
            return true;
        }
    }
    const struct exchange *krb = j->reading.krb;
    return krb != NULL && (krb == j->reading.last || krb->request->time_ns >= time_ns);
}

bool detect_tgt_issued(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    if (j->as_success != NULL && j->as_failure == NULL) {
        proof_add(j, p, j->as_success->reply, "the KDC issued a TGT");
        return true;
    }
    return had_tgt_after(j,
                         j->as_failure == NULL ? INT64_MIN : transaction_begin_ns(j->as_failure));
}

bool detect_ticket_issued(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    if (j->tgs_success != NULL) {
        proof_add(j, p, j->tgs_success->reply, "the KDC issued the ticket");
        return true;
    }
    return j->reading.krb != NULL;
}

/* NTLM names the account that was meant; another account's failed logon does not explain it. A
 * service's name (host/…) may be the same computer's, so it is not compared. */
static bool is_of_another_account(const struct judgement *j, const struct transaction *t)
{
    const struct exchange *ntlm = j->reading.ntlm_authenticate;
    struct bytes user = ntlm == NULL ? (struct bytes){0} : ntlm->request->u.http.ntlm_user;
    struct bytes cname = transaction_names(t)->cname;
    bool is_comparable = user.len > 0 && cname.len > 0 && bytes_find(cname, '/', 0) == cname.len;
    cname = bytes_part(cname, 0, bytes_find(cname, '@', 0));
    return is_comparable && !bytes_equal_nocase(user, cname);
}

/* The AS exchange failed, and nothing later shows that the client had a TGT all the same. */
static const struct transaction *final_as_failure(const struct judgement *j)
{
    const struct transaction *t = j->as_failure;
    if (t == NULL || had_tgt_after(j, transaction_begin_ns(t)) || is_of_another_account(j, t)) {
        return NULL;
    }
    return t;
}

/* Codes with a rule of their own, which AS_OTHER must leave alone. */
static bool as_code_is_known(int32_t code)
{
    static const int32_t known[] = {1,  6,  9,  11, 12, 14, 16, 18, 23,
                                    24, 25, 29, 33, 37, 52, 68, 91};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == code) {
            return true;
        }
    }
    return (code >= 62 && code <= 66) || (code >= 70 && code <= 81);
}

static void prove_error(const struct judgement *j, struct proof *p, const struct transaction *t)
{
    const struct krb_moment *k = &t->reply->u.krb;
    const struct krb_moment *asked = transaction_names(t);
    const char *name = krb_error_name(k->error_code);
    struct bytes subject = t->type == KRB_AS_REQ ? asked->cname : asked->sname;
    proof_add(j, p, t->reply, "the KDC answered %s (%d)%s%.*s", name == NULL ? "KRB-ERROR" : name,
              (int)k->error_code, subject.len > 0 ? " for " : "", (int)subject.len,
              (const char *)subject.at);
}

/* Did the client do other things, a while after that time? */
static bool went_on_after(const struct view *v, int64_t time_ns)
{
    for (size_t i = 0; i < LOG_COUNT; i++) {
        const struct moment *m = v->client->logs[i].last;
        if (m != NULL && m->time_ns - time_ns >= SILENCE_LONG_S * NS_PER_S) {
            return true;
        }
    }
    return false;
}

/* The client met the demand for pre-authentication twice at least, and never with anything to
 * answer; or once, and went on to other things. Once alone is no proof: a prompt may be waiting for
 * a password, or the answer may be lost. */
static bool was_left_at_25(const struct judgement *j, const struct transaction *last)
{
    unsigned num = 0;
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        if (t->type != KRB_AS_REQ || t->is_changepw) {
            continue;
        }
        bool is_25 = transaction_is_error(t) && t->reply->u.krb.error_code == 25;
        if (!is_25 || (t->request != NULL && t->request->u.krb.has_preauth)) {
            return false;
        }
        num += t->request != NULL;
    }
    int64_t silence = view_end_ns(j->v, last->reply->capture) - last->reply->time_ns;
    return (num >= 2 && silence >= SILENCE_MIN_S * NS_PER_S) ||
           (num == 1 && went_on_after(j->v, last->reply->time_ns));
}

bool detect_as_error(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    const struct transaction *t = final_as_failure(j);
    if (t == NULL) {
        return false;
    }
    int32_t code = t->reply->u.krb.error_code;
    bool is_pkinit = (code >= 62 && code <= 66) || (code >= 70 && code <= 81);
    bool holds = wanted == AS_ERROR_PKINIT  ? is_pkinit
                 : wanted == AS_ERROR_OTHER ? !as_code_is_known(code)
                                            : code == (int32_t)wanted;
    if (!holds || (code == 25 && !was_left_at_25(j, t))) {
        return false;
    }
    prove_error(j, p, t);
    return true;
}

/* A computer's account ends in '$' (MS-SAMR 2.2.1.12); names with a service are neither. */
bool detect_account_is_user(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    (void)p;
    const struct transaction *t = final_as_failure(j);
    struct bytes cname = t == NULL ? (struct bytes){0} : transaction_names(t)->cname;
    cname = bytes_part(cname, 0, bytes_find(cname, '@', 0));
    return cname.len > 0 && cname.at[cname.len - 1] != '$' &&
           bytes_find(cname, '/', 0) == cname.len;
}

static bool prove_ntstatus(const struct judgement *j, struct proof *p, const struct transaction *t,
                           uint32_t wanted)
{
    if (t == NULL || !t->reply->u.krb.has_ntstatus || t->reply->u.krb.ntstatus != wanted) {
        return false;
    }
    const char *name = krb_ntstatus_name(wanted);
    const char *error = krb_error_name(t->reply->u.krb.error_code);
    proof_add(j, p, t->reply, "the KDC answered %s with NTSTATUS 0x%08x%s%s",
              error == NULL ? "KRB-ERROR" : error, (unsigned)wanted, name == NULL ? "" : " ",
              name == NULL ? "" : name);
    return true;
}

bool detect_as_ntstatus(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    return prove_ntstatus(j, p, final_as_failure(j), wanted);
}

/* The service's ticket was refused, and none was presented after all. */
static const struct transaction *final_tgs_failure(const struct judgement *j)
{
    const struct transaction *t = j->tgs_failure;
    bool presented = j->reading.krb != NULL && t != NULL &&
                     j->reading.krb->request->time_ns >= transaction_begin_ns(t);
    return presented ? NULL : t;
}

/* Errors to the request for another realm's TGT that say something of that realm, not of the
 * client's own TGT or of clocks. */
static bool is_about_other_realm(const struct judgement *j, int32_t code)
{
    return j->is_crossing_failed && (code == 7 || code == 12 || code == 14 || code == 68);
}

bool detect_crossing(const struct judgement *j, uint32_t which, struct proof *p)
{
    const struct transaction *t = final_tgs_failure(j);
    if (t == NULL || !is_about_other_realm(j, t->reply->u.krb.error_code)) {
        return false;
    }
    bool holds = (t->reply->u.krb.error_code == 14) == (which == CROSSING_ETYPE);
    if (holds) {
        prove_error(j, p, t);
    }
    return holds;
}

bool detect_tgs_ntstatus(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    return prove_ntstatus(j, p, final_tgs_failure(j), wanted);
}

/* What became of Kerberos is known: then that, and nothing later, is why NTLM was used. */
bool detect_kerberos_failed(const struct judgement *j, uint32_t unused, struct proof *p)
{
    struct proof none = {.num = 0};
    const struct transaction *t = final_tgs_failure(j);
    t = t == NULL ? final_as_failure(j) : t;
    if (t != NULL) {
        prove_error(j, p, t);
    }
    return t != NULL || detect_kdc_silent(j, unused, &none) ||
           detect_kdc_closed(j, unused, &none) || detect_kdc_not_located(j, unused, &none);
}

static bool tgs_code_is_known(int32_t code)
{
    static const int32_t known[] = {2,  7,  8,  11, 12, 14, 19, 20, 22, 27, 29,
                                    31, 32, 33, 37, 41, 44, 52, 68, 69, 91};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == code) {
            return true;
        }
    }
    return false;
}

bool detect_tgs_error(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    const struct transaction *t = final_tgs_failure(j);
    if (t == NULL || is_about_other_realm(j, t->reply->u.krb.error_code)) {
        return false;
    }
    int32_t code = t->reply->u.krb.error_code;
    bool is_tgt = code == 20 || code == 31 || code == 32 || code == 41 || code == 44;
    bool holds = wanted == TGS_ERROR_U2U     ? code == 27 || code == 69
                 : wanted == TGS_ERROR_TGT   ? is_tgt
                 : wanted == TGS_ERROR_OTHER ? !tgs_code_is_known(code)
                                             : code == (int32_t)wanted;
    if (holds) {
        prove_error(j, p, t);
    }
    return holds;
}

static bool etext_says(const struct krb_moment *k, const char *const *texts, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        for (size_t at = 0; at + bytes_of(texts[i]).len <= k->etext.len; at++) {
            if (bytes_begins_nocase(bytes_part(k->etext, at, k->etext.len), texts[i])) {
                return true;
            }
        }
    }
    return false;
}

/* What an error 7 says beside its number: MIT in its e-text, Windows by NTSTATUS (MS-ERREF). */
bool detect_tgs_words(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    static const char *const unknown[] = {"LOOKING_UP_SERVER"};
    static const char *const duplicate[] = {"PRINCIPAL_NOT_UNIQUE", "not unique", "duplicate"};
    static const char *const locked[] = {"SERVER LOCKED OUT", "SERVER_LOCKED", "SERVICE EXPIRED"};
    const struct transaction *t = final_tgs_failure(j);
    if (t == NULL || t->reply->u.krb.error_code != 7 || j->is_crossing_failed) {
        return false;
    }
    const struct krb_moment *k = &t->reply->u.krb;
    bool holds = false;
    if (wanted == TGS_WORDS_UNKNOWN) {
        holds = (k->has_ntstatus && (k->ntstatus == 0xC000018B || k->ntstatus == 0xC0000064)) ||
                etext_says(k, unknown, sizeof unknown / sizeof unknown[0]);
    } else if (wanted == TGS_WORDS_DUPLICATE) {
        holds = (k->has_ntstatus && k->ntstatus == 0xC00000BD) ||
                etext_says(k, duplicate, sizeof duplicate / sizeof duplicate[0]);
    } else {
        holds = (k->has_ntstatus && (k->ntstatus == 0xC0000072 || k->ntstatus == 0xC0000234 ||
                                     k->ntstatus == 0xC0000193)) ||
                etext_says(k, locked, sizeof locked / sizeof locked[0]);
    }
    if (holds) {
        if (k->has_ntstatus) {
            const char *name = krb_ntstatus_name(k->ntstatus);
            proof_add(j, p, t->reply, "the KDC answered error 7 with NTSTATUS 0x%08x%s%s",
                      (unsigned)k->ntstatus, name == NULL ? "" : " ", name == NULL ? "" : name);
        } else {
            proof_add(j, p, t->reply, "the KDC answered error 7: \"%.*s\"", (int)k->etext.len,
                      (const char *)k->etext.at);
        }
    }
    return holds;
}

bool detect_krb_error(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    const struct transaction *as = final_as_failure(j);
    const struct transaction *tgs = final_tgs_failure(j);
    const struct transaction *t = tgs != NULL ? tgs : as;
    if (t == NULL || t->reply->u.krb.error_code != (int32_t)wanted) {
        return false;
    }
    prove_error(j, p, t);
    return true;
}
