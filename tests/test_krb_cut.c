/* krb_decode() on messages that are cut short, corrupted or cramped, and krb_looks_like(). */
#include "krb5asn1/krb.h"
#include "krb5asn1/krb_cut.h"
#include "test_krb_vectors.h"

#include <criterion/criterion.h>

#define MESSAGES_MAX 64
#define HEADER_LEN 4 /* tag and length of a message of 256 bytes to 64 KiB */

static uint8_t storage[65536];
static struct bytes messages[MESSAGES_MAX];
static size_t num_messages;

static void load(void)
{
    num_messages = 0;
    for (size_t i = 0; i < NUM_RECORDED; i++) {
        messages[num_messages++] = vector(recorded[i]);
    }
    for (size_t i = 0; i < NUM_CRAFTED; i++) {
        messages[num_messages++] = battery_hex(crafted[i]);
    }
    cr_assert_leq(num_messages, MESSAGES_MAX);
}

TestSuite(krb_cut, .init = load);

static struct krb_message message;
static struct flaw flaw;
static size_t used;

static enum verdict decode_sized(struct bytes input, size_t arena_len)
{
    static struct arena arena;
    arena_init(&arena, storage, arena_len);
    flaw = (struct flaw){0};
    return krb_decode(input, &arena, &message, &used, &flaw);
}

static enum verdict decode(struct bytes input)
{
    return decode_sized(input, sizeof storage);
}

static struct bytes prefix(struct bytes b, size_t len)
{
    return bytes_part(b, 0, len);
}

static void is(struct bytes b, const char *text)
{
    cr_assert(bytes_is(b, text), "%.*s is not %s", (int)b.len, (const char *)b.at, text);
}

/* Each copy ends at a page that nobody may read. */
Test(krb_cut, every_prefix_asks_for_more)
{
    for (size_t i = 0; i < num_messages; i++) {
        for (size_t len = 0; len < messages[i].len; len++) {
            struct guarded g = guarded_copy(prefix(messages[i], len));
            cr_assert_eq(decode(g.bytes), VERDICT_MORE, "message %zu at %zu: %s", i, len, flaw.why);
            cr_assert_not(message.complete);
            cr_assert_eq(used,
                         len < (messages[i].at[1] < 0x80    ? 2u
                                : messages[i].at[1] == 0x81 ? 3u
                                                            : 4u)
                             ? 0
                             : messages[i].len,
                         "message %zu at %zu: %zu", i, len, used);
            guarded_free(&g);
        }
    }
}

Test(krb_cut, bytes_behind_the_message_are_not_of_it)
{
    for (size_t i = 0; i < num_messages; i++) {
        uint8_t longer[VECTOR_LEN_MAX + 3];
        memset(longer, 0x30, sizeof longer);
        memcpy(longer, messages[i].at, messages[i].len);
        struct bytes input = {.at = longer, .len = messages[i].len + 3};
        cr_assert_eq(decode(input), VERDICT_DONE);
        cr_assert_eq(used, messages[i].len);
    }
}

Test(krb_cut, one_byte_corruption_breaks_nothing)
{
    static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xFF};
    for (size_t i = 0; i < num_messages; i++) {
        struct guarded g = guarded_copy(messages[i]);
        for (size_t at = 0; at < g.bytes.len; at++) {
            for (size_t k = 0; k < sizeof flips; k++) {
                g.at[at] ^= flips[k];
                enum verdict verdict = decode(g.bytes);
                cr_assert_eq(verdict == VERDICT_DONE, message.complete && used <= g.bytes.len);
                cr_assert(verdict != VERDICT_BAD || flaw.why != NULL);
                cr_assert_leq(message.num_padata, KRB_PADATA_MAX);
                g.at[at] ^= flips[k];
            }
        }
        guarded_free(&g);
    }
}

Test(krb_cut, an_arena_too_small_is_said)
{
    for (size_t i = 0; i < num_messages; i++) {
        size_t room = 0;
        while (room < sizeof storage && decode_sized(messages[i], room) != VERDICT_DONE) {
            cr_assert_str_eq(flaw.why, "no room for the decoded message");
            room += 8;
        }
        cr_assert_lt(room, 8192, "message %zu", i);
    }
}

static bool names_equal(const struct krb_name *a, const struct krb_name *b)
{
    return a->present == b->present && a->type == b->type && a->num_parts == b->num_parts &&
           bytes_equal(a->text, b->text);
}

