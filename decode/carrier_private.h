/* The protocols behind carrier.h, one file each. */
#ifndef KRBSCOPE_DECODE_CARRIER_PRIVATE_H
#define KRBSCOPE_DECODE_CARRIER_PRIVATE_H

#include "decode/carrier.h"

#include "base/cursor.h"

/* A PDU being decoded. */
struct carrier_reader {
    struct bytes pdu;
    bool is_cut; /* the PDU goes on behind it */
    struct arena *arena;
    struct carrier_message *out;
    struct flaw *flaw;
};

/* Little-endian numbers at fixed offsets, 0 when out of range. */
uint16_t carrier_u16le_at(struct bytes b, size_t offset);
uint32_t carrier_u32le_at(struct bytes b, size_t offset);
uint64_t carrier_u64le_at(struct bytes b, size_t offset);

/* Adds the token that has len bytes at offset in b, as far as they are there. */
void carrier_add(struct carrier_reader *r, struct carrier_token token, struct bytes b,
                 size_t offset, size_t len);

bool smb_begins(struct bytes start);
enum verdict smb_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict smb_decode(struct carrier_reader *r);

/* One SMB1 message without the NetBIOS header. */
enum verdict smb1_decode(struct carrier_reader *r, struct bytes message);

bool ldap_begins(struct bytes start);
enum verdict ldap_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict ldap_decode(struct carrier_reader *r);

bool rpc_begins(struct bytes start);
enum verdict rpc_frame(struct bytes pdu, struct carrier_frame *out);

/* DCE/RPC PDUs one behind the other; what begins with none is passed over. */
enum verdict rpc_decode(struct carrier_reader *r, struct bytes pdus);

bool tds_begins(struct bytes start);
enum verdict tds_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict tds_decode(struct carrier_reader *r);

bool nns_begins(struct bytes start);
enum verdict nns_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict nns_decode(struct carrier_reader *r);

/* A token by itself. */
bool gss_begins(struct bytes start);
enum verdict gss_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict gss_decode(struct carrier_reader *r);

/* A token behind its length, four bytes, big-endian. */
bool gss_length_begins(struct bytes start);
enum verdict gss_length_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict gss_length_decode(struct carrier_reader *r);

/* TLS records: none is wanted. */
bool tls_begins(struct bytes start);
enum verdict tls_frame(struct bytes pdu, struct carrier_frame *out);
enum verdict tls_decode(struct carrier_reader *r);

#endif
