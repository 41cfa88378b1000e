/* The framer of Kerberos on TCP: a real AS-REQ in every split, with gaps, wrong lengths and without
 * buffers; and password change messages. */
#include "battery.h"
#include "decode/krb_transport.h"

#include <criterion/criterion.h>

/* A record as a lab client sent it: 182 bytes of AS-REQ behind the length. */
static const char record_hex[] =
    "000000b6"
    "6a81b33081b0a103020105a20302010aa31a3018300aa10402020096a2020400300aa10402020095a2020400"
    "a48187308184a00703050000000010a1153013a003020101a10c300a1b08434c49454e543124a20b1b09434f52502e"
    "54455354a31e301ca003020102a11530131b066b72627467741b09434f52502e54455354a511180f32303236313132"
    "33"
    "3131333735395aa7060204163392aba81a301802011202011102011702011402011302011002011902011a";
#define RECORD_BYTES 186

/* The heads of an AP-REQ of 30 bytes and of a KRB-PRIV of 20, as far as framing looks. */
#define AP_REQ_30                                                                                  \
    "6e1c301aa003020105a10302010e"                                                                 \
    "00000000000000000000000000000000"
#define KRB_PRIV_20                                                                                \
    "75123010a003020105a103020115"                                                                 \
    "000000000000"
#define KRB_ERROR_20                                                                               \
    "7e123010a003020105a10302011e"                                                                 \
    "000000000000"
static const char change_hex[] = "0038 0001 001e" AP_REQ_30 KRB_PRIV_20;
static const char change_record_hex[] = "00000038 0038 ff80 001e" AP_REQ_30 KRB_PRIV_20;
static const char change_error_hex[] = "001a 0001 0000" KRB_ERROR_20;

static uint8_t lent[4096];

/* What came out of a framer, added up. */
struct sum {
    size_t messages;
    size_t buffers;
    size_t lost;
    size_t bytes;
    bool all_as_sent;
    struct flaw flaw;
};

/* Drives the framer as its header shows. */
static void feed(struct krb_transport *t, struct sum *sum, struct bytes piece, bool at_start,
                 size_t buffer_size)
{
    struct bytes message;
    enum krb_transport_step step;
    static struct bytes sent;
    if (sent.len == 0) {
        sent = bytes_part(battery_hex(record_hex), 4, RECORD_BYTES);
    }
    krb_transport_push(t, piece, at_start);
    while ((step = krb_transport_next(t, &message, &sum->flaw)) != KRB_TRANSPORT_MORE) {
        if (step == KRB_TRANSPORT_MESSAGE) {
            sum->all_as_sent =
                (sum->messages == 0 || sum->all_as_sent) && bytes_equal(message, sent);
            sum->messages++;
            sum->bytes += message.len;
        } else if (step == KRB_TRANSPORT_BUFFER) {
            sum->buffers++;
            cr_assert_gt(krb_transport_need(t), 0);
            krb_transport_lend(t, lent, buffer_size);
        } else {
            sum->lost++;
        }
    }
    cr_assert_eq(t->input.len, 0);
}

static struct bytes join(struct bytes a, struct bytes b)
{
    static uint8_t joined[8192];
    cr_assert_leq(a.len + b.len, sizeof joined);
    memmove(joined, a.at, a.len);
    memcpy(joined + a.len, b.at, b.len);
    return (struct bytes){.at = joined, .len = a.len + b.len};
}

Test(krb_transport, records_in_one_piece_need_no_buffer)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes one = battery_hex(record_hex);
    cr_assert_eq(one.len, RECORD_BYTES);
    struct guarded g = guarded_copy(join(join(one, one), one));
    krb_transport_init(&t, true);
    feed(&t, &sum, g.bytes, true, 0);
    cr_assert_eq(sum.messages, 3);
    cr_assert(sum.all_as_sent);
    cr_assert_eq(sum.buffers, 0);
    cr_assert_eq(sum.lost, 0);
    cr_assert_eq(t.messages, 3);
    cr_assert_eq(t.lost_bytes, 0);
    guarded_free(&g);
}

