/* One message as one JSON object on a line of its own. Written as ASCII, as report/json.c does. */
#include "report/messages_private.h"

#include "report/escape.h"

#include <jansson.h>
#include <stdlib.h>

#define LINE_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII)
#define TWIN_NAME_MAX 64 /* bytes of "<name>_raw" */
#define LEVELS_MAX 16    /* of nesting; messages have half of it */

static json_t *string_taken(char *copy, size_t len)
{
    json_t *value = copy == NULL ? NULL : json_stringn(copy, len);
    free(copy);
    return value;
}

/* A leaf's value. NULL: no memory. */
static json_t *leaf_from(const struct tree *node)
{
    size_t len;
    switch (node->kind) {
    case TREE_BYTES: {
        char *copy = escape_utf8_new(node->bytes, &len);
        return string_taken(copy, len);
    }
    case TREE_NUMBER:
        return json_integer(node->number);
    case TREE_BOOL:
        return json_boolean(node->flag);
    case TREE_OBJECT:
        return json_object();
    case TREE_LIST:
        return json_array();
    case TREE_NULL:
        break;
    }
    return json_null();
}

/* A string that is no UTF-8 has a twin with its bytes. */
static bool put_twin(json_t *object, const struct tree *node)
{
    char buffer[TWIN_NAME_MAX];
    struct text name;
    size_t len;
    if (node->kind != TREE_BYTES || escape_is_utf8(node->bytes)) {
        return true;
    }
    text_init(&name, buffer, sizeof buffer);
    text_format(&name, "%s_raw", node->name);
    char *hex = escape_hex_new(node->bytes, &len);
    return json_object_set_new(object, name.at, string_taken(hex, len)) == 0;
}

static bool put(json_t *parent, const struct tree *node, json_t *value)
{
    if (json_is_array(parent)) {
        return json_array_append_new(parent, value) == 0;
    }
    return json_object_set_new(parent, node->name, value) == 0 && put_twin(parent, node);
}

/* Depth first with a stack of our own. */
static bool fill(json_t *root, const struct tree *tree)
{
    struct {
        const struct tree *node; /* the next one of this level */
        json_t *into;
    } levels[LEVELS_MAX];
    size_t depth = 1;
    levels[0].node = tree->first;
    levels[0].into = root;
    while (depth > 0) {
        const struct tree *node = levels[depth - 1].node;
        if (node == NULL) {
            depth--;
            continue;
        }
        levels[depth - 1].node = node->next;
        json_t *value = leaf_from(node);
        if (!put(levels[depth - 1].into, node, value)) {
            return false;
        }
        if (node->first != NULL && depth < LEVELS_MAX) {
            levels[depth].node = node->first;
            levels[depth].into = value;
            depth++;
        }
    }
    return true;
}

bool messages_json_write(FILE *out, const struct tree *tree)
{
    json_t *root = json_object();
    bool good = root != NULL && fill(root, tree);
    if (good) {
        /* An error of the stream is kept by stdio and asked for at the end. */
        (void)json_dumpf(root, out, LINE_FLAGS);
        (void)fputc('\n', out);
    }
    json_decref(root);
    return good;
}
