/* SPDX-License-Identifier: ISC */
/* own_jid.c: whether an address that somebody names is his own. */
#include <stdio.h>

#include "own_jid.h"

#define LOCAL ".local"

enum own_jid
own_jid_take(const char *text, const char *from, char jid[EAR_JID_SIZE])
{
	char named[EAR_JID_SIZE + sizeof(LOCAL)], local[EAR_JID_SIZE];

	if (ear_jid_prep(text, jid, EAR_JID_SIZE) != 0)
		return OWN_JID_NONE;
	if (ear_jid_bare_equal(jid, from))
		return OWN_JID_YES;
	snprintf(named, sizeof(named), "%s" LOCAL, jid);
	if (ear_jid_prep(named, local, sizeof(local)) != 0 || !ear_jid_bare_equal(local, from))
		return OWN_JID_OTHER;
	snprintf(jid, EAR_JID_SIZE, "%s", local);
	return OWN_JID_YES;
}
