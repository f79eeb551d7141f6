/* SPDX-License-Identifier: ISC */
/* dial.c: tries the addresses of one host, the next one soon after the last (RFC 8305). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/dial.h"
#include "link/io.h"
#include "link/netwatch.h"

struct attempt {
	struct io *io; /* NULL: not begun, or over */
	struct dial *dial;
	int64_t at;
	bool over; /* has failed, or was connected to */
};

struct dial {
	struct dial_setup setup;
	struct ear_timer timer;
	struct dial_target *targets;
	struct attempt attempts[DIAL_TARGETS_MAX];
	size_t count;
	size_t live;           /* attempts with an io */
	struct attempt *ready; /* is connected, and waits for the peer's own stream */
	struct attempt *used;  /* was given to the owner */
	struct attempt *last;  /* that failed */
	int error;             /* of it */
};

static const struct dial_target *
target_of(const struct attempt *attempt)
{
	return &attempt->dial->targets[attempt - attempt->dial->attempts];
}

static void
attempt_drop(struct attempt *attempt)
{
	if (attempt->io == NULL)
		return;
	io_close(attempt->io, false);
	attempt->io = NULL;
	attempt->dial->live--;
}

/* Those that are not over may be begun again. */
static void
drop_all(struct dial *dial)
{
	for (size_t i = 0; i < dial->count; i++)
		attempt_drop(&dial->attempts[i]);
}

static struct attempt *
find_next(struct dial *dial)
{
	for (size_t i = 0; i < dial->count; i++)
		if (dial->attempts[i].io == NULL && !dial->attempts[i].over)
			return &dial->attempts[i];
	return NULL;
}

static void
attempt_failed(struct attempt *attempt, int error)
{
	struct dial *dial = attempt->dial;

	attempt->over = true;
	attempt_drop(attempt);
	dial->last = attempt;
	dial->error = error;
	if (dial->ready == attempt)
		dial->ready = NULL;
	if (dial->setup.events->missed != NULL && (dial->live > 0 || find_next(dial) != NULL))
		dial->setup.events->missed(dial->setup.arg, target_of(attempt), error);
}

static void dial_step(struct dial *dial);

static void
use(struct attempt *attempt)
{
	struct dial *dial = attempt->dial;
	struct io *io = attempt->io;

	attempt->io = NULL;
	attempt->over = true;
	dial->live--;
	dial->ready = NULL;
	dial->used = attempt;
	drop_all(dial);
	ear_timer_stop(&dial->timer);
	io_read(io, true);
	dial->setup.events->connected(dial->setup.arg, io, target_of(attempt));
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

	if (dial->ready == NULL && !target_of(attempt)->patient) {
		use(attempt);
		return;
	}
	/* Whatever it says is for the stream that it may become. */
	io_read(attempt->io, false);
	if (dial->ready != NULL)
		return;
	dial->ready = attempt;
	ear_timer_set(&dial->timer, DIAL_PATIENCE_USEC);
}

static void
on_failed(void *arg, int error)
{
	struct attempt *attempt = arg;
	struct dial *dial = attempt->dial;

	attempt_failed(attempt, error);
	if (dial->ready == NULL)
		dial_step(dial);
}

static const struct io_events events = {
	.connected = on_connected,
	.failed = on_failed,
};

static bool
is_lost(const struct attempt *attempt)
{
	const struct netwatch *net = attempt->dial->setup.net;

	return net != NULL && netwatch_is_lost(net, io_fd(attempt->io));
}

/* False: it failed at once. */
static bool
start(struct attempt *attempt)
{
	struct dial *dial = attempt->dial;
	const struct dial_target *target = target_of(attempt);
	int error = 0;

	attempt->at = ear_now(dial->setup.clock);
	attempt->io = io_new_connect(dial->setup.base, (const struct sockaddr *)&target->address,
				     target->length, NULL, 0, &events, attempt, &error);
	if (attempt->io != NULL) {
		dial->live++;
		if (!is_lost(attempt))
			return true;
		/* The kernel keeps the routes of an interface without carrier. */
		error = -ENETDOWN;
	}
	attempt_failed(attempt, error);
	return false;
}

