/* What a message says as a tree of named facts: built once, written as JSON or as indented text.
 * Nodes lie in an arena; bytes of the wire are borrowed and stay raw. */
#ifndef KRBSCOPE_REPORT_MESSAGE_TREE_H
#define KRBSCOPE_REPORT_MESSAGE_TREE_H

#include "base/address.h"
#include "base/arena.h"

enum tree_kind {
    TREE_NULL,
    TREE_BYTES,
    TREE_NUMBER,
    TREE_BOOL,
    TREE_OBJECT, /* named members */
    TREE_LIST,   /* members without names */
};

struct tree {
    const char *name; /* literal of ours; NULL in a list */
    enum tree_kind kind;
    struct bytes bytes;
    int64_t number;
    bool flag;
    const char *note; /* what a number means, a literal of ours; only people are shown it */
    struct tree *first, *last, *next;
};

/* A tree being built. What has no room is left out. */
struct tree_builder {
    struct arena *arena;
    struct tree *at; /* the object or list that takes what comes next */
};

/* Each adds one member to b->at. name is NULL in a list. */
void tree_null(struct tree_builder *b, const char *name);
void tree_bytes(struct tree_builder *b, const char *name, struct bytes bytes);
void tree_known(struct tree_builder *b, const char *name, struct bytes bytes); /* empty: null */
void tree_word(struct tree_builder *b, const char *name, const char *word);    /* NULL: null */
void tree_number(struct tree_builder *b, const char *name, int64_t number);
void tree_noted(struct tree_builder *b, const char *name, int64_t number, const char *note);
void tree_bool(struct tree_builder *b, const char *name, bool flag);
void tree_hex(struct tree_builder *b, const char *name, uint32_t number);
void tree_time(struct tree_builder *b, const char *name, int64_t time_ns, unsigned digits,
               bool utc);
void tree_address(struct tree_builder *b, const char *name, const struct address *address);
void tree_endpoint(struct tree_builder *b, const char *name, const struct endpoint *e);

/* The text so far as a value of its own. */
void tree_text(struct tree_builder *b, const char *name, const struct text *text);

/* Adds an object or list and goes into it; the result is for tree_leave(). */
struct tree *tree_enter(struct tree_builder *b, const char *name, enum tree_kind kind);
void tree_leave(struct tree_builder *b, struct tree *former);

#endif
