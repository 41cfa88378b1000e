#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

void trouble_set(struct trouble *t, const char *format, ...)
{
    va_list args;
    if (t == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(t->text, sizeof t->text, format, args);
    va_end(args);
}

enum verdict flaw_set(struct flaw *f, size_t at, const char *why, const char *source)
{
    if (f != NULL) {
        *f = (struct flaw){.why = why, .source = source, .at = at};
    }
    return VERDICT_BAD;
}
