/* What `messages` prints of anything that is taken for a Kerberos message or a token: JSON that is
 * JSON, lines without a byte that moves a terminal's cursor. Begin with corpus_krb/. */
#include "report/messages.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_LEN 262144 /* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The text is the caller's. */
static char *page_of(const struct event *e, const struct messages_options *options)
{
    char *text = NULL;
    size_t len = 0;
    struct trouble trouble;
    FILE *out = open_memstream(&text, &len);
    struct messages *m = messages_new(out, options);
    const struct reply reply = {.asked_for_other = true};
    assert(out != NULL && m != NULL);
    messages_write(m, e, &reply, true, false);
    enum status status = messages_end(m, &trouble);
    assert(status == STATUS_OK || status == STATUS_NO_MEMORY); /* a tree of over 1 MB */
    messages_free(m);
    fclose(out);
    return text;
}

static void print(const struct event *e)
{
    static const struct messages_options json = {.json = true};
    static const struct messages_options tree = {.verbose = true};
    static const struct messages_options ascii = {.ascii = true};
    char *object = page_of(e, &json);
    json_t *parsed = json_loads(object, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert(object[0] == '\0' || parsed != NULL);
    assert(object[0] == '\0' || strchr(object, '\n') == object + strlen(object) - 1);
    json_decref(parsed);
    free(object);
    char *lines = page_of(e, &tree);
    for (const char *c = lines; *c != '\0'; c++) {
        assert(*c == '\n' || (unsigned char)*c >= ' ');
        assert(*c != 0x7f);
    }
    free(lines);
    char *line = page_of(e, &ascii);
    for (const char *c = line; *c != '\0'; c++) {
        assert(*c == '\n' || (*c >= ' ' && *c < 0x7f));
    }
    free(line);
}

static struct event event_of(enum event_kind kind, bool complete)
{
    return (struct event){
        .kind = kind, .frame = 1, .frames = {1}, .num_frames = 1, .complete = complete};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t storage[ARENA_LEN];
    struct bytes input = {.at = data, .len = len};
    struct krb_message krb;
    struct gss_token gss;
    struct arena arena;
    size_t used = 0;
    krb_keep_sha256(true);
    arena_init(&arena, storage, sizeof storage);
    enum verdict verdict = krb_decode(input, &arena, &krb, &used, NULL);
    if (verdict != VERDICT_BAD && krb.type != KRB_NONE) {
        struct event e = event_of(EVENT_KRB, verdict == VERDICT_DONE);
        e.krb = &krb;
        print(&e);
    }
    arena_reset(&arena);
    if (gss_token_decode(input, &arena, &gss, NULL) != VERDICT_BAD && gss.form != TOKEN_NONE) {
        const struct token_facts token = {
            .carrier = CARRIER_OTHER, .pdu = CARRIER_PDU_TOKEN, .token_len = len, .gss = &gss};
        struct event e = event_of(EVENT_TOKEN, gss.complete);
        e.token = &token;
        print(&e);
    }
    return 0;
}
