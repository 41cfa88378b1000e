/* Writers of capture formats, made from their descriptions and independent of capture/: what the
 * reader reads back must be the same conversation.
 */
#ifndef KRBSCOPE_TESTS_FORMATS_H
#define KRBSCOPE_TESTS_FORMATS_H

#include "recording.h"

#include <stdio.h>

/* Classic pcap, times in µs or ns, either byte order. Ethernet only, as all of these. */
void format_pcap(FILE *out, const struct recording *r, bool nanoseconds, bool big_endian);

/* pcapng: one section, one interface with times in ns, enhanced packet blocks. */
void format_pcapng(FILE *out, const struct recording *r, bool big_endian);

/* Microsoft Network Monitor 1.1 and 2.0 to 2.3; the header's time is local time, zone_s seconds
 * east of UTC (frames of 2.3 carry UTC all the same). Needs a seekable file. */
void format_netmon(FILE *out, const struct recording *r, unsigned major, unsigned minor,
                   int32_t zone_s);

/* Packs the file at path with gzip, in place. */
void format_gzip(const char *path);

#endif