static bool encs_equal(const struct krb_enc *a, const struct krb_enc *b)
{
    return a->present == b->present && a->etype == b->etype && a->has_kvno == b->has_kvno &&
           a->kvno == b->kvno && a->cipher_len == b->cipher_len;
}

static bool times_equal(const struct krb_time *a, const struct krb_time *b)
{
    return a->present == b->present && a->seconds == b->seconds && a->usec == b->usec;
}

/* The walk over a cut message reads a whole one as libasn1 does. */
Test(krb_cut, the_walk_agrees_with_libasn1)
{
    static uint8_t walk_storage[65536];
    for (size_t i = 0; i < num_messages; i++) {
        cr_assert_eq(decode(messages[i]), VERDICT_DONE);
        /* the content of the SEQUENCE in the application tag */
        size_t header = messages[i].at[1] < 0x80 ? 2 : 2 + (messages[i].at[1] & 0x7Fu);
        size_t inner =
            messages[i].at[header + 1] < 0x80 ? 2 : 2 + (messages[i].at[header + 1] & 0x7Fu);
        struct bytes fields = bytes_part(messages[i], header + inner, messages[i].len);
        struct krb_message walked = {.type = message.type};
        struct krb_nested nested;
        struct arena arena;
        arena_init(&arena, walk_storage, sizeof walk_storage);
        krb_cut_read(&arena, &walked, &nested, fields);
        cr_assert_eq(walked.pvno, 5);
        cr_assert_eq(walked.kdc_options, message.kdc_options);
        cr_assert(times_equal(&walked.from, &message.from));
        cr_assert(times_equal(&walked.till, &message.till));
        cr_assert(times_equal(&walked.rtime, &message.rtime));
        cr_assert(times_equal(&walked.ctime, &message.ctime));
        cr_assert(times_equal(&walked.stime, &message.stime));
        cr_assert_eq(walked.has_nonce, message.has_nonce);
        cr_assert_eq(walked.nonce, message.nonce);
        cr_assert_eq(walked.num_etypes, message.num_etypes);
        cr_assert_eq(memcmp(walked.etypes, message.etypes, sizeof message.etypes), 0);
        cr_assert_eq(walked.num_addresses, message.num_addresses);
        cr_assert_eq(memcmp(walked.addresses, message.addresses, sizeof message.addresses), 0);
        cr_assert(bytes_equal(walked.netbios_address, message.netbios_address));
        cr_assert_eq(walked.num_additional_tickets, message.num_additional_tickets);
        cr_assert(names_equal(&walked.cname, &message.cname));
        cr_assert(names_equal(&walked.sname, &message.sname));
        cr_assert(bytes_equal(walked.crealm, message.crealm));
        cr_assert(bytes_equal(walked.realm, message.realm));
        cr_assert_eq(walked.num_padata, message.num_padata);
        for (size_t k = 0; k < walked.num_padata; k++) {
            cr_assert_eq(walked.padata[k].type, message.padata[k].type);
            cr_assert_eq(walked.padata[k].value_len, message.padata[k].value_len);
        }
        cr_assert_eq(walked.ticket.present, message.ticket.present);
        cr_assert(names_equal(&walked.ticket.sname, &message.ticket.sname));
        cr_assert(encs_equal(&walked.ticket.enc, &message.ticket.enc));
        cr_assert(hash128_equal(walked.ticket.hash, message.ticket.hash));
        cr_assert(encs_equal(&walked.enc_part, &message.enc_part));
        cr_assert_eq(walked.ap_options, message.ap_options);
        cr_assert_eq(walked.error_code, message.error_code);
        cr_assert_eq(walked.has_etext, message.has_etext);
        cr_assert(bytes_equal(walked.etext, message.etext));
        cr_assert_eq(walked.edata, message.edata);
        cr_assert_eq(walked.has_ntstatus, message.has_ntstatus);
        cr_assert_eq(walked.ntstatus, message.ntstatus);
        cr_assert_eq(nested.tgs_req.len > 0, message.ap_req != NULL);
        cr_assert_eq(nested.armor.len > 0, message.armor != NULL);
    }
}

/* A capture that keeps 96 or 256 bytes of a frame loses the ciphertext, not the names. */
Test(krb_cut, a_cut_reply_still_names_client_and_service)
{
    struct bytes rep = vector("tgs-rep");
    cr_assert_eq(decode(prefix(rep, 400)), VERDICT_MORE);
    cr_assert_eq(used, rep.len);
    is(message.crealm, "CORP.TEST");
    is(message.cname.text, "CLIENT1$");
    cr_assert(message.ticket.present);
    is(message.ticket.realm, "CORP.TEST");
    is(message.ticket.sname.text, "HTTP/mp01.corp.test");
    cr_assert_eq(message.ticket.enc.etype, 18);
    cr_assert_eq(message.ticket.enc.kvno, 2);
    cr_assert_eq(message.ticket.enc.cipher_len, 1046); /* its header came through */
    cr_assert(hash128_equal(message.ticket.hash, (struct hash128){0}));
    cr_assert_not(message.enc_part.present);
    cr_assert_eq(message.num_padata, 1);
}

