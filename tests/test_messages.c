/* `messages`: what a line and an object say, which request a reply answers, and that carriage and
 * hostile bytes change nothing. */
#include "page.h"
#include "report/message_order.h"
#include "rewrite.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define START_NS INT64_C(1795345962000000000) /* 2026-11-22T11:12:42Z */

static const struct messages_options json_options = {.json = true};

static void rewrite_one_byte(struct recording *out, const struct recording *in)
{
    rewrite_split(out, in, 1, 0);
}

static void rewrite_overlapping(struct recording *out, const struct recording *in)
{
    rewrite_split(out, in, 100, 30);
}

static void rewrite_backwards(struct recording *out, const struct recording *in)
{
    rewrite_reverse(out, in, 8);
}

static void check_every_case(void (*rewrite)(struct recording *out, const struct recording *in))
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    size_t num = cases_list(names);
    size_t num_compared = 0;
    cr_assert_gt(num, 0);
    for (size_t i = 0; i < num; i++) {
        struct recording r, rewritten;
        cr_assert(recording_load_case(&r, names[i]));
        if (rewrite_is_whole(&r)) {
            rewrite(&rewritten, &r);
            json_t *before = page_without_frames(page_of_recording(&r, &json_options));
            json_t *after = page_without_frames(page_of_recording(&rewritten, &json_options));
            cr_expect_eq(json_array_size(before), json_array_size(after), "%s", names[i]);
            cr_expect(json_equal(before, after), "%s", names[i]);
            num_compared += json_array_size(before);
            json_decref(before);
            json_decref(after);
            recording_free(&rewritten);
        }
        recording_free(&r);
    }
    cr_assert_gt(num_compared, num);
}

/* Goal: segmentation shows nowhere. */
Test(messages, one_byte_at_a_time)
{
    check_every_case(rewrite_one_byte);
}

Test(messages, overlapping_segments)
{
    check_every_case(rewrite_overlapping);
}

Test(messages, reversed_segments)
{
    check_every_case(rewrite_backwards);
}

/* Goal: a frame captured twice is one message. */
Test(messages, duplicated_frames)
{
    check_every_case(rewrite_duplicate);
}

/* Messages by hand. */

static const struct endpoint client = {.address = {4, {192, 0, 2, 101}}, .port = 50196};
static const struct endpoint kdc = {.address = {4, {192, 0, 2, 10}}, .port = 88};
static const struct endpoint other_kdc = {.address = {4, {192, 0, 2, 11}}, .port = 88};

static struct bytes of(const char *text)
{
    return (struct bytes){.at = (const uint8_t *)text, .len = strlen(text)};
}

static struct krb_name name_of(const char *text)
{
    return (struct krb_name){.present = true, .type = 2, .text = of(text), .num_parts = 2};
}

static struct krb_message request_of(const char *sname, uint32_t nonce)
{
    return (struct krb_message){.type = KRB_TGS_REQ,
                                .complete = true,
                                .pvno = 5,
                                .realm = of("EXAMPLE.COM"),
                                .sname = name_of(sname),
                                .has_nonce = true,
                                .nonce = nonce};
}

static struct krb_message reply_of(const char *sname)
{
    return (struct krb_message){
        .type = KRB_TGS_REP,
        .complete = true,
        .pvno = 5,
        .crealm = of("EXAMPLE.COM"),
        .cname = name_of("client"),
        .ticket = {.present = true, .realm = of("EXAMPLE.COM"), .sname = name_of(sname)}};
}

static struct krb_message error_of(const char *sname)
{
    return (struct krb_message){.type = KRB_ERROR_MSG,
                                .complete = true,
                                .pvno = 5,
                                .realm = of("EXAMPLE.COM"),
                                .sname = name_of(sname),
                                .error_code = 7};
}

static struct event krb_event(uint32_t frame, const struct endpoint *from,
                              const struct endpoint *to, const struct krb_message *krb)
{
    return (struct event){.kind = EVENT_KRB,
                          .id = frame,
                          .frame = frame,
                          .frames = {frame},
                          .num_frames = 1,
                          .time_ns = START_NS + (int64_t)frame * 1000000,
                          .from = *from,
                          .to = *to,
                          .carrier = CARRIER_UDP,
                          .complete = krb->complete,
                          .krb = krb};
}

