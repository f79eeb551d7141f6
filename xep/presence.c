/* SPDX-License-Identifier: ISC */
/*
 * presence.c: our presence where no server keeps it: a component's (RFC 6121 §3, §4).
 *
 * Somebody adds one of our addresses to his contacts: who may subscribe is accepted, gets our
 * presence (capabilities, and in words what is played), now, when it changes and when his server
 * asks for it; and is asked for his in return, because that tells whether he is there and what he
 * wants to hear of (0163-pep.c). Who that is the roster knows (roster.c), also after a restart:
 *
 *	stanza -> what it changes in the roster -> what he was there -> what he is told
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "presence.h"
#include "pubsub.h"
#include "roster.h"

#define GAP        EAR_SEC /* between two changes of what we say */
#define STATUS_MAX 900

extern const struct ear_xep ear_xep_presence;

struct presence {
	struct ear *ear;
	struct roster *roster;
	roster_each_fn *walk;    /* what those of the roster are told */
	char status[STATUS_MAX]; /* as told last */
	struct ear_timer gap;
};

bool
presence_is_component(struct ear *ear)
{
	const char *self = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && ear_jid_resource(self) == NULL;
}

/* --- what we say -------------------------------------------------------------------------- */

static void
send_to(struct ear *ear, const struct roster_pair *pair, const char *to, const char *type,
	const char *status)
{
	xmpp_stanza_t *presence = ear_stanza(ear_ctx(ear), "presence", type, to, NULL);

	xmpp_stanza_set_from(presence, pair->ours);
	if (status != NULL && *status != '\0')
		ear_child_text(presence, "status", EAR_NS_CLIENT, status);
	ear_send(ear, presence);
}

static void
send(struct ear *ear, const struct roster_pair *pair, const char *type)
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
tell(struct presence *presence, const struct roster_pair *pair, const char *to)
{
	bool may = ear_may_by_server(presence->ear, pair->theirs, EAR_VERB_STATE);

	send_to(presence->ear, pair, to, NULL, may ? presence->status : NULL);
}

static void
tell_one(void *arg, const struct roster_pair *pair)
{
	tell(arg, pair, pair->theirs);
}

/* RFC 6121 §4.3: whose presence we get says it again; who shares none says that. */
static void
greet_one(void *arg, const struct roster_pair *pair)
{
	struct presence *presence = arg;

	tell(presence, pair, pair->theirs);
	send(presence->ear, pair, "probe");
}

static void
leave_one(void *arg, const struct roster_pair *pair)
{
	struct presence *presence = arg;

	send(presence->ear, pair, "unavailable");
}

static void
each(struct presence *presence, roster_each_fn *fn)
{
	status_of(presence->ear, presence->status, sizeof(presence->status));
	/* Who was to be greeted and was not yet is. */
	if (!roster_is_walking(presence->roster) || presence->walk != greet_one)
		presence->walk = fn;
	roster_each(presence->roster, presence->walk, presence);
}

static void
on_gap_over(void *arg)
{
	struct presence *presence = arg;
	char status[STATUS_MAX];

	status_of(presence->ear, status, sizeof(status));
	if (!presence_is_component(presence->ear) || strcmp(status, presence->status) == 0)
		return;
	each(presence, tell_one);
	ear_timer_set(&presence->gap, GAP);
}

/* --- what others say ---------------------------------------------------------------------- */

/* RFC 6121 §3.1.3. Who is there already gets the same answer, without being asked again. */
static void
on_subscribed(void *arg, const struct roster_answer *answer)
{
	struct presence *presence = arg;
	const struct roster_pair *pair = answer->pair;

	if (answer->error == -EDQUOT) {
		ear_info("%s: may not subscribe to our presence: too many have", pair->theirs);
		send(presence->ear, pair, "unsubscribed");
	}
	if (answer->error != 0)
		return;
	if (answer->was == EAR_CONTACT_NONE)
		ear_info("%s: subscribed to the presence of %s", pair->theirs, pair->ours);
	send(presence->ear, pair, "subscribed");
	status_of(presence->ear, presence->status, sizeof(presence->status));
	tell(presence, pair, pair->theirs);
	if (answer->was != EAR_CONTACT_BOTH)
		send(presence->ear, pair, "subscribe");
}