/* Starts the next address that does not fail at once. */
static void
start_next(struct dial *dial)
{
	struct attempt *next = find_next(dial);

	while (next != NULL && !start(next))
		next = find_next(dial);
}

/* The timer runs at the next time-out or the next address, whichever is earlier. */
static void
set_timer(struct dial *dial)
{
	int64_t now = ear_now(dial->setup.clock), patience = dial->setup.connect_usec;
	int64_t at = now + patience;

	for (size_t i = 0; i < dial->count; i++)
		if (dial->attempts[i].io != NULL && dial->attempts[i].at + patience < at)
			at = dial->attempts[i].at + patience;
	if (find_next(dial) != NULL && now + DIAL_STAGGER_USEC < at)
		at = now + DIAL_STAGGER_USEC;
	ear_timer_set(&dial->timer, at - now);
}

static void
dial_step(struct dial *dial)
{
	start_next(dial);
	if (dial->live > 0)
		set_timer(dial);
	else
		dial->setup.events->failed(dial->setup.arg, target_of(dial->last), dial->error);
}

static void
on_timer(void *arg)
{
	struct dial *dial = arg;
	int64_t now = ear_now(dial->setup.clock);

	if (dial->ready != NULL) {
		use(dial->ready);
		return;
	}
	for (size_t i = 0; i < dial->count; i++) {
		struct attempt *attempt = &dial->attempts[i];

		if (attempt->io != NULL && attempt->at + dial->setup.connect_usec <= now)
			attempt_failed(attempt, -ETIMEDOUT);
	}
	dial_step(dial);
}

void
dial_order(struct dial_target *targets, size_t count)
{
	sa_family_t first = count > 0 ? targets[0].address.ss_family : AF_UNSPEC;

	for (size_t i = 0; i < count; i++) {
		size_t from = i;
		struct dial_target moved;

		while (from < count && (targets[from].address.ss_family == first) != (i % 2 == 0))
			from++;
		if (from == count)
			return;
		moved = targets[from];
		memmove(&targets[i + 1], &targets[i], (from - i) * sizeof(targets[0]));
		targets[i] = moved;
	}
}

struct dial *
dial_new(const struct dial_setup *setup, const struct dial_target *targets, size_t count)
{
	struct dial *dial = xalloc(sizeof(*dial));

	assert(count > 0 && count <= DIAL_TARGETS_MAX);
	dial->setup = *setup;
	dial->count = count;
	dial->targets = xalloc(count * sizeof(targets[0]));
	memcpy(dial->targets, targets, count * sizeof(targets[0]));
	for (size_t i = 0; i < count; i++)
		dial->attempts[i].dial = dial;
	ear_timer_init(&dial->timer, setup->clock, on_timer, dial);
	start_next(dial);
	/* One that failed at once is told by the timer, never from inside this call. */
	if (dial->live > 0)
		set_timer(dial);
	else
		ear_timer_set(&dial->timer, 0);
	return dial;
}

bool
dial_has_next(const struct dial *dial)
{
	return find_next((struct dial *)dial) != NULL;
}

bool
dial_next(struct dial *dial)
{
	if (!dial_has_next(dial))
		return false;
	ear_timer_set(&dial->timer, 0);
	return true;
}

void
dial_again(struct dial *dial)
{
	if (start(dial->used))
		set_timer(dial);
	else
		ear_timer_set(&dial->timer, 0);
}

bool
dial_network_changed(struct dial *dial)
{
	bool some = false;

	for (size_t i = 0; i < dial->count; i++) {
		struct attempt *attempt = &dial->attempts[i];

		if (attempt->io == NULL || !is_lost(attempt))
			continue;
		attempt_failed(attempt, -ENETDOWN);
		/* Told by the timer: what this may end is being walked over. */
		if (dial->ready == NULL)
			ear_timer_set(&dial->timer, 0);
		some = true;
	}
	return some && dial->live == 0 && !dial_has_next(dial);
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
