/* What stands around Kerberos messages in `messages`: the frame of a password change (RFC 3244) and
 * the body of Kerberos through an HTTP proxy (MS-KKDCP), each pushed as frames made by hand. */
#include <criterion/criterion.h>

#include "decode/decoder.h"
#include "packets.h"
#include "report/messages.h"
#include "test_krb_vectors.h"

#include <jansson.h>

static struct packets k;
static char *text;
static size_t text_len;
static FILE *stream;
static struct messages *messages;
static struct reply_tables *replies;

static void take(void *context, const struct event *e)
{
    (void)context;
    struct reply reply = reply_find(replies, e);
    messages_write(messages, e, &reply, true, false);
}

static void begin(bool json)
{
    const struct decoder_options options = {.capture = 0};
    const struct messages_options as = {.json = json};
    stream = open_memstream(&text, &text_len);
    messages = messages_new(stream, &as);
    replies = reply_tables_new();
    k = (struct packets){.time_ns = 1000 * PACKET_MS};
    k.decoder = decoder_new(&options, take, NULL);
    cr_assert(stream != NULL && messages != NULL && replies != NULL && k.decoder != NULL);
}

static void finish(void)
{
    struct trouble trouble = {{0}};
    decoder_end(k.decoder);
    cr_assert_eq(messages_end(messages, &trouble), STATUS_OK);
    decoder_free(k.decoder);
    messages_free(messages);
    reply_tables_free(replies);
    fclose(stream);
}

/* The JSON object on line number `line`, from 0. */
static json_t *object(size_t line)
{
    const char *at = text;
    for (; line > 0 && at != NULL; line--) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    cr_assert(at != NULL && *at != 0, "too few lines:\n%s", text);
    json_t *o = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert_not_null(o);
    return o;
}

static const char *word(json_t *o, const char *name)
{
    const char *value = json_string_value(json_object_get(o, name));
    cr_assert_not_null(value, "no %s", name);
    return value;
}

Test(password, a_refusal_says_why)
{
    struct bytes reply = battery_hex(change_refused_hex);
    struct packet_end server = {.host = 2, .port = 464};
    struct packet_end client = {.host = 1, .port = 40000};
    begin(true);
    packets_udp(&k, server, client, reply.at, reply.len);
    finish();
    json_t *o = object(0);
    cr_assert_str_eq(word(o, "type"), "KRB-ERROR");
    json_t *change = json_object_get(o, "kpasswd");
    cr_assert_str_eq(word(change, "operation"), "reply");
    cr_assert_eq(json_integer_value(json_object_get(change, "result_code")), 4);
    cr_assert_str_eq(word(change, "result_name"), "KRB5_KPASSWD_SOFTERROR");
    cr_assert_str_eq(word(change, "result_text"), "Too short");
    json_decref(o);
    free(text);
}

/* One KDC-PROXY-MESSAGE (MS-KKDCP 2.2.2) around a message: lengths of two octets throughout. */
static size_t wrap(uint8_t *out, struct bytes message, const char *domain)
{
    size_t domain_len = strlen(domain);
    size_t record = message.len + 4;
    size_t all = 4 + 4 + record + 2 + 2 + domain_len;
    uint8_t *p = out;
    const uint8_t head[] = {0x30, 0x82, (uint8_t)(all >> 8),          (uint8_t)all,
                            0xa0, 0x82, (uint8_t)((record + 4) >> 8), (uint8_t)(record + 4),
                            0x04, 0x82, (uint8_t)(record >> 8),       (uint8_t)record,
                            0,    0,    (uint8_t)(message.len >> 8),  (uint8_t)message.len};
    memcpy(p, head, sizeof head);
    p += sizeof head;
    memcpy(p, message.at, message.len);
    p += message.len;
    const uint8_t name[] = {0xa1, (uint8_t)(domain_len + 2), 0x1b, (uint8_t)domain_len};
    memcpy(p, name, sizeof name);
    memcpy(p + sizeof name, domain, domain_len);
    return (size_t)(p + sizeof name + domain_len - out);
}

enum delivery { IN_ORDER, REVERSED, REPEATED, DELIVERIES };
#define BODY_PIECE 200 /* bytes of a body in one segment */

static void say_pieces(struct packet_talk *t, int side, const uint8_t *body, size_t len,
                       enum delivery delivery)
{
    uint32_t first = t->next[side];
    size_t num = (len + BODY_PIECE - 1) / BODY_PIECE;
    for (size_t i = 0; i < (delivery == REPEATED ? 2 * num : num); i++) {
        size_t at = (delivery == REVERSED ? num - 1 - i : i % num) * BODY_PIECE;
        t->next[side] = first + (uint32_t)at;
        talk_say(t, side, TCP_PSH, body + at, len - at < BODY_PIECE ? len - at : BODY_PIECE);
    }
    t->next[side] = first + (uint32_t)len;
}

