/* Times of frames in ns; what int64_t cannot hold is its lowest or highest value. */
#ifndef KRBSCOPE_CAPTURE_TIME_PRIVATE_H
#define KRBSCOPE_CAPTURE_TIME_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

struct pcapng_interface;

int64_t time_add(int64_t a, int64_t b);
int64_t time_multiply(int64_t a, int64_t b);

/* A pcapng time stamp in the interface's units since its offset; cut to whole ns. */
int64_t pcapng_time_ns(const struct pcapng_interface *of, uint64_t stamp);

#endif
