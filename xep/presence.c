/* SPDX-License-Identifier: ISC */
/*
 * presence.c: our presence where no server keeps it: a component's (RFC 6121 §3, §4).
 *
 * Somebody adds one of our addresses to his contacts: who may subscribe is accepted, gets our
 * presence (capabilities, and in words what is played), now, when it changes and when his server
 * asks for it; and is asked for his in return, because that tells whether he is there and what he
 * wants to hear of (0163-pep.c). Who that is survives a restart:
 *
 *	roster OURS THEIRS = from   he gets our presence
 *	                     both   and we his
 */
#include <stdio.h>
#include <string.h>

#include <earshot/store.h>

#include "memory.h"
#include "presence.h"

#define GAP        EAR_SEC /* between two changes of what we say */
#define STATUS_MAX 900

extern const struct ear_xep ear_xep_presence;

struct presence {
	struct ear *ear;
	char status[STATUS_MAX]; /* as told last */
	struct ear_timer gap;
};

/* Both bare. */
struct pair {
	char ours[EAR_JID_SIZE], theirs[EAR_JID_SIZE];
};

bool
presence_is_component(struct ear *ear)
{
	const char *self = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && ear_jid_resource(self) == NULL;
}

/* --- who is in it ------------------------------------------------------------------------- */

static void
key_of(const struct pair *pair, char *key, size_t size)
{
	snprintf(key, size, "roster %s %s", pair->ours, pair->theirs);
}

static const char *
roster_get(struct ear *ear, const struct pair *pair)
{
	char key[2 * EAR_JID_SIZE + 16];

	key_of(pair, key, sizeof(key));
	return ear_kept(ear, key);
}

static int
roster_set(struct ear *ear, const struct pair *pair, const char *what)
{
	char key[2 * EAR_JID_SIZE + 16];

	key_of(pair, key, sizeof(key));
	return ear_keep(ear, key, what);
}

static bool
is_ours(struct ear *ear, const char *bare)
{
	const char *at = strchr(bare, '@'), *self = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && strcmp(at == NULL ? bare : at + 1, self) == 0;
}

/* The pair that a key names; false: none of the component that we are now. */
static bool
read_key(struct ear *ear, const char *key, struct pair *pair)
{
	const char *ours = strchr(key, ' '), *theirs = ours == NULL ? NULL : strchr(ours + 1, ' ');

	if (theirs == NULL)
		return false;
	snprintf(pair->ours, sizeof(pair->ours), "%.*s", (int)(theirs - ours - 1), ours + 1);
	snprintf(pair->theirs, sizeof(pair->theirs), "%s", theirs + 1);
	return is_ours(ear, pair->ours);
}

static void
count_one(void *arg, const char *key, const char *what)
{
	++*(size_t *)arg;
}

static size_t
roster_count(struct ear *ear)
{
	size_t count = 0;

	ear_each_kept(ear, "roster ", count_one, &count);
	return count;
}

struct search {
	struct ear *ear;
	const char *theirs;
	size_t length;
	bool found;
};

/* Most are told apart without being read. */
static void
compare_one(void *arg, const char *key, const char *what)
{
	struct search *search = arg;
	size_t length = strlen(key);
	struct pair pair;

	if (search->found || length < search->length ||
	    strcmp(key + length - search->length, search->theirs) != 0)
		return;
	search->found =
		read_key(search->ear, key, &pair) && strcmp(pair.theirs, search->theirs) == 0;
}

bool
presence_is_contact(struct ear *ear, const char *bare)
{
	struct search search = { ear, bare, strlen(bare), false };

	if (presence_is_component(ear))
		ear_each_kept(ear, "roster ", compare_one, &search);
	return search.found;
}

/* --- what we say -------------------------------------------------------------------------- */

