/* Fingerprints: what two captures of one message have in common, whatever lies between them. Not
 * addresses, ports or IP fields, which address translation rewrites. */
#include "diagnose/align_private.h"

static uint64_t add_bytes(uint64_t hash, struct bytes b)
{
    return hash64_step(hash, b.len == 0 ? 0 : hash64(b));
}

static uint64_t print_of_dns(const struct dns_message *d)
{
    uint64_t hash = hash64_step(1, (uint64_t)d->id << 32 | (uint64_t)d->question_type << 16 |
                                       (uint64_t)d->rcode << 8 | d->is_response);
    return hash64_step(add_bytes(hash, d->question), d->num_answers);
}

static uint64_t print_of_krb(const struct krb_message *k)
{
    uint64_t hash = hash64_step(2, (uint64_t)k->type << 32 | k->nonce);
    hash = hash64_step(hash, (uint64_t)(uint32_t)k->error_code << 32 | (uint32_t)k->stime.usec);
    hash = hash64_step(hash, (uint64_t)k->stime.seconds);
    hash = hash64_step(hash, k->ticket.hash.high);
    hash = hash64_step(hash, k->enc_part.cipher_len << 8 | k->num_padata);
    hash = add_bytes(add_bytes(hash, k->cname.text), k->sname.text);
    return add_bytes(hash, k->realm);
}

uint64_t align_print(const struct event *e)
{
    if (e->kind == EVENT_DNS && e->dns->flavour == DNS_PLAIN && e->dns->question.len > 0) {
        return print_of_dns(e->dns) | 1;
    }
    bool has_identity = e->kind == EVENT_KRB && (e->krb->has_nonce || e->krb->ticket.present ||
                                                 e->krb->type == KRB_ERROR_MSG);
    return has_identity ? print_of_krb(e->krb) | 1 : 0;
}