static struct reply find(struct reply_tables *t, uint32_t frame, const struct endpoint *from,
                         const struct endpoint *to, struct krb_message krb)
{
    struct event e = krb_event(frame, from, to, &krb);
    return reply_find(t, &e);
}

/* Goal: names pair, not order. Two questions between the same ends, answered the other way round.
 */
Test(messages, replies_pair_by_names)
{
    struct reply_tables *t = reply_tables_new();
    cr_expect_not(find(t, 1, &client, &kdc, request_of("HTTP/a", 1)).reply_to.known);
    cr_expect_not(find(t, 2, &client, &kdc, request_of("HTTP/b", 2)).repeats.known);
    struct reply b = find(t, 3, &kdc, &client, error_of("HTTP/b"));
    struct reply a = find(t, 4, &kdc, &client, reply_of("http/A"));
    cr_expect(b.reply_to.known && b.reply_to.frame == 2);
    cr_expect(a.reply_to.known && a.reply_to.frame == 1);
    cr_expect_not(find(t, 5, &kdc, &client, reply_of("HTTP/c")).reply_to.known);
    cr_expect_not(find(t, 6, &other_kdc, &client, reply_of("HTTP/a")).reply_to.known);
    reply_tables_free(t);
}

/* Goal: a question sent again is the same question, to the same KDC and to another. */
Test(messages, repeated_requests_are_one)
{
    struct reply_tables *t = reply_tables_new();
    (void)find(t, 1, &client, &kdc, request_of("HTTP/a", 1));
    struct reply again = find(t, 2, &client, &kdc, request_of("HTTP/a", 1));
    struct reply elsewhere = find(t, 3, &client, &other_kdc, request_of("HTTP/a", 1));
    struct reply new_one = find(t, 4, &client, &kdc, request_of("HTTP/a", 2));
    cr_expect(again.repeats.known && again.repeats.frame == 1);
    cr_expect(elsewhere.repeats.known && elsewhere.repeats.frame == 1);
    cr_expect_not(new_one.repeats.known);
    struct reply there = find(t, 5, &other_kdc, &client, reply_of("HTTP/a"));
    cr_expect(there.reply_to.known && there.reply_to.frame == 3);
    struct reply here = find(t, 6, &kdc, &client, reply_of("HTTP/a"));
    cr_expect(here.reply_to.known && here.reply_to.frame == 4);
    struct reply first = find(t, 7, &kdc, &client, reply_of("HTTP/a"));
    cr_expect(first.reply_to.known && first.reply_to.frame == 1);
    reply_tables_free(t);
}

/* Goal: a TGT for another realm instead of the service asked for is told from a plain reply. */
Test(messages, referrals_are_told)
{
    struct reply_tables *t = reply_tables_new();
    (void)find(t, 1, &client, &kdc, request_of("HTTP/a", 1));
    struct reply referral = find(t, 2, &kdc, &client, reply_of("krbtgt/OTHER.COM"));
    cr_expect(referral.reply_to.frame == 1 && referral.asked_for_other);
    (void)find(t, 3, &client, &other_kdc, request_of("krbtgt/OTHER.COM", 2));
    struct reply plain = find(t, 4, &other_kdc, &client, reply_of("krbtgt/OTHER.COM"));
    cr_expect(plain.reply_to.frame == 3 && !plain.asked_for_other);
    reply_tables_free(t);
}

/* Goal: the tables are bounded: the oldest question is forgotten, the latest are not. */
Test(messages, tables_are_bounded)
{
    struct reply_tables *t = reply_tables_new();
    struct endpoint from = client;
    for (uint32_t i = 1; i <= 3 * REPLY_REQUESTS_MAX; i++) {
        from.port = (uint16_t)i;
        (void)find(t, i, &from, &kdc, request_of("HTTP/a", i));
    }
    for (uint32_t i = 1; i <= 3 * REPLY_REQUESTS_MAX; i++) {
        from.port = (uint16_t)i;
        struct reply r = find(t, 3 * REPLY_REQUESTS_MAX, &kdc, &from, reply_of("HTTP/a"));
        cr_assert_eq(r.reply_to.known, i > 2 * REPLY_REQUESTS_MAX, "%u", i);
        cr_assert(!r.reply_to.known || r.reply_to.frame == i);
    }
    reply_tables_free(t);
}