Test(krb_transport, every_split_in_three)
{
    struct bytes one = battery_hex(record_hex);
    struct bytes two = join(one, one);
    for (size_t a = 0; a <= two.len; a++) {
        for (size_t b = a; b <= two.len; b += 7) {
            struct krb_transport t;
            struct sum sum = {0};
            krb_transport_init(&t, true);
            feed(&t, &sum, bytes_part(two, 0, a), true, sizeof lent);
            feed(&t, &sum, bytes_part(two, a, b - a), true, sizeof lent);
            feed(&t, &sum, bytes_part(two, b, two.len), true, sizeof lent);
            cr_assert_eq(sum.messages, 2, "split at %zu and %zu", a, b);
            cr_assert(sum.all_as_sent);
            cr_assert_eq(sum.lost, 0);
            cr_assert_leq(sum.buffers, 1, "the buffer stays lent");
            cr_assert_not(krb_transport_holds_buffer(&t));
        }
    }
}

Test(krb_transport, one_byte_at_a_time)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes one = battery_hex(record_hex);
    krb_transport_init(&t, true);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < one.len; i++) {
            struct guarded g = guarded_copy(bytes_part(one, i, 1));
            feed(&t, &sum, g.bytes, i == 0, sizeof lent);
            guarded_free(&g);
        }
        cr_assert_eq(sum.messages, round + 1);
    }
    cr_assert(sum.all_as_sent);
    cr_assert_eq(krb_transport_take_back(&t), lent);
    cr_assert_null(krb_transport_take_back(&t));
}

/* Heimdal writes the length by itself: the message is then still a slice of its segment. */
Test(krb_transport, length_alone_in_a_segment)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes one = battery_hex(record_hex);
    krb_transport_init(&t, false);
    feed(&t, &sum, bytes_part(one, 0, 4), true, 0);
    feed(&t, &sum, bytes_part(one, 4, one.len), true, 0);
    cr_assert_eq(sum.messages, 1);
    cr_assert_eq(sum.buffers, 0);
    cr_assert_eq(sum.lost, 0);
}

Test(krb_transport, no_buffer_loses_one_message_and_keeps_the_framing)
{
    static const size_t sizes[] = {0, 181};
    struct bytes one = battery_hex(record_hex);
    struct bytes two = join(one, one);
    for (size_t i = 0; i < 2; i++) {
        struct krb_transport t;
        struct sum sum = {0};
        krb_transport_init(&t, true);
        feed(&t, &sum, bytes_part(two, 0, 60), true, sizes[i]);
        feed(&t, &sum, bytes_part(two, 60, two.len), false, sizes[i]);
        cr_assert_eq(sum.buffers, 1);
        cr_assert_eq(sum.messages, 1);
        cr_assert(sum.all_as_sent);
        cr_assert_eq(t.lost_bytes, 182);
    }
}

Test(krb_transport, buffer_taken_back_in_the_middle)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes one = battery_hex(record_hex);
    krb_transport_init(&t, true);
    feed(&t, &sum, bytes_part(one, 0, 60), true, sizeof lent);
    cr_assert(krb_transport_holds_buffer(&t));
    cr_assert_eq(krb_transport_take_back(&t), lent);
    feed(&t, &sum, bytes_part(one, 60, one.len), false, sizeof lent);
    feed(&t, &sum, one, true, sizeof lent);
    cr_assert_eq(sum.messages, 1);
    cr_assert_eq(sum.lost, 0);
}

/* The gap lies inside the message: its beginning is handed out, the next record is found. */
Test(krb_transport, gap_inside_a_message)
{
    struct bytes one = battery_hex(record_hex);
    for (size_t gap = 1; gap <= one.len - 100; gap++) {
        struct krb_transport t;
        struct sum sum = {0};
        struct bytes part;
        krb_transport_init(&t, true);
        feed(&t, &sum, bytes_part(one, 0, 100), true, sizeof lent);
        krb_transport_gap(&t, gap, &part);
        cr_assert(bytes_equal(part, bytes_part(one, 4, 96)));
        feed(&t, &sum, bytes_part(one, 100 + gap, one.len), false, sizeof lent);
        feed(&t, &sum, one, false, sizeof lent);
        cr_assert_eq(sum.messages, 1, "gap of %zu", gap);
        cr_assert_eq(sum.lost, 0);
    }
}

