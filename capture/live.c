#include "capture/live.h"

#include "base/text.h"
#include "capture/ahead.h"

#include <pcap/pcap.h>

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define MB_MAX 2047 /* libpcap takes an int of bytes */
#define BYTES_PER_MB 1048576
#define NETWORK_BITS_A_NS 10    /* 10 Gbit/s */
#define RING_HEAD_BYTES 128     /* of a frame in the kernel's buffer, its padding included */
#define LARGEST_BYTES_MIN 1518u /* frames may be so large, whatever was seen */

enum interface_state { INTERFACE_UP, INTERFACE_DOWN, INTERFACE_GONE };

struct interface {
    const char *name;
    pcap_t *pcap;
    int fd;
    uint16_t link_type;
    uint16_t hatype; /* ARPHRD_…, of the socket's address */
    bool has_adapter_clock;
    enum interface_state state;
    int64_t retry_ns; /* INTERFACE_DOWN, INTERFACE_GONE: when to look again */
    int64_t pause_ns; /* INTERFACE_GONE: until the look after that */
    struct capture_info info;
    uint32_t largest; /* bytes of a frame, captured */
    struct ahead ahead;
    uint32_t received_before; /* frames, by the system's count, when the wait began */
    uint64_t dropped_before;  /* counts wrap at 32 bits */
    uint32_t dropped_last, missed_last;
};

struct live_capture {
    struct interface interfaces[LIVE_INTERFACES_MAX];
    size_t num_interfaces;
    unsigned buffer_mb; /* of each interface */
    int64_t nap_ns;
    bool has_remark;
    struct trouble remark;
};

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* The adapter's own clock where it is offered, kept equal to the host's. */
static bool choose_adapter_clock(pcap_t *p)
{
    int *types = NULL;
    bool is_chosen = false;
    int num = pcap_list_tstamp_types(p, &types);
    for (int i = 0; i < num; i++) {
        if (types[i] == PCAP_TSTAMP_ADAPTER) {
            is_chosen = pcap_set_tstamp_type(p, PCAP_TSTAMP_ADAPTER) == 0;
        }
    }
    if (num > 0) {
        pcap_free_tstamp_types(types);
    }
    return is_chosen;
}

static enum status explain(const struct interface *f, int error, struct trouble *trouble)
{
    const char *why = pcap_geterr(f->pcap);
    switch (error) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        trouble_set(trouble, "There is no interface %.100s; --list-interfaces shows them.",
                    f->name);
        return STATUS_USAGE;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        trouble_set(trouble,
                    "Capturing on %.100s is not permitted: run as root, or give the program the "
                    "right once with 'setcap cap_net_raw=ep' on its file.",
                    f->name);
        return STATUS_NO_FILE;
    case PCAP_ERROR_IFACE_NOT_UP:
        trouble_set(trouble, "Interface %.100s is down; 'ip link set %.100s up' starts it.",
                    f->name, f->name);
        return STATUS_NO_FILE;
    default:
        trouble_set(trouble, "Interface %.100s cannot be captured from: %.200s.", f->name,
                    why[0] != '\0' ? why : pcap_statustostr(error));
        return STATUS_NO_FILE;
    }
}