static struct event dns_event(uint32_t frame, const struct dns_message *dns)
{
    return (struct event){.kind = EVENT_DNS,
                          .id = frame,
                          .frame = frame,
                          .time_ns = START_NS,
                          .from = dns->is_response ? kdc : client,
                          .to = dns->is_response ? client : kdc,
                          .complete = true,
                          .dns = dns};
}

/* Goal: the id alone pairs nothing: the question must be the same. */
Test(messages, dns_pairs_by_id_and_question)
{
    struct reply_tables *t = reply_tables_new();
    struct dns_message question = {
        .id = 7, .question = of("a.example.com"), .question_type = DNS_A, .num_questions = 1};
    struct dns_message response = question;
    response.is_response = true;
    response.question = of("A.example.COM");
    struct event asked = dns_event(1, &question);
    struct event answered = dns_event(2, &response);
    (void)reply_find(t, &asked);
    cr_expect_eq(reply_find(t, &answered).reply_to.frame, 1);
    response.question_type = DNS_AAAA;
    cr_expect_not(reply_find(t, &answered).reply_to.known);
    response.question_type = DNS_A;
    response.id = 8;
    cr_expect_not(reply_find(t, &answered).reply_to.known);
    reply_tables_free(t);
}

static char *page_of_event(const struct event *e, const struct messages_options *options)
{
    struct page_of p;
    page_begin(&p, options);
    page_take(&p, e);
    return page_finish(&p);
}

/* Goal: bytes of the wire move no cursor and break no line; JSON keeps them beside. */
Test(messages, hostile_names_are_escaped)
{
    struct krb_message krb = error_of("HTTP/\x1b[2J\n\xff");
    struct event e = krb_event(1, &kdc, &client, &krb);
    static const struct messages_options text = {.verbose = true};
    char *line = page_of_event(&e, &text);
    cr_expect_not_null(strstr(line, "HTTP/\\x1b[2J\\x0a\\xff"));
    cr_expect_null(strchr(line, 0x1b));
    free(line);
    json_t *list = page_objects(page_of_event(&e, &json_options));
    json_t *sname = json_object_get(json_array_get(list, 0), "sname");
    cr_expect_str_eq(json_string_value(json_object_get(sname, "name_raw")),
                     "485454502f1b5b324a0aff");
    json_decref(list);
}

/* Goal: a cut message has its line, and what was not read is not told as if it were. */
Test(messages, cut_messages_have_their_line)
{
    struct krb_message krb = request_of("HTTP/a", 0xfffffff0);
    krb.complete = false;
    struct event e = krb_event(1, &client, &kdc, &krb);
    json_t *list = page_objects(page_of_event(&e, &json_options));
    json_t *o = json_array_get(list, 0);
    cr_expect(json_is_false(json_object_get(o, "complete")));
    cr_expect(json_is_null(json_object_get(o, "kdc_options")));
    cr_expect_eq(json_integer_value(json_object_get(o, "nonce")), INT64_C(0xfffffff0));
    json_decref(list);
}

/* Goal: lines come in the order of frames, however late a connection tells its messages. Method:
 * events out of order while one waits; one connection's stay as they came; what comes when its
 * place has gone by is last. */
Test(messages, lines_in_the_order_of_frames)
{
    static const struct {
        uint32_t frame;
        uint64_t connection;
        bool is_waiting;
    } told[] = {{3, 0, false}, {20, 2, true}, {11, 0, true}, {9, 1, true},  {5, 1, true},
                {7, 0, true},  {10, 0, true}, {2, 3, true},  {15, 0, true}, {30, 0, false}};
    static const int wanted[] = {3, 7, 9, 5, 10, 11, 15, 20, 2, 30};
    struct krb_message krb = request_of("HTTP/a", 1);
    struct page_of p;
    page_begin(&p, &json_options);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        struct event e = krb_event(told[i].frame, &client, &kdc, &krb);
        e.connection = told[i].connection;
        p.is_waiting = told[i].is_waiting;
        page_take(&p, &e);
    }
    json_t *list = page_objects(page_finish(&p));
    cr_assert_eq(json_array_size(list), sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *o = json_array_get(list, i);
        cr_expect_eq(json_integer_value(json_object_get(o, "frame")), wanted[i], "line %zu", i);
    }
    json_decref(list);
}

