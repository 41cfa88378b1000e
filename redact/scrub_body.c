/* Bodies: zeros, but for two that a verdict may rest on. A registration of Configuration Manager is
 * written anew, deflated no more, with only what a report tells of it; a KDC proxy's message is DER
 * like any other. */
#include "redact/scrub.h"

#include "base/civil.h"
#include "base/cursor.h"
#include "decode/ccm.h"

#include <string.h>

#define SCRATCH_BYTES (2 * CCM_INFLATED_BYTES_MAX + 65536)

#define DOCUMENT_BYTES_MAX 4096
#define VALUE_BYTES_MAX 512 /* ccm_decode() gives no longer ones */

/* What a document says beyond its kind; bodies that were deflated have room for little. */
enum extent { EXTENT_ALL, EXTENT_CLIENT, EXTENT_KIND };

/* A name, or the words of a kind that everybody uses. No character of it can end an attribute. */
static void add_name(struct pseudonyms *p, struct text *t, struct bytes name)
{
    static const char *const words[] = {"Registration", "Confirmation", "MP_ClientRegistration"};
    uint8_t value[VALUE_BYTES_MAX];
    struct bytes part = bytes_part(name, 0, sizeof value);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_is(part, words[i])) {
            text_add_bytes(t, part);
            return;
        }
    }
    if (part.len == 0) {
        return;
    }
    memcpy(value, part.at, part.len);
    pseudonym_text(p, value, part.len);
    for (size_t i = 0; i < part.len; i++) {
        bool is_markup = value[i] < ' ' || strchr("<>&\"'", value[i]) != NULL;
        text_add_char(t, is_markup ? 'x' : (char)value[i]);
    }
}

/* before, the name, after; nothing when there is no name. */
static void add(struct pseudonyms *p, struct text *t, const char *before, struct bytes name,
                const char *after)
{
    if (name.len > 0) {
        text_add(t, before);
        add_name(p, t, name);
        text_add(t, after);
    }
}

/* "GUID:" and what tells clients apart. */
static void add_id(struct pseudonyms *p, struct text *t, const char *before, struct bytes id,
                   const char *after)
{
    static const char guid[] = "GUID:";
    size_t len = bytes_begins_nocase(id, guid) ? sizeof guid - 1 : 0;
    if (id.len > 0) {
        text_add(t, before);
        text_add_bytes(t, bytes_part(id, 0, len));
        add_name(p, t, bytes_part(id, len, id.len));
        p->num[REDACTED_IDS]++;
        text_add(t, after);
    }
}

static void add_time(struct text *t, const char *before, bool has_time, int64_t time_ns,
                     const char *after)
{
    if (has_time) {
        text_add(t, before);
        civil_print(t, time_ns, 9, true);
        text_add(t, after);
    }
}

static void add_request(struct pseudonyms *p, struct text *t, const struct ccm_message *ccm)
{
    text_add(t, "<Data");
    add(p, t, " RequestType=\"", ccm->request_type, "\"");
    add_id(p, t, " SMSID=\"", ccm->sms_id, "\"");
    add_time(t, " TimeStamp=\"", ccm->has_request_time, ccm->request_time_ns, "\"");
    text_add(t, "/>");
    add(p, t, "<Property Name=\"Netbios Name\" Value=\"", ccm->netbios_name, "\"/>");
    add(p, t, "<Property Name=\"FQ Name\" Value=\"", ccm->fq_name, "\"/>");
}

static void add_message(struct pseudonyms *p, struct text *t, const struct ccm_message *ccm,
                        enum extent extent)
{
    if (extent == EXTENT_ALL) {
        add(p, t, "<TargetHost>", ccm->target_host, "</TargetHost>");
        add(p, t, "<TargetEndpoint>", ccm->target_endpoint, "</TargetEndpoint>");
    }
    if (!ccm->is_registration) {
        add_id(p, t, "<SourceID>", ccm->sms_id, "</SourceID>");
    }
    if (extent == EXTENT_ALL || (ccm->netbios_name.len == 0 && ccm->fq_name.len == 0)) {
        add(p, t, "<SourceHost>", ccm->source_host, "</SourceHost>");
    }
    add_time(t, "<SentTime>", ccm->has_sent_time, ccm->sent_time_ns, "</SentTime>");
}

static void add_document(struct pseudonyms *p, struct text *t, const struct ccm_message *ccm,
                         enum extent extent)
{
    static const char request[] = "ClientRegistrationRequest";
    if (extent == EXTENT_KIND) {
        text_format(t, "<%s/>", ccm->is_registration ? request : "Msg");
        return;
    }
    text_add(t, "<Msg>");
    add_message(p, t, ccm, extent);
    if (ccm->is_registration) {
        text_format(t, "<%s>", request);
        add_request(p, t, ccm);
        text_format(t, "</%s>", request);
    }
    text_add(t, "</Msg>");
}

/* What is left of a body: zeros, and at their beginning an XML document that says in pseudonyms
 * what a report tells of it. */
static void rewrite(struct pseudonyms *p, const struct ccm_message *ccm, uint8_t *at, size_t len)
{
    char document[DOCUMENT_BYTES_MAX];
    struct text t;
    enum extent extent = EXTENT_ALL;
    memset(at, 0, len);
    for (; ccm->recognised && extent <= EXTENT_KIND; extent++) {
        text_init(&t, document, sizeof document);
        add_document(p, &t, ccm, extent);
        if (!t.cut && t.len <= len) {
            memcpy(at, document, t.len);
            return;
        }
    }
}

void scrub_body(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct arena arena;
    struct ccm_message ccm = {0};
    struct bytes body = {.at = at, .len = len};
    if (bytes_u8_at(body, 0) == 0x30) {
        scrub_der(p, at, len);
        return;
    }
    p->num[REDACTED_BODIES] += len > 0;
    if (arena_new(&arena, SCRATCH_BYTES)) {
        ccm_decode(body, (struct bytes){0}, &arena, &ccm);
        rewrite(p, &ccm, at, len);
        arena_free(&arena);
    } else {
        memset(at, 0, len);
    }
}
