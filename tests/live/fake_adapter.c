/* Preloaded: libpcap offers the adapter's clock on every interface, as it does of an adapter that
 * has one, and FAKE_ADAPTER says what comes of it:
 *
 *     works     it is used (so says libpcap; the stamps are the kernel's)
 *     refused   turning it on is not permitted: without CAP_NET_ADMIN
 *     absent    it is not there after all
 */
#include <dlfcn.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

static int is_chosen;

int pcap_list_tstamp_types(pcap_t *p, int **types)
{
    (void)p;
    *types = malloc(2 * sizeof **types);
    (*types)[0] = PCAP_TSTAMP_HOST;
    (*types)[1] = PCAP_TSTAMP_ADAPTER;
    return 2;
}

int pcap_set_tstamp_type(pcap_t *p, int type)
{
    (void)p;
    is_chosen = type == PCAP_TSTAMP_ADAPTER;
    return 0;
}

int pcap_activate(pcap_t *p)
{
    int (*original)(pcap_t *) = (int (*)(pcap_t *))dlsym(RTLD_NEXT, "pcap_activate");
    const char *what = getenv("FAKE_ADAPTER");
    int was_chosen = is_chosen;
    is_chosen = 0;
    if (was_chosen && what != NULL && strcmp(what, "refused") == 0) {
        return PCAP_ERROR_PERM_DENIED;
    }
    int status = original(p);
    return was_chosen && what != NULL && strcmp(what, "absent") == 0 && status == 0
               ? PCAP_WARNING_TSTAMP_TYPE_NOTSUP
               : status;
}