static void say_so(struct packet_talk *t, int side, const char *head, const uint8_t *body,
                   size_t len, enum delivery delivery)
{
    char text_head[512];
    int head_len =
        snprintf(text_head, sizeof text_head,
                 "%sContent-Type: application/kerberos\r\nContent-Length: %zu\r\n\r\n", head, len);
    talk_say(t, side, TCP_PSH, text_head, (size_t)head_len);
    say_pieces(t, side, body, len, delivery);
}

static void say(struct packet_talk *t, int side, const char *head, const uint8_t *body, size_t len)
{
    say_so(t, side, head, body, len, IN_ORDER);
}

Test(kkdcp, messages_in_an_http_body_are_nested)
{
    static uint8_t body[8192];
    struct packet_talk t = {.k = &k,
                            .end = {{.host = 1, .port = 40000}, {.host = 2, .port = 80}},
                            .next = {1000, 5000}};
    begin(true);
    talk_open(&t);
    size_t len = wrap(body, vector("tgs-req"), "EXAMPLE.ORG");
    say(&t, 0, "POST /KdcProxy HTTP/1.1\r\nHost: proxy.example.org\r\n", body, len);
    len = wrap(body, vector("krb-error-spn-missing"), "EXAMPLE.ORG");
    say(&t, 1, "HTTP/1.1 200 OK\r\n", body, len);
    talk_close(&t);
    finish();
    json_t *request = object(0);
    json_t *response = object(1);
    json_t *asked = json_object_get(request, "kkdcp");
    json_t *got = json_object_get(response, "kkdcp");
    cr_assert_str_eq(word(request, "type"), "HTTP-REQUEST");
    cr_assert_str_eq(word(asked, "target_domain"), "EXAMPLE.ORG");
    cr_assert(json_is_null(json_object_get(asked, "dclocator_hint")));
    cr_assert_str_eq(word(json_object_get(asked, "message"), "type"), "TGS-REQ");
    cr_assert_str_eq(word(json_object_get(got, "message"), "error_name"),
                     "KDC_ERR_S_PRINCIPAL_UNKNOWN");
    cr_assert_eq(json_integer_value(json_object_get(response, "reply_to")),
                 json_integer_value(json_object_get(request, "frame")));
    json_decref(request);
    json_decref(response);
    free(text);
}

/* The same as lines: one a message, the nested one named on it. */
Test(kkdcp, a_line_says_what_is_nested)
{
    static uint8_t body[8192];
    struct packet_talk t = {.k = &k,
                            .end = {{.host = 1, .port = 40000}, {.host = 2, .port = 80}},
                            .next = {1000, 5000}};
    begin(false);
    talk_open(&t);
    size_t len = wrap(body, vector("as-req"), "EXAMPLE.ORG");
    say(&t, 0, "POST /KdcProxy HTTP/1.1\r\nHost: proxy.example.org\r\n", body, len);
    finish();
    cr_assert_not_null(strstr(text, "POST /KdcProxy on proxy.example.org; KKDCP to EXAMPLE.ORG, "
                                    "AS-REQ "),
                       "%s", text);
    free(text);
}

/* Goal: arrows and types stand below each other, in IPv4 and in IPv6. Method: a datagram each way,
 * from an address as short and as long as it gets without a global prefix. */
Test(lines, are_aligned)
{
    static const struct address ends[][2] = {
        {{4, {10, 0, 0, 1}}, {4, {192, 168, 100, 200}}},
        {{6, {0xfd, [15] = 1}},
         {6, {0xfe, 0x80, [8] = 0x12, 0x15, 0x5d, 0xff, 0xfe, 0x8e, 0xeb, 0x12}}},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct krb_message krb = {.type = KRB_AP_REP, .complete = true};
        struct event e = {.kind = EVENT_KRB, .frame = 1, .krb = &krb, .complete = true};
        begin(false);
        for (size_t way = 0; way < 2; way++) {
            e.from.address = ends[i][way];
            e.to.address = ends[i][1 - way];
            take(NULL, &e);
        }
        finish();
        const char *second = strchr(text, '\n') + 1;
        cr_assert_eq(strstr(text, "AP-REP") - text, strstr(second, "AP-REP") - second, "%s", text);
        cr_assert_eq(strchr(text, '\xe2') - text, strchr(second, '\xe2') - second, "%s", text);
        free(text);
    }
}

/* Goal: how the body came shows nowhere. Method: its segments reversed, and all of them twice; the
 * text but for its frames and times. */