static void
send_to(struct ear *ear, const struct pair *pair, const char *to, const char *type,
	const char *status)
{
	xmpp_stanza_t *presence = ear_stanza(ear_ctx(ear), "presence", type, to, NULL);

	xmpp_stanza_set_from(presence, pair->ours);
	if (status != NULL && *status != '\0')
		ear_child_text(presence, "status", EAR_NS_CLIENT, status);
	ear_send(ear, presence);
}

static void
send(struct ear *ear, const struct pair *pair, const char *type)
{
	send_to(ear, pair, pair->theirs, type, NULL);
}

/* "playing: Big Buck Bunny, by Sacha Goedegebure"; "": there is nothing to say. */
static void
status_of(struct ear *ear, char *out, size_t size)
{
	const struct ear_player_state *state =
		ear_player(ear) == NULL ? NULL : ear_player_last(ear_player(ear));
	bool titled = state != NULL && state->title[0] != '\0';

	out[0] = '\0';
	if (state != NULL)
		snprintf(out, size, "%s%s%s%s%s", ear_playback_name(state->playback),
			 titled ? ": " : "", state->title,
			 titled && state->artist[0] != '\0' ? ", by " : "",
			 titled ? state->artist : "");
}

/* What is played is for those who may see the state. */
static void
tell(struct presence *presence, const struct pair *pair, const char *to)
{
	bool may = ear_may_by_server(presence->ear, pair->theirs, EAR_VERB_STATE);

	send_to(presence->ear, pair, to, NULL, may ? presence->status : NULL);
}

static void
tell_one(void *arg, const char *key, const char *what)
{
	struct presence *presence = arg;
	struct pair pair;

	if (read_key(presence->ear, key, &pair))
		tell(presence, &pair, pair.theirs);
}

static void
tell_all(struct presence *presence)
{
	status_of(presence->ear, presence->status, sizeof(presence->status));
	ear_each_kept(presence->ear, "roster ", tell_one, presence);
}

static void
on_gap_over(void *arg)
{
	struct presence *presence = arg;
	char status[STATUS_MAX];

	status_of(presence->ear, status, sizeof(status));
	if (!presence_is_component(presence->ear) || strcmp(status, presence->status) == 0)
		return;
	tell_all(presence);
	ear_timer_set(&presence->gap, GAP);
}

/* RFC 6121 §4.3: whose presence we get says it again; who shares none says that. */
static void
probe_one(void *arg, const char *key, const char *what)
{
	struct presence *presence = arg;
	struct pair pair;

	if (read_key(presence->ear, key, &pair))
		send(presence->ear, &pair, "probe");
}

static void
leave_one(void *arg, const char *key, const char *what)
{
	struct presence *presence = arg;
	struct pair pair;

	if (read_key(presence->ear, key, &pair))
		send(presence->ear, &pair, "unavailable");
}

/* --- what others say ---------------------------------------------------------------------- */

static bool
is_known(struct ear *ear, const struct pair *pair)
{
	return roster_get(ear, pair) != NULL;
}

/* RFC 6121 §3.1.3. Who is there already gets the same answer, without being asked again. */
static void
on_subscribe(const struct ear_in *in, const struct pair *pair)
{
	struct presence *presence = ear_state(in->ear, &ear_xep_presence);
	bool known = is_known(in->ear, pair);

	if (!known && ear_may(in, EAR_VERB_SUBSCRIBE) &&
	    roster_count(in->ear) < PRESENCE_ROSTER_MAX)
		roster_set(in->ear, pair, "from");
	if (!ear_may(in, EAR_VERB_SUBSCRIBE) || !is_known(in->ear, pair)) {
		ear_info("%s: may not subscribe to our presence", pair->theirs);
		send(in->ear, pair, "unsubscribed");
		return;
	}
	if (!known)
		ear_info("%s: subscribed to the presence of %s", pair->theirs, pair->ours);
	send(in->ear, pair, "subscribed");
	status_of(in->ear, presence->status, sizeof(presence->status));
	tell(presence, pair, pair->theirs);
	if (!known || strcmp(roster_get(in->ear, pair), "both") != 0)
		send(in->ear, pair, "subscribe");
}

