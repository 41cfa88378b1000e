/* What holds for a path; iis_config_read.c makes the tables. */
#include "logs/iis_config_private.h"

#include <stdlib.h>
#include <string.h>

static bool is_word_of_iis(struct bytes b)
{
    static const char *const words[] = {
        "ApplicationPoolIdentity",
        "LocalService",
        "LocalSystem",
        "NetworkService",
        "SpecificUser",
        "Negotiate",
        "Negotiate:Kerberos",
        "Negotiate:PKU2U",
        "NTLM",
        "None",
        "Allow",
        "Require",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_is_nocase(b, words[i])) {
            return true;
        }
    }
    return false;
}

struct rewriting {
    struct arena *arena;
    iis_rewrite *rewrite;
    void *context;
    bool has_room;
};

static void rewrite_name(struct rewriting *w, struct bytes *name)
{
    if (name->len == 0) {
        return;
    }
    uint8_t *copy = arena_alloc(w->arena, name->len);
    if (copy == NULL) {
        w->has_room = false;
        return;
    }
    memcpy(copy, name->at, name->len);
    w->rewrite(w->context, copy, name->len);
    name->at = copy;
}

static void rewrite_word(struct rewriting *w, struct bytes *word)
{
    if (!is_word_of_iis(*word)) {
        rewrite_name(w, word);
    }
}

static void rewrite_location(struct rewriting *w, struct iis_location *l)
{
    rewrite_name(w, &l->path);
    rewrite_word(w, &l->token_checking.value);
    for (struct iis_change *x = l->changes; x != NULL; x = x->next) {
        if (!x->is_verb) {
            rewrite_word(w, &x->name);
        }
    }
}

static void rewrite_pool(struct rewriting *w, struct iis_pool *p)
{
    rewrite_name(w, &p->name);
    rewrite_word(w, &p->identity.value);
    rewrite_name(w, &p->user.value);
}

bool iis_config_rewrite(struct iis_config *c, iis_rewrite *rewrite, void *context)
{
    struct rewriting w = {
        .arena = &c->arena, .rewrite = rewrite, .context = context, .has_room = true};
    for (size_t i = 0; i < c->num_locations; i++) {
        rewrite_location(&w, &c->locations[i]);
    }
    for (size_t i = 0; i < c->num_sites; i++) {
        rewrite_name(&w, &c->sites[i].name);
        for (size_t j = 0; j < c->sites[i].num_bindings; j++) {
            rewrite_name(&w, &c->sites[i].bindings[j]);
        }
    }
    for (size_t i = 0; i < c->num_applications; i++) {
        rewrite_name(&w, &c->applications[i].path);
        rewrite_name(&w, &c->applications[i].pool);
    }
    for (size_t i = 0; i < c->num_pools; i++) {
        rewrite_pool(&w, &c->pools[i]);
    }
    rewrite_pool(&w, &c->pool_defaults);
    rewrite_name(&w, &c->default_pool);
    return w.has_room;
}

void iis_config_free(struct iis_config *c)
{
    if (c != NULL) {
        arena_free(&c->arena);
        free(c);
    }
}

const struct log_info *iis_config_info(const struct iis_config *c)
{
    return &c->info;
}

bool iis_identity_is_builtin(struct bytes identity)
{
    return !bytes_is_nocase(identity, "SpecificUser");
}

/* Is `path` the prefix or below it? Borders are slashes; case does not matter. */
static bool is_below(struct bytes path, struct bytes prefix)
{
    while (prefix.len > 0 && prefix.at[prefix.len - 1] == '/') {
        prefix.len--;
    }
    return bytes_equal_nocase(bytes_part(path, 0, prefix.len), prefix) &&
           (path.len == prefix.len || prefix.len == 0 || path.at[prefix.len] == '/');
}

