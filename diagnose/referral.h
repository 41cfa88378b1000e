/* The way to a service's ticket over several realms (RFC 6806 8): which KDC named which realm next,
 * and where it ended. */
#ifndef KRBSCOPE_DIAGNOSE_REFERRAL_H
#define KRBSCOPE_DIAGNOSE_REFERRAL_H

#include "diagnose/judge.h"

/* Fills the referral members of *j from its view; tgs_success and tgs_failure must be set. */
/* Is it this attempt's way to the service: a request for the TGT of another realm, which the host's
 * name belongs to or which follows the challenge? */
bool referral_is_crossing(const struct judgement *j, const struct transaction *t);

void referral_walk(struct judgement *j);

/* Copies the walk into the record, when there was one beyond a single realm. */
void referral_keep(const struct judgement *j, struct attempt_record *out);

#endif
