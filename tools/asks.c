/* SPDX-License-Identifier: ISC */
/* asks.c: questions under way, matched by their ids, which nobody can guess. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "asks.h"
#include "base/alloc.h"

struct ask {
	char *id; /* NULL: not used */
	int64_t deadline;
	asks_fn *fn;
	void *arg;
};

struct asks {
	struct cli *cli;
	struct event *timer;
	bool ending; /* nothing new */
	struct ask all[ASKS_MAX];
};

static void
arm(struct asks *asks)
{
	int64_t first = INT64_MAX, left;

	for (size_t i = 0; i < ASKS_MAX; i++)
		if (asks->all[i].id != NULL && asks->all[i].deadline < first)
			first = asks->all[i].deadline;
	if (first == INT64_MAX) {
		event_del(asks->timer);
		return;
	}
	left = first - cli_now();
	left = left < 0 ? 0 : left;
	event_add(asks->timer,
		  &(struct timeval){ .tv_sec = left / EAR_SEC, .tv_usec = left % EAR_SEC });
}

/* The slot is free before the callback runs, which may ask the next one. */
static void
finish(struct ask *ask, const struct answer *answer)
{
	asks_fn *fn = ask->fn;
	void *arg = ask->arg;

	free(ask->id);
	*ask = (struct ask){ 0 };
	fn(arg, answer);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct answer late = { .code = EXIT_TIMEOUT, .rtt_us = -1 };
	struct asks *asks = arg;
	int64_t now = cli_now();

	for (size_t i = 0; i < ASKS_MAX; i++)
		if (asks->all[i].id != NULL && asks->all[i].deadline <= now)
			finish(&asks->all[i], &late);
	arm(asks);
}

struct asks *
asks_new(struct cli *cli)
{
	struct asks *asks = xalloc(sizeof(*asks));

	asks->cli = cli;
	asks->timer = evtimer_new(cli->base, on_timer, asks);
	if (asks->timer == NULL)
		abort();
	return asks;
}

int
asks_send(struct asks *asks, xmpp_stanza_t *iq, int64_t usec, asks_fn *fn, void *arg)
{
	bool is_up = asks->cli->up && !asks->cli->down && !asks->ending;
	size_t i = 0;

	while (i < ASKS_MAX && asks->all[i].id != NULL)
		i++;
	if (!is_up || i == ASKS_MAX) {
		xmpp_stanza_release(iq);
		return is_up ? -ENOBUFS : -ENOTCONN;
	}
	asks->all[i] = (struct ask){
		.id = xstrdup(xmpp_stanza_get_id(iq)),
		.deadline = cli_now() + usec,
		.fn = fn,
		.arg = arg,
	};
	if (cli_send(asks->cli, iq) != EXIT_DONE) {
		free(asks->all[i].id);
		asks->all[i] = (struct ask){ 0 };
		return -ENOTCONN;
	}
	arm(asks);
	return 0;
}

bool
asks_take(struct asks *asks, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);
	struct answer answer;

	if (id == NULL || !ear_is(stanza, "iq", EAR_NS_CLIENT) || !ear_is_answer(stanza))
		return false;
	for (size_t i = 0; i < ASKS_MAX; i++) {
		if (asks->all[i].id == NULL || strcmp(asks->all[i].id, id) != 0)
			continue;
		answer_take(&answer, stanza);
		finish(&asks->all[i], &answer);
		arm(asks);
		return true;
	}
	return false;
}

void
asks_end(struct asks *asks)
{
	const struct answer none = { .code = EXIT_CONFIG, .rtt_us = -1 };

	asks->ending = true;
	for (size_t i = 0; i < ASKS_MAX; i++)
		if (asks->all[i].id != NULL)
			finish(&asks->all[i], &none);
	asks->ending = false;
	arm(asks);
}

void
asks_free(struct asks *asks)
{
	if (asks == NULL)
		return;
	for (size_t i = 0; i < ASKS_MAX; i++)
		free(asks->all[i].id);
	event_free(asks->timer);
	free(asks);
}
