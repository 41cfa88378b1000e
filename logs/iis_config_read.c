/* libxml2's tree of applicationHost.config -> tables. */
#include "capture/unpacked.h"
#include "logs/iis_config_private.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct iis_config *c;
    bool is_full; /* a table or the arena had no room */
};

static bool name_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrcmp(node->name, (const xmlChar *)name) == 0;
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
    for (const xmlNode *x = node == NULL ? NULL : node->children; x != NULL; x = x->next) {
        if (name_is(x, name)) {
            return x;
        }
    }
    return NULL;
}

static uint32_t line_of(const xmlNode *node)
{
    long line = xmlGetLineNo(node);
    return line > 0 ? (uint32_t)line : 1;
}

/* The attribute's value, kept in the arena; empty when it is not there. Entities were replaced. */
static struct bytes attribute(struct reading *r, const xmlNode *node, const char *name)
{
    struct bytes kept = {0};
    for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
        if (xmlStrcmp(a->name, (const xmlChar *)name) == 0 && a->children != NULL &&
            a->children->content != NULL) {
            struct bytes value = bytes_of((const char *)a->children->content);
            if (!arena_copy(&r->c->arena, value, &kept)) {
                r->is_full = true;
            }
        }
    }
    return kept;
}

static void read_flag(struct reading *r, const xmlNode *node, const char *name,
                      struct iis_flag *out)
{
    struct bytes value = attribute(r, node, name);
    if (value.len > 0) {
        *out = (struct iis_flag){.value = bytes_is_nocase(value, "true") || bytes_is(value, "1"),
                                 .line = line_of(node)};
    }
}

static void read_word(struct reading *r, const xmlNode *node, const char *name,
                      struct iis_word *out)
{
    struct bytes value = attribute(r, node, name);
    if (value.len > 0) {
        *out = (struct iis_word){.value = value, .line = line_of(node)};
    }
}

/* clear, remove and add of <providers> (value) or <verbs> (verb, allowed). */
static void read_changes(struct reading *r, const xmlNode *list, bool is_verb,
                         struct iis_location *out)
{
    for (const xmlNode *x = list->children; x != NULL; x = x->next) {
        bool is_add = name_is(x, "add");
        bool is_clear = name_is(x, "clear");
        if (!is_add && !is_clear && !name_is(x, "remove")) {
            continue;
        }
        struct iis_change *change = arena_alloc(&r->c->arena, sizeof *change);
        if (change == NULL) {
            r->is_full = true;
            return;
        }
        struct iis_flag allowed = {.value = true};
        read_flag(r, x, "allowed", &allowed);
        *change = (struct iis_change){.what = is_add     ? IIS_ADD
                                              : is_clear ? IIS_CLEAR
                                                         : IIS_REMOVE,
                                      .is_verb = is_verb,
                                      .is_allowed = allowed.value,
                                      .name = attribute(r, x, is_verb ? "verb" : "value"),
                                      .line = line_of(x)};
        *(out->last_change == NULL ? &out->changes : &out->last_change->next) = change;
        out->last_change = change;
    }
}

static void read_security(struct reading *r, const xmlNode *security, struct iis_location *out)
{
    const xmlNode *authentication = child(security, "authentication");
    const xmlNode *windows = child(authentication, "windowsAuthentication");
    const xmlNode *anonymous = child(authentication, "anonymousAuthentication");
    const xmlNode *verbs = child(child(security, "requestFiltering"), "verbs");
    if (windows != NULL) {
        const xmlNode *protection = child(windows, "extendedProtection");
        const xmlNode *providers = child(windows, "providers");
        read_flag(r, windows, "enabled", &out->windows);
        read_flag(r, windows, "useKernelMode", &out->kernel_mode);
        read_flag(r, windows, "useAppPoolCredentials", &out->pool_credentials);
        if (protection != NULL) {
            read_word(r, protection, "tokenChecking", &out->token_checking);
        }
        if (providers != NULL) {
            read_changes(r, providers, false, out);
        }
    }
    if (anonymous != NULL) {
        read_flag(r, anonymous, "enabled", &out->anonymous);
    }
    if (verbs != NULL) {
        read_flag(r, verbs, "allowUnlisted", &out->allow_unlisted);
        read_changes(r, verbs, true, out);
    }
}

/* node: <configuration> or <location>, which hold <system.webServer>. */
static void read_location(struct reading *r, const xmlNode *node, struct bytes path)
{
    const xmlNode *security = child(child(node, "system.webServer"), "security");
    struct iis_config *c = r->c;
    if (security == NULL) {
        return;
    }
    if (c->num_locations == IIS_LOCATIONS_MAX) {
        r->is_full = true;
        return;
    }
    /* "." and "" are everywhere; a slash at either end means nothing. */
    while (path.len > 0 && path.at[path.len - 1] == '/') {
        path.len--;
    }
    if (bytes_is(path, ".")) {
        path.len = 0;
    }
    struct iis_location *l = &c->locations[c->num_locations++];
    *l = (struct iis_location){.path = path};
    read_security(r, security, l);
}

