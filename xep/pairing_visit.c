/* SPDX-License-Identifier: ISC */
/*
 * pairing_visit.c: the responder of a pairing: the box that shows the digits.
 *
 * One visitor at a time, who is an address and the stream it came by: the steps of anybody else are
 * unexpected. A step is taken once and in order; one that fails ends the visit. A visit that comes
 * to nothing, for whatever reason, is counted, so that nobody can guess digits all day.
 */
#include <errno.h>
#include <inttypes.h>

#include "delay.h"
#include "memory.h"
#include "pairing_impl.h"

static const char *
visit_step_name(enum visit_step step)
{
	switch (step) {
	case VISIT_NONE:
		return "none";
	case VISIT_COMMITTED:
		return "committed";
	case VISIT_SHOWN:
		return "shown";
	case VISIT_OPENED:
		return "opened";
	}
	return "?";
}

static void
visit_enter(struct visit *visit, enum visit_step step)
{
	ear_debug("%s: pairing, visit %s -> %s", visit->peer, visit_step_name(visit->step),
		  visit_step_name(step));
	visit->step = step;
}

static void
show(struct pair_state *state, const char *line)
{
	struct ear_player *player = ear_player(state->ear);

	if (player != NULL)
		(void)ear_player_show(player, line, PAIRING_VISIT_TIME);
}

static void
visit_end(struct pair_state *state)
{
	struct visit *visit = &state->visit;
	bool was_shown = visit->code[0] != '\0';

	visit_enter(visit, VISIT_NONE);
	ear_timer_stop(&visit->expiry);
	ear_pairing_free(visit->pairing);
	free(visit->peer);
	visit->pairing = NULL;
	visit->peer = NULL;
	explicit_bzero(visit->code, sizeof(visit->code));
	if (!was_shown)
		return;
	show(state, NULL);
	control_news(state);
}

static void
failures_prune(struct pair_state *state)
{
	int64_t since = ear_now(ear_clock(state->ear)) - PAIRING_FAILURE_TIME;
	size_t old = 0;

	while (old < state->failure_count && state->failures[old] <= since)
		old++;
	state->failure_count -= old;
	memmove(state->failures, state->failures + old,
		state->failure_count * sizeof(state->failures[0]));
}

static void
visit_fail(struct pair_state *state, const char *why)
{
	ear_warn("%s: pairing failed: %s", state->visit.peer, why);
	failures_prune(state);
	if (state->failure_count == PAIRING_FAILURES_MAX)
		memmove(state->failures, state->failures + 1,
			--state->failure_count * sizeof(state->failures[0]));
	state->failures[state->failure_count++] = ear_now(ear_clock(state->ear));
	if (state->failure_count == PAIRING_FAILURES_MAX)
		ear_warn("pairing: %d attempts failed: others are refused for a while, or until "
			 "`earshot pair` is run here",
			 PAIRING_FAILURES_MAX);
	visit_end(state);
}

/* Seconds until another attempt is taken, 0: now. */
static int64_t
wait_for(struct pair_state *state)
{
	failures_prune(state);
	if (state->failure_count < PAIRING_FAILURES_MAX)
		return 0;
	return (state->failures[0] + PAIRING_FAILURE_TIME - ear_now(ear_clock(state->ear)) +
		EAR_SEC - 1) /
	       EAR_SEC;
}

static void
on_expiry(void *arg)
{
	visit_fail(arg, "it took too long");
}

/* Nobody else has to wait for who has gone. */
static void
on_event(void *arg, const struct ear_event *event)
{
	struct pair_state *state = arg;

	if (event->kind == EAR_STREAM_ENDED && state->visit.step != VISIT_NONE &&
	    !ear_pairing_is_alive(state->visit.pairing))
		visit_fail(state, "its stream has ended");
}

void
visit_init(struct pair_state *state)
{
	ear_watch(state->ear, on_event, state);
	ear_timer_init(&state->visit.expiry, ear_clock(state->ear), on_expiry, state);
}

