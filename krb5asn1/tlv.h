/* One DER element (X.690 8.1) of a message that may be cut short, read with Heimdal's public DER
 * primitives.
 *
 *      start      content
 *        | tag len  |  content octets ... |
 *        |<-- raw ------------------------>|   clipped to what the input holds
 *                   |<----- len ---------->|   as the header says
 */
#ifndef KRBSCOPE_KRB5ASN1_TLV_H
#define KRBSCOPE_KRB5ASN1_TLV_H

#include "base/bytes.h"

/* The identifier octet of a tag below 31: class, form and number in one byte. */
#define TLV_APPLICATION(n) (0x60u | (n)) /* constructed */
#define TLV_CONTEXT(n) (0xA0u | (n))     /* constructed */
#define TLV_INTEGER 0x02u
#define TLV_BIT_STRING 0x03u
#define TLV_OCTET_STRING 0x04u
#define TLV_OID 0x06u
#define TLV_ENUMERATED 0x0Au
#define TLV_GENERAL_STRING 0x1Bu
#define TLV_SEQUENCE 0x30u

struct tlv {
    unsigned tag;         /* identifier octet */
    size_t header_len;    /* tag and length octets */
    size_t len;           /* content octets, as the header says */
    struct bytes content; /* those of them that are there */
    struct bytes raw;     /* header and content, those that are there */
    bool whole;           /* nothing is missing */
};

enum tlv_result {
    TLV_OK,   /* out is filled; out->whole tells whether the content is complete */
    TLV_END,  /* no byte is left */
    TLV_CUT,  /* the header itself is cut */
    TLV_WRONG /* a tag over 30, an indefinite length or one of more than 4 octets: not Kerberos */
};

/* The element at the start of *rest; on TLV_OK *rest moves behind it (or to the input's end). */
enum tlv_result tlv_next(struct bytes *rest, struct tlv *out);

/* tlv_next() for an element that must carry this tag; false otherwise, *rest is then undefined. */
bool tlv_expect(struct bytes *rest, unsigned tag, struct tlv *out);

/* The element in the context field [number] of a SEQUENCE's content; false when the field is not
 * there or holds no element. */
bool tlv_field(struct bytes sequence, unsigned number, struct tlv *out);

/* The value of an INTEGER that fits 32 bits, signed or (5 octets, the first 0) unsigned: then it
 * comes as the negative number with the same bits. */
bool tlv_integer(const struct tlv *element, int32_t *out);

/* The first 32 flags of a BIT STRING, bit 0 = most significant (RFC 4120 5.2.8), unnamed ones too,
 * which Heimdal's structs drop; false when it is no BIT STRING, empty or cut. */
bool tlv_flags(const struct tlv *element, uint32_t *out);

#endif
