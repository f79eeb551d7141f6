/* SPDX-License-Identifier: ISC */
/* diagnose_address.c: what is known about one address: where it is, who vouches for it, and what it
 * may do here. */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "base/alloc.h"
#include "core/diagnose.h"
#include "core/meet.h"
#include "core/names.h"
#include "core/policy.h"
#include "core/route.h"
#include "core/told.h"
#include "discover/peers.h"

/* --- where it is -------------------------------------------------------------------------- */

static void
add_way(struct words *words, const struct sockaddr_storage *way, socklen_t length)
{
	char host[80], port[8];

	if (way->ss_family == AF_UNSPEC ||
	    getnameinfo((const struct sockaddr *)way, length, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	words_add(words, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, port);
}

/* Whether anybody else answers by multicast: else it is no wonder. */
static bool
hears_others(const struct diagnosis *d)
{
	for (size_t i = 0; d->found != NULL && i < d->found->echo_count; i++)
		if (echo_heard(d->found->echoes[i])->others > 0)
			return true;
	return d->found == NULL;
}

static void
tell_missing(const struct diagnosis *d, const struct dest *dest)
{
	if (!hears_others(d))
		diagnosis_tell(d, "announced", EAR_CHECK_FAIL,
			       "does the access point keep its clients apart (client isolation), "
			       "or a firewall drop UDP port 5353? A [peer] section with its host "
			       "does without multicast",
			       "%s is not on this LAN now, nor is anybody else heard by multicast",
			       dest->lan);
	else
		diagnosis_tell(d, "announced", EAR_CHECK_FAIL,
			       "is earshotd running there, on this network, and UDP port 5353 not "
			       "filtered? A [peer] section with its host does without multicast",
			       "%s is not on this LAN now", dest->lan);
}

static void
tell_configured(const struct diagnosis *d, const struct dest *dest)
{
	struct sockaddr_storage targets[NAME_WAYS_MAX];
	socklen_t lengths[NAME_WAYS_MAX];
	const struct conf_peer *conf = dest->conf;

	if (names_targets(d->ear, conf, targets, lengths, NAME_WAYS_MAX) > 0)
		diagnosis_tell(d, "announced", EAR_CHECK_OK, NULL,
			       "%s, by the configuration at %s:%u", dest->lan, conf->host,
			       conf->port);
	else
		diagnosis_tell(d, "announced", EAR_CHECK_FAIL,
			       "the name server in /etc/resolv.conf must answer for it; or [peer] "
			       "host = its address",
			       "%s, by the configuration at %s, a name that is not found",
			       dest->lan, conf->host);
}

static void
tell_told(const struct diagnosis *d, const struct dest *dest)
{
	struct sockaddr_storage targets[FINDINGS_KNOCKS];
	socklen_t lengths[FINDINGS_KNOCKS];
	size_t n = told_targets(d->ear, dest->lan, targets, lengths, FINDINGS_KNOCKS);
	struct words words = { "" };

	for (size_t i = 0; i < n; i++)
		add_way(&words, &targets[i], lengths[i]);
	if (n > 0)
		diagnosis_tell(d, "announced", EAR_CHECK_OK, NULL,
			       "%s, as it has told over its server at %s", dest->lan, words.text);
	else
		diagnosis_tell(d, "announced", EAR_CHECK_WARN,
			       "those addresses are tried again by and by: does a firewall or "
			       "another network lie between?",
			       "%s, only as it has told over its server, and there nobody answered",
			       dest->lan);
}

static void
check_announced(const struct diagnosis *d, const struct dest *dest)
{
	const struct peer *peer = peers_find(d->ear->peers, dest->lan);
	struct words words = { "" };

	for (size_t i = 0; peer != NULL && i < peer->way_count; i++)
		add_way(&words, &peer->ways[i].address, peer->ways[i].length);
	if (words.text[0] != '\0')
		diagnosis_tell(d, "announced", EAR_CHECK_OK, NULL, "%s, on this LAN at %s",
			       dest->lan, words.text);
	else if (dest->conf != NULL && dest->conf->host != NULL)
		tell_configured(d, dest);
	else if (told_is_known(d->ear, dest->lan))
		tell_told(d, dest);
	else if (peer != NULL)
		diagnosis_tell(d, "announced", EAR_CHECK_FAIL,
			       "UDP port 5353 of that machine must not be filtered",
			       "%s, but it does not tell its host's address", dest->lan);
	else
		tell_missing(d, dest);
}

static void
check_where(const struct diagnosis *d, const struct dest *dest)
{
	if (dest != NULL && dest->lan != NULL)
		check_announced(d, dest);
	else
		diagnosis_tell(d, "announced", EAR_CHECK_WARN, NULL,
			       "nobody on this LAN has proved to be that address");
}

static void
check_jid(const struct diagnosis *d, const struct dest *dest)
{
	if (dest != NULL && dest->jid != NULL)
		diagnosis_tell(d, "jid", EAR_CHECK_OK, NULL, "%s%s", dest->jid,
			       dest->conf != NULL && dest->conf->jid != NULL
				       ? ", by the configuration"
				       : "");
	else
		diagnosis_tell(d, "jid", EAR_CHECK_OK, NULL,
			       "none is known: no server can vouch for it");
}

/* --- who vouches for it ------------------------------------------------------------------- */

struct pin_look {
	const struct diagnosis *diagnosis;
	const char *address, *name;
	const struct link *link;
	unsigned found;
};

static bool
holds(const char *const *list, size_t count, const char *address)
{
	char bare[EAR_JID_SIZE];

	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], address) == 0 ||
		    (ear_jid_bare(list[i], bare, sizeof(bare)) == 0 && strcmp(bare, address) == 0))
			return true;
	return false;
}

