/* Referrals in Markdown: the realms on the way to the ticket, each with its KDC and result. */
#include "report/markdown_private.h"

void markdown_referrals(const struct markdown_words *w, const struct analysis *a,
                        const struct attempt_record *attempt)
{
    for (size_t i = 0; i < attempt->num_referrals; i++) {
        const struct referral *hop = &attempt->referrals[i];
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        (void)fputs("- ", w->out);
        markdown_code(w, hop->realm);
        if (hop->kdc.family != ADDRESS_NONE) {
            text_init(&t, buffer, sizeof buffer);
            address_print(&t, &hop->kdc);
            (void)fputs(" at ", w->out);
            markdown_code(w, text_bytes(&t));
        }
        text_init(&t, buffer, sizeof buffer);
        phrase_referral_result(&t, hop);
        (void)fputs(": ", w->out);
        markdown_prose(w, text_bytes(&t));
        if (hop->next.len > 0) {
            (void)fputs(" to ", w->out);
            markdown_code(w, hop->next);
        }
        (void)fputs(hop->is_repeat ? ", again: a loop" : "", w->out);
        if (hop->frame != 0) {
            text_init(&t, buffer, sizeof buffer);
            phrase_frame(&t, a, hop->capture, hop->frame);
            (void)fprintf(w->out, " (frame %s)", t.at);
        }
        (void)fputc('\n', w->out);
    }
}
