/* Kerberos of a story. */
#include "story_private.h"

#include "base/civil.h"

struct krb_name story_name(const char *text)
{
    return (struct krb_name){.present = text != NULL, .type = 2, .text = bytes_of(text)};
}

struct krb_ticket story_ticket_of(unsigned number, const char *sname, uint32_t kvno, int32_t etype)
{
    return (struct krb_ticket){
        .present = true,
        .realm = bytes_of(REALM),
        .sname = story_name(sname),
        .enc = {.present = true, .etype = etype, .has_kvno = true, .kvno = kvno, .cipher_len = 900},
        .hash = {.high = 7, .low = 1000 + number}};
}

int64_t story_clock_ns(const struct story *s, double ahead_s)
{
    return s->now_ns + story_ns(s->step_s) + story_ns(ahead_s);
}

struct krb_time story_time_of(int64_t ns, bool has_usec)
{
    return (struct krb_time){.present = true,
                             .seconds = ns / NS_PER_S,
                             .usec = has_usec ? (int32_t)(ns % NS_PER_S / 1000) : -1};
}

static size_t copy_etypes(int32_t *out, const int32_t in[4])
{
    size_t num = 0;
    while (num < 4 && in[num] != 0) {
        out[num] = in[num];
        num++;
    }
    return num;
}

static void fill_krb(struct krb_message *k, struct story *s, const struct krb_words *w)
{
    bool is_request = w->type == KRB_AS_REQ || w->type == KRB_TGS_REQ;
    bool is_as = w->type == KRB_AS_REQ || w->type == KRB_AS_REP;
    const char *sname =
        story_or(w->sname, is_as || w->type == KRB_ERROR_MSG ? "krbtgt/" REALM : MP_SPN);
    *k = (struct krb_message){.type = w->type,
                              .complete = true,
                              .pvno = 5,
                              .sname = story_name(sname),
                              .realm = bytes_of(story_or(w->realm, REALM))};
    if (w->type != KRB_TGS_REQ && w->type != KRB_ERROR_MSG) {
        k->cname = story_name(story_or(w->cname, "PC01$"));
    }
    if (is_request) {
        k->has_nonce = true;
        k->nonce = w->nonce == 0 ? s->frame + 1000 : w->nonce;
        k->num_etypes = copy_etypes(k->etypes, w->etypes);
    } else if (w->type == KRB_ERROR_MSG) {
        k->error_code = w->error;
        k->stime = story_time_of(story_clock_ns(s, s->kdc_ahead_s), w->has_usec);
        k->has_ntstatus = w->ntstatus != 0;
        k->ntstatus = w->ntstatus;
        k->has_etext = w->etext != NULL;
        k->etext = bytes_of(w->etext);
        if (w->has_ctime) {
            k->ctime =
                story_time_of(s->now_ns + story_ns(s->client_ahead_s - w->ctime_age_s), true);
        }
    } else {
        k->sname = (struct krb_name){0}; /* a reply's own is inside the ticket */
        k->crealm = bytes_of(story_or(w->realm, REALM));
        k->ticket = story_ticket_of(w->ticket, sname, w->kvno == 0 ? 3 : w->kvno, 18);
    }
}

void story_krb(struct story *s, const struct krb_words *w)
{
    struct krb_message k;
    struct krb_padata padata[2] = {{0}};
    struct krb_etype_info infos[4] = {{0}};
    bool is_request = w->type == KRB_AS_REQ || w->type == KRB_TGS_REQ;
    struct endpoint client = story_endpoint(story_or(w->host, s->client), 53088);
    struct endpoint kdc = story_endpoint(story_or(w->kdc, s->kdc), 88);
    fill_krb(&k, s, w);
    k.padata = padata;
    if (w->has_preauth || w->pa_type != 0) {
        padata[k.num_padata++].type = w->pa_type != 0 ? w->pa_type : 2;
    }
    if (w->info_etypes[0] != 0) {
        int32_t etypes[4];
        size_t num = copy_etypes(etypes, w->info_etypes);
        for (size_t i = 0; i < num; i++) {
            infos[i].etype = etypes[i];
        }
        padata[k.num_padata++] = (struct krb_padata){.type = 19, .infos = infos, .num_infos = num};
    }
    if (w->over != NULL) {
        client = w->over->client;
        kdc = w->over->server;
    }
    struct event e = story_next(s, EVENT_KRB, is_request ? client : kdc, is_request ? kdc : client);
    e.carrier = w->over == NULL ? CARRIER_UDP : CARRIER_TCP;
    e.connection = w->over == NULL ? 0 : w->over->connection;
    e.krb = &k;
    for (unsigned i = 1; i < w->num_frames; i++) {
        e.frame = e.frames[e.num_frames++] = ++s->frame;
    }
    case_push(s->c, &e);
}

void story_logon(struct story *s)
{
    KRB(s, .type = KRB_AS_REQ);
    KRB(s, .type = KRB_ERROR_MSG, .error = 25);
    KRB(s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(s, .type = KRB_AS_REP, .ticket = 900);
}

void story_logon_error(struct story *s, int32_t code, uint32_t ntstatus)
{
    KRB(s, .type = KRB_AS_REQ, .has_preauth = true, .etypes = {18, 17});
    KRB(s, .type = KRB_ERROR_MSG, .error = code, .ntstatus = ntstatus);
}

void story_ticket(struct story *s, const char *spn, unsigned ticket)
{
    KRB(s, .type = KRB_TGS_REQ, .sname = spn);
    KRB(s, .type = KRB_TGS_REP, .sname = spn, .ticket = ticket);
}

void story_ticket_error(struct story *s, const char *spn, int32_t code, uint32_t ntstatus)
{
    KRB(s, .type = KRB_TGS_REQ, .sname = spn, .etypes = {18, 17});
    KRB(s, .type = KRB_ERROR_MSG, .sname = spn, .error = code, .ntstatus = ntstatus);
}
