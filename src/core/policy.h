/* SPDX-License-Identifier: ISC */
/* policy.h: who may do what: one table, verb by level. The only guard of its kind (XEP-0174 §13.2).
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <earshot/xep.h>

struct conf;

/* The level that the verb needs. */
enum ear_level policy_level(const struct conf *conf, enum ear_verb verb);

/* Whether a sender of that level, on that kind of link, may do that. */
bool policy_allows(const struct conf *conf, enum ear_verb verb, enum ear_level level,
		   enum ear_link_kind link);

/* Whether streams without encryption may be used at all. */
bool policy_allows_plain(const struct conf *conf);

/* Whether a stanza that came by `in` may leave by `out`: nothing from the LAN enters a server's
 * network. */
bool policy_allows_relay(enum ear_link_kind in, enum ear_link_kind out);

#endif
