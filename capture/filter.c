#include "capture/filter_private.h"

#include "base/civil.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

struct program {
    int dlt;
    bool compiled; /* false: the expression has no meaning for this link type */
    struct bpf_program code;
};

struct filter {
    char *expression;
    size_t num_programs;
    size_t next_victim; /* program that makes room when there are too many link types */
    struct program programs[CAPTURE_LINK_TYPES_MAX];
};

/* The numbers within libpcap differ from those in files where systems disagreed. A BSD loopback
 * header is in the order of its host: code for the order of the network serves the big ones. */
static int dlt_of(const struct frame *frame)
{
    switch (frame->link_type) {
    case LINK_TYPE_NULL:
        return frame->big_endian_host ? DLT_LOOP : DLT_NULL;
    case LINK_TYPE_RAW:
    case LINK_TYPE_RAW_BSD:
    case LINK_TYPE_RAW_OPENBSD:
        return DLT_RAW;
    case 50: /* LINKTYPE_PPP_HDLC */
        return DLT_PPP_SERIAL;
    case 100: /* LINKTYPE_ATM_RFC1483 */
        return DLT_ATM_RFC1483;
    default:
        return frame->link_type;
    }
}

/* Compiles for one link type; error may be NULL. */
static bool program_compile(struct program *p, int dlt, const char *expression,
                            struct trouble *error)
{
    pcap_t *dead = pcap_open_dead(dlt, CAPTURE_FRAME_BYTES_MAX);
    *p = (struct program){.dlt = dlt};
    if (dead == NULL) {
        trouble_set(error, "there is no memory");
        return false;
    }
    p->compiled = pcap_compile(dead, &p->code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!p->compiled) {
        trouble_set(error, "%s", pcap_geterr(dead));
    }
    pcap_close(dead);
    return p->compiled;
}

static void program_drop(struct program *p)
{
    if (p->compiled) {
        pcap_freecode(&p->code);
        p->compiled = false;
    }
}

enum status filter_new(struct filter **out, const char *expression, struct trouble *trouble)
{
    static const int tried[] = {DLT_EN10MB, DLT_IEEE802_11, DLT_LINUX_SLL2, DLT_NULL};
    struct trouble why = {.text = ""};
    struct filter *f = calloc(1, sizeof *f);
    *out = NULL;
    if (f == NULL || (f->expression = strdup(expression)) == NULL) {
        trouble_set(trouble, "There is no memory for the filter.");
        free(f);
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        if (program_compile(&f->programs[0], tried[i], expression, i == 0 ? &why : NULL)) {
            f->num_programs = 1;
            *out = f;
            return STATUS_OK;
        }
    }
    trouble_set(trouble, "The filter \"%.200s\" is wrong: %.200s (see pcap-filter(7)).", expression,
                why.text);
    filter_free(f);
    return STATUS_USAGE;
}

static struct program *program_for(struct filter *f, int dlt)
{
    for (size_t i = 0; i < f->num_programs; i++) {
        if (f->programs[i].dlt == dlt) {
            return &f->programs[i];
        }
    }
    struct program *p;
    if (f->num_programs < CAPTURE_LINK_TYPES_MAX) {
        p = &f->programs[f->num_programs++];
    } else {
        p = &f->programs[f->next_victim];
        f->next_victim = (f->next_victim + 1) % CAPTURE_LINK_TYPES_MAX;
        program_drop(p);
    }
    (void)program_compile(p, dlt, f->expression, NULL);
    return p;
}

bool filter_matches(struct filter *f, const struct frame *frame)
{
    if (frame->link_type == LINK_TYPE_UNSUPPORTED) {
        return false;
    }
    const struct program *p = program_for(f, dlt_of(frame));
    struct pcap_pkthdr header = {
        .caplen = (bpf_u_int32)frame->bytes.len,
        .len = frame->original_len,
    };
    return p->compiled && pcap_offline_filter(&p->code, &header, frame->bytes.at) != 0;
}

void filter_free(struct filter *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->num_programs; i++) {
        program_drop(&f->programs[i]);
    }
    free(f->expression);
    free(f);
}
