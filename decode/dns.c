#include "decode/dns.h"

#include "base/arena.h"
#include "base/cursor.h"

#define NAME_WIRE_BYTES_MAX 255 /* RFC 1035 2.3.4 */
#define NAME_HOPS_MAX 64        /* pointers followed in one name; also ends loops */
#define HEADER_BYTES 12
#define QUESTION_BYTES_MIN 5 /* root name, type, class */
#define RECORD_BYTES_MIN 11  /* root name, type, class, TTL, length */
#define MESSAGE_BYTES_MAX 65535
#define NETBIOS_LABEL_BYTES 32 /* RFC 1001 14.1: 16 octets in half-ASCII */
#define NETBIOS_NAME_BYTES 15  /* the 16th octet is the suffix */
#define CLASS_IN 1
#define MDNS_CLASS_MASK 0x7fff /* RFC 6762 10.2, 18.12: the top bit is cache-flush or QU */

/* One message under way. */
struct reader {
    struct bytes input;
    struct cursor c;
    enum dns_flavour flavour;
    struct arena *arena;
    struct dns_message *out;
    struct flaw *flaw;
    size_t records_max; /* places in out->answers */
};

/* The fixed part of a resource record. */
struct record_head {
    size_t name_at;
    uint16_t type;
    uint16_t class;
    uint32_t ttl_s;
    size_t data_len;
};

static size_t offset(const struct reader *r)
{
    return r->input.len - r->c.left;
}

static enum verdict no_room(struct reader *r)
{
    return flaw_set(r->flaw, offset(r), "no room in the arena", "limit");
}

/* A dot or backslash inside a label is escaped (RFC 1035 5.1); all else stays raw. */
static void add_label(struct text *t, struct bytes label)
{
    if (t->len > 0) {
        text_add_char(t, '.');
    }
    for (size_t i = 0; i < label.len; i++) {
        if (label.at[i] == '.' || label.at[i] == '\\') {
            text_add_char(t, '\\');
        }
        text_add_char(t, (char)label.at[i]);
    }
}