static void
tell_pin(struct pin_look *look, const struct ear_pin_info *pin)
{
	const struct diagnosis *d = look->diagnosis;
	char key[EAR_KEY_SIZE], remedy[EAR_JID_SIZE + 64];

	look->found++;
	ear_key_format(pin->key, key);
	snprintf(remedy, sizeof(remedy), "earshot pair %s", look->name);
	if (pin->revoked)
		diagnosis_tell(d, "key", EAR_CHECK_FAIL,
			       "its owner made another one, which is asked for by itself; without "
			       "a server: pair again",
			       "%.16s... is revoked", key);
	else if (look->link != NULL && look->link->keyed &&
		 !ear_key_equal(&look->link->key, pin->key))
		look->found--; /* another device of that address */
	else if (pin->voucher == EAR_BY_NOBODY)
		diagnosis_tell(d, "key", EAR_CHECK_WARN, remedy, "%.16s..., nobody vouches for it",
			       key);
	else
		diagnosis_tell(d, "key", EAR_CHECK_OK, NULL, "%.16s..., vouched for by %s%s", key,
			       ear_voucher_name(pin->voucher), pin->trusted ? ", trusted" : "");
}

static void
on_pin(void *arg, const struct ear_pin_info *pin)
{
	struct pin_look *look = arg;

	if (holds(pin->addresses, pin->address_count, look->address) ||
	    holds(pin->jids, pin->jid_count, look->address))
		tell_pin(look, pin);
}

/* The loud one: who answers there is not who was there before. */
static void
check_refused(const struct diagnosis *d, const char *address, const struct dest *dest)
{
	char remedy[EAR_JID_SIZE + 128];
	const char *text;

	if (dest == NULL || dest->refused == 0)
		return;
	route_condition(dest->refused, &text);
	snprintf(remedy, sizeof(remedy),
		 "was that device reset or replaced? earshot untrust %s, and pair again; else "
		 "somebody is in its place",
		 address);
	diagnosis_tell(d, "identity", EAR_CHECK_FAIL, remedy, "%s",
		       dest->by_lan.failure[0] != '\0' ? dest->by_lan.failure : text);
}

static void
check_keys(const struct diagnosis *d, const char *address, const struct dest *dest)
{
	struct pin_look look = { .diagnosis = d, .address = address, .name = address };
	char remedy[EAR_JID_SIZE + 128];

	if (dest != NULL && dest->lan != NULL)
		look.link = d->ear->reach->lan_find(d->ear->reach_arg, dest->lan);
	ear_each_pin(d->ear, on_pin, &look);
	if (look.found > 0)
		return;
	snprintf(remedy, sizeof(remedy),
		 ear_jid_is_lan(address)
			 ? "earshot pair %s"
			 : "when they meet, its server's list proves one; or: earshot trust %s KEY",
		 address);
	diagnosis_tell(d, "key", EAR_CHECK_WARN, remedy, "none is known: nothing proves who it is");
}

