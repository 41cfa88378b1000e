/* Goal: where a token lies in a PDU of each carrier, and that no bytes lead astray. Method: PDUs
 * made by hand, whole, cut at every byte, with every byte changed, before a page that nobody may
 * read. */
#include "carrier_vectors.h"

#include <criterion/criterion.h>

static uint8_t storage[524288];

struct outcome {
    enum verdict verdict;
    struct carrier_message m;
    size_t used;
};

static struct outcome decode_in(enum carrier_kind kind, struct bytes pdu, size_t room)
{
    static struct arena arena;
    struct outcome o = {0};
    struct flaw flaw = {0};
    arena_init(&arena, storage, room);
    o.verdict = carrier_decode(kind, pdu, &arena, &o.m, &o.used, &flaw);
    cr_assert(o.verdict != VERDICT_DONE || o.used <= pdu.len);
    cr_assert(o.verdict != VERDICT_BAD || flaw.why != NULL);
    return o;
}

static struct outcome decode(enum carrier_kind kind, struct bytes pdu)
{
    return decode_in(kind, pdu, sizeof storage);
}

static struct bytes token_of(bool is_response)
{
    return battery_hex(is_response ? SERVER_TOKEN : CLIENT_TOKEN);
}

Test(carrier, every_pdu_gives_its_token)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        const struct carrier_vector *v = &carrier_vectors[i];
        struct bytes pdu = battery_hex(v->hex);
        struct outcome o = decode(v->kind, pdu);
        cr_assert_eq(o.verdict, VERDICT_DONE, "vector %zu", i);
        cr_assert_eq(o.used, pdu.len, "vector %zu", i);
        cr_assert_eq(o.m.num, 1, "vector %zu", i);
        const struct carrier_token *t = &o.m.at[0];
        cr_assert_eq(t->pdu, v->pdu, "vector %zu", i);
        cr_assert(bytes_equal(t->token, token_of(v->is_response)), "vector %zu", i);
        cr_assert(t->complete);
        cr_assert_eq(t->has_id, v->has_id, "vector %zu", i);
        cr_assert_eq(t->id, v->id, "vector %zu", i);
        if (v->kind < CARRIER_KIND_NNS) { /* the others tell it by who speaks */
            cr_assert_eq(t->is_response, v->is_response, "vector %zu", i);
        }
    }
}

Test(carrier, is_found_by_its_first_bytes)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        struct bytes pdu = battery_hex(carrier_vectors[i].hex);
        enum carrier_kind kind = carrier_of(bytes_part(pdu, 0, CARRIER_HEAD_BYTES));
        bool is_short = carrier_vectors[i].kind == CARRIER_KIND_GSS_LENGTH ||
                        carrier_vectors[i].kind == CARRIER_KIND_NNS;
        cr_assert(kind == carrier_vectors[i].kind || (is_short && carrier_vectors[i].is_response),
                  "vector %zu is %d", i, kind);
        cr_assert(carrier_may_begin(pdu.at[0]));
        cr_assert_eq(carrier_of(bytes_part(pdu, 1, pdu.len)), CARRIER_KIND_NONE, "vector %zu", i);
    }
    cr_assert_eq(carrier_of((struct bytes){0}), CARRIER_KIND_NONE);
}

/* The framing asks for no byte behind the PDU and never says less than it said before. */
Test(carrier, every_prefix)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        const struct carrier_vector *v = &carrier_vectors[i];
        struct bytes pdu = battery_hex(v->hex);
        size_t known = 0;
        for (size_t len = 0; len < pdu.len; len++) {
            struct guarded g = guarded_copy(bytes_part(pdu, 0, len));
            struct carrier_frame frame;
            enum verdict framing = carrier_frame(v->kind, g.bytes, &frame);
            struct outcome o = decode(v->kind, g.bytes);
            cr_assert_neq(framing, VERDICT_BAD, "vector %zu, %zu bytes", i, len);
            cr_assert(framing == VERDICT_DONE || len < CARRIER_HEAD_BYTES);
            cr_assert(framing != VERDICT_DONE || (frame.len >= known && frame.len <= pdu.len &&
                                                  frame.len > len && frame.is_wanted),
                      "vector %zu, %zu bytes", i, len);
            known = framing == VERDICT_DONE ? frame.len : known;
            cr_assert_eq(o.verdict, VERDICT_MORE, "vector %zu, %zu bytes", i, len);
            for (size_t t = 0; t < o.m.num; t++) {
                cr_assert_not(o.m.at[t].complete, "vector %zu, %zu bytes", i, len);
            }
            guarded_free(&g);
        }
    }
}

Test(carrier, every_byte_changed)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0x84, 0xfe, 0xff};
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        struct bytes pdu = battery_hex(carrier_vectors[i].hex);
        struct guarded g = guarded_copy(pdu);
        for (size_t at = 0; at < pdu.len; at++) {
            for (size_t n = 0; n < sizeof values; n++) {
                g.at[at] = values[n];
                struct outcome o = decode(carrier_vectors[i].kind, g.bytes);
                for (size_t t = 0; t < o.m.num; t++) { /* each byte can be read */
                    struct bytes token = o.m.at[t].token;
                    volatile uint8_t last = token.at[token.len - 1];
                    (void)last;
                }
                (void)carrier_of(g.bytes);
            }
            g.at[at] = pdu.at[at];
        }
        guarded_free(&g);
    }
}

