/* One message as a line, with --verbose all that it says below it. */
#include "report/messages_private.h"

#include "base/civil.h"
#include "report/page.h"
#include "report/phrase.h"

#define HEAD_BYTES_MAX 160 /* frame, time, two addresses, type: nothing of the wire */
#define FRAME_COLUMNS 6
#define ADDRESS_COLUMNS 15
#define ADDRESS6_COLUMNS 25 /* fe80:: and an interface identifier; a whole one takes 39 */
#define TYPE_COLUMNS 13
#define TREE_INDENT 8
#define TREE_STEP 2
#define FLAT_MEMBERS_MAX 6 /* of an object, to stand on one line */
#define LEVELS_MAX 16      /* of nesting; messages have half of it */

static void put_padded(struct text *t, struct bytes word, size_t columns)
{
    text_add_bytes(t, word);
    for (size_t i = word.len; i < columns; i++) {
        text_add_char(t, ' ');
    }
}

static void put_frame(struct text *t, const struct event *e, bool has_several)
{
    char buffer[32];
    struct text frame;
    text_init(&frame, buffer, sizeof buffer);
    if (has_several) {
        phrase_file(&frame, e->capture);
        text_add_char(&frame, ':');
    }
    text_format(&frame, "%u", (unsigned)e->frame);
    for (size_t i = frame.len; i < FRAME_COLUMNS; i++) {
        text_add_char(t, ' ');
    }
    text_add_bytes(t, text_bytes(&frame));
}

/* The time of day; the date stands in the tree and in JSON. */
static void put_time(struct text *t, int64_t time_ns)
{
    char buffer[48];
    struct text time;
    text_init(&time, buffer, sizeof buffer);
    civil_print(&time, time_ns, 6, false);
    size_t day_end = bytes_find(text_bytes(&time), 'T', 0);
    text_add(t, "  ");
    text_add_bytes(t, bytes_part(text_bytes(&time), day_end + 1, time.len));
}

static void put_address(struct text *t, const struct address *address)
{
    char buffer[64];
    struct text a;
    text_init(&a, buffer, sizeof buffer);
    address_print(&a, address);
    size_t columns = address->family == ADDRESS_IPV6 ? ADDRESS6_COLUMNS : ADDRESS_COLUMNS;
    put_padded(t, text_bytes(&a), columns);
}

static void put_indent(FILE *out, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        (void)fputc(' ', out);
    }
}

static bool is_leaf(const struct tree *node)
{
    return node->kind != TREE_OBJECT && node->kind != TREE_LIST;
}

static void put_leaf(const struct message_line *l, const struct tree *node)
{
    char buffer[32];
    struct text number;
    switch (node->kind) {
    case TREE_BYTES:
        message_line_bytes(l, node->bytes);
        break;
    case TREE_NUMBER:
        text_init(&number, buffer, sizeof buffer);
        text_format(&number, "%lld", (long long)node->number);
        message_line_text(l, number.at);
        if (node->note != NULL) {
            message_line_text(l, " ");
            message_line_text(l, node->note);
        }
        break;
    case TREE_BOOL:
        message_line_text(l, node->flag ? "yes" : "no");
        break;
    case TREE_NULL:
    case TREE_OBJECT:
    case TREE_LIST:
        break;
    }
}

/* Nothing to say: unknown, or an empty list. */
static bool is_silent(const struct tree *node)
{
    return node->kind == TREE_NULL || (!is_leaf(node) && node->first == NULL);
}

/* All members are leaves, and an object has few of them: it fits on a line. */
static bool is_flat(const struct tree *node)
{
    size_t num = 0;
    for (const struct tree *item = node->first; item != NULL; item = item->next) {
        if (!is_leaf(item) || (node->kind == TREE_OBJECT && ++num > FLAT_MEMBERS_MAX)) {
            return false;
        }
    }
    return true;
}

/* "18 aes256-cts-hmac-sha1-96, 23 rc4-hmac", "type 2 NT-SRV-INST, name krbtgt/EXAMPLE.COM". */
static void put_flat(const struct message_line *l, const struct tree *node)
{
    const char *comma = "";
    for (const struct tree *item = node->first; item != NULL; item = item->next) {
        if (is_silent(item)) {
            continue;
        }
        message_line_text(l, comma);
        comma = ", ";
        if (item->name != NULL) {
            message_line_text(l, item->name);
            message_line_text(l, " ");
        }
        put_leaf(l, item);
    }
}

/* "name: value", or "name:" with its members to come. Returns what is to go on lines below it. */
static const struct tree *put_node(const struct message_line *l, const struct tree *node)
{
    if (node->name != NULL) {
        message_line_text(l, node->name);
        message_line_text(l, ":");
        message_line_text(l, is_flat(node) ? " " : "\n");
    }
    if (is_leaf(node)) {
        put_leaf(l, node);
    } else if (is_flat(node)) {
        put_flat(l, node);
    } else {
        return node->first;
    }
    message_line_text(l, "\n");
    return NULL;
}

/* Depth first with a stack of our own. An object in a list has a dash instead of a name, and its
 * first member stands behind it. */
static void put_tree(const struct message_line *l, const struct tree *first)
{
    const struct tree *levels[LEVELS_MAX] = {first};
    size_t depth = 1;
    bool is_after_dash = false;
    while (depth > 0) {
        const struct tree *node = levels[depth - 1];
        if (node == NULL) {
            depth--;
            continue;
        }
        levels[depth - 1] = node->next;
        if (is_silent(node)) {
            continue;
        }
        if (!is_after_dash) {
            put_indent(l->out, TREE_INDENT + TREE_STEP * (depth - 1));
        }
        message_line_text(l, node->name == NULL ? "- " : "");
        const struct tree *below = put_node(l, node);
        is_after_dash = node->name == NULL && below != NULL;
        if (below != NULL && depth < LEVELS_MAX) {
            levels[depth++] = below;
        }
    }
}

/* The members that the line has shown already. */
static bool is_on_line(const struct tree *node)
{
    return bytes_is(bytes_of(node->name), "capture") || bytes_is(bytes_of(node->name), "frame");
}

void messages_text_write(FILE *out, const struct messages_options *options, const struct event *e,
                         const struct reply *reply, const struct tree *tree)
{
    const struct message_line line = {.out = out, .ascii = options->ascii};
    char buffer[HEAD_BYTES_MAX];
    struct text head;
    text_init(&head, buffer, sizeof buffer);
    put_frame(&head, e, options->has_several);
    put_time(&head, e->time_ns);
    text_add(&head, "  ");
    put_address(&head, &e->from.address);
    text_add(&head, options->ascii ? " -> " : " \xe2\x86\x92 "); /* U+2192 rightwards arrow */
    put_address(&head, &e->to.address);
    text_add(&head, "  ");
    put_padded(&head, bytes_of(message_kind(e).type), TYPE_COLUMNS);
    text_add(&head, "  ");
    message_line_text(&line, head.at);
    message_line_summary(&line, e, reply);
    message_line_text(&line, "\n");
    if (options->verbose) {
        const struct tree *first = tree->first;
        while (first != NULL && is_on_line(first)) {
            first = first->next;
        }
        put_tree(&line, first);
    }
}
