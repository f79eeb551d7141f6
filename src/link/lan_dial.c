/* SPDX-License-Identifier: ISC */
/* lan_dial.c: tries the addresses of one peer, the next one soon after the last (RFC 8305). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"

struct attempt {
	struct io *io;
	struct dial *dial;
	int64_t at;
};

struct dial {
	struct lan_link *link;
	struct ear_timer timer;
	struct lan_target *targets;
	struct attempt attempts[LAN_TARGETS_MAX];
	size_t count, next;    /* targets, and which one comes next */
	size_t live;           /* attempts with an io */
	struct attempt *ready; /* is connected, and waits for the peer's own stream */
	int error;             /* of the last that failed */
};

static void
attempt_drop(struct attempt *attempt)
{
	if (attempt->io == NULL)
		return;
	io_close(attempt->io, false);
	attempt->io = NULL;
	attempt->dial->live--;
}

static void
drop_all(struct dial *dial)
{
	for (size_t i = 0; i < dial->next; i++)
		attempt_drop(&dial->attempts[i]);
}

static void dial_step(struct dial *dial);

static void
use(struct attempt *attempt)
{
	struct dial *dial = attempt->dial;
	struct io *io = attempt->io;
	bool secure = dial->targets[attempt - dial->attempts].secure;

	attempt->io = NULL;
	dial->live--;
	dial->ready = NULL;
	drop_all(dial);
	ear_timer_stop(&dial->timer);
	io_read(io, true);
	lan_link_dialled(dial->link, io, secure);
}

/*
 * libpurple throws its own stream away, with all that waits in it, when our header comes while it
 * dials us. Before a header it does not know who connects: we wait a moment for its stream, which
 * ends this dial.
 */
static void
on_connected(void *arg)
{
	struct attempt *attempt = arg;
	struct dial *dial = attempt->dial;

	if (dial->ready == NULL && !dial->targets[attempt - dial->attempts].patient) {
		use(attempt);
		return;
	}
	/* Whatever it says is for the stream that it may become. */
	io_read(attempt->io, false);
	if (dial->ready != NULL)
		return;
	dial->ready = attempt;
	ear_timer_set(&dial->timer, LAN_PATIENCE_USEC);
}

static void
on_failed(void *arg, int error)
{
	struct attempt *attempt = arg;
	struct dial *dial = attempt->dial;

	dial->error = error;
	attempt_drop(attempt);
	if (attempt == dial->ready)
		dial->ready = NULL;
	if (dial->ready == NULL)
		dial_step(dial);
}

static const struct io_events events = {
	.connected = on_connected,
	.failed = on_failed,
};

/* Starts the next address that does not fail at once. */
static void
start_next(struct dial *dial)
{
	while (dial->next < dial->count) {
		struct lan_target *target = &dial->targets[dial->next];
		struct attempt *attempt = &dial->attempts[dial->next++];

		attempt->dial = dial;
		attempt->at = ear_now(dial->link->lan->clock);
		attempt->io =
			io_new_connect(dial->link->lan->base, (struct sockaddr *)&target->address,
				       target->length, NULL, 0, &events, attempt, &dial->error);
		if (attempt->io == NULL)
			continue;
		dial->live++;
		if (!lan_network_is_lost(dial->link->lan, attempt->io))
			return;
		/* The kernel keeps the routes of an interface without carrier. */
		dial->error = -ENETDOWN;
		attempt_drop(attempt);
	}
}

/* The timer runs at the next time-out or the next address, whichever is earlier. */
static void
set_timer(struct dial *dial, int64_t now)
{
	int64_t at = now + LAN_CONNECT_USEC;

	for (size_t i = 0; i < dial->next; i++)
		if (dial->attempts[i].io != NULL && dial->attempts[i].at + LAN_CONNECT_USEC < at)
			at = dial->attempts[i].at + LAN_CONNECT_USEC;
	if (dial->next < dial->count && now + LAN_STAGGER_USEC < at)
		at = now + LAN_STAGGER_USEC;
	ear_timer_set(&dial->timer, at - now);
}

static void
dial_step(struct dial *dial)
{
	start_next(dial);
	if (dial->live > 0)
		set_timer(dial, ear_now(dial->link->lan->clock));
	else
		lan_link_dial_failed(dial->link, dial->error, strerror(-dial->error));
}

static void
on_timer(void *arg)
{
	struct dial *dial = arg;
	int64_t now = ear_now(dial->link->lan->clock);

	if (dial->ready != NULL) {
		use(dial->ready);
		return;
	}
	for (size_t i = 0; i < dial->next; i++) {
		struct attempt *attempt = &dial->attempts[i];

		if (attempt->io != NULL && attempt->at + LAN_CONNECT_USEC <= now) {
			dial->error = -ETIMEDOUT;
			attempt_drop(attempt);
		}
	}
	dial_step(dial);
}

struct dial *
dial_new(struct lan_link *link, const struct lan_target *targets, size_t count)
{
	struct dial *dial = xalloc(sizeof(*dial));

	if (count > LAN_TARGETS_MAX)
		count = LAN_TARGETS_MAX;
	dial->link = link;
	dial->count = count;
	dial->error = -EHOSTUNREACH;
	dial->targets = xalloc(count * sizeof(targets[0]));
	memcpy(dial->targets, targets, count * sizeof(targets[0]));
	ear_timer_init(&dial->timer, link->lan->clock, on_timer, dial);
	start_next(dial);
	/* One that failed at once is told by the timer, never from inside this call. */
	if (dial->live > 0)
		set_timer(dial, ear_now(link->lan->clock));
	else
		ear_timer_set(&dial->timer, 0);
	return dial;
}

bool
dial_next(struct dial *dial)
{
	if (dial->next == dial->count)
		return false;
	ear_timer_set(&dial->timer, 0);
	return true;
}

void
dial_network_changed(struct dial *dial)
{
	for (size_t i = 0; i < dial->next; i++) {
		struct attempt *attempt = &dial->attempts[i];

		if (attempt->io == NULL || !lan_network_is_lost(dial->link->lan, attempt->io))
			continue;
		dial->error = -ENETDOWN;
		if (dial->ready == attempt)
			dial->ready = NULL;
		attempt_drop(attempt);
		/* Told by the timer: what this may end is being walked over. */
		if (dial->ready == NULL)
			ear_timer_set(&dial->timer, 0);
	}
}

void
dial_free(struct dial *dial)
{
	if (dial == NULL)
		return;
	drop_all(dial);
	ear_timer_stop(&dial->timer);
	free(dial->targets);
	free(dial);
}
