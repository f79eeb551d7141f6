/* SPDX-License-Identifier: ISC */
/*
 * store_kit.h: a store, what is asked of it, what it answers. Tests that use it run against any
 * kind of database: SQLite in memory (or, where it is to be opened again, in a file) unless
 * EARSHOT_TEST_STORE is the directory of a cluster (cluster.h), which is emptied by each test.
 */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "store/db.h"
#include "store/store.h"
#include "tests/unit/store/cluster.h"

#define KIT_ROWS  600
#define KIT_WAIT  20 /* seconds */
#define KIT_ROMEO "romeo@example.org"
#define KIT_OWNER "hamlet@example.org"

struct kit {
	struct event_base *base;
	struct ear_clock *clock;
	struct ear_store *store;
	const struct db_kind *kind;
	struct db_config config;
	char dir[64], path[96], error[512];
};

static struct kit kit;

/* The last answer. */
static struct {
	bool done;
	int error;
	char text[256];
	int64_t epoch, last;
	size_t count, total, first;
	struct ear_stored rows[KIT_ROWS];
	struct ear_stored_event events[KIT_ROWS];
	char *texts[KIT_ROWS * 9];
	size_t text_count;
} got;

static inline const char *
got_copy(const char *text)
{
	if (text == NULL)
		return NULL;
	assert_true(got.text_count < KIT_ROWS * 9);
	return got.texts[got.text_count++] = xstrdup(text);
}

static inline void
got_clear(void)
{
	while (got.text_count > 0)
		free(got.texts[--got.text_count]);
	memset(&got, 0, sizeof(got));
}

/* --- its life ----------------------------------------------------------------------------- */

/* One turn; without a loop the clock stands still but for this. */
static inline void
kit_loop(void)
{
	if (kit.base == NULL)
		clock_advance(kit.clock, 1);
	else
		event_base_loop(kit.base, EVLOOP_ONCE);
}

static inline void
kit_wait(const bool *done)
{
	time_t until = time(NULL) + KIT_WAIT;

	while (!*done && time(NULL) < until)
		kit_loop();
	if (!*done)
		fail_msg("no answer");
}

/* What is due now. */
static inline void
kit_turn(void)
{
	for (int i = 0; i < 10; i++)
		event_base_loop(kit.base, EVLOOP_NONBLOCK);
}

static inline struct ear_store *
kit_open_another(void)
{
	struct ear_store *store;

	if (store_new(kit.base, kit.clock, kit.kind, &kit.config, &store, kit.error,
		      sizeof(kit.error)) != 0)
		fail_msg("%s", kit.error);
	return store;
}

static inline void
kit_again(void)
{
	store_free(kit.store);
	kit.store = kit_open_another();
}

static inline int
kit_begin(bool file)
{
	const char *dir = getenv("EARSHOT_TEST_STORE");
	static struct cluster cluster;

	ear_log_set_level(EAR_LOG_ERROR);
	kit = (struct kit){ .kind = dir == NULL ? &db_sqlite : &db_postgres };
	kit.base = event_base_new();
	kit.clock = clock_new(kit.base);
	snprintf(kit.dir, sizeof(kit.dir), "/tmp/test_store.XXXXXX");
	if (mkdtemp(kit.dir) == NULL)
		return -1;
	snprintf(kit.path, sizeof(kit.path), "%s/store.db", kit.dir);
	kit.config.path = file ? kit.path : NULL;
	if (dir != NULL) {
		cluster_find(&cluster, dir);
		cluster_empty(&cluster);
		kit.config.url = cluster.url;
	}
	kit.store = kit_open_another();
	return 0;
}

static inline int
kit_setup(void **state)
{
	return kit_begin(false);
}

static inline int
kit_setup_file(void **state)
{
	return kit_begin(true);
}

static inline int
kit_teardown(void **state)
{
	char command[128];

	store_free(kit.store);
	clock_free(kit.clock);
	event_base_free(kit.base);
	got_clear();
	snprintf(command, sizeof(command), "rm -rf %s", kit.dir);
	return system(command);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
#define TEST_FILE(name) cmocka_unit_test_setup_teardown(name, kit_setup_file, kit_teardown)

/* --- asking ------------------------------------------------------------------------------- */

static inline void
kit_on_stored(void *arg, const struct ear_stored_answer *answer)
{
	got_clear();
	got.done = true;
	got.error = answer->error;
	copy_text(got.text, sizeof(got.text), answer->text);
	got.count = answer->count;
	got.total = answer->total;
	got.first = answer->first;
	assert_true(got.count <= KIT_ROWS);
	for (size_t i = 0; i < got.count; i++) {
		struct ear_stored *row = &got.rows[i];

		*row = answer->rows[i];
		row->node = got_copy(row->node);
		row->config = got_copy(row->config);
		row->creator = got_copy(row->creator);
		row->jid = got_copy(row->jid);
		row->options = got_copy(row->options);
		row->item = got_copy(row->item);
		row->payload = got_copy(row->payload);
		row->publisher = got_copy(row->publisher);
		row->ours = got_copy(row->ours);
	}
}

static inline int
ask(const struct ear_query *query)
{
	got_clear();
	ear_store_query(kit.store, query, kit_on_stored, &kit);
	assert_false(got.done);
	kit_wait(&got.done);
	return got.error;
}

static inline int
ask_node(const char *node, const char *who)
{
	struct ear_query query = { .kind = EAR_QUERY_NODE, .node = node, .who = who };

	return ask(&query);
}

static inline int
ask_items(const char *node)
{
	struct ear_query query = { .kind = EAR_QUERY_ITEMS, .node = node };

	return ask(&query);
}

/* Of the rows: their names, addresses or items, each with a blank behind it. */
static inline const char *
got_names(void)
{
	static char names[8192];
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < got.count && used < sizeof(names); i++) {
		const struct ear_stored *row = &got.rows[i];
		const char *name = row->item != NULL  ? row->item
				   : row->jid != NULL ? row->jid
						      : row->node;

		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s ", name);
	}
	return names;
}