void
visit_release(struct pair_state *state)
{
	ear_unwatch(state->ear, on_event, state);
	if (state->visit.step != VISIT_NONE)
		visit_end(state);
}

void
visit_forgive(struct pair_state *state)
{
	state->failure_count = 0;
}

static bool
is_visitor(const struct visit *visit, const struct ear_in *in)
{
	return visit->step != VISIT_NONE && in->link == EAR_LINK_LAN &&
	       in->link_serial == visit->link_serial && strcmp(in->from, visit->peer) == 0;
}

static enum ear_verdict
refuse_new(const struct ear_in *in, int error)
{
	if (error == -EACCES)
		return ear_fail(in, EAR_POLICY_VIOLATION, "pairing needs an encrypted stream");
	return ear_fail(in, EAR_NOT_ALLOWED, "pairing needs a direct stream");
}

/* Whoever asks again begins again: what it left unfinished counts as failed. */
static enum ear_verdict
make_room(struct pair_state *state, const struct ear_in *in)
{
	struct visit *visit = &state->visit;
	int64_t wait;

	if (visit->step != VISIT_NONE && strcmp(in->from, visit->peer) != 0)
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT,
				"somebody else is being paired here: wait %" PRId64 " s",
				(visit->ends_at - ear_now(ear_clock(in->ear))) / EAR_SEC + 1);
	if (visit->step != VISIT_NONE)
		visit_fail(state, "it began again");
	wait = wait_for(state);
	if (wait == 0)
		return EAR_PASS;
	ear_debug("%s: pairing refused for %" PRId64 " s", in->from, wait);
	return ear_fail(in, EAR_RESOURCE_CONSTRAINT,
			"too many attempts failed: wait %" PRId64
			" s, or let somebody run `earshot pair` on the other device",
			wait);
}

static void
visit_admit(struct pair_state *state, const struct ear_in *in, struct ear_pairing *pairing)
{
	struct visit *visit = &state->visit;

	visit->pairing = pairing;
	visit->peer = xep_strdup(in->from);
	visit->link_serial = in->link_serial;
	pair_clean(xmpp_stanza_get_attribute(in->payload, "name"), PAIRING_NAME_MAX, visit->name,
		   sizeof(visit->name));
	visit->ends_at = ear_now(ear_clock(in->ear)) + PAIRING_VISIT_TIME;
	ear_timer_set(&visit->expiry, PAIRING_VISIT_TIME);
	visit_enter(visit, VISIT_COMMITTED);
}

enum ear_verdict
visit_on_pair(const struct ear_in *in)
{
	struct pair_state *state = pair_state(in->ear);
	char commit[EAR_PAIRING_TEXT];
	struct ear_pairing *pairing;
	int error = 0;

	if (in->link != EAR_LINK_LAN || delay_is_hearsay(in))
		return refuse_new(in, -ENOTCONN);
	if (make_room(state, in) == EAR_DONE)
		return EAR_DONE;
	pairing = ear_pairing_new(in->ear, in->from, false, &error);
	if (pairing == NULL)
		return refuse_new(in, error);
	if (ear_pairing_commit(pairing, commit) != 0) {
		ear_pairing_free(pairing);
		return refuse_new(in, -ENOTCONN);
	}
	visit_admit(state, in, pairing);
	return ear_reply(in, pair_element(in->ear, "commit", ear_device_name(in->ear), commit));
}

/* The visit whose turn it is to make that step, or NULL when it is not: then it is refused. */
static struct visit *
visit_at(const struct ear_in *in, enum visit_step step)
{
	struct visit *visit = &pair_state(in->ear)->visit;

	if (is_visitor(visit, in) && visit->step == step && !delay_is_hearsay(in))
		return visit;
	(void)ear_fail(in, EAR_UNEXPECTED_REQUEST, "no pairing with you is at that point");
	return NULL;
}