static bool compile_and_set(pcap_t *p, const char *filter)
{
    struct bpf_program program;
    if (pcap_compile(p, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return false;
    }
    bool good = pcap_setfilter(p, &program) == 0;
    pcap_freecode(&program);
    return good;
}

static enum status set_filter(struct interface *f, const struct live_options *options,
                              struct trouble *trouble)
{
    bool good = true;
    if (options->filter != NULL) {
        good = compile_and_set(f->pcap, options->filter);
    } else if (!options->every_port) {
        /* Links without VLAN tags refuse the word. */
        good = false;
        for (int with_vlan = 1; with_vlan >= 0 && !good; with_vlan--) {
            char *text = live_filter_new(options->http_ports, options->num_http_ports, with_vlan);
            good = text != NULL && compile_and_set(f->pcap, text);
            free(text);
        }
    }
    if (!good) {
        trouble_set(trouble, "The filter does not fit interface %.100s: %.200s.", f->name,
                    pcap_geterr(f->pcap));
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static unsigned buffer_mb(const struct live_options *options)
{
    unsigned mb = options->buffer_mb == 0 ? LIVE_BUFFER_MB_DEFAULT : options->buffer_mb;
    return mb > MB_MAX ? MB_MAX : mb;
}

/* Three quarters of the time in which the fastest network fills the buffer. */
static int64_t nap_of(unsigned mb)
{
    int64_t nap_ns = (int64_t)mb * BYTES_PER_MB * 8 / NETWORK_BITS_A_NS * 3 / 4;
    return nap_ns < LIVE_NAP_NS_MAX ? nap_ns : LIVE_NAP_NS_MAX;
}

/* Returns what pcap_activate() does; PCAP_ERROR: pcap_create() failed, too. f->pcap may be NULL. */
static int activate(struct interface *f, const struct live_options *options,
                    bool with_adapter_clock, char why[PCAP_ERRBUF_SIZE])
{
    f->has_adapter_clock = false;
    f->pcap = pcap_create(f->name, why);
    if (f->pcap == NULL) {
        return PCAP_ERROR;
    }
    (void)pcap_set_snaplen(f->pcap, LIVE_SNAP_BYTES);
    (void)pcap_set_promisc(f->pcap, 1);
    (void)pcap_set_timeout(f->pcap, LIVE_WAIT_MS / 2);
    (void)pcap_set_buffer_size(f->pcap, (int)buffer_mb(options) * BYTES_PER_MB);
    (void)pcap_set_tstamp_precision(f->pcap, PCAP_TSTAMP_PRECISION_NANO);
    f->has_adapter_clock = with_adapter_clock && choose_adapter_clock(f->pcap);
    int status = pcap_activate(f->pcap);
    if (status == PCAP_WARNING_TSTAMP_TYPE_NOTSUP) {
        f->has_adapter_clock = false; /* offered, but not there: the kernel's is used */
        status = 0;
    }
    return status;
}

static enum status open_interface(struct interface *f, const struct live_options *options,
                                  struct trouble *remark, struct trouble *trouble)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    int status = activate(f, options, true, why);
    if (status < 0 && f->has_adapter_clock) {
        /* Turning its clock on needs CAP_NET_ADMIN; capturing does not. */
        pcap_close(f->pcap);
        status = activate(f, options, false, why);
    }
    if (f->pcap == NULL) {
        trouble_set(trouble, "Interface %.100s cannot be opened: %.200s.", f->name, why);
        return STATUS_NO_FILE;
    }
    if (status < 0) {
        return explain(f, status, trouble);
    }
    if (status > 0 && status != PCAP_WARNING_PROMISC_NOTSUP) {
        trouble_set(remark, "Interface %.100s: %.200s.", f->name, pcap_geterr(f->pcap));
    }
    f->link_type = (uint16_t)pcap_datalink(f->pcap);
    f->fd = pcap_get_selectable_fd(f->pcap);
    if (f->fd < 0 || pcap_setnonblock(f->pcap, 1, why) != 0) {
        trouble_set(trouble, "Interface %.100s cannot be waited for: %.200s.", f->name, why);
        return STATUS_NO_FILE;
    }
    struct sockaddr_ll address = {0};
    socklen_t len = sizeof address;
    if (getsockname(f->fd, (struct sockaddr *)&address, &len) == 0) {
        f->hatype = address.sll_hatype;
    }
    f->info = (struct capture_info){.format = CAPTURE_FORMAT_LIVE,
                                    .format_name = "live",
                                    .complete = true,
                                    .link_types = {f->link_type},
                                    .num_link_types = 1};
    return set_filter(f, options, trouble);
}

enum status live_open(struct live_capture **out, const struct live_options *options,
                      struct trouble *remark, struct trouble *trouble)
{
    enum status status = STATUS_OK;
    struct live_capture *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL) {
        trouble_set(trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    l->buffer_mb = buffer_mb(options);
    l->nap_ns = nap_of(l->buffer_mb);
    for (size_t i = 0; i < options->num_interfaces && status == STATUS_OK; i++) {
        struct interface *f = &l->interfaces[l->num_interfaces++];
        f->name = options->interfaces[i];
        status = open_interface(f, options, remark, trouble);
    }
    if (status != STATUS_OK) {
        live_close(l);
        return status;
    }
    *out = l;
    return STATUS_OK;
}

void live_describe(const struct live_capture *l, size_t which, struct trouble *out)
{
    const struct interface *f = &l->interfaces[which];
    trouble_set(out, "Interface %.100s: time stamps of the %s, kernel buffer of %u MB.", f->name,
                f->has_adapter_clock ? "adapter" : "kernel", l->buffer_mb);
}

static void say(struct live_capture *l, const struct interface *f, const char *what)
{
    const struct trouble before = l->has_remark ? l->remark : (struct trouble){{0}};
    trouble_set(&l->remark, "%.250s%sInterface %.100s %s.", before.text, l->has_remark ? " " : "",
                f->name, what);
    l->has_remark = true;
}

bool live_remark(struct live_capture *l, struct trouble *out)
{
    bool has = l->has_remark;
    *out = l->remark;
    l->has_remark = false;
    return has;
}

static void fill_frame(struct interface *f, const struct pcap_pkthdr *header, const uint8_t *bytes,
                       struct frame *out)
{
    struct capture_info *info = &f->info;
    /* With nanosecond precision tv_usec holds nanoseconds. */
    int64_t time_ns = (int64_t)header->ts.tv_sec * NS_PER_SECOND + header->ts.tv_usec;
    info->last_number = info->last_number == UINT32_MAX ? 1 : info->last_number + 1;
    info->frames++;
    info->bytes += header->len;
    info->bytes_read += header->caplen;
    if (!info->has_times || time_ns < info->first_time_ns) {
        info->first_time_ns = time_ns;
    }
    if (!info->has_times || time_ns > info->last_time_ns) {
        info->last_time_ns = time_ns;
    }
    info->has_times = true;
    f->largest = header->caplen > f->largest ? header->caplen : f->largest;
    info->drops[CAPTURE_DROP_FRAME_CUT] += header->len > header->caplen;
    *out = (struct frame){.number = info->last_number,
                          .link_type = f->link_type,
                          .has_time = true,
                          .original_len = header->len,
                          .time_ns = time_ns,
                          .bytes = {.at = bytes, .len = header->caplen}};
}

/* After an error: is the interface down for now, or gone? libpcap's words for a device that no
 * longer exists; whatever else it says, the socket stays bound and works again once it is up. */
static void lose(struct live_capture *l, struct interface *f)
{
    bool is_gone = strstr(pcap_geterr(f->pcap), "disappeared") != NULL;
    if (is_gone) {
        f->state = INTERFACE_GONE;
        f->pause_ns = LIVE_DOWN_RETRY_NS;
        f->retry_ns = monotonic_ns() + f->pause_ns;
        say(l, f, "is gone; waiting for one of that name");
    } else {
        if (f->state == INTERFACE_UP) {
            say(l, f, "went down; waiting for it to come back");
        }
        f->state = INTERFACE_DOWN;
        f->retry_ns = monotonic_ns() + LIVE_DOWN_RETRY_NS;
    }
}

/* Ties the socket to the interface that has the name now, if it is of the same kind. Only making a
 * socket needs a right, which was given up; this one's filter and buffer stay what they are. */
static bool bind_again(const struct interface *f)
{
    struct ifreq request = {0};
    struct sockaddr_ll to = {0};
    socklen_t len = sizeof to;
    struct text name;
    text_init(&name, request.ifr_name, sizeof request.ifr_name);
    text_add(&name, f->name);
    if (ioctl(f->fd, SIOCGIFINDEX, &request) != 0 ||
        getsockname(f->fd, (struct sockaddr *)&to, &len) != 0) {
        return false;
    }
    const struct packet_mreq every = {.mr_ifindex = request.ifr_ifindex,
                                      .mr_type = PACKET_MR_PROMISC};
    to.sll_ifindex = request.ifr_ifindex;
    len = sizeof to;
    if (bind(f->fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        getsockname(f->fd, (struct sockaddr *)&to, &len) != 0 || to.sll_hatype != f->hatype) {
        return false;
    }
    (void)setsockopt(f->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &every, sizeof every);
    return true;
}

/* Looks for an interface of that name at growing intervals, for ever. */
static void find_again(struct live_capture *l, struct interface *f)
{
    if (bind_again(f)) {
        f->state = INTERFACE_DOWN; /* until its first frame */
        f->retry_ns = monotonic_ns();
        say(l, f, "is there again");
        return;
    }
    f->pause_ns =
        f->pause_ns >= LIVE_GONE_RETRY_NS_MAX / 2 ? LIVE_GONE_RETRY_NS_MAX : 2 * f->pause_ns;
    f->retry_ns = monotonic_ns() + f->pause_ns;
}

/* What libpcap hands each frame of one interface to. */
struct delivery {
    struct live_capture *live;
    size_t which;
    live_sink *sink;
    void *context;
};

/* The frame lies in the kernel's ring: nothing is copied. */
static void deliver(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    const struct delivery *d = (const void *)user;
    struct interface *f = &d->live->interfaces[d->which];
    struct frame frame;
    ahead_fetch(&f->ahead, bytes, header->caplen);
    if (f->state == INTERFACE_DOWN) {
        f->state = INTERFACE_UP;
        say(d->live, f, "is up again");
    }
    fill_frame(f, header, bytes, &frame);
    d->sink(d->context, d->which, &frame);
}

/* Delivers at most max frames of one interface; their number. */
static size_t take(struct delivery *d, size_t max)
{
    struct interface *f = &d->live->interfaces[d->which];
    if (f->state != INTERFACE_UP && monotonic_ns() < f->retry_ns) {
        return 0;
    }
    if (f->state == INTERFACE_GONE) {
        find_again(d->live, f);
        return 0;
    }
    int num = pcap_dispatch(f->pcap, (int)max, deliver, (u_char *)d);
    if (num < 0) {
        lose(d->live, f);
    } else if (f->state == INTERFACE_DOWN) {
        f->retry_ns = monotonic_ns() + LIVE_DOWN_RETRY_NS;
    }
    return num > 0 ? (size_t)num : 0;
}

/* Frames that came so far, also those that wait to be read; wraps. */
static uint32_t num_received(const struct interface *f)
{
    struct pcap_stat stat;
    return f->state == INTERFACE_UP && pcap_stats(f->pcap, &stat) == 0 ? stat.ps_recv : 0;
}

/* Would what came since the wait began, were all frames as large as the largest so far, leave three
 * quarters of each buffer free? */
static bool has_room(const struct live_capture *l)
{
    const uint64_t room = (uint64_t)l->buffer_mb * BYTES_PER_MB / 4;
    for (size_t i = 0; i < l->num_interfaces; i++) {
        const struct interface *f = &l->interfaces[i];
        uint64_t num = (uint32_t)(num_received(f) - f->received_before);
        uint64_t largest = f->largest > LARGEST_BYTES_MIN ? f->largest : LARGEST_BYTES_MIN;
        if (num * (largest + RING_HEAD_BYTES) > room) {
            return false;
        }
    }
    return true;
}

/* Lets frames gather: few at a time cost a change of process and find the caches cold. No nap is so
 * long that the fastest network could fill what is free. */
static void gather(struct live_capture *l)
{
    const struct timespec nap = {.tv_nsec = l->nap_ns};
    for (size_t i = 0; i < l->num_interfaces; i++) {
        l->interfaces[i].received_before = num_received(&l->interfaces[i]);
    }
    for (unsigned i = 0; i < LIVE_NAPS_MAX; i++) {
        if (nanosleep(&nap, NULL) != 0 || !has_room(l)) {
            return; /* a signal, or enough */
        }
    }
}

/* Waits until an interface has frames, or LIVE_WAIT_MS. */
static void wait_for_frames(struct live_capture *l)
{
    struct pollfd fds[LIVE_INTERFACES_MAX];
    nfds_t num = 0;
    for (size_t i = 0; i < l->num_interfaces; i++) {
        const struct interface *f = &l->interfaces[i];
        if (f->state == INTERFACE_UP) {
            fds[num++] = (struct pollfd){.fd = f->fd, .events = POLLIN};
        }
    }
    gather(l);
    (void)poll(fds, num, LIVE_WAIT_MS); /* an interrupted wait is a short one */
}

size_t live_read(struct live_capture *l, size_t max, live_sink *sink, void *context)
{
    size_t num = 0;
    for (unsigned pass = 0; pass < 2 && num == 0; pass++) {
        if (pass > 0) {
            wait_for_frames(l);
        }
        for (size_t i = 0; i < l->num_interfaces && num < max; i++) {
            struct delivery d = {.live = l, .which = i, .sink = sink, .context = context};
            num += take(&d, max - num < LIVE_BURST ? max - num : LIVE_BURST);
        }
    }
    return num;
}

void live_count(struct live_capture *l)
{
    for (size_t i = 0; i < l->num_interfaces; i++) {
        struct interface *f = &l->interfaces[i];
        struct pcap_stat stat;
        if (f->state != INTERFACE_GONE && pcap_stats(f->pcap, &stat) == 0) {
            f->dropped_before += (uint32_t)(stat.ps_drop - f->dropped_last);
            f->dropped_before += (uint32_t)(stat.ps_ifdrop - f->missed_last);
            f->dropped_last = stat.ps_drop;
            f->missed_last = stat.ps_ifdrop;
            f->info.drops[CAPTURE_DROP_BY_SYSTEM] = f->dropped_before;
        }
    }
}

const struct capture_info *live_info(const struct live_capture *l, size_t which)
{
    return &l->interfaces[which].info;
}

void live_close(struct live_capture *l)
{
    if (l != NULL) {
        for (size_t i = 0; i < l->num_interfaces; i++) {
            if (l->interfaces[i].pcap != NULL) {
                pcap_close(l->interfaces[i].pcap);
            }
        }
        free(l);
    }
}