static void read_bindings(struct reading *r, const xmlNode *list, struct iis_site *site)
{
    for (const xmlNode *x = list->children; x != NULL; x = x->next) {
        if (!name_is(x, "binding") || site->num_bindings == IIS_BINDINGS_MAX) {
            continue;
        }
        struct bytes protocol = attribute(r, x, "protocol");
        if (bytes_is_nocase(protocol, "http") || bytes_is_nocase(protocol, "https")) {
            site->bindings[site->num_bindings++] = attribute(r, x, "bindingInformation");
        }
    }
}

static void read_applications(struct reading *r, const xmlNode *site, size_t index,
                              struct bytes site_pool)
{
    struct iis_config *c = r->c;
    for (const xmlNode *x = site->children; x != NULL; x = x->next) {
        if (!name_is(x, "application")) {
            continue;
        }
        if (c->num_applications == IIS_APPLICATIONS_MAX) {
            r->is_full = true;
            return;
        }
        struct bytes pool = attribute(r, x, "applicationPool");
        c->applications[c->num_applications++] =
            (struct iis_application){.site = index,
                                     .path = attribute(r, x, "path"),
                                     .pool = pool.len > 0 ? pool : site_pool,
                                     .line = line_of(x)};
    }
}

static void read_sites(struct reading *r, const xmlNode *sites)
{
    struct iis_config *c = r->c;
    const xmlNode *defaults = child(sites, "applicationDefaults");
    if (defaults != NULL) {
        c->default_pool = attribute(r, defaults, "applicationPool");
    }
    for (const xmlNode *x = sites->children; x != NULL; x = x->next) {
        if (!name_is(x, "site")) {
            continue;
        }
        if (c->num_sites == IIS_SITES_MAX) {
            r->is_full = true;
            return;
        }
        size_t index = c->num_sites++;
        struct iis_site *site = &c->sites[index];
        *site = (struct iis_site){.name = attribute(r, x, "name")};
        (void)bytes_to_u64(attribute(r, x, "id"), UINT32_MAX, &site->id);
        const xmlNode *bindings = child(x, "bindings");
        if (bindings != NULL) {
            read_bindings(r, bindings, site);
        }
        const xmlNode *own = child(x, "applicationDefaults");
        read_applications(r, x, index,
                          own == NULL ? (struct bytes){0} : attribute(r, own, "applicationPool"));
    }
}

static void read_pool(struct reading *r, const xmlNode *node, struct iis_pool *out)
{
    const xmlNode *model = child(node, "processModel");
    *out = (struct iis_pool){.name = attribute(r, node, "name"), .line = line_of(node)};
    if (model != NULL) { /* its attribute password is never looked at */
        read_word(r, model, "identityType", &out->identity);
        read_word(r, model, "userName", &out->user);
    }
}

static void read_pools(struct reading *r, const xmlNode *pools)
{
    struct iis_config *c = r->c;
    for (const xmlNode *x = pools->children; x != NULL; x = x->next) {
        if (name_is(x, "applicationPoolDefaults")) {
            read_pool(r, x, &c->pool_defaults);
        } else if (name_is(x, "add")) {
            if (c->num_pools == IIS_POOLS_MAX) {
                r->is_full = true;
                return;
            }
            read_pool(r, x, &c->pools[c->num_pools++]);
        }
    }
}

/* The deeper location comes later. Insertion keeps equal paths in the order of the file, which
 * qsort() need not; a configuration's locations are few and mostly in order. */
static void order_locations(struct iis_config *c)
{
    for (size_t i = 1; i < c->num_locations; i++) {
        struct iis_location moved = c->locations[i];
        size_t at = i;
        while (at > 0 && c->locations[at - 1].path.len > moved.path.len) {
            c->locations[at] = c->locations[at - 1];
            at--;
        }
        c->locations[at] = moved;
    }
}

static void read_tree(struct reading *r, const xmlNode *root)
{
    read_location(r, root, (struct bytes){0});
    for (const xmlNode *x = root->children; x != NULL; x = x->next) {
        if (name_is(x, "location")) {
            read_location(r, x, attribute(r, x, "path"));
        } else if (name_is(x, "system.applicationHost")) {
            const xmlNode *sites = child(x, "sites");
            const xmlNode *pools = child(x, "applicationPools");
            if (sites != NULL) {
                read_sites(r, sites);
            }
            if (pools != NULL) {
                read_pools(r, pools);
            }
        }
    }
    order_locations(r->c);
}