/* §3.3.3: he gets no more of it, and is no more asked for his. */
static void
on_unsubscribe(const struct ear_in *in, const struct pair *pair)
{
	if (!is_known(in->ear, pair))
		return;
	roster_set(in->ear, pair, NULL);
	ear_info("%s: subscribed to the presence of %s no more", pair->theirs, pair->ours);
	send(in->ear, pair, "unsubscribe");
	send(in->ear, pair, "unsubscribed");
	send(in->ear, pair, "unavailable");
}

/* §4.3.2: his server asks how we are. Whom we do not know another engine of this service may know,
 * and "unsubscribed" would end what he has there. */
static void
on_probe(const struct ear_in *in, const struct pair *pair)
{
	struct presence *presence = ear_state(in->ear, &ear_xep_presence);

	if (is_known(in->ear, pair))
		tell(presence, pair, in->from);
	else if (!ear_store_is_shared(ear_store(in->ear)))
		send(in->ear, pair, "unsubscribed");
}

/* §3.1.5, §3.2.3: his answer to being asked, or his second thoughts. */
static void
on_answered(const struct ear_in *in, const struct pair *pair, bool yes)
{
	if (is_known(in->ear, pair))
		roster_set(in->ear, pair, yes ? "both" : "from");
}

static enum ear_verdict
on_presence(const struct ear_in *in)
{
	const char *type = xmpp_stanza_get_type(in->stanza);
	struct pair pair;

	if (in->link != EAR_LINK_SERVER || !presence_is_component(in->ear) || type == NULL ||
	    in->to == NULL || ear_jid_bare(in->to, pair.ours, sizeof(pair.ours)) != 0 ||
	    ear_jid_bare(in->from, pair.theirs, sizeof(pair.theirs)) != 0)
		return EAR_PASS;
	if (strcmp(type, "subscribe") == 0)
		on_subscribe(in, &pair);
	else if (strcmp(type, "unsubscribe") == 0)
		on_unsubscribe(in, &pair);
	else if (strcmp(type, "probe") == 0)
		on_probe(in, &pair);
	else if (strcmp(type, "subscribed") == 0 || strcmp(type, "unsubscribed") == 0)
		on_answered(in, &pair, strcmp(type, "subscribed") == 0);
	else
		return EAR_PASS;
	return EAR_DONE;
}

/* --- life --------------------------------------------------------------------------------- */

static void
on_change(void *arg, const struct ear_event *event)
{
	struct presence *presence = arg;

	if (event->kind == EAR_SERVER_UP && presence_is_component(presence->ear)) {
		tell_all(presence);
		ear_each_kept(presence->ear, "roster ", probe_one, presence);
	}
	if (event->kind == EAR_PLAYER_CHANGED && !ear_timer_is_set(&presence->gap))
		on_gap_over(presence);
}

static int
start(struct ear *ear)
{
	struct presence *presence = xep_alloc(sizeof(*presence));

	presence->ear = ear;
	ear_timer_init(&presence->gap, ear_clock(ear), on_gap_over, presence);
	ear_set_state(ear, &ear_xep_presence, presence);
	ear_watch(ear, on_change, presence);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct presence *presence = ear_state(ear, &ear_xep_presence);

	ear_unwatch(ear, on_change, presence);
	ear_timer_stop(&presence->gap);
	if (presence_is_component(ear))
		ear_each_kept(ear, "roster ", leave_one, presence);
	ear_set_state(ear, &ear_xep_presence, NULL);
	free(presence);
}

/* Who may subscribe is asked where that is what he wants. */
static const struct ear_rule rules[] = {
	{ EAR_PRESENCE, NULL, NULL, on_presence, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_presence = {
	.number = "-",
	.name = "presence",
	.rules = rules,
	.start = start,
	.stop = stop,
};
