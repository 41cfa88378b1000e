#include "guard/privileges.h"

#include "base/bytes.h"
#include "base/text.h"

#include <cap-ng.h>

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define USER_BYTES_MAX 64

static char now[USER_BYTES_MAX];

const char *privileges_user(void)
{
    return now;
}

/* Whom root becomes; NULL: the system knows nobody of that name. */
static const struct passwd *target(const char *user)
{
    const char *sudo = getenv("SUDO_UID");
    uint64_t uid = 0;
    if (user != NULL) {
        return getpwnam(user);
    }
    if (sudo != NULL && bytes_to_u64(bytes_of(sudo), UINT32_MAX - 1, &uid) && uid != 0) {
        const struct passwd *p = getpwuid((uid_t)uid);
        if (p != NULL) {
            return p;
        }
    }
    return getpwnam("nobody");
}

/* The bounding set may only be changed by who has CAP_SETPCAP; the rest always may be. libcap-ng
 * complains to syslog when it is asked in vain. */
static bool give_up_capabilities(void)
{
    bool has_bounding =
        capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
    capng_clear(CAPNG_SELECT_BOTH);
    return capng_apply(has_bounding ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) == 0;
}

static bool become(const struct passwd *p)
{
    capng_clear(CAPNG_SELECT_BOTH);
    int flags = CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING;
    return capng_change_id((int)p->pw_uid, (int)p->pw_gid, (capng_flags_t)flags) == 0;
}

enum status privileges_drop(const char *user, struct trouble *remark, struct trouble *trouble)
{
    const struct passwd *p = NULL;
    bool is_root = geteuid() == 0;
    if (is_root || user != NULL) {
        p = target(user);
        if (p == NULL) {
            trouble_set(trouble, "There is no user %.60s to become; name another with --user.",
                        user == NULL ? "nobody" : user);
            return STATUS_USAGE;
        }
        struct text t;
        text_init(&t, now, sizeof now);
        text_add(&t, p->pw_name);
    }
    if (is_root && p->pw_uid != 0 && !become(p)) {
        trouble_set(remark,
                    "Could not become user %.60s; going on as root without its capabilities.", now);
        now[0] = '\0';
    } else if (!is_root && p != NULL && p->pw_uid != geteuid()) {
        trouble_set(trouble, "Only root can become user %.60s.", now);
        return STATUS_USAGE;
    }
    if (!give_up_capabilities() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        trouble_set(trouble, "Capabilities could not be given up: %.100s.", strerror(errno));
        return STATUS_NO_FILE;
    }
    return STATUS_OK;
}