Test(krb_transport, gap_beyond_a_message_resyncs_at_a_segment_start)
{
    static const uint64_t gaps[] = {0, 87, 100000};
    struct bytes one = battery_hex(record_hex);
    for (size_t i = 0; i < 3; i++) {
        struct krb_transport t;
        struct sum sum = {0};
        struct bytes part;
        krb_transport_init(&t, true);
        feed(&t, &sum, bytes_part(one, 0, 100), true, sizeof lent);
        krb_transport_gap(&t, gaps[i], &part);
        cr_assert_eq(part.len, 96);
        feed(&t, &sum, one, false, sizeof lent); /* right bytes, but no segment start */
        cr_assert_eq(sum.messages, 0);
        feed(&t, &sum, bytes_part(one, 30, one.len), true, sizeof lent);
        cr_assert_eq(sum.messages, 0);
        feed(&t, &sum, one, true, sizeof lent);
        cr_assert_eq(sum.messages, 1);
        cr_assert_eq(sum.lost, 0, "the gap was told, nothing new is");
    }
}

Test(krb_transport, gap_between_records_gives_no_part)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes part;
    struct bytes one = battery_hex(record_hex);
    krb_transport_init(&t, true);
    feed(&t, &sum, one, true, sizeof lent);
    krb_transport_gap(&t, 50, &part);
    cr_assert_eq(part.len, 0);
    feed(&t, &sum, one, true, sizeof lent);
    cr_assert_eq(sum.messages, 2);
}

Test(krb_transport, stream_from_the_middle)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes one = battery_hex(record_hex);
    krb_transport_init(&t, false);
    feed(&t, &sum, bytes_part(one, 50, one.len), true, sizeof lent);
    feed(&t, &sum, bytes_part(one, 50, 5), true, sizeof lent);
    feed(&t, &sum, one, true, sizeof lent);
    cr_assert_eq(sum.messages, 1);
    cr_assert(sum.all_as_sent);
}

struct bad_case {
    const char *hex;
    size_t at;
    const char *why;
};

static const struct bad_case bad_cases[] = {
    {"800000b6 6a81b330", 0, "record length is out of range"},
    {"00000000 6a81b330", 0, "record length is out of range"},
    {"00040001 6a81b330", 0, "record length is out of range"},
    {"47455420 2f204854", 0, "record length is out of range"},
    {"000000b7 6a81b33081b0a103020105a20302010aa31a3018300aa10402020096", 4,
     "no Kerberos message of the record's length"},
    {"00000020 00000000000000000000000000000000000000000000000000000000", 4,
     "no Kerberos message of the record's length"},
};

Test(krb_transport, broken_framing_is_told_once)
{
    struct bytes one = battery_hex(record_hex);
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        struct krb_transport t;
        struct sum sum = {0};
        size_t len = 0;
        struct bytes bad = battery_hex(bad_cases[i].hex);
        krb_transport_init(&t, true);
        cr_assert_not(krb_transport_looks_like(bad, &len));
        feed(&t, &sum, bad, true, sizeof lent);
        feed(&t, &sum, bad, true, sizeof lent);
        cr_assert_eq(sum.lost, 1, "%s", bad_cases[i].hex);
        cr_assert_str_eq(sum.flaw.why, bad_cases[i].why);
        cr_assert_eq(sum.flaw.at, bad_cases[i].at);
        cr_assert_eq(t.lost_bytes, 2 * bad.len);
        feed(&t, &sum, one, true, sizeof lent);
        cr_assert_eq(sum.messages, 1);
        cr_assert_eq(sum.lost, 1);
    }
}

/* Any byte wrong, in pieces of any size: no byte is read that is not there, none is counted twice.
 */
Test(krb_transport, corrupt_bytes_in_pieces)
{
    struct bytes one = battery_hex(record_hex);
    struct guarded g = guarded_copy(join(one, one));
    for (size_t at = 0; at < 40; at++) {
        for (size_t size = 1; size < 200; size += 13) {
            struct krb_transport t;
            struct sum sum = {0};
            struct bytes part;
            g.at[at] ^= 0x41;
            krb_transport_init(&t, true);
            for (size_t from = 0; from < g.bytes.len; from += size) {
                feed(&t, &sum, bytes_part(g.bytes, from, size), true, sizeof lent);
            }
            krb_transport_gap(&t, 0, &part);
            cr_assert_leq(sum.messages, 2);
            cr_assert_leq(sum.bytes + t.lost_bytes, g.bytes.len);
            g.at[at] ^= 0x41;
        }
    }
    guarded_free(&g);
}