/* "address:port:host" of a binding against the target: 0 it is not this one, higher is nearer. */
static unsigned binding_fits(struct bytes binding, const struct iis_target *t)
{
    size_t host_at = binding.len;
    while (host_at > 0 && binding.at[host_at - 1] != ':') {
        host_at--;
    }
    size_t port_end = host_at == 0 ? 0 : host_at - 1;
    size_t port_at = port_end;
    while (port_at > 0 && binding.at[port_at - 1] != ':') {
        port_at--;
    }
    struct bytes host = bytes_part(binding, host_at, binding.len);
    struct bytes port = bytes_part(binding, port_at, port_end - port_at);
    struct bytes address = bytes_part(binding, 0, port_at == 0 ? 0 : port_at - 1);
    struct address bound;
    uint64_t number = 0;
    unsigned fit = 1;
    if (t->port != 0 && (!bytes_to_u64(port, UINT16_MAX, &number) || number != t->port)) {
        return 0;
    }
    if (address.len > 0 && !bytes_is(address, "*") && address_parse(address, &bound)) {
        if (t->address != NULL && t->address->family != ADDRESS_NONE) {
            if (!address_equal(&bound, t->address)) {
                return 0;
            }
            fit += 1;
        }
    }
    if (host.len > 0) {
        if (t->host.len > 0 && !bytes_equal_nocase(host, t->host)) {
            return 0;
        }
        fit += t->host.len > 0 ? 2 : 0;
    }
    return fit;
}

static unsigned site_fits(const struct iis_site *s, const struct iis_target *t)
{
    unsigned best = 0;
    if (t->site_id != 0) {
        return s->id == t->site_id ? 1 : 0;
    }
    for (size_t i = 0; i < s->num_bindings; i++) {
        unsigned fit = binding_fits(s->bindings[i], t);
        best = fit > best ? fit : best;
    }
    return best;
}

/* The application of the site with the longest path that holds the target's. */
static const struct iis_application *application_of(const struct iis_config *c, size_t site,
                                                    struct bytes path)
{
    const struct iis_application *best = NULL;
    for (size_t i = 0; i < c->num_applications; i++) {
        const struct iis_application *a = &c->applications[i];
        if (a->site == site && is_below(path, a->path) &&
            (best == NULL || a->path.len > best->path.len)) {
            best = a;
        }
    }
    return best;
}

/* The site that serves the target: by its bindings; between equals the one that has an application
 * of its own for the path. */
static const struct iis_site *site_of(const struct iis_config *c, const struct iis_target *t)
{
    const struct iis_site *best = NULL;
    unsigned best_fit = 0;
    for (size_t i = 0; i < c->num_sites; i++) {
        unsigned fit = site_fits(&c->sites[i], t) * 2;
        const struct iis_application *a = application_of(c, i, t->path);
        if (fit > 0 && a != NULL && a->path.len > 1) {
            fit++;
        }
        if (fit > best_fit) {
            best_fit = fit;
            best = &c->sites[i];
        }
    }
    return best;
}

static void apply_flag(struct iis_flag *to, const struct iis_flag *from)
{
    if (from->line != 0) {
        *to = *from;
    }
}

static void apply_word(struct iis_word *to, const struct iis_word *from)
{
    if (from->line != 0) {
        *to = *from;
    }
}

static void remove_provider(struct iis_settings *s, struct bytes name)
{
    size_t num = 0;
    for (size_t i = 0; i < s->num_providers; i++) {
        if (!bytes_equal_nocase(s->providers[i].value, name)) {
            s->providers[num++] = s->providers[i];
        }
    }
    s->num_providers = num;
}

static void remove_verb(struct iis_settings *s, struct bytes name)
{
    size_t num = 0;
    for (size_t i = 0; i < s->num_verbs; i++) {
        if (!bytes_equal_nocase(s->verbs[i].name, name)) {
            s->verbs[num++] = s->verbs[i];
        }
    }
    s->num_verbs = num;
}

