/* SPDX-License-Identifier: ISC */
/*
 * bench_store.c: publishing into a store that is an SQLite file, while what is published is told:
 * one at a time, and many in one turn of the loop; beside bare inserts of the same bytes, each (or
 * as many) with a commit of the same durability. What a subscription takes on the disk and in
 * memory, beside a bare table of the same addresses; and what it takes to read a node as one of its
 * subscribers sees it, beside the same node without any.
 */
#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "publishing.h"

#define ONES        400 /* publishes of one run */
#define MANY        64  /* in one turn */
#define TURNS       60
#define SUBSCRIBERS 20000
#define READS       2000

static char dir[64];

static const char *
path_of(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
empty_dir(void)
{
	static const char *const names[] = { "ours", "ours-wal", "floor", "floor-wal" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
}

static off_t
size_of(const char *name)
{
	struct stat st;

	return stat(path_of(name), &st) == 0 ? st.st_size : 0;
}

/* --- ours ----------------------------------------------------------------------------------- */

static void
open_store(struct publishing *side)
{
	struct db_config config = { 0 };

	empty_dir();
	config.path = path_of("ours");
	publishing_open(side, &db_sqlite, &config);
}

/* Publishes a second, so many in each turn. */
static double
ours(size_t turns, size_t each)
{
	struct publishing side;
	double rate;

	open_store(&side);
	rate = publishing_rate(&side, turns, each);
	publishing_close(&side);
	return rate;
}

/* --- the floor -------------------------------------------------------------------------------- */

static sqlite3 *
open_bare(const char *table)
{
	static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
				       "PRAGMA journal_mode = WAL;"
				       "PRAGMA synchronous = FULL;"
				       "PRAGMA wal_autocheckpoint = 256;";
	sqlite3 *db;

	if (sqlite3_open(path_of("floor"), &db) != SQLITE_OK ||
	    sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, table, NULL, NULL, NULL) != SQLITE_OK)
		bench_die("the floor: %s", sqlite3_errmsg(db));
	return db;
}

static void
run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bench_die("the floor: %s", sqlite3_errmsg(db));
}

static double
bare(size_t turns, size_t each)
{
	sqlite3 *db;
	sqlite3_stmt *insert;
	int64_t start;

	empty_dir();
	db = open_bare("CREATE TABLE bare (id INTEGER PRIMARY KEY, payload TEXT, body TEXT)");
	sqlite3_prepare_v2(db, "INSERT INTO bare (payload, body) VALUES (?1, ?2)", -1, &insert,
			   NULL);
	start = bench_now();
	for (size_t turn = 0; turn < turns; turn++) {
		run(db, "BEGIN IMMEDIATE");
		for (size_t i = 0; i < each; i++) {
			sqlite3_bind_text(insert, 1, publishing_payload(), PUBLISHING_PAYLOAD,
					  SQLITE_STATIC);
			sqlite3_bind_text(insert, 2, publishing_event(), PUBLISHING_EVENT,
					  SQLITE_STATIC);
			if (sqlite3_step(insert) != SQLITE_DONE)
				bench_die("the floor: %s", sqlite3_errmsg(db));
			sqlite3_reset(insert);
		}
		run(db, "COMMIT");
	}
	start = bench_now() - start;
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return (double)(turns * each) * 1e9 / (double)start;
}

static void
measure(const char *name, size_t turns, size_t each, double bar)
{
	struct bench bench = { .name = name, .unit = "/s", .kind = BENCH_RATIO_LEAST, .bar = bar };

	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.floor[i] = bare(turns, each);
		bench.ours[i] = ours(turns, each);
	}
	bench_report(&bench);
}

/* --- subscriptions ---------------------------------------------------------------------------- */

static void
jid_of(size_t n, char *out, size_t size)
{
	snprintf(out, size, "subscriber-%06zu@example.org", n);
}

static void
subscribe_all(struct publishing *side)
{
	struct ear_change changes[EAR_CHANGES_MAX];
	char jids[EAR_CHANGES_MAX][48];

	for (size_t n = 0; n < SUBSCRIBERS;) {
		size_t i;

		for (i = 0; i < EAR_CHANGES_MAX && n < SUBSCRIBERS; i++, n++) {
			jid_of(n, jids[i], sizeof(jids[i]));
			changes[i] = (struct ear_change){ .kind = EAR_SUBSCRIBE,
							  .jid = jids[i],
							  .subscription = EAR_SUBSCRIBED };
		}
		publishing_change(side, changes, i, false);
		event_base_dispatch(side->base);
	}
}