/* --- what it may do ----------------------------------------------------------------------- */

struct level_look {
	bool found;
	enum ear_level level;
	enum ear_link_kind link;
};

/* The path in use, or else the surest that works. */
static void
on_path(void *arg, const struct ear_path_info *path)
{
	struct level_look *look = arg;

	if (path->state != EAR_PATH_UP && !path->chosen)
		return;
	if (look->found && !path->chosen)
		return;
	*look = (struct level_look){ true, path->level, path->link };
}

static void
check_verbs(const struct diagnosis *d, const char *address, const struct level_look *look)
{
	struct words may = { "" }, rest = { "" };
	char remedy[EAR_JID_SIZE + 64];

	for (int verb = 0; verb < EAR_VERB_COUNT; verb++) {
		enum ear_level need = policy_level(d->ear->conf, verb);

		if (verb == EAR_VERB_ADMIN)
			continue;
		if (policy_allows(d->ear->conf, verb, look->level, look->link)) {
			words_add(&may, "%s", ear_verb_name(verb));
			continue;
		}
		words_add(&rest, "%s (%s)", ear_verb_name(verb), ear_level_name(need));
	}
	snprintf(remedy, sizeof(remedy), "earshot %s %s; or [policy]",
		 look->level == EAR_PROVED ? "trust" : "pair", address);
	diagnosis_tell(d, "may here", EAR_CHECK_OK, rest.text[0] == '\0' ? NULL : remedy, "%s%s%s",
		       may.text[0] == '\0' ? "nothing" : may.text,
		       rest.text[0] == '\0' ? "" : "; not ", rest.text);
}

static void
check_level(const struct diagnosis *d, const char *address)
{
	struct level_look look = { 0 };

	ear_each_path(d->ear, address, on_path, &look);
	if (!look.found) {
		diagnosis_tell(d, "level", EAR_CHECK_WARN, NULL, "none: no path works");
		return;
	}
	diagnosis_tell(d, "level", look.level >= EAR_PROVED ? EAR_CHECK_OK : EAR_CHECK_WARN, NULL,
		       "%s, over %s", ear_level_name(look.level), ear_link_name(look.link));
	check_verbs(d, address, &look);
}

/* --- whether it is private ---------------------------------------------------------------- */

static void
check_tls(const struct diagnosis *d, const struct dest *dest, const struct link *link)
{
	bool up = link != NULL && link->state == LINK_UP;

	if (up && link->keyed)
		diagnosis_tell(d, "tls", EAR_CHECK_OK, NULL,
			       "encrypted (TLS 1.3), both ends have shown their keys");
	else if (!policy_allows_plain(d->ear->conf) && !meet_may_be_keyed(d->ear, dest->lan))
		diagnosis_tell(d, "tls", EAR_CHECK_FAIL,
			       "let it offer TLS (another program, a newer one); or [policy] "
			       "plaintext = warn here",
			       "it offers none, and [policy] plaintext = deny refuses what is not "
			       "encrypted");
	else if (up)
		diagnosis_tell(d, "tls", EAR_CHECK_WARN, NULL,
			       "it offers none: everybody on the way can read and change what is "
			       "said");
}

void
diagnose_address(const struct diagnosis *diagnosis, const char *address)
{
	const struct dest *dest = dest_get(diagnosis->ear, address);
	const struct ear *ear = diagnosis->ear;
	const struct findings *found = diagnosis->found;
	bool lan = dest != NULL && dest->lan != NULL;
	const struct link *link = lan ? ear->reach->lan_find(ear->reach_arg, dest->lan) : NULL;

	check_where(diagnosis, dest);
	check_jid(diagnosis, dest);
	if (found != NULL)
		diagnose_knocks(diagnosis, "connection", found->theirs, found->their_count, false);
	if (lan)
		check_tls(diagnosis, dest, link);
	check_keys(diagnosis, address, dest);
	check_refused(diagnosis, address, dest);
	diagnose_answers(diagnosis, link, found != NULL && found->their_count > 0);
	check_level(diagnosis, address);
	diagnose_may_there(diagnosis, address);
}
