#include "capture/live.h"

#include "base/address.h"

#include <pcap/pcap.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define LINE_BYTES_MAX 1000
#define NAME_COLUMN 16

static void add_address(struct text *t, const struct sockaddr *a)
{
    struct address address = {.family = ADDRESS_NONE};
    if (a != NULL && a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        address.family = ADDRESS_IPV4;
        memcpy(address.octets, &in.sin_addr, sizeof in.sin_addr);
    } else if (a != NULL && a->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        address.family = ADDRESS_IPV6;
        memcpy(address.octets, &in.sin6_addr, sizeof in.sin6_addr);
    }
    if (address.family != ADDRESS_NONE) {
        text_add(t, " ");
        address_print(t, &address);
    }
}

enum status live_list(void (*line)(void *context, struct bytes text), void *context,
                      struct trouble *trouble)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_if_t *all = NULL;
    if (pcap_findalldevs(&all, why) != 0) {
        trouble_set(trouble, "The interfaces cannot be listed: %.200s.", why);
        return STATUS_NO_FILE;
    }
    for (const pcap_if_t *f = all; f != NULL; f = f->next) {
        char buffer[LINE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, f->name);
        while (t.len < NAME_COLUMN) {
            text_add_char(&t, ' ');
        }
        text_add(&t, (f->flags & PCAP_IF_UP) != 0 ? "up  " : "down");
        for (const pcap_addr_t *a = f->addresses; a != NULL; a = a->next) {
            add_address(&t, a->addr);
        }
        if (f->description != NULL) {
            text_add(&t, "  ");
            text_add(&t, f->description);
        }
        line(context, text_bytes(&t));
    }
    pcap_freealldevs(all);
    return STATUS_OK;
}