Test(krb_cut, a_cut_request_still_names_its_ticket)
{
    struct bytes req = vector("tgs-req");
    cr_assert_eq(decode(prefix(req, 200)), VERDICT_MORE);
    cr_assert_not(message.sname.present);
    cr_assert_eq(message.num_padata, 0);
    cr_assert_not_null(message.ap_req);
    cr_assert_not(message.ap_req->complete);
    is(message.ap_req->ticket.sname.text, "krbtgt/CORP.TEST");
    /* all but the end of the body: the service, and the ticket's hash, are there */
    cr_assert_eq(decode(prefix(req, req.len - 50)), VERDICT_MORE);
    is(message.sname.text, "HTTP/mp01.corp.test");
    cr_assert(message.ap_req->complete);
    cr_assert_not(hash128_equal(message.ap_req->ticket.hash, (struct hash128){0}));
}

Test(krb_cut, a_cut_error_still_tells_its_code)
{
    struct bytes error = vector("krb-error-client-disabled");
    cr_assert_eq(decode(prefix(error, 80)), VERDICT_MORE);
    cr_assert_eq(message.error_code, 18);
    cr_assert_eq(message.stime.usec, 426165);
    is(message.crealm, "CORP.TEST");
    cr_assert_not(message.has_ntstatus);
    cr_assert_eq(decode(prefix(error, error.len - 1)), VERDICT_MORE);
    cr_assert_eq(message.edata, KRB_EDATA_OTHER);
}

static void is_bad(const char *hex, size_t at, const char *why)
{
    cr_assert_eq(decode(battery_hex(hex)), VERDICT_BAD, "%s", hex);
    cr_assert_str_eq(flaw.why, why);
    cr_assert_eq(flaw.at, at, "%zu", flaw.at);
}

Test(krb_cut, what_is_no_message_is_refused_where_it_goes_wrong)
{
    is_bad("30", 0, "no application tag of a Kerberos message");
    is_bad("61 0a 30 08 a0 03 02 01 05 00 00 00", 0, "no application tag of a Kerberos message");
    is_bad("7f 6a 0a", 0, "no application tag of a Kerberos message");
    is_bad("6a 80 30 80 a1 03 02 01 05", 1, "no definite length that a Kerberos message has");
    is_bad("6a 85 00 00 00 00 10", 1, "no definite length that a Kerberos message has");
    is_bad("6a 02 30 00", 1, "no definite length that a Kerberos message has");
    is_bad("6a 0c 31 0a", 2, "no SEQUENCE that fills the message");
    is_bad("6a 0c 30 09", 2, "no SEQUENCE that fills the message");
    is_bad("6a 0c 30 0a a1 03 02 01 05 a2 03 02 01 0c", 11,
           "msg-type is not that of the application tag");
    is_bad("6a 0c 30 0a a1 03 02 01 05 a2 03 02 01 0a", 2, "not the DER of its message type");
}

Test(krb_cut, looks_like_knows_every_message)
{
    for (size_t i = 0; i < num_messages; i++) {
        for (size_t len = 0; len <= messages[i].len; len++) {
            struct guarded g = guarded_copy(prefix(messages[i], len));
            size_t whole = 0;
            cr_assert_eq(krb_looks_like(g.bytes, &whole), len >= 16, "message %zu at %zu", i, len);
            cr_assert_eq(whole, len >= 16 ? messages[i].len : 0);
            guarded_free(&g);
        }
    }
}

/* Each of the first 16 bytes counts: any other value there is another protocol, save in the two
 * lengths, which must stay in step. */
Test(krb_cut, looks_like_is_hard_to_please)
{
    uint8_t head[32];
    size_t whole;
    struct bytes input = {.at = head, .len = sizeof head};
    struct bytes req = vector("tgs-req");
    for (size_t at = 0; at < 18; at++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(head, req.at, sizeof head);
            if (head[at] != value) {
                head[at] = (uint8_t)value;
                cr_assert_not(krb_looks_like(input, &whole), "byte %zu = %02x", at, value);
            }
        }
    }
}
