/* A body that is sent again with a token is read once: the arena stays empty the second time, and
 * the message is the same. Another type, or one other byte, is read anew. */
#include "base/text.h"
#include "decode/ccm_memory.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define TYPE "text/xml"

static const char body[] = "<Msg><SourceHost>WS042</SourceHost><SourceID>GUID:0A1B</SourceID>"
                           "<SentTime>2026-11-22T11:12:42Z</SentTime>"
                           "<TargetEndpoint>MP_ClientRegistration</TargetEndpoint>"
                           "<TargetHost>mp03.corp.example</TargetHost></Msg>";
static const char other_body[] = "<Msg><SourceHost>WS043</SourceHost><SourceID>GUID:0A1B</SourceID>"
                                 "<SentTime>2026-11-22T11:12:42Z</SentTime>"
                                 "<TargetEndpoint>MP_ClientRegistration</TargetEndpoint>"
                                 "<TargetHost>mp03.corp.example</TargetHost></Msg>";

static uint8_t storage[1048576];
static struct arena arena;
static struct ccm_memory *memory;

static void set_up(void)
{
    memory = ccm_memory_new();
    cr_assert_not_null(memory);
}

static void tear_down(void)
{
    ccm_memory_free(memory);
}

TestSuite(ccm_memory, .init = set_up, .fini = tear_down);

static struct ccm_message decode(const char *text, const char *type)
{
    struct ccm_message m;
    arena_init(&arena, storage, sizeof storage);
    memset(storage, 0xa5, sizeof storage); /* what the arena held is gone */
    ccm_memory_decode(memory, bytes_of(text), bytes_of(type), &arena, &m);
    return m;
}

static void assert_is_ours(const struct ccm_message *m, const char *source)
{
    cr_assert(m->recognised && m->is_registration);
    cr_assert(bytes_is(m->source_host, source));
    cr_assert(bytes_is(m->sms_id, "GUID:0A1B"));
    cr_assert(bytes_is(m->target_endpoint, "MP_ClientRegistration"));
    cr_assert(bytes_is(m->target_host, "mp03.corp.example"));
    cr_assert_eq(m->netbios_name.len, 0);
    cr_assert(m->has_sent_time);
    cr_assert_eq(m->sent_time_ns, INT64_C(1795345962000000000));
}

static bool was_read(void)
{
    return arena.used > 0;
}

Test(ccm_memory, again)
{
    struct ccm_message m = decode(body, TYPE);
    cr_assert(was_read());
    assert_is_ours(&m, "WS042");
    for (int i = 0; i < 3; i++) {
        m = decode(body, TYPE);
        cr_assert_not(was_read());
        assert_is_ours(&m, "WS042");
    }
}

Test(ccm_memory, what_differs_is_read)
{
    (void)decode(body, TYPE);
    struct ccm_message m = decode(other_body, TYPE);
    cr_assert(was_read(), "another body");
    assert_is_ours(&m, "WS043");
    m = decode(body, "multipart/mixed");
    cr_assert(was_read(), "another type");
    assert_is_ours(&m, "WS042");
    m = decode(body, TYPE);
    cr_assert(was_read(), "of one body only the last type is remembered");
    assert_is_ours(&m, "WS042");
}

/* Many bodies take the places from each other, and each is still told as what it is. */
Test(ccm_memory, more_bodies_than_places)
{
    char text[400];
    unsigned num_read = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4 * CCM_MEMORY_BODIES; i++) {
            char source[16];
            (void)snprintf(source, sizeof source, "WS%04d", i);
            (void)snprintf(text, sizeof text,
                           "<Msg><SourceHost>%s</SourceHost><SourceID>GUID:0A1B</SourceID>"
                           "<SentTime>2026-11-22T11:12:42Z</SentTime>"
                           "<TargetEndpoint>MP_ClientRegistration</TargetEndpoint>"
                           "<TargetHost>mp03.corp.example</TargetHost></Msg>",
                           source);
            struct ccm_message m = decode(text, TYPE);
            num_read += was_read();
            assert_is_ours(&m, source);
        }
    }
    cr_assert_geq(num_read, 7 * CCM_MEMORY_BODIES, "no more are kept than there are places");
}

/* Texts that have no room are read each time. */
Test(ccm_memory, long_texts)
{
    static char text[4096];
    struct text t;
    text_init(&t, text, sizeof text);
    text_add(&t, "<Msg>");
    static const char *const names[] = {"SourceHost", "SourceID", "TargetHost"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        text_format(&t, "<%s>%0500d</%s>", names[i], (int)i, names[i]);
    }
    text_add(&t, "</Msg>");
    cr_assert_not(t.cut);
    for (int i = 0; i < 2; i++) {
        struct ccm_message m = decode(text, TYPE);
        cr_assert(was_read());
        cr_assert_eq(m.source_host.len, 500);
        cr_assert_eq(m.target_host.len, 500);
        cr_assert_eq(m.target_host.at[499], '2');
    }
}