Test(kkdcp, delivery_shows_nowhere)
{
    static uint8_t body[8192];
    size_t len = wrap(body, vector("tgs-req"), "EXAMPLE.ORG");
    for (int delivery = 0; delivery < DELIVERIES; delivery++) {
        struct packet_talk t = {.k = &k,
                                .end = {{.host = 1, .port = 40000}, {.host = 2, .port = 80}},
                                .next = {1000, 5000}};
        begin(false);
        talk_open(&t);
        say_so(&t, 0, "POST /KdcProxy HTTP/1.1\r\nHost: proxy.example.org\r\n", body, len,
               (enum delivery)delivery);
        talk_close(&t);
        finish();
        const char *line = strstr(text, "KKDCP to EXAMPLE.ORG, TGS-REQ ");
        cr_assert_not_null(line, "delivery %d: %s", delivery, text);
        cr_expect_null(strstr(line, "cut short"));
        cr_expect_eq(strchr(text, '\n'), text + text_len - 1, "more than a line: %s", text);
        free(text);
    }
}

/* Goal: a message over TCP without the length before it (RFC 4120 7.2.2 asks for one, some senders
 * leave it out) is found in pieces of any size. */
Test(unframed, in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 2, 15, 16, 17, 100, 5000};
    struct bytes message = vector("as-req");
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        struct packet_talk t = {.k = &k,
                                .end = {{.host = 1, .port = 40000}, {.host = 2, .port = 88}},
                                .next = {1000, 5000}};
        begin(true);
        talk_open(&t);
        for (size_t at = 0; at < message.len; at += pieces[p]) {
            struct bytes part = bytes_part(message, at, pieces[p]);
            talk_say(&t, 0, TCP_PSH, part.at, part.len);
        }
        finish();
        json_t *o = object(0);
        cr_expect_str_eq(word(o, "type"), "AS-REQ");
        cr_expect(json_is_true(json_object_get(o, "complete")), "%zu bytes a piece", pieces[p]);
        json_decref(o);
        free(text);
    }
}

/* The object that `messages` prints of a Kerberos message, as one compact text. */
static char *told_of(const struct krb_message *krb)
{
    struct event e = {.kind = EVENT_KRB, .id = 1, .frame = 1, .complete = true, .krb = krb};
    begin(true);
    take(NULL, &e);
    finish();
    return text;
}

#define WANTED_MAX 5

/* Goal: what can be read in a message stands in its object, under its name. Method: the messages
 * made by hand of test_krb_vectors.h; parts of the JSON. */