static void apply_change(struct iis_settings *s, const struct iis_change *x)
{
    if (x->is_verb) {
        if (x->what == IIS_CLEAR) {
            s->num_verbs = 0;
            return;
        }
        remove_verb(s, x->name);
        if (x->what == IIS_ADD && s->num_verbs < IIS_VERBS_MAX) {
            s->verbs[s->num_verbs++] =
                (struct iis_verb){.name = x->name, .is_allowed = x->is_allowed, .line = x->line};
        }
        return;
    }
    if (x->what == IIS_CLEAR) {
        s->num_providers = 0;
        return;
    }
    remove_provider(s, x->name);
    if (x->what == IIS_ADD && s->num_providers < IIS_PROVIDERS_MAX) {
        s->providers[s->num_providers++] = (struct iis_word){.value = x->name, .line = x->line};
    }
}

static void apply_location(struct iis_settings *s, const struct iis_location *l)
{
    apply_flag(&s->windows, &l->windows);
    apply_flag(&s->anonymous, &l->anonymous);
    apply_flag(&s->kernel_mode, &l->kernel_mode);
    apply_flag(&s->pool_credentials, &l->pool_credentials);
    apply_flag(&s->allow_unlisted, &l->allow_unlisted);
    apply_word(&s->token_checking, &l->token_checking);
    for (const struct iis_change *x = l->changes; x != NULL; x = x->next) {
        apply_change(s, x);
    }
}

/* IIS' own defaults, of its schema file IIS_schema.xml. */
static void begin(struct iis_settings *s)
{
    *s = (struct iis_settings){
        .anonymous = {.value = true},
        .kernel_mode = {.value = true},
        .allow_unlisted = {.value = true},
        .token_checking = {.value = bytes_of("None")},
        .identity = {.value = bytes_of("ApplicationPoolIdentity")},
    };
}

static void apply_pool(const struct iis_config *c, struct iis_settings *s)
{
    apply_word(&s->identity, &c->pool_defaults.identity);
    apply_word(&s->user, &c->pool_defaults.user);
    for (size_t i = 0; i < c->num_pools; i++) {
        if (bytes_equal_nocase(c->pools[i].name, s->pool)) {
            s->pool_line = c->pools[i].line;
            apply_word(&s->identity, &c->pools[i].identity);
            apply_word(&s->user, &c->pools[i].user);
        }
    }
    if (iis_identity_is_builtin(s->identity.value)) {
        s->user = (struct iis_word){0};
    }
}

/* "Site name" and path as one: what a location's path is compared with, from its end on. */
static bool location_holds(const struct iis_location *l, struct bytes site, struct bytes path)
{
    if (l->path.len == 0) {
        return true;
    }
    if (!bytes_equal_nocase(bytes_part(l->path, 0, site.len), site) ||
        (l->path.len > site.len && l->path.at[site.len] != '/')) {
        return false;
    }
    return is_below(path, bytes_part(l->path, site.len, l->path.len));
}

bool iis_config_settings(const struct iis_config *c, const struct iis_target *target,
                         struct iis_settings *out)
{
    const struct iis_site *site = site_of(c, target);
    begin(out);
    if (site == NULL) {
        return false;
    }
    out->site = site->name;
    const struct iis_application *a = application_of(c, (size_t)(site - c->sites), target->path);
    if (a != NULL) {
        out->application = a->path;
        out->application_line = a->line;
        out->pool = a->pool.len > 0 ? a->pool : c->default_pool;
    } else {
        out->pool = c->default_pool;
    }
    /* Locations are kept in the order of their paths' lengths: the deeper one comes later. */
    for (size_t i = 0; i < c->num_locations; i++) {
        if (location_holds(&c->locations[i], site->name, target->path)) {
            apply_location(out, &c->locations[i]);
        }
    }
    apply_pool(c, out);
    return true;
}

bool iis_verb_is_allowed(const struct iis_settings *s, struct bytes verb, uint32_t *line)
{
    for (size_t i = 0; i < s->num_verbs; i++) {
        if (bytes_equal_nocase(s->verbs[i].name, verb)) {
            *line = s->verbs[i].line;
            return s->verbs[i].is_allowed;
        }
    }
    *line = s->allow_unlisted.line;
    return s->allow_unlisted.value;
}