/* Goal: what is kept is bounded, and nothing of it is lost. */
Test(messages, lines_kept_are_bounded)
{
    struct krb_message krb = request_of("HTTP/a", 1);
    struct page_of p;
    size_t num_lines = 0;
    page_begin(&p, &(struct messages_options){.json = false});
    p.is_waiting = true;
    for (uint32_t i = 1; i <= 2 * MESSAGE_ORDER_LINES_MAX; i++) {
        struct event e = krb_event(i, &client, &kdc, &krb);
        page_take(&p, &e);
    }
    fflush(p.stream);
    for (size_t i = 0; i < p.len; i++) {
        num_lines += p.text[i] == '\n';
    }
    cr_expect_eq(num_lines, MESSAGE_ORDER_LINES_MAX);
    char *text = page_finish(&p);
    for (num_lines = 0; *text != '\0'; text++) {
        num_lines += *text == '\n';
    }
    cr_expect_eq(num_lines, 2 * MESSAGE_ORDER_LINES_MAX);
    free(p.text);
}

/* Goal: each way of selecting lets through what it names and nothing else. */
Test(messages, selection)
{
    struct krb_message inner = {.type = KRB_AP_REQ, .complete = true, .pvno = 5};
    struct krb_message krb = request_of("HTTP/a", 1);
    krb.ap_req = &inner;
    struct event e = krb_event(1, &client, &kdc, &krb);
    static const struct {
        struct messages_selection selection;
        bool shown;
    } table[] = {
        {{.types = {"TGS-REQ"}, .num_types = 1}, true},
        {{.types = {"AP-REQ"}, .num_types = 1}, true}, /* nested in it */
        {{.types = {"AS-REQ", "KRB-ERROR"}, .num_types = 2}, false},
        {{.protocols = {"kerberos"}, .num_protocols = 1}, true},
        {{.protocols = {"http", "dns", "ntlm", "spnego"}, .num_protocols = 4}, false},
        {{.errors = {7}, .num_errors = 1}, false},
        {{.types = {"TGS-REQ"}, .num_types = 1, .protocols = {"dns"}, .num_protocols = 1}, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct messages_options options = {.selection = table[i].selection};
        char *line = page_of_event(&e, &options);
        cr_expect_eq(line[0] != '\0', table[i].shown, "selection %zu", i);
        free(line);
    }
    cr_expect_str_eq(messages_type_word(of("tgs-req")), "TGS-REQ");
    cr_expect_null(messages_type_word(of("tgs")));
    cr_expect_null(messages_protocol_word(of("smb")));
}

/* Goal: the AP-REQ stands in the TGS-REQ's PA-TGS-REQ, and in the request's token, nowhere else. */
Test(messages, nested_as_they_are_nested)
{
    struct recording r;
    cr_assert(recording_load_case(&r, "success"));
    krb_keep_sha256(true);
    json_t *list = page_objects(page_of_recording(&r, &json_options));
    krb_keep_sha256(false);
    const char *ticket = NULL;
    unsigned num_tied = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *o = json_array_get(list, i);
        const char *type = json_string_value(json_object_get(o, "type"));
        cr_expect_str_neq(type, "AP-REQ");
        if (strcmp(type, "TGS-REP") == 0) {
            ticket = json_string_value(json_object_get(json_object_get(o, "ticket"), "sha256"));
            cr_assert_eq(strlen(ticket), 64);
        }
        json_t *message = json_object_get(
            json_object_get(json_object_get(o, "authorization"), "token"), "message");
        if (message != NULL && ticket != NULL) {
            cr_expect_str_eq(json_string_value(json_object_get(message, "type")), "AP-REQ");
            json_t *carried = json_object_get(message, "ticket");
            const char *digest = json_string_value(json_object_get(carried, "sha256"));
            num_tied += strcmp(digest, ticket) == 0;
        }
    }
    cr_expect_gt(num_tied, 0, "no AP-REQ carries the ticket of the TGS-REP");
    json_decref(list);
    recording_free(&r);
}