/* --- changing ----------------------------------------------------------------------------- */

static inline void
kit_on_changed(void *arg, const struct ear_changed *changed)
{
	got_clear();
	got.done = true;
	got.error = changed->error;
	copy_text(got.text, sizeof(got.text), changed->text);
	got.epoch = changed->epoch;
	got.last = changed->last;
}

static inline int
commit(const struct ear_transaction *transaction)
{
	got_clear();
	ear_store_change(kit.store, transaction, kit_on_changed, &kit);
	assert_false(got.done);
	kit_wait(&got.done);
	return got.error;
}

/* An event with all that one for subscribers may have, and whether it came as it was given. */
static inline struct ear_event_draft
headline(void)
{
	return (struct ear_event_draft){ .audience = EAR_TELL_SUBSCRIBERS,
					 .item = "7",
					 .text = "<items/>",
					 .type = "headline",
					 .backlog = 5,
					 .wide = true };
}

static inline void
assert_headline(const struct ear_stored_event *event, const char *node)
{
	assert_string_equal(event->node, node);
	assert_int_equal(event->audience, EAR_TELL_SUBSCRIBERS);
	assert_null(event->to);
	assert_string_equal(event->item, "7");
	assert_string_equal(event->text, "<items/>");
	assert_string_equal(event->type, "headline");
	assert_int_equal(event->backlog, 5);
	assert_true(event->wide);
	assert_true(llabs(event->at - time(NULL)) < 60);
}

/* Changes of that node as it is now, or of one that is to be created; with one event or none. */
static inline int
change_all(const char *node, const struct ear_change *changes, size_t count, const char *event)
{
	struct ear_event_draft draft = { .text = event, .type = "headline" };
	struct ear_transaction transaction = { .node = node,

					       .changes = changes,
					       .count = count,
					       .events = &draft,
					       .event_count = event != NULL };

	if (changes[0].kind != EAR_CREATE_NODE) {
		assert_int_equal(ask_node(node, NULL), 0);
		transaction.epoch = got.rows[0].epoch;
	}
	return commit(&transaction);
}

static inline int
change(const char *node, struct ear_change one)
{
	return change_all(node, &one, 1, NULL);
}

static inline int
tell(const char *node, struct ear_change one, const char *event)
{
	return change_all(node, &one, 1, event);
}

static inline struct ear_change
creating(const char *config)
{
	return (struct ear_change){ .kind = EAR_CREATE_NODE, .config = config, .jid = KIT_OWNER };
}

static inline struct ear_change
putting(const char *item, const char *payload, size_t keep)
{
	return (struct ear_change){ .kind = EAR_PUT_ITEM,
				    .item = item,
				    .payload = payload,
				    .jid = KIT_ROMEO "/orchard",
				    .keep = keep };
}

static inline struct ear_change
removing(const char *item)
{
	return (struct ear_change){ .kind = EAR_REMOVE_ITEM, .item = item };
}

static inline struct ear_change
affiliating(const char *jid, enum ear_affiliation affiliation)
{
	return (struct ear_change){ .kind = EAR_AFFILIATE, .jid = jid, .affiliation = affiliation };
}

static inline struct ear_change
subscribing(const char *jid, enum ear_subscription state)
{
	return (struct ear_change){ .kind = EAR_SUBSCRIBE, .jid = jid, .subscription = state };
}

static inline struct ear_change
doing(enum ear_change_kind kind)
{
	return (struct ear_change){ .kind = kind };
}

static inline void
create(const char *node)
{
	assert_int_equal(change(node, creating("")), 0);
}

/* --- events ------------------------------------------------------------------------------- */

static inline void
kit_on_events(void *arg, int error, const struct ear_stored_event *events, size_t count)
{
	got_clear();
	got.done = true;
	got.error = error;
	got.count = count;
	assert_true(got.count <= KIT_ROWS);
	for (size_t i = 0; i < count; i++) {
		struct ear_stored_event *event = &got.events[i];

		*event = events[i];
		event->node = got_copy(event->node);
		event->to = got_copy(event->to);
		event->item = got_copy(event->item);
		event->text = got_copy(event->text);
		event->type = got_copy(event->type);
		event->told = got_copy(event->told);
	}
}

static inline size_t
take(struct ear_store *store)
{
	got_clear();
	ear_store_take(store, kit_on_events, &kit);
	kit_wait(&got.done);
	assert_int_equal(got.error, 0);
	return got.count;
}

static inline int
audience(struct ear_store *store, int64_t event, const char *after)
{
	got_clear();
	ear_store_audience(store, event, after, EAR_STORE_PAGE_MAX, kit_on_stored, &kit);
	kit_wait(&got.done);
	return got.error;
}

static inline int
told(struct ear_store *store, int64_t event, const char *upto)
{
	got_clear();
	ear_store_told(store, event, upto, kit_on_changed, &kit);
	kit_wait(&got.done);
	return got.error;
}

#endif
