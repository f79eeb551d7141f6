/* SPDX-License-Identifier: ISC */
/*
 * test_seen_order.c: what the memory of ids is for. A sender owes numbered stanzas; two paths keep
 * their order but die with what is on them, stop for a while, or bring a stanza twice;
 * acknowledgements get lost as well. At each switch, all that is owed leaves again in its order.
 * What the receiver does not know yet is then, at every moment, exactly the next number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/seen.h"

#define SENDER  "romeo@pronto.local"
#define RUNS    40
#define NUMBERS 5000 /* of a run */
#define OWED    200  /* not acknowledged at most */
#define ROOM    SEEN_IDS

/* First in, first out. */
struct fifo {
	uint32_t items[ROOM];
	size_t from, count;
};

struct path {
	struct fifo stanzas, acks;
	bool stopped; /* for a while: nothing moves, nothing is lost */
};

struct world {
	struct path paths[2];
	unsigned current;
	uint32_t sent, acked;   /* the sender's: what is between them is owed */
	uint32_t delivered;     /* the receiver's */
	unsigned repeats, lost; /* that there were */
	struct seen *seen;
};

static char dir[64], error[512];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_seen_order.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/seen", dir);
	unlink(path);
	return rmdir(dir);
}

static void
fifo_put(struct fifo *fifo, uint32_t item)
{
	assert_true(fifo->count < ROOM);
	fifo->items[(fifo->from + fifo->count++) % ROOM] = item;
}

static uint32_t
fifo_take(struct fifo *fifo)
{
	uint32_t item = fifo->items[fifo->from];

	fifo->from = (fifo->from + 1) % ROOM;
	fifo->count--;
	return item;
}

static bool
happens(unsigned of_thousand)
{
	return (unsigned)random() % 1000 < of_thousand;
}

static struct seen *
open_seen(void)
{
	int rc;
	struct seen *seen = seen_open(dir, &rc, error, sizeof(error));

	if (seen == NULL)
		fail_msg("%s", error);
	return seen;
}

/* --- the sender ------------------------------------------------------------------------------ */

static void
send_owed(struct world *w)
{
	for (uint32_t i = w->acked + 1; i <= w->sent; i++)
		fifo_put(&w->paths[w->current].stanzas, i);
}

static void
send_next(struct world *w)
{
	if (w->sent - w->acked >= OWED || w->sent >= NUMBERS ||
	    w->paths[w->current].stanzas.count >= ROOM - 2 * OWED)
		return;
	fifo_put(&w->paths[w->current].stanzas, ++w->sent);
}

static bool
switch_path(struct world *w)
{
	if (w->paths[!w->current].stanzas.count > ROOM - 2 * OWED)
		return false;
	w->current = !w->current;
	send_owed(w);
	return true;
}

static void
take_ack(struct world *w, struct path *path)
{
	uint32_t n;

	if (path->stopped || path->acks.count == 0)
		return;
	n = fifo_take(&path->acks);
	if (n > w->acked)
		w->acked = n;
}

/* --- the receiver ---------------------------------------------------------------------------- */

static void
receive(struct world *w, uint32_t n)
{
	char id[32];

	snprintf(id, sizeof(id), "%u", n);
	if (seen_has(w->seen, SENDER, id)) {
		w->repeats++;
		return;
	}
	if (n != w->delivered + 1)
		fail_msg("%u after %u", n, w->delivered);
	seen_note(w->seen, SENDER, id);
	w->delivered = n;
}

/* Others send, too. */
static void
noise(struct world *w)
{
	char sender[32], id[32];

	snprintf(sender, sizeof(sender), "s%u@example.org", (unsigned)random() % 100);
	snprintf(id, sizeof(id), "%u", (unsigned)random() % NUMBERS);
	if (!seen_has(w->seen, sender, id))
		seen_note(w->seen, sender, id);
}

/* --- the paths ------------------------------------------------------------------------------- */

static void
arrive(struct world *w, struct path *path)
{
	uint32_t n;

	if (path->stopped || path->stanzas.count == 0)
		return;
	n = fifo_take(&path->stanzas);
	receive(w, n);
	if (happens(50))
		receive(w, n);
	if (path->acks.count < ROOM)
		fifo_put(&path->acks, n);
}

static void
die(struct world *w, unsigned which)
{
	struct path *path = &w->paths[which];

	w->lost += path->stanzas.count;
	path->stanzas.count = path->acks.count = 0;
	path->stopped = false;
	if (which != w->current)
		return;
	if (!happens(500) || !switch_path(w))
		send_owed(w); /* by a new stream of the same kind */
}

/* A path that is given up must not come back with numbers that are out of anybody's memory. */
static void
give_up_old(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct fifo *f = &w->paths[i].stanzas;

		if (f->count > 0 && w->delivered > f->items[f->from] + SEEN_IDS / 2)
			die(w, i);
	}
}

static void
step(struct world *w)
{
	unsigned which = (unsigned)random() % 2;
	struct path *path = &w->paths[which];

	for (unsigned i = (unsigned)random() % 8; i > 0; i--)
		send_next(w);
	for (unsigned i = (unsigned)random() % 8; i > 0; i--)
		arrive(w, path);
	for (unsigned i = (unsigned)random() % 6; i > 0; i--)
		take_ack(w, path);
	if (happens(20))
		path->stopped = !path->stopped;
	if (happens(20))
		switch_path(w);
	if (happens(10))
		die(w, which);
	if (happens(100))
		noise(w);
	if (happens(3)) {
		seen_close(w->seen);
		w->seen = open_seen();
	}
	give_up_old(w);
}

static void
run(unsigned seed)
{
	struct world *w = calloc(1, sizeof(*w));

	srandom(seed);
	w->seen = open_seen();
	for (unsigned i = 0; i < 1000000 && w->acked < NUMBERS; i++)
		step(w);
	assert_int_equal(w->delivered, NUMBERS);
	assert_int_equal(w->acked, NUMBERS);
	assert_true(w->repeats > 100 && w->lost > 100);
	seen_close(w->seen);
	free(w);
	teardown(NULL);
	assert_int_equal(setup(NULL), 0);
}

static void
test_next_number_always(void **state)
{
	unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)getpid();

	for (unsigned i = 0; i < RUNS; i++) {
		print_message("seed %u (SEED=)\n", seed + i);
		run(seed + i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_next_number_always, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