/* First-level encoding, RFC 1001 14.1. false: the label is not of that form. */
static bool add_netbios_label(struct text *t, struct bytes label)
{
    uint8_t name[NETBIOS_NAME_BYTES];
    size_t len = 0;
    if (label.len != NETBIOS_LABEL_BYTES) {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        if (label.at[i] < 'A' || label.at[i] > 'P') {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof name; i++) {
        unsigned high = (unsigned)(label.at[2 * i] - 'A');
        unsigned low = (unsigned)(label.at[2 * i + 1] - 'A');
        name[i] = (uint8_t)(high << 4 | low);
        /* Padding is blanks; the wildcard "*" is padded with NUL (RFC 1001 17.2).
         */
        len = name[i] == ' ' || name[i] == 0 ? len : i + 1;
    }
    add_label(t, (struct bytes){.at = name, .len = len});
    return true;
}

/* Reads the name at offset at into t. DONE, MORE (the input ends first), BAD.
 */
static enum verdict expand_name(const struct reader *r, size_t at, struct text *t)
{
    size_t wire_len = 0;
    size_t hops = 0;
    for (;;) {
        struct cursor c = cursor_over(bytes_part(r->input, at, r->input.len));
        uint8_t len = cursor_u8(&c);
        if (!cursor_ok(&c)) {
            return VERDICT_MORE;
        }
        if (len == 0) {
            return VERDICT_DONE;
        }
        if (len >= 0xc0) {
            size_t to = (size_t)(len & 0x3f) << 8 | cursor_u8(&c);
            if (!cursor_ok(&c)) {
                return VERDICT_MORE;
            }
            if (++hops > NAME_HOPS_MAX) {
                return flaw_set(r->flaw, at, "name compression loops", "RFC 1035 4.1.4");
            }
            if (to < HEADER_BYTES) {
                return flaw_set(r->flaw, at, "name points into the header", "RFC 1035 4.1.4");
            }
            at = to;
            continue;
        }
        if (len >= 0x40) {
            return flaw_set(r->flaw, at, "unknown label type", "RFC 6891 5");
        }
        struct bytes label = cursor_take(&c, len);
        if (!cursor_ok(&c)) {
            return VERDICT_MORE;
        }
        wire_len += (size_t)len + 1;
        if (wire_len >= NAME_WIRE_BYTES_MAX) {
            return flaw_set(r->flaw, at, "name is longer than 255 octets", "RFC 1035 2.3.4");
        }
        bool is_first = t->len == 0;
        if (!(is_first && r->flavour == DNS_NBNS && add_netbios_label(t, label))) {
            add_label(t, label);
        }
        at += (size_t)len + 1;
    }
}

/* The name at offset at as text in the arena. */
static enum verdict read_name(struct reader *r, size_t at, struct bytes *out)
{
    char buffer[DNS_NAME_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    enum verdict v = expand_name(r, at, &t);
    if (v == VERDICT_DONE) {
        *out = text_keep(&t, r->arena);
        if (out->len != t.len) {
            return no_room(r);
        }
    }
    return v;
}

/* Steps over a name without following its pointer. */
static enum verdict skip_name(struct reader *r)
{
    for (;;) {
        size_t at = offset(r);
        uint8_t len = cursor_u8(&r->c);
        if (len >= 0xc0) {
            cursor_skip(&r->c, 1);
        } else if (len >= 0x40) {
            return flaw_set(r->flaw, at, "unknown label type", "RFC 6891 5");
        } else {
            cursor_skip(&r->c, len);
        }
        if (!cursor_ok(&r->c)) {
            return VERDICT_MORE;
        }
        if (len == 0 || len >= 0xc0) {
            return VERDICT_DONE;
        }
    }
}

/* RFC 1035 4.1.1; LLMNR has C where AA is (RFC 4795 2.1.1), NBNS has its own opcodes. */
static bool opcode_fits(enum dns_flavour flavour, uint8_t opcode)
{
    switch (flavour) {
    case DNS_NBNS: /* RFC 1002 4.2.1.1; 15 multi-homed registration,
                      [MS-NBTE] 2.2.2 */
        return opcode == 0 || (opcode >= 5 && opcode <= 9) || opcode == 15;
    case DNS_LLMNR:
    case DNS_MDNS: /* RFC 6762 18.3: others must be ignored */
        return opcode == 0;
    case DNS_PLAIN:
        break;
    }
    return opcode <= 6 && opcode != 3;
}

static enum verdict read_header(struct reader *r, uint16_t counts[4])
{
    struct dns_message *m = r->out;
    m->id = cursor_u16be(&r->c);
    uint16_t flags = cursor_u16be(&r->c);
    size_t len_min = HEADER_BYTES;
    for (int i = 0; i < 4; i++) {
        counts[i] = cursor_u16be(&r->c);
        len_min += (size_t)counts[i] * (i == 0 ? QUESTION_BYTES_MIN : RECORD_BYTES_MIN);
    }
    if (!cursor_ok(&r->c)) {
        return VERDICT_MORE;
    }
    m->is_response = (flags & 0x8000) != 0;
    m->opcode = (uint8_t)(flags >> 11 & 15);
    m->is_authoritative = (flags & 0x0400) != 0 && r->flavour != DNS_LLMNR;
    m->is_truncated = (flags & 0x0200) != 0;
    m->rcode = (uint8_t)(flags & 15);
    m->num_questions = counts[0];
    if (!opcode_fits(r->flavour, m->opcode)) {
        return flaw_set(r->flaw, 2, "unknown opcode", "RFC 1035 4.1.1");
    }
    if (len_min > MESSAGE_BYTES_MAX) {
        return flaw_set(r->flaw, 4, "more records than a message can hold", "RFC 1035 4.1.1");
    }
    return VERDICT_DONE;
}

static enum verdict read_questions(struct reader *r)
{
    for (size_t i = 0; i < r->out->num_questions; i++) {
        size_t at = offset(r);
        struct bytes name = {0};
        enum verdict v = skip_name(r);
        if (v == VERDICT_DONE && i == 0) {
            v = read_name(r, at, &name);
        }
        uint16_t type = cursor_u16be(&r->c);
        cursor_skip(&r->c, 2);
        if (v != VERDICT_DONE) {
            return v;
        }
        if (!cursor_ok(&r->c)) {
            return VERDICT_MORE;
        }
        if (i == 0) {
            r->out->question = name;
            r->out->question_type = type;
        }
    }
    return VERDICT_DONE;
}

/* A name inside RDATA, which begins skip bytes into it and must end with it. */
static enum verdict read_target(struct reader *r, size_t data_at, size_t data_len, size_t skip,
                                struct dns_record *record)
{
    struct reader inside = *r;
    if (data_len <= skip) {
        return flaw_set(r->flaw, data_at, "record data is too short for its name", "RFC 1035 3.3");
    }
    inside.c = cursor_over(bytes_part(r->input, data_at + skip, r->input.len));
    enum verdict v = skip_name(&inside);
    if (v == VERDICT_DONE && offset(&inside) > data_at + data_len) {
        v = flaw_set(r->flaw, data_at, "name runs past the record data", "RFC 1035 3.3");
    }
    return v == VERDICT_DONE ? read_name(r, data_at + skip, &record->target) : v;
}

static enum verdict read_data(struct reader *r, size_t at, size_t len, struct dns_record *record)
{
    struct bytes data = bytes_part(r->input, at, len);
    switch (record->type) {
    case DNS_A:
        record->address = address_from(len == 4 ? data : (struct bytes){0});
        break;
    case DNS_AAAA:
        record->address = address_from(len == 16 ? data : (struct bytes){0});
        break;
    case DNS_NETBIOS: /* RFC 1002 4.2.1.3: flags and address, repeated */
        if (r->flavour == DNS_NBNS && len >= 6) {
            record->address = address_from(bytes_part(data, 2, 4));
        }
        break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        return read_target(r, at, len, 0, record);
    case DNS_SRV: /* RFC 2782; in NBNS the number means NBSTAT (RFC 1002 4.2.1.3)
                   */
        if (r->flavour == DNS_NBNS) {
            break;
        }
        record->priority = bytes_u16be_at(data, 0);
        record->weight = bytes_u16be_at(data, 2);
        record->port = bytes_u16be_at(data, 4);
        return read_target(r, at, len, 6, record);
    case DNS_URI: /* RFC 7553 4.4: the rest is the text, no length octet */
        record->priority = bytes_u16be_at(data, 0);
        record->weight = bytes_u16be_at(data, 2);
        return arena_copy(r->arena, bytes_part(data, 4, len), &record->target) ? VERDICT_DONE
                                                                               : no_room(r);
    default:
        break;
    }
    return VERDICT_DONE;
}

static bool is_wanted(const struct reader *r, uint16_t type, bool is_additional)
{
    if (r->out->num_answers >= r->records_max) {
        return false;
    }
    if (is_additional) {
        return type == DNS_A || type == DNS_AAAA || (type == DNS_NETBIOS && r->flavour == DNS_NBNS);
    }
    return true;
}

/* RFC 2930 2: algorithm, inception, expiration, mode, error, key size, key. A key that is cut is
 * kept as far as it goes. */
static enum verdict read_tkey(struct reader *r, size_t at, size_t len)
{
    struct dns_tkey tkey = {0};
    struct cursor after = r->c;
    r->c = cursor_over(bytes_part(r->input, 0, at + len));
    cursor_skip(&r->c, at);
    enum verdict v = skip_name(r);
    if (v == VERDICT_DONE) {
        cursor_skip(&r->c, 8);
        tkey.mode = cursor_u16be(&r->c);
        tkey.error = cursor_u16be(&r->c);
        tkey.key_len = cursor_u16be(&r->c);
    }
    bool has_head = v == VERDICT_DONE && cursor_ok(&r->c);
    tkey.key = bytes_part(cursor_rest(&r->c), 0, tkey.key_len);
    r->c = after;
    if (!has_head) {
        return VERDICT_MORE;
    }
    v = read_name(r, at, &tkey.algorithm);
    r->out->tkey = v == VERDICT_DONE ? arena_alloc(r->arena, sizeof tkey) : NULL;
    if (v != VERDICT_DONE || r->out->tkey == NULL) {
        return v != VERDICT_DONE ? v : no_room(r);
    }
    *r->out->tkey = tkey;
    return VERDICT_DONE;
}

/* One record of any section: kept when it is wanted, stepped over otherwise. */
static enum verdict read_record(struct reader *r, bool is_kept_section, bool is_additional)
{
    struct record_head h = {.name_at = offset(r)};
    enum verdict v = skip_name(r);
    if (v != VERDICT_DONE) {
        return v;
    }
    h.type = cursor_u16be(&r->c);
    h.class = cursor_u16be(&r->c);
    h.ttl_s = cursor_u32be(&r->c);
    h.data_len = cursor_u16be(&r->c);
    size_t data_at = offset(r);
    bool is_tkey = h.type == DNS_TKEY && r->flavour == DNS_PLAIN && r->out->tkey == NULL;
    if (is_tkey && is_kept_section && cursor_ok(&r->c) &&
        read_tkey(r, data_at, h.data_len) == VERDICT_BAD) {
        return VERDICT_BAD;
    }
    cursor_skip(&r->c, h.data_len);
    if (!cursor_ok(&r->c)) {
        return VERDICT_MORE;
    }
    if (!is_kept_section || !is_wanted(r, h.type, is_additional)) {
        return VERDICT_DONE;
    }
    struct dns_record *record = &r->out->answers[r->out->num_answers];
    *record = (struct dns_record){.type = h.type, .ttl_s = h.ttl_s, .is_additional = is_additional};
    v = read_name(r, h.name_at, &record->name);
    unsigned class = r->flavour == DNS_MDNS ? h.class & MDNS_CLASS_MASK : h.class;
    /* An update (RFC 2136 2.4) has records of class ANY or NONE without data. */
    if (v == VERDICT_DONE && class == CLASS_IN && h.data_len > 0) {
        v = read_data(r, data_at, h.data_len, record);
    }
    r->out->num_answers += v == VERDICT_DONE;
    return v;
}

static enum verdict read_records(struct reader *r, const uint16_t counts[4])
{
    size_t wanted = (size_t)counts[1] + counts[3];
    r->records_max = wanted < DNS_ANSWERS_MAX ? wanted : DNS_ANSWERS_MAX;
    r->out->answers = arena_alloc_array(r->arena, r->records_max, sizeof *r->out->answers);
    if (r->out->answers == NULL) {
        r->records_max = 0;
        return no_room(r);
    }
    for (int section = 1; section < 4; section++) {
        for (size_t i = 0; i < counts[section]; i++) {
            enum verdict v = read_record(r, section != 2, section == 3);
            if (v != VERDICT_DONE) {
                return v;
            }
        }
    }
    return VERDICT_DONE;
}

enum verdict dns_decode(struct bytes input, enum dns_flavour flavour, struct arena *arena,
                        struct dns_message *out, size_t *used, struct flaw *flaw)
{
    uint16_t counts[4] = {0};
    *out = (struct dns_message){.flavour = flavour};
    *used = 0;
    struct reader r = {.input = input,
                       .c = cursor_over(input),
                       .flavour = flavour,
                       .arena = arena,
                       .out = out,
                       .flaw = flaw};
    enum verdict v = read_header(&r, counts);
    if (v == VERDICT_DONE) {
        v = read_questions(&r);
    }
    if (v == VERDICT_DONE) {
        v = read_records(&r, counts);
    }
    if (v == VERDICT_DONE) {
        out->complete = true;
        *used = offset(&r);
    }
    return v;
}

struct numbered_name {
    uint16_t number;
    const char *name;
};

const char *dns_type_name(uint16_t type)
{
    static const struct numbered_name names[] = {
        {DNS_A, "A"},       {DNS_NS, "NS"},   {DNS_CNAME, "CNAME"}, {DNS_SOA, "SOA"},
        {DNS_PTR, "PTR"},   {13, "HINFO"},    {15, "MX"},           {16, "TXT"},
        {DNS_AAAA, "AAAA"}, {29, "LOC"},      {DNS_NETBIOS, "NB"},  {DNS_SRV, "SRV"},
        {35, "NAPTR"},      {39, "DNAME"},    {41, "OPT"},          {43, "DS"},
        {44, "SSHFP"},      {46, "RRSIG"},    {47, "NSEC"},         {48, "DNSKEY"},
        {50, "NSEC3"},      {52, "TLSA"},     {64, "SVCB"},         {65, "HTTPS"},
        {DNS_TKEY, "TKEY"}, {250, "TSIG"},    {251, "IXFR"},        {252, "AXFR"},
        {255, "ANY"},       {DNS_URI, "URI"}, {257, "CAA"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == type) {
            return names[i].name;
        }
    }
    return NULL;
}

const char *dns_rcode_name(uint8_t rcode)
{
    /* RFC 1035 4.1.1, RFC 2136 2.2, RFC 8490 10.3. */
    static const char *const names[] = {
        "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "DSOTYPENI",
    };
    return rcode < sizeof names / sizeof names[0] ? names[rcode] : NULL;
}
