#include "report/message_tree.h"

#include "base/civil.h"

#define VALUE_BYTES_MAX 64 /* a time, an address, a number of ours */

/* NULL when there is no room. */
static struct tree *add(struct tree_builder *b, const char *name, enum tree_kind kind)
{
    struct tree *node = b->at == NULL ? NULL : arena_alloc(b->arena, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    *node = (struct tree){.name = name, .kind = kind};
    if (b->at->last == NULL) {
        b->at->first = node;
    } else {
        b->at->last->next = node;
    }
    b->at->last = node;
    return node;
}

void tree_null(struct tree_builder *b, const char *name)
{
    (void)add(b, name, TREE_NULL);
}

void tree_bytes(struct tree_builder *b, const char *name, struct bytes bytes)
{
    struct tree *node = add(b, name, TREE_BYTES);
    if (node != NULL) {
        node->bytes = bytes;
    }
}

void tree_known(struct tree_builder *b, const char *name, struct bytes bytes)
{
    if (bytes.len == 0) {
        tree_null(b, name);
    } else {
        tree_bytes(b, name, bytes);
    }
}

void tree_word(struct tree_builder *b, const char *name, const char *word)
{
    tree_known(b, name, bytes_of(word));
}

void tree_number(struct tree_builder *b, const char *name, int64_t number)
{
    tree_noted(b, name, number, NULL);
}

void tree_noted(struct tree_builder *b, const char *name, int64_t number, const char *note)
{
    struct tree *node = add(b, name, TREE_NUMBER);
    if (node != NULL) {
        node->number = number;
        node->note = note;
    }
}

void tree_bool(struct tree_builder *b, const char *name, bool flag)
{
    struct tree *node = add(b, name, TREE_BOOL);
    if (node != NULL) {
        node->flag = flag;
    }
}

void tree_text(struct tree_builder *b, const char *name, const struct text *text)
{
    tree_bytes(b, name, text_keep(text, b->arena));
}

void tree_hex(struct tree_builder *b, const char *name, uint32_t number)
{
    char buffer[VALUE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "0x%08x", (unsigned)number);
    tree_text(b, name, &t);
}

void tree_time(struct tree_builder *b, const char *name, int64_t time_ns, unsigned digits, bool utc)
{
    char buffer[VALUE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    civil_print(&t, time_ns, digits, utc);
    tree_text(b, name, &t);
}

void tree_address(struct tree_builder *b, const char *name, const struct address *address)
{
    char buffer[VALUE_BYTES_MAX];
    struct text t;
    if (address->family == ADDRESS_NONE) {
        tree_null(b, name);
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, address);
    tree_text(b, name, &t);
}

void tree_endpoint(struct tree_builder *b, const char *name, const struct endpoint *e)
{
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    tree_address(b, "address", &e->address);
    if (e->port == 0) {
        tree_null(b, "port");
    } else {
        tree_number(b, "port", e->port);
    }
    tree_leave(b, former);
}

struct tree *tree_enter(struct tree_builder *b, const char *name, enum tree_kind kind)
{
    struct tree *former = b->at;
    b->at = add(b, name, kind); /* NULL without room: so are all members */
    return former;
}

void tree_leave(struct tree_builder *b, struct tree *former)
{
    b->at = former;
}
