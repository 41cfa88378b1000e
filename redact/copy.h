/* A message that is rewritten: zeros, into which is copied back what may stay. */
#ifndef KRBSCOPE_REDACT_COPY_H
#define KRBSCOPE_REDACT_COPY_H

#include "redact/pseudonym.h"

struct copy {
    struct pseudonyms *p;
    const uint8_t *was; /* len bytes, the message as it was */
    uint8_t *out;       /* len bytes, the message as it becomes */
    size_t len;
};

/* The bytes of the message as it was. */
struct bytes copy_was(const struct copy *c);

/* Little-endian numbers of the message as it was, 0 out of range. */
uint16_t copy_u16le(const struct copy *c, size_t at);
uint32_t copy_u32le(const struct copy *c, size_t at);

/* len bytes at this offset stay, as far as there are some. */
void copy_keep(const struct copy *c, size_t at, size_t len);

/* They are a GSS token, whose names are replaced. */
void copy_token(const struct copy *c, size_t at, size_t len);

/* They are a name in UTF-16, little-endian. */
void copy_utf16(const struct copy *c, size_t at, size_t len);

/* The same for a name in bytes. */
void copy_text(const struct copy *c, size_t at, size_t len);

#endif
