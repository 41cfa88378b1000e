#include "cli/message.h"

#include "report/escape.h"

void message(const struct trouble *trouble)
{
    (void)fputs("krbscope: ", stderr);
    escape_text(stderr, bytes_of(trouble->text), false);
    (void)fputc('\n', stderr);
}

int message_usage(const char *command, const struct trouble *trouble)
{
    message(trouble);
    (void)fprintf(stderr, "Try '%s --help'.\n", command);
    return EXIT_RUN_FAILED;
}
