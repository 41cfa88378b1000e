/* What was set aside of a capture, in words: damage, and input that could not be decoded. */
#ifndef KRBSCOPE_REPORT_DROPS_H
#define KRBSCOPE_REPORT_DROPS_H

#include "diagnose/analysis.h"

/* number: 0 when the words are a sentence of their own. They may hold a path: escape them. */
struct drop_remark {
    uint64_t number;
    const char *words;
};

/* Calls write for each remark; with all also those that no verdict suffers from. */
void drops_tell(const struct capture_summary *c, bool all,
                void (*write)(void *context, const struct drop_remark *remark), void *context);

#endif
