#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

struct address address_from(struct bytes octets)
{
    struct address a = {0};
    if (octets.len == 4) {
        a.family = ADDRESS_IPV4;
        memcpy(a.octets, octets.at, 4);
    } else if (octets.len == 16) {
        a.family = ADDRESS_IPV6;
        memcpy(a.octets, octets.at, 16);
    }
    return a;
}

bool address_parse(struct bytes text, struct address *out)
{
    char copy[INET6_ADDRSTRLEN + 1];
    *out = (struct address){0};
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']') {
        text = bytes_part(text, 1, text.len - 2);
    }
    if (text.len == 0 || text.len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, out->octets) == 1) {
        out->family = ADDRESS_IPV4;
        return true;
    }
    if (inet_pton(AF_INET6, copy, out->octets) == 1) {
        out->family = ADDRESS_IPV6;
        return true;
    }
    *out = (struct address){0};
    return false;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && address_equal(&a->address, &b->address);
}

void address_print(struct text *t, const struct address *a)
{
    char buffer[INET6_ADDRSTRLEN];
    const char *shown = NULL;
    if (a->family == ADDRESS_IPV4) {
        shown = inet_ntop(AF_INET, a->octets, buffer, sizeof buffer);
    } else if (a->family == ADDRESS_IPV6) {
        shown = inet_ntop(AF_INET6, a->octets, buffer, sizeof buffer);
    }
    text_add(t, shown == NULL ? "?" : shown);
}

void endpoint_print(struct text *t, const struct endpoint *e)
{
    bool brackets = e->address.family == ADDRESS_IPV6;
    text_add(t, brackets ? "[" : "");
    address_print(t, &e->address);
    text_format(t, "%s:%u", brackets ? "]" : "", (unsigned)e->port);
}

bool address_is_group(const struct address *a)
{
    if (a->family == ADDRESS_IPV4) {
        return a->octets[0] >= 224;
    }
    return a->family == ADDRESS_IPV6 && a->octets[0] == 0xff;
}

bool hardware_address_is_group(const struct hardware_address *a)
{
    return (a->octets[0] & 1) != 0;
}

static bool may_be_nlb(const struct hardware_address *a)
{
    return a->octets[0] == 0x02 &&
           (a->octets[1] == 0xbf || (a->octets[1] >= 1 && a->octets[1] <= 32));
}

bool hardware_address_equal(const struct hardware_address *a, const struct hardware_address *b)
{
    size_t begin = may_be_nlb(a) && may_be_nlb(b) ? 2 : 0;
    return a->known && b->known &&
           memcmp(a->octets + begin, b->octets + begin, sizeof a->octets - begin) == 0;
}
