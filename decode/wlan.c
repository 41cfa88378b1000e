#include "decode/segment_private.h"

enum {
    WLAN_TYPE_DATA = 2,
    WLAN_SUBTYPE_NO_DATA = 0x4,
    WLAN_SUBTYPE_QOS = 0x8,
    WLAN_TO_AND_FROM_DS = 0x03,
    WLAN_PROTECTED = 0x40,
    WLAN_ORDER = 0x80,
    WLAN_QOS_AGGREGATE = 0x80,
};

enum { RADIOTAP_FLAG_FCS = 0x10, RADIOTAP_FLAG_PAD = 0x20, RADIOTAP_PRESENT_MAX = 32 };

/* A protected frame that was decrypted by the driver keeps the bit (Windows'
 * NDIS-PacketCapture does so); its LLC/SNAP header shows. In ciphertext these 48 bits are the
 * initialisation vector and key id, which CCMP and TKIP cannot set so. */
static bool body_is_plain(struct bytes body)
{
    return bytes_u32be_at(body, 0) == 0xaaaa0300 && bytes_u16be_at(body, 4) == 0;
}

/* IEEE 802.11 9.2.4:
 *      0       2          4         10        16        22         24
 *      | flags | duration | address | address | address | sequence | address? QoS? HT? | body
 */
enum layer wlan_step(struct walk *w)
{
    if (!walk_has(w, 2)) {
        return LAYER_DONE;
    }
    unsigned control = bytes_u8_at(w->rest, 0);
    unsigned flags = bytes_u8_at(w->rest, 1);
    unsigned subtype = control >> 4;
    if ((control & 3) != 0 || (control >> 2 & 3) != WLAN_TYPE_DATA ||
        (subtype & WLAN_SUBTYPE_NO_DATA) != 0) {
        return walk_other(w);
    }
    size_t len = (flags & WLAN_TO_AND_FROM_DS) == WLAN_TO_AND_FROM_DS ? 30 : 24;
    bool is_aggregate = false;
    if ((subtype & WLAN_SUBTYPE_QOS) != 0) {
        is_aggregate = (bytes_u8_at(w->rest, len) & WLAN_QOS_AGGREGATE) != 0;
        len += (flags & WLAN_ORDER) != 0 ? 6 : 2;
    }
    if (w->is_wlan_padded) {
        len = (len + 3) / 4 * 4;
    }
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    unsigned fragment = bytes_u8_at(w->rest, 22) & 0x0f;
    walk_skip(w, len);
    if ((flags & WLAN_PROTECTED) != 0 && !body_is_plain(w->rest)) {
        return walk_drop(w, SEGMENT_DROP_ENCRYPTED);
    }
    if (fragment != 0) { /* the middle of a frame; its first part is decoded as one that was cut */
        return walk_drop(w, SEGMENT_DROP_CUT);
    }
    if (is_aggregate) {
        /* to MAC, from MAC, length; only the first of the frames is looked at */
        if (!walk_has(w, 14)) {
            return LAYER_DONE;
        }
        uint16_t part_len = bytes_u16be_at(w->rest, 12);
        walk_skip(w, 14);
        walk_trim(w, part_len);
    }
    return LAYER_LLC;
}

/* radiotap.org: version, pad, length LE, present words LE, fields aligned by their own size. Of the
 * fields only the flags matter, behind the 8 bytes of TSFT. */
enum layer wlan_radiotap_step(struct walk *w)
{
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    struct cursor c = cursor_over(w->rest);
    cursor_skip(&c, 2);
    size_t len = cursor_u16le(&c);
    if (bytes_u8_at(w->rest, 0) != 0 || len < 8) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    c = cursor_over(bytes_part(w->rest, 4, len - 4));
    uint32_t first = cursor_u32le(&c);
    uint32_t present = first;
    for (unsigned i = 0; i < RADIOTAP_PRESENT_MAX && present >> 31 != 0; i++) {
        present = cursor_u32le(&c);
    }
    if ((first & 1) != 0) {
        size_t offset = len - c.left;
        cursor_skip(&c, (8 - offset % 8) % 8 + 8);
    }
    unsigned flags = (first & 2) != 0 ? cursor_u8(&c) : 0;
    walk_skip(w, len);
    w->is_wlan_padded = (flags & RADIOTAP_FLAG_PAD) != 0;
    if ((flags & RADIOTAP_FLAG_FCS) != 0 && w->wire_len >= 4) {
        walk_trim(w, w->wire_len - 4);
    }
    return LAYER_WLAN;
}

/* CACE PPI: version, flags, length LE, link type LE, fields. */
enum layer wlan_ppi_step(struct walk *w)
{
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    struct cursor c = cursor_over(w->rest);
    cursor_skip(&c, 2);
    size_t len = cursor_u16le(&c);
    uint32_t link_type = cursor_u32le(&c);
    if (len < 8) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    walk_skip(w, len);
    enum layer layer = link_type <= UINT16_MAX ? link_layer((uint16_t)link_type) : LAYER_DONE;
    return layer == LAYER_DONE ? walk_drop(w, SEGMENT_DROP_LINK_TYPE) : layer;
}
