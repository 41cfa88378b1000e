#include "report/message_order.h"

#include <stdlib.h>
#include <string.h>

#define LATE_FRAME UINT32_MAX /* its place in the order has gone by */

/* Does the kept line belong behind the new one? */
static bool is_behind(const struct ordered_line *kept, const struct ordered_line *line)
{
    if (kept->connection != 0 && kept->connection == line->connection) {
        return false;
    }
    return kept->capture == line->capture ? kept->frame > line->frame
                                          : kept->time_ns > line->time_ns;
}

static void insert(struct message_order *o, struct ordered_line *line)
{
    struct ordered_line *before = o->last;
    while (before != NULL && is_behind(before, line)) {
        before = before->prev;
    }
    if (before != NULL && before->connection == line->connection &&
        before->capture == line->capture && before->frame > line->frame) {
        line->frame = before->frame; /* of one connection: nobody comes between by mistake */
        line->time_ns = before->time_ns;
    }
    line->prev = before;
    line->next = before == NULL ? o->first : before->next;
    *(line->prev == NULL ? &o->first : &line->prev->next) = line;
    *(line->next == NULL ? &o->last : &line->next->prev) = line;
    o->num_lines++;
    o->num_bytes += line->len;
}

static void take_first(struct message_order *o, FILE *out)
{
    struct ordered_line *line = o->first;
    o->first = line->next;
    *(line->next == NULL ? &o->last : &line->next->prev) = NULL;
    o->num_lines--;
    o->num_bytes -= line->len;
    if (line->frame < LATE_FRAME) {
        o->written_capture = line->capture;
        o->written_frame = line->frame;
    }
    if (out != NULL) {
        (void)fwrite(line->bytes, 1, line->len, out);
    }
    free(line);
}

bool message_order_add(struct message_order *o, FILE *out, const struct event *e, struct bytes text)
{
    struct ordered_line *line = malloc(sizeof *line + text.len);
    if (line == NULL) {
        message_order_flush(o, out);
        (void)fwrite(text.at, 1, text.len, out);
        return false;
    }
    *line = (struct ordered_line){
        .capture = e->capture,
        .frame = e->frame,
        .time_ns = e->time_ns,
        .connection = e->connection,
        .len = text.len,
    };
    memcpy(line->bytes, text.at, text.len);
    if (e->capture == o->written_capture && e->frame < o->written_frame) {
        line->frame = LATE_FRAME;
        line->time_ns = INT64_MAX;
    }
    insert(o, line);
    while (o->num_lines > MESSAGE_ORDER_LINES_MAX || o->num_bytes > MESSAGE_ORDER_BYTES_MAX) {
        take_first(o, out);
    }
    return true;
}

void message_order_flush(struct message_order *o, FILE *out)
{
    while (o->first != NULL) {
        take_first(o, out);
    }
}

void message_order_drop(struct message_order *o)
{
    message_order_flush(o, NULL);
}
