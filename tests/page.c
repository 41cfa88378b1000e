#include "page.h"

#include "decode/decoder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void page_begin(struct page_of *p, const struct messages_options *options)
{
    *p = (struct page_of){0};
    p->stream = open_memstream(&p->text, &p->len);
    p->messages = messages_new(p->stream, options);
    p->replies = reply_tables_new();
    assert(p->messages != NULL && p->replies != NULL);
}

void page_take(void *context, const struct event *e)
{
    struct page_of *p = context;
    struct reply reply = reply_find(p->replies, e);
    messages_write(p->messages, e, &reply, true, p->is_waiting);
}

char *page_finish(struct page_of *p)
{
    struct trouble trouble = {{0}};
    enum status status = messages_end(p->messages, &trouble);
    assert(status == STATUS_OK);
    (void)status;
    messages_free(p->messages);
    reply_tables_free(p->replies);
    fclose(p->stream);
    return p->text;
}

char *page_of_recording(const struct recording *r, const struct messages_options *options)
{
    struct page_of p;
    const struct decoder_options decoder_options = {0};
    page_begin(&p, options);
    struct decoder *d = decoder_new(&decoder_options, page_take, &p);
    assert(d != NULL);
    for (size_t i = 0; i < r->num_frames; i++) {
        const struct frame frame = recording_frame(&r->frames[i]);
        p.is_waiting = decoder_is_waiting(d);
        decoder_push(d, &frame);
    }
    p.is_waiting = true;
    decoder_end(d);
    decoder_free(d);
    return page_finish(&p);
}

json_t *page_objects(char *text)
{
    json_t *list = json_array();
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_error_t error;
        json_t *o = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        assert(o != NULL);
        json_array_append_new(list, o);
    }
    free(text);
    return list;
}

json_t *page_without_frames(char *text)
{
    static const char *const names[] = {"frame", "time", "reply_to", "repeats"};
    json_t *list = page_objects(text);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *o = json_array_get(list, i);
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            bool is_known = !json_is_null(json_object_get(o, names[j]));
            json_object_set_new(o, names[j], json_boolean(is_known));
        }
    }
    return list;
}