Test(carrier, bytes_behind_a_pdu_are_not_its_own)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        const struct carrier_vector *v = &carrier_vectors[i];
        struct bytes pdu = battery_hex(v->hex);
        uint8_t twice[1024];
        memcpy(twice, pdu.at, pdu.len);
        memcpy(twice + pdu.len, pdu.at, pdu.len);
        struct outcome o = decode(v->kind, (struct bytes){.at = twice, .len = 2 * pdu.len});
        cr_assert_eq(o.verdict, VERDICT_DONE);
        cr_assert_eq(o.used, pdu.len, "vector %zu", i);
        cr_assert_eq(o.m.num, 1);
    }
}

/* Goal: with no room to join the packets of a message, the first is read as far as it goes. */
Test(carrier, no_room_to_join)
{
    struct outcome o = decode_in(CARRIER_KIND_TDS, battery_hex(carrier_vectors[8].hex), 0);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.num, 1);
    cr_assert_not(o.m.at[0].complete);
    cr_assert_eq(o.m.at[0].token.len, 2);
}

/* Goal: a bind in a pipe of SMB2 is DCE/RPC's. Method: a WRITE of the bind above. */
Test(carrier, a_bind_in_a_pipe)
{
    struct bytes bind = battery_hex(carrier_vectors[6].hex);
    struct bytes head = battery_hex("0000010a" SMB2_HEAD(
        "00000000", "0900", "00000000", "0700000000000000") "3100 7000 9a000000" ZEROS_8 ZEROS_16
                                                            "00000000 00000000 0000 0000 00000000");
    uint8_t pdu[512];
    memcpy(pdu, head.at, head.len);
    memcpy(pdu + head.len, bind.at, bind.len);
    cr_assert_eq(head.len, 4 + 112);
    struct bytes whole = {.at = pdu, .len = head.len + bind.len};
    struct outcome o = decode(CARRIER_KIND_SMB, whole);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.num, 1);
    cr_assert_eq(o.m.at[0].pdu, CARRIER_PDU_RPC_BIND);
    cr_assert_eq(o.m.at[0].id, 0x100000002);
}

/* Goal: lengths that cannot be are no PDUs, and what is long is passed over, not gathered. */
Test(carrier, lengths)
{
    struct carrier_frame f;
    struct bytes big = battery_hex("00ffffff" SMB2_HEAD("00000000", "0100", "00000000", ZEROS_8));
    cr_assert_eq(carrier_frame(CARRIER_KIND_SMB, big, &f), VERDICT_DONE);
    cr_assert_eq(f.len, 0xffffff + 4);
    cr_assert_not(f.is_wanted);
    struct bytes search = battery_hex("3084000000100201016384 00000007" ZEROS_16 ZEROS_8);
    cr_assert_eq(carrier_frame(CARRIER_KIND_LDAP, search, &f), VERDICT_DONE);
    cr_assert_eq(f.len, 22);
    cr_assert_not(f.is_wanted);
    cr_assert_eq(carrier_of(search), CARRIER_KIND_LDAP);
    struct bytes wrapped = battery_hex("00000040" ZEROS_16 ZEROS_16);
    cr_assert_eq(carrier_frame(CARRIER_KIND_LDAP, wrapped, &f), VERDICT_DONE);
    cr_assert_eq(f.len, 0x44);
    cr_assert_eq(carrier_frame(CARRIER_KIND_LDAP, battery_hex("3080020101600000" ZEROS_16), &f),
                 VERDICT_BAD);
    cr_assert_eq(carrier_frame(CARRIER_KIND_RPC, battery_hex("05000b03100000000f00" ZEROS_8), &f),
                 VERDICT_BAD);
    cr_assert_eq(carrier_frame(CARRIER_KIND_TDS, battery_hex("10000007000000 00" ZEROS_8), &f),
                 VERDICT_BAD);
    cr_assert_eq(carrier_frame(CARRIER_KIND_NONE, big, &f), VERDICT_BAD);
}

/* Goal: a compound of SMB2 is walked, and one that points at itself ends. */
Test(carrier, compounds)
{
    struct bytes pdu = battery_hex(carrier_vectors[0].hex);
    uint8_t chain[512];
    size_t message_len = pdu.len - 4;
    size_t step = (message_len + 7) / 8 * 8;
    memset(chain, 0, sizeof chain);
    memcpy(chain + 4, pdu.at + 4, message_len);
    memcpy(chain + 4 + step, pdu.at + 4, message_len);
    chain[4 + 20] = (uint8_t)step;
    chain[2] = (uint8_t)((step + message_len) >> 8);
    chain[3] = (uint8_t)(step + message_len);
    struct bytes whole = {.at = chain, .len = 4 + step + message_len};
    struct outcome o = decode(CARRIER_KIND_SMB, whole);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.num, 2);
    chain[4 + 20] = 8;
    cr_assert_eq(decode(CARRIER_KIND_SMB, whole).verdict, VERDICT_BAD);
}

Test(carrier, every_pdu_has_a_name)
{
    for (int pdu = 0; pdu <= CARRIER_PDU_DNS_TKEY; pdu++) {
        cr_assert_not_null(carrier_pdu_name((enum carrier_pdu)pdu));
    }
}