/* The step did not do. */
static enum ear_verdict
visit_break(const struct ear_in *in, int error)
{
	struct pair_state *state = pair_state(in->ear);

	switch (error) {
	case -EKEYREJECTED:
		visit_fail(state, "the digits are wrong: a typing error, or somebody in between");
		return ear_fail(in, EAR_NOT_AUTHORIZED,
				"the digits are wrong: begin again, and beware: somebody may be in "
				"between");
	case -EBADMSG:
		visit_fail(state, "it sent nonsense");
		return ear_fail(in, EAR_BAD_REQUEST, "that is no base64 of the right length");
	case -ENOTCONN:
		visit_fail(state, "its stream is gone");
		return ear_fail(in, EAR_UNEXPECTED_REQUEST,
				"a pairing ends with the stream that it began on");
	}
	visit_fail(state, strerror(-error));
	return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "pairing failed here: begin again");
}

/* In the log without the digits: they are for those who see the screen. */
static void
visit_show(struct pair_state *state)
{
	struct visit *visit = &state->visit;
	char line[PAIRING_TEXT_SIZE + 64];

	ear_info("%s: wants to be paired with, calls itself '%s': the digits are on the player's "
		 "screen and in `earshot pair`",
		 visit->peer, visit->name);
	pair_screen_line(visit->peer, visit->code, line, sizeof(line));
	show(state, line);
	explicit_bzero(line, sizeof(line));
	control_news(state);
}

enum ear_verdict
visit_on_nonce(const struct ear_in *in)
{
	struct visit *visit = visit_at(in, VISIT_COMMITTED);
	char code[EAR_CODE_SIZE];
	int error;

	if (visit == NULL)
		return EAR_DONE;
	error = ear_pairing_code(visit->pairing, pair_text(in->payload), code);
	if (error != 0)
		return visit_break(in, error);
	memcpy(visit->code, code, sizeof(code));
	explicit_bzero(code, sizeof(code));
	visit_enter(visit, VISIT_SHOWN);
	visit_show(pair_state(in->ear));
	return ear_reply(in, NULL);
}

enum ear_verdict
visit_on_proof(const struct ear_in *in)
{
	struct visit *visit = visit_at(in, VISIT_SHOWN);
	char nonce[EAR_PAIRING_TEXT];
	int error;

	if (visit == NULL)
		return EAR_DONE;
	error = ear_pairing_take_proof(visit->pairing, pair_text(in->payload));
	if (error == 0)
		error = ear_pairing_nonce(visit->pairing, nonce);
	if (error != 0)
		return visit_break(in, error);
	visit_enter(visit, VISIT_OPENED);
	return ear_reply(in, pair_element(in->ear, "nonce", NULL, nonce));
}

enum ear_verdict
visit_on_salt(const struct ear_in *in)
{
	struct visit *visit = visit_at(in, VISIT_OPENED);
	int error;

	if (visit == NULL)
		return EAR_DONE;
	error = ear_pairing_take_salt(visit->pairing, pair_text(in->payload));
	if (error == 0)
		error = ear_pairing_done(visit->pairing, visit->name);
	if (error != 0)
		return visit_break(in, error);
	ear_info("%s: paired with, by a code", visit->peer);
	visit_end(pair_state(in->ear));
	return ear_reply(in, pair_element(in->ear, "paired", ear_device_name(in->ear), NULL));
}

bool
visit_take_cancel(const struct ear_in *in)
{
	struct pair_state *state = pair_state(in->ear);

	if (!is_visitor(&state->visit, in))
		return false;
	visit_fail(state, "the other side has cancelled it");
	return true;
}

bool
visit_send_away(struct pair_state *state, const char *address)
{
	struct visit *visit = &state->visit;

	if (visit->step == VISIT_NONE || strcmp(visit->peer, address) != 0)
		return false;
	pair_cancel(state->ear, visit->peer);
	visit_fail(state, "somebody here has cancelled it");
	return true;
}
