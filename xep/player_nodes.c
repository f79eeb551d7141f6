/* SPDX-License-Identifier: ISC */
/* player_nodes.c: what the player does, published: our own state (buttons.md §6) and, for everybody
 * who knows no more, User Tune (XEP-0118). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "memory.h"
#include "nodes.h"
#include "player_state.h"

#define LIFE (5 * EAR_SEC) /* what was played longer ago than that is no news */
#define LOOK (2 * EAR_SEC) /* between two looks for a player that is not there */

extern const struct ear_xep ear_xep_0118;

/* What of a state is in a tune. */
struct tune {
	bool any; /* something is played, or would be */
	char title[EAR_TITLE_MAX], artist[256], album[256];
	int64_t seconds; /* -1: unknown */
};

struct player_nodes {
	struct ear *ear;
	struct tune told;
	struct ear_timer look;
	bool looking;
};

/* NULL: there is none, as far as is known. Then it is looked for: a player that begins to run says
 * so to nobody, but is found when it is asked. */
static const struct ear_player_state *
last_of(struct ear *ear)
{
	struct player_nodes *nodes = ear_state(ear, &ear_xep_0118);
	const struct ear_player_state *last =
		ear_player(ear) == NULL ? NULL : ear_player_last(ear_player(ear));

	if (last == NULL && ear_player(ear) != NULL && nodes != NULL && !nodes->looking &&
	    !ear_timer_is_set(&nodes->look))
		ear_timer_set(&nodes->look, 0);
	return last;
}

static void
tune_of(struct ear *ear, struct tune *tune)
{
	const struct ear_player_state *state = last_of(ear);

	*tune = (struct tune){ .seconds = -1 };
	if (state == NULL || state->playback == EAR_STOPPED)
		return;
	tune->any = true;
	snprintf(tune->title, sizeof(tune->title), "%s", state->title);
	snprintf(tune->artist, sizeof(tune->artist), "%s", state->artist);
	snprintf(tune->album, sizeof(tune->album), "%s", state->album);
	if (state->duration_us >= 0)
		tune->seconds = state->duration_us / EAR_SEC;
}

static bool
is_same_tune(const struct tune *a, const struct tune *b)
{
	return a->any == b->any && a->seconds == b->seconds && strcmp(a->title, b->title) == 0 &&
	       strcmp(a->artist, b->artist) == 0 && strcmp(a->album, b->album) == 0;
}

static void
add(xmpp_stanza_t *tune, const char *name, const char *text)
{
	if (*text != '\0')
		ear_child_text(tune, name, EAR_NS_TUNE, text);
}

/* XEP-0118 §2.3: nothing in it: nothing is played. */
static xmpp_stanza_t *
tune_payload(struct ear *ear)
{
	xmpp_stanza_t *element = ear_element(ear_ctx(ear), "tune", EAR_NS_TUNE);
	struct tune tune;
	char length[24] = "";

	tune_of(ear, &tune);
	if (tune.seconds > 0)
		snprintf(length, sizeof(length), "%" PRId64, tune.seconds);
	add(element, "artist", tune.artist);
	add(element, "length", length);
	add(element, "source", tune.album);
	add(element, "title", tune.title);
	return element;
}

static xmpp_stanza_t *
state_payload(struct ear *ear)
{
	return player_state_element(ear, last_of(ear));
}

const struct node node_state = {
	.name = EAR_NS_BUTTONS,
	.title = "What the player does",
	.verb = EAR_VERB_STATE,
	.payload = state_payload,
	.life = LIFE,
};

const struct node node_tune = {
	.name = EAR_NS_TUNE,
	.title = "What is played",
	.verb = EAR_VERB_STATE,
	.payload = tune_payload,
	.life = LIFE,
};

/* --- life --------------------------------------------------------------------------------- */

/* What it answers is told as a change, if it is one. */
static void
on_looked(void *arg, int error, const struct ear_player_state *state)
{
	struct player_nodes *nodes = arg;

	nodes->looking = false;
	if (error != 0 && error != -ECANCELED && nodes_are_followed(nodes->ear))
		ear_timer_set(&nodes->look, LOOK);
}

static void
on_look(void *arg)
{
	struct player_nodes *nodes = arg;
	struct ear_player *player = ear_player(nodes->ear);

	if (player == NULL || nodes->looking || ear_player_last(player) != NULL)
		return;
	nodes->looking = true;
	ear_player_state(player, on_looked, nodes);
}

static void
on_change(void *arg, const struct ear_event *event)
{
	struct player_nodes *nodes = arg;
	struct tune now;

	if (event->kind != EAR_PLAYER_CHANGED)
		return;
	nodes_changed(nodes->ear, &node_state);
	tune_of(nodes->ear, &now);
	if (is_same_tune(&now, &nodes->told))
		return;
	nodes->told = now;
	nodes_changed(nodes->ear, &node_tune);
}

static int
start(struct ear *ear)
{
	struct player_nodes *nodes = xep_alloc(sizeof(*nodes));

	nodes->ear = ear;
	ear_timer_init(&nodes->look, ear_clock(ear), on_look, nodes);
	ear_set_state(ear, &ear_xep_0118, nodes);
	tune_of(ear, &nodes->told);
	ear_watch(ear, on_change, nodes);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct player_nodes *nodes = ear_state(ear, &ear_xep_0118);

	ear_unwatch(ear, on_change, nodes);
	ear_timer_stop(&nodes->look);
	ear_set_state(ear, &ear_xep_0118, NULL);
	free(nodes);
}

static const char *const features[] = { EAR_NS_TUNE, NULL };

const struct ear_xep ear_xep_0118 = {
	.number = "0118",
	.name = "user tune",
	.features = features,
	.start = start,
	.stop = stop,
};