/* Bytes on the disk; *resident: those that the process has grown by. */
static double
ours_each(double *resident)
{
	struct publishing side;
	double before;

	open_store(&side);
	before = bench_resident(getpid());
	subscribe_all(&side);
	*resident = (bench_resident(getpid()) - before) * 1024 / SUBSCRIBERS;
	publishing_close(&side);
	return (double)size_of("ours") / SUBSCRIBERS;
}

static double
bare_each(double *resident)
{
	double before = bench_resident(getpid());
	sqlite3_stmt *insert;
	sqlite3 *db;
	char jid[48];

	empty_dir();
	db = open_bare("CREATE TABLE bare (jid TEXT PRIMARY KEY) WITHOUT ROWID");
	sqlite3_prepare_v2(db, "INSERT INTO bare (jid) VALUES (?1)", -1, &insert, NULL);
	run(db, "BEGIN IMMEDIATE");
	for (size_t n = 0; n < SUBSCRIBERS; n++) {
		jid_of(n, jid, sizeof(jid));
		sqlite3_bind_text(insert, 1, jid, -1, SQLITE_STATIC);
		if (sqlite3_step(insert) != SQLITE_DONE)
			bench_die("the floor: %s", sqlite3_errmsg(db));
		sqlite3_reset(insert);
	}
	run(db, "COMMIT");
	*resident = (bench_resident(getpid()) - before) * 1024 / SUBSCRIBERS;
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return (double)size_of("floor") / SUBSCRIBERS;
}

/* In a process of its own, whose memory nobody has used before. */
static void
child_main(void *arg, int fd)
{
	bool is_ours = arg != NULL;
	double figures[2];

	figures[0] = is_ours ? ours_each(&figures[1]) : bare_each(&figures[1]);
	bench_write(fd, figures, sizeof(figures));
	pause();
}

static void
measure_child(bool is_ours, double *disk, double *memory)
{
	double figures[2];
	int fd;
	pid_t pid = bench_fork(child_main, is_ours ? dir : NULL, &fd);

	bench_read(fd, figures, sizeof(figures));
	bench_end(pid, fd);
	*disk = figures[0];
	*memory = figures[1];
}

static void
measure_subscriptions(void)
{
	struct bench disk = {
		.name = "store-subscription-disk", .unit = "B", .kind = BENCH_RATIO_MOST, .bar = 5
	};
	struct bench memory = { .name = "store-subscription-memory",
				.unit = "B",
				.kind = BENCH_OURS_MOST,
				.bar = 150 };

	for (int i = 0; i < BENCH_RUNS; i++) {
		measure_child(false, &disk.floor[i], &memory.floor[i]);
		measure_child(true, &disk.ours[i], &memory.ours[i]);
	}
	bench_report(&disk);
	bench_report(&memory);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct publishing *side = arg;

	if (answer->error != 0)
		bench_die("a node: %s", strerror(-answer->error));
	event_base_loopbreak(side->base);
}

/* Microseconds. */
static double
read_node(struct publishing *side)
{
	struct ear_query query = { .kind = EAR_QUERY_NODE,
				   .node = PUBLISHING_NODE,
				   .who = "subscriber-000007@example.org" };
	int64_t start = bench_now();

	for (int i = 0; i < READS; i++) {
		ear_store_query(side->store, &query, on_node, side);
		event_base_dispatch(side->base);
	}
	return (double)(bench_now() - start) / 1000 / READS;
}

static void
measure_reading(void)
{
	struct bench bench = {
		.name = "store-read-node", .unit = "us", .kind = BENCH_RATIO_MOST, .bar = 2
	};
	struct publishing side;

	for (int i = 0; i < BENCH_RUNS; i++) {
		open_store(&side);
		bench.floor[i] = read_node(&side);
		subscribe_all(&side);
		bench.ours[i] = read_node(&side);
		publishing_close(&side);
	}
	bench_report(&bench);
}

int
main(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/bench_store.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		bench_die("no directory: %m");
	measure_subscriptions();
	measure_reading();
	measure("store-publish-one", ONES, 1, 0.7);
	measure("store-publish-many", TURNS, MANY, 0.3);
	empty_dir();
	rmdir(dir);
	return 0;
}