Test(fields, every_readable_one_is_told)
{
    static const struct {
        const char *hex;
        const char *wanted[WANTED_MAX];
    } table[] = {
        {as_req_windows,
         {"\"include_pac\":true",
          "\"PA-PAC-OPTIONS\",\"value_len\":11,\"options\":[\"branch-aware\"]",
          "\"netbios_address\":\"PC07\"", "\"nonce\":2596069104", "\"renewable-ok\""}},
        {tgs_req_s4u,
         {"\"purpose\":[\"s4u2self\",\"s4u2proxy\",\"user-to-user\"]",
          "\"PA-FOR-USER\",\"value_len\":91,\"user\":{\"type\":10,\"name\":\"alice@example.com\"}",
          "\"PA-FOR-X509-USER\",\"value_len\":86,\"user\":{\"type\":10,\"name\":\"bob@example."
          "com\"}",
          "\"additional_tickets\":[{\"realm\":\"EXAMPLE.COM\"", "\"PA-TGS-REQ\""}},
        {as_req_fast,
         {"\"fast\":\"request\",\"armor_type\":1,\"message\":{\"protocol\":\"kerberos\"",
          "\"PA-ENCRYPTED-CHALLENGE\",\"value_len\":47,\"etype\":17"}},
        {tgs_rep_rodc,
         {"\"PA-SUPPORTED-ENCTYPES\"", "\"mask\":\"0x0000001f\"", "\"kvno\":2963341313"}},
        {krb_safe, {"\"type\":\"KRB-SAFE\"", "\"user_data_len\":2"}},
        {krb_priv, {"\"type\":\"KRB-PRIV\"", "\"cipher_len\":40"}},
        {krb_cred, {"\"type\":\"KRB-CRED\"", "\"ticket\":{\"realm\":\"EXAMPLE.COM\""}},
        {error_ext,
         {"\"kind\":\"kerb-ext-error\",\"ntstatus\":\"0xc000018b\"",
          "\"ntstatus_name\":\"STATUS_NO_TRUST_SAM_ACCOUNT\""}},
        {error_skew, {"\"kind\":\"clock-skew\"", "\"cusec\":654321"}},
        {error_typed, {"\"kind\":\"typed-data\"", "\"TD-TRUSTED-CERTIFIERS\""}},
        {error_single_padata,
         {"\"kind\":\"pa-data\"",
          "\"infos\":[{\"etype\":18,\"salt\":\"EXAMPLE.COMhostpc07.example.com\"}]"}},
        {error_method_list_ntstatus,
         {"\"kind\":\"method-data\"", "\"ntstatus_name\":\"STATUS_ACCOUNT_LOCKED_OUT\"",
          "\"PA-ETYPE-INFO\""}},
        {error_other, {"\"kind\":\"other\"", "\"e_text\":\"try later\""}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        static uint8_t storage[65536];
        struct arena arena;
        struct krb_message krb;
        size_t used = 0;
        arena_init(&arena, storage, sizeof storage);
        cr_assert_eq(krb_decode(battery_hex(table[i].hex), &arena, &krb, &used, NULL),
                     VERDICT_DONE);
        char *told = told_of(&krb);
        for (size_t w = 0; w < WANTED_MAX && table[i].wanted[w] != NULL; w++) {
            cr_expect_not_null(strstr(told, table[i].wanted[w]), "no %s in %s", table[i].wanted[w],
                               told);
        }
        free(told);
    }
}

/* The refusal above, its e-data METHOD-DATA of one element. All lengths are below 128. */
static size_t error_with(uint8_t *out, uint8_t type, struct bytes value)
{
    struct bytes refused = battery_hex(change_refused_hex);
    struct bytes fields = bytes_part(refused, 10, refused.len - 10 - 15); /* up to the e-data */
    uint8_t *p = out + 4;
    memcpy(p, fields.at, fields.len);
    p += fields.len;
    uint8_t len = (uint8_t)value.len;
    const uint8_t head[] = {0xac, (uint8_t)(len + 16),
                            0x04, (uint8_t)(len + 14),
                            0x30, (uint8_t)(len + 12),
                            0x30, (uint8_t)(len + 10),
                            0xa1, 0x04,
                            0x02, 0x02,
                            0x00, type,
                            0xa2, (uint8_t)(len + 2),
                            0x04, len};
    memcpy(p, head, sizeof head);
    p += sizeof head;
    if (value.len > 0) {
        memcpy(p, value.at, value.len);
        p += value.len;
    }
    const uint8_t begin_of[] = {0x7e, (uint8_t)(p - out - 2), 0x30, (uint8_t)(p - out - 4)};
    memcpy(out, begin_of, sizeof begin_of);
    return (size_t)(p - out);
}

/* Goal: PA-DATA that no vector holds are told too, and no key or cookie of theirs is. Method: their
 * values by hand (RFC 6113 5.2, RFC 6806 11, MS-KILE 2.2.10 to 2.2.12) in METHOD-DATA; every octet
 * that is a secret is 0xee. */
Test(fields, pa_data_made_by_hand)
{
    static const struct {
        uint8_t type;
        const char *hex;
        const char *wanted;
    } table[] = {
        {133, "4d4954eeeeeeee", "\"name\":\"PA-FX-COOKIE\",\"value_len\":7}"},
        {149, "", "\"type\":149,\"name\":\"PA-REQ-ENC-PA-REP\",\"value_len\":0}"},
        {149, "300ba003020110a1040402eeee", "\"checksum_type\":16"},
        {161, "3003020117",
         "\"name\":\"KERB-KEY-LIST-REQ\",\"value_len\":5,"
         "\"infos\":[{\"etype\":23,\"salt\":null}]"},
        {162, "300d300ba003020117a1040402eeee",
         "\"name\":\"KERB-KEY-LIST-REP\",\"value_len\":15,"
         "\"infos\":[{\"etype\":23,\"salt\":null}]"},
        {167, "3009a00703050010000000", "\"options\":[\"resource-based-constrained-delegation\"]"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        static uint8_t storage[65536];
        struct arena arena;
        struct krb_message krb;
        uint8_t error[128];
        size_t used = 0;
        size_t len = error_with(error, table[i].type, battery_hex(table[i].hex));
        arena_init(&arena, storage, sizeof storage);
        cr_assert_eq(krb_decode((struct bytes){.at = error, .len = len}, &arena, &krb, &used, NULL),
                     VERDICT_DONE);
        char *told = told_of(&krb);
        cr_expect_not_null(strstr(told, table[i].wanted), "no %s in %s", table[i].wanted, told);
        cr_expect_null(strstr(told, "eeee"));
        cr_expect_null(strstr(told, "\xee\xee"));
        free(told);
    }
}
