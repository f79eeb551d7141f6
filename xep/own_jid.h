/* SPDX-License-Identifier: ISC */
/* own_jid.h: whether an address that somebody names is his own. */
#ifndef XEP_OWN_JID_H
#define XEP_OWN_JID_H

#include <stdbool.h>

#include <earshot/ear.h>

enum own_jid {
	OWN_JID_YES,
	OWN_JID_OTHER, /* somebody else's */
	OWN_JID_NONE,  /* no address at all */
};

/*
 * Compares what is named in a request from `from`, without resources, and puts it, prepared, into
 * jid. On a stream of XEP-0174 (§7) peers call themselves user@machine: that is user@machine.local
 * here, which jid becomes then.
 */
enum own_jid own_jid_take(const char *text, const char *from, char jid[EAR_JID_SIZE]);

#endif