/* §3.3.3: he gets no more of it, and is no more asked for his. */
static void
on_unsubscribed(void *arg, const struct roster_answer *answer)
{
	struct presence *presence = arg;
	const struct roster_pair *pair = answer->pair;

	if (answer->error != 0 || answer->was == EAR_CONTACT_NONE)
		return;
	ear_info("%s: subscribed to the presence of %s no more", pair->theirs, pair->ours);
	send(presence->ear, pair, "unsubscribe");
	send(presence->ear, pair, "unsubscribed");
	send(presence->ear, pair, "unavailable");
	pubsub_standing_ended(presence->ear, pair->theirs);
}

/* §4.3.2: his server asks how we are. Of whom it is not known he is told nothing: "unsubscribed"
 * would end what he has. */
static void
on_probed(void *arg, const struct roster_answer *answer)
{
	struct presence *presence = arg;

	if (answer->error != 0)
		return;
	if (answer->was == EAR_CONTACT_NONE)
		send(presence->ear, answer->pair, "unsubscribed");
	else
		tell(presence, answer->pair, answer->from);
}

/* §3.1.5, §3.2.3: his answer to being asked, or his second thoughts. */
static void
on_answered(void *arg, const struct roster_answer *answer)
{
}

static const struct kind {
	const char *type;
	enum ear_contact_change change;
	roster_fn *fn;
} kinds[] = {
	{ "subscribe", EAR_CONTACT_ADD, on_subscribed },
	{ "subscribed", EAR_CONTACT_GAIN, on_answered },
	{ "unsubscribe", EAR_CONTACT_REMOVE, on_unsubscribed },
	{ "unsubscribed", EAR_CONTACT_LOSE, on_answered },
	{ "probe", EAR_CONTACT_LOOK, on_probed },
};

static const struct kind *
kind_of(const char *type)
{
	for (size_t i = 0; type != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	return NULL;
}

static enum ear_verdict
on_presence(const struct ear_in *in)
{
	const struct kind *kind = kind_of(xmpp_stanza_get_type(in->stanza));
	struct presence *presence = ear_state(in->ear, &ear_xep_presence);
	struct roster_pair pair;

	if (in->link != EAR_LINK_SERVER || !presence_is_component(in->ear) || kind == NULL ||
	    in->to == NULL || ear_jid_bare(in->to, pair.ours, sizeof(pair.ours)) != 0 ||
	    ear_jid_bare(in->from, pair.theirs, sizeof(pair.theirs)) != 0)
		return EAR_PASS;
	if (kind->change == EAR_CONTACT_ADD && !ear_may(in, EAR_VERB_SUBSCRIBE)) {
		ear_info("%s: may not subscribe to our presence", pair.theirs);
		send(in->ear, &pair, "unsubscribed");
	} else {
		roster_change(presence->roster, &pair, in->from, kind->change, kind->fn, presence);
	}
	return EAR_DONE;
}

/* --- life --------------------------------------------------------------------------------- */

static void
on_change(void *arg, const struct ear_event *event)
{
	struct presence *presence = arg;

	if (event->kind == EAR_SERVER_UP && presence_is_component(presence->ear))
		each(presence, greet_one);
	if (event->kind == EAR_PLAYER_CHANGED && !ear_timer_is_set(&presence->gap))
		on_gap_over(presence);
}

static int
start(struct ear *ear)
{
	struct presence *presence = xep_alloc(sizeof(*presence));

	presence->ear = ear;
	presence->roster = roster_new(ear);
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
	/* Other engines are still there. */
	if (presence_is_component(ear) && !roster_is_shared(ear))
		roster_each(presence->roster, leave_one, presence);
	roster_free(presence->roster);
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
