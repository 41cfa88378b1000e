/* What `messages` prints of a recording, and what of it may differ when the same bytes are carried
 * otherwise. */
#ifndef KRBSCOPE_TESTS_PAGE_H
#define KRBSCOPE_TESTS_PAGE_H

#include "recording.h"
#include "report/messages.h"

#include <jansson.h>
#include <stdio.h>

/* A page that messages are written to. */
struct page_of {
    char *text;
    size_t len;
    FILE *stream;
    struct messages *messages;
    bool is_waiting; /* the decoder, before the frame at work */
    struct reply_tables *replies;
};

void page_begin(struct page_of *p, const struct messages_options *options);

/* An event_sink; context is the page. */
void page_take(void *context, const struct event *e);

/* The text is the caller's. */
char *page_finish(struct page_of *p);

char *page_of_recording(const struct recording *r, const struct messages_options *options);

/* The objects of a page, one a line. Frees the text. */
json_t *page_objects(char *text);

/* The same without frames and times, which differ when the same bytes are carried otherwise: of
 * those stays whether they are known. */
json_t *page_without_frames(char *text);

#endif
