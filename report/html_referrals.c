/* Referrals: the realms on the way to the ticket, each with its KDC, time and result. */
#include "report/html_private.h"

void html_referrals(struct html *h, const struct attempt_record *a)
{
    if (a->num_referrals == 0) {
        return;
    }
    html_put(h, "<section>");
    html_heading(h, "Referrals");
    html_put(h, "<ol>");
    for (size_t i = 0; i < a->num_referrals; i++) {
        const struct referral *hop = &a->referrals[i];
        const struct frame_ref at = {hop->capture, hop->frame, {0}};
        const struct evidence evidence = {.at = &at, .num = hop->frame == 0 ? 0 : 1};
        char buffer[HTML_PHRASE_BYTES_MAX];
        struct text t;
        html_put(h, "<li>");
        html_code(h, hop->realm);
        if (hop->kdc.family != ADDRESS_NONE) {
            text_init(&t, buffer, sizeof buffer);
            address_print(&t, &hop->kdc);
            html_put(h, " at ");
            html_code(h, text_bytes(&t));
        }
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, ": ");
        phrase_referral_result(&t, hop);
        html_put(h, t.at);
        if (hop->next.len > 0) {
            html_put(h, " to ");
            html_code(h, hop->next);
        }
        html_put(h, hop->is_repeat ? ", again: <b>a loop</b>" : "");
        html_frames(h, a, &evidence);
        html_put(h, "</li>");
    }
    html_put(h, "</ol></section>\n");
}