Test(krb_transport, looks_like_a_record)
{
    struct bytes one = battery_hex(record_hex);
    for (size_t len = 0; len <= one.len; len++) {
        size_t message_len = 99;
        struct guarded g = guarded_copy(bytes_part(one, 0, len));
        bool seen = krb_transport_looks_like(g.bytes, &message_len);
        cr_assert(seen || len < 20, "20 bytes suffice, not %zu", len);
        cr_assert_eq(message_len, seen ? 182 : 0);
        guarded_free(&g);
    }
    size_t message_len = 0;
    cr_assert(krb_transport_looks_like(battery_hex(change_record_hex), &message_len));
    cr_assert_eq(message_len, 56);
    cr_assert_not(
        krb_transport_looks_like(bytes_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &message_len));
    cr_assert_not(krb_transport_looks_like(bytes_part(one, 4, one.len), &message_len));
}

Test(krb_transport, password_change_is_a_record_too)
{
    struct krb_transport t;
    struct sum sum = {0};
    struct bytes record = battery_hex(change_record_hex);
    for (size_t at = 0; at <= record.len; at++) {
        sum = (struct sum){0};
        krb_transport_init(&t, true);
        feed(&t, &sum, bytes_part(record, 0, at), true, sizeof lent);
        feed(&t, &sum, bytes_part(record, at, record.len), true, sizeof lent);
        cr_assert_eq(sum.messages, 1, "split at %zu", at);
        cr_assert_eq(sum.bytes, 56);
    }
}

Test(kpasswd, splits_a_message)
{
    struct kpasswd_message m;
    struct flaw flaw = {0};
    size_t used = 0;
    struct bytes whole = battery_hex(change_hex);
    cr_assert_eq(kpasswd_decode(whole, &m, &used, &flaw), VERDICT_DONE);
    cr_assert_eq(used, 56);
    cr_assert_eq(m.version, 1);
    cr_assert(bytes_equal(m.ap, bytes_part(whole, 6, 30)));
    cr_assert(bytes_equal(m.second, bytes_part(whole, 36, 20)));
    for (size_t len = 0; len < whole.len; len++) {
        struct guarded g = guarded_copy(bytes_part(whole, 0, len));
        cr_assert_eq(kpasswd_decode(g.bytes, &m, &used, &flaw), VERDICT_MORE, "%zu bytes", len);
        cr_assert_leq(m.ap.len + m.second.len, len);
        guarded_free(&g);
    }
    cr_assert_eq(kpasswd_decode(battery_hex(change_error_hex), &m, &used, &flaw), VERDICT_DONE);
    cr_assert_eq(m.ap.len, 0);
    cr_assert_eq(m.second.len, 20);
}

static const struct bad_case bad_changes[] = {
    {"0004 0001 0000", 0, "message length leaves no room for a message"},
    {"0038 0002 001e" AP_REQ_30, 2, "unknown protocol version"},
    {"0038 0001 0033" AP_REQ_30, 4, "AP-REQ length runs past the message"},
    {"0038 0001 001d" AP_REQ_30, 6, "no Kerberos message inside"},
    {"0038 0001 001e" KRB_PRIV_20, 6, "no Kerberos message inside"},
    {"0038 0001 001e" AP_REQ_30 "42", 36, "no KRB-PRIV behind the AP-REQ"},
    {"001a 0001 0000" KRB_PRIV_20, 6, "no Kerberos message inside"},
};

Test(kpasswd, bad_messages_say_where)
{
    for (size_t i = 0; i < sizeof bad_changes / sizeof bad_changes[0]; i++) {
        struct kpasswd_message m;
        struct flaw flaw = {0};
        size_t used = 0;
        cr_assert_eq(kpasswd_decode(battery_hex(bad_changes[i].hex), &m, &used, &flaw), VERDICT_BAD,
                     "%s", bad_changes[i].hex);
        cr_assert_str_eq(flaw.why, bad_changes[i].why);
        cr_assert_eq(flaw.at, bad_changes[i].at);
    }
}