static struct iis_config *config_new(void)
{
    struct iis_config *c = calloc(1, sizeof *c);
    if (c == NULL || !arena_new(&c->arena, IIS_CONFIG_ARENA_BYTES)) {
        free(c);
        return NULL;
    }
    c->locations = arena_alloc_array(&c->arena, IIS_LOCATIONS_MAX, sizeof *c->locations);
    c->sites = arena_alloc_array(&c->arena, IIS_SITES_MAX, sizeof *c->sites);
    c->applications = arena_alloc_array(&c->arena, IIS_APPLICATIONS_MAX, sizeof *c->applications);
    c->pools = arena_alloc_array(&c->arena, IIS_POOLS_MAX, sizeof *c->pools);
    if (c->locations == NULL || c->sites == NULL || c->applications == NULL || c->pools == NULL) {
        iis_config_free(c);
        return NULL;
    }
    return c;
}

/* Odd XML is told in our words, and standard error belongs to the user. */
static void ignore_error(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

/* No configuration has a document type; one that has is after our memory or our files. */
static void stop_at_document_type(void *context, const xmlChar *name, const xmlChar *external_id,
                                  const xmlChar *system_id)
{
    (void)name;
    (void)external_id;
    (void)system_id;
    xmlStopParser(context);
}

static xmlDocPtr read_document(struct bytes text)
{
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser == NULL) {
        return NULL;
    }
    parser->sax->serror = ignore_error;
    parser->sax->internalSubset = stop_at_document_type;
    xmlDocPtr document =
        xmlCtxtReadMemory(parser, (const char *)text.at, (int)text.len, NULL, NULL,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                              XML_PARSE_NOENT | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    xmlFreeParserCtxt(parser);
    return document;
}

enum status iis_config_parse(struct iis_config **out, struct bytes text, struct trouble *trouble)
{
    *out = NULL;
    if (text.len > IIS_CONFIG_BYTES_MAX) {
        trouble_set(trouble, "it is too large for an applicationHost.config");
        return STATUS_NOT_CAPTURE;
    }
    xmlDocPtr document = read_document(text);
    const xmlNode *root = document == NULL ? NULL : xmlDocGetRootElement(document);
    if (root == NULL || !name_is(root, "configuration")) {
        trouble_set(trouble,
                    root == NULL ? "it is no well-formed XML" : "its root is not <configuration>");
        xmlFreeDoc(document);
        return STATUS_NOT_CAPTURE;
    }
    struct iis_config *c = config_new();
    if (c == NULL) {
        xmlFreeDoc(document);
        trouble_set(trouble, "there is not enough memory");
        return STATUS_NO_MEMORY;
    }
    struct reading r = {.c = c};
    read_tree(&r, root);
    xmlFreeDoc(document);
    c->info = (struct log_info){.format = LOG_FORMAT_CONFIG, .bytes = text.len, .complete = true};
    for (size_t at = 0; at < text.len; at = bytes_find(text, '\n', at) + 1) {
        c->info.lines++;
    }
    if (r.is_full) {
        c->info.complete = false;
        trouble_set(&c->info.damage, "it holds more than can be kept");
    }
    *out = c;
    return STATUS_OK;
}

/* All of the file in memory from malloc. */
static enum status read_all(const char *path, uint8_t **text, size_t *len, struct log_info *info,
                            struct trouble *trouble)
{
    struct unpacked *file;
    size_t room = 65536;
    enum status status = unpacked_open(&file, path, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    uint8_t *at = malloc(room);
    *len = 0;
    while (at != NULL) {
        struct bytes here = unpacked_peek(file, 1);
        if (here.len == 0 || *len + here.len > IIS_CONFIG_BYTES_MAX) {
            break;
        }
        while (at != NULL && room - *len < here.len) {
            uint8_t *more = realloc(at, room * 2);
            if (more == NULL) {
                free(at);
            }
            at = more;
            room *= 2;
        }
        if (at != NULL) {
            memcpy(at + *len, here.at, here.len);
            *len += here.len;
            unpacked_consume(file, here.len);
        }
    }
    *text = at;
    if (at == NULL) {
        trouble_set(trouble, "There is no memory to read %.200s.", path);
        status = STATUS_NO_MEMORY;
    } else if (unpacked_peek(file, 1).len > 0) {
        trouble_set(trouble, "%.200s is too large for an applicationHost.config.", path);
        status = STATUS_NOT_CAPTURE;
    }
    *info = (struct log_info){.compression = unpacked_compression(file),
                              .bytes = unpacked_disk_size(file)};
    unpacked_close(file);
    return status;
}

enum status iis_config_read(struct iis_config **out, const char *path, struct trouble *trouble)
{
    uint8_t *text = NULL;
    size_t len;
    struct log_info info;
    struct trouble why = {{0}};
    *out = NULL;
    enum status status = read_all(path, &text, &len, &info, trouble);
    if (status == STATUS_OK) {
        status = iis_config_parse(out, (struct bytes){.at = text, .len = len}, &why);
        if (status != STATUS_OK) {
            trouble_set(trouble, "%.200s cannot be used: %.200s.", path, why.text);
        } else {
            (*out)->info.compression = info.compression;
            (*out)->info.bytes = info.bytes;
        }
    }
    free(text);
    return status;
}
