/* SPDX-License-Identifier: ISC */
/* spool.c: messages that outlive the process, and how many there may be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/map.h"
#include "store/spool_db.h"

#define ROOM "earshot queue lists it, earshot queue --drop makes room"

/* What there is for one destination. */
struct sum {
	size_t count, bytes;
};

struct spool {
	struct spool_db db;
	struct map *sums; /* destination -> struct sum */
	size_t count, bytes;
	bool open; /* something is added and not committed */
};

/* Never NULL, whatever a damaged file says. */
static const char *
text_of(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text == NULL ? "" : text;
}

/* --- sums --------------------------------------------------------------------------------- */

static void
sums_add(struct spool *spool, const char *to, size_t count, size_t bytes)
{
	struct sum *sum = map_get(spool->sums, to);

	if (sum == NULL) {
		sum = xalloc(sizeof(*sum));
		map_set(spool->sums, to, sum);
	}
	sum->count += count;
	sum->bytes += bytes;
	spool->count += count;
	spool->bytes += bytes;
}

static void
sums_remove(struct spool *spool, const char *to, size_t bytes)
{
	struct sum *sum = map_get(spool->sums, to);

	if (sum == NULL)
		return;
	sum->count--;
	sum->bytes -= bytes;
	spool->count--;
	spool->bytes -= bytes;
	if (sum->count == 0)
		free(map_del(spool->sums, to));
}

static void
sums_clear(struct spool *spool)
{
	while (map_count(spool->sums) > 0) {
		const char *key;
		struct sum *sum = map_at(spool->sums, 0, &key);

		map_del(spool->sums, key);
		free(sum);
	}
	spool->count = spool->bytes = 0;
}

static int
sums_load(struct spool *spool)
{
	sqlite3_stmt *s = spool_db_prepare(&spool->db, SQL_SUMS);
	int code, rc = 0;

	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	sums_clear(spool);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		sums_add(spool, text_of(s, 0), (size_t)sqlite3_column_int64(s, 1),
			 (size_t)sqlite3_column_int64(s, 2));
	if (code != SQLITE_DONE)
		rc = sqlite_file_fail(&spool->db.file);
	sqlite3_reset(s);
	return rc;
}

/* --- its making --------------------------------------------------------------------------- */

bool
spool_exists(const char *dir)
{
	char *path = xasprintf("%s/" SPOOL_FILE, dir);
	bool exists = access(path, F_OK) == 0;

	free(path);
	return exists;
}

void
spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	spool_db_close(&spool->db);
	sums_clear(spool);
	map_free(spool->sums);
	free(spool);
}

static int
open_once(struct spool *spool, const char *dir)
{
	int rc = spool_db_open(&spool->db, dir);

	return rc == 0 ? sums_load(spool) : rc;
}

struct spool *
spool_open(const char *dir, int *rc, char *error, size_t size)
{
	struct spool *spool = xalloc(sizeof(*spool));

	spool->sums = map_new();
	*rc = open_once(spool, dir);
	if (*rc == -EUCLEAN) {
		/* It may have been read wrong once. */
		spool_db_close(&spool->db);
		*rc = open_once(spool, dir);
	}
	if (*rc == -EUCLEAN) {
		sqlite_file_set_aside(&spool->db.file, "what waited in it does not leave");
		spool_db_close(&spool->db);
		*rc = open_once(spool, dir);
	}
	if (*rc == 0)
		return spool;
	copy_text(error, size, spool->db.file.error);
	spool_close(spool);
	return NULL;
}

const char *
spool_error(const struct spool *spool)
{
	return spool->db.file.error;
}

size_t
spool_count(const struct spool *spool)
{
	return spool->count;
}

size_t
spool_bytes(const struct spool *spool)
{
	return spool->bytes;
}

bool
spool_is_open(const struct spool *spool)
{
	return spool->open;
}

/* A statement that gives no rows. */
static int
run_bound(struct spool *spool, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s) == SQLITE_DONE ? 0 : sqlite_file_fail(&spool->db.file);

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc;
}

/* --- adding ------------------------------------------------------------------------------- */

static int
over(struct spool *spool, int rc, const char *what)
{
	copy_text(spool->db.file.error, sizeof(spool->db.file.error), what);
	return rc;
}

static int
check_room(struct spool *spool, const struct spool_item *item)
{
	static const struct sum none;
	const struct sum *sum = map_get(spool->sums, item->to);

	if (item->length > SPOOL_ONE_MAX)
		return over(spool, -EMSGSIZE, "too long to be stored");
	if (spool->count >= SPOOL_COUNT_MAX || spool->bytes + item->length > SPOOL_BYTES_MAX)
		return over(spool, -EDQUOT, "too much is stored already: " ROOM);
	if (sum == NULL && map_count(spool->sums) >= SPOOL_TO_MAX)
		return over(spool, -EDQUOT, "messages for too many addresses are stored: " ROOM);
	if (sum == NULL)
		sum = &none;
	if (sum->count >= SPOOL_TO_COUNT_MAX || sum->bytes + item->length > SPOOL_TO_BYTES_MAX)
		return over(spool, -EDQUOT, "too much is stored for it already: " ROOM);
	return 0;
}

static void
bind_text(sqlite3_stmt *s, int place, const char *text)
{
	sqlite3_bind_text(s, place, text, -1, SQLITE_STATIC);
}

/* Nothing of what was added is there. SQLite may have rolled back by itself; what is wrong stays
 * told. */
static int
roll_back(struct spool *spool, int rc)
{
	char why[sizeof(spool->db.file.error)];

	copy_text(why, sizeof(why), spool->db.file.error);
	if (sqlite3_get_autocommit(spool->db.file.sqlite) == 0)
		spool_db_run(&spool->db, SQL_ROLLBACK);
	spool->open = false;
	sums_load(spool);
	copy_text(spool->db.file.error, sizeof(spool->db.file.error), why);
	return rc;
}

static int
insert(struct spool *spool, const struct spool_item *item)
{
	sqlite3_stmt *s = spool_db_prepare(&spool->db, SQL_ADD);

	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	bind_text(s, 1, item->to);
	bind_text(s, 2, item->id);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)item->length);
	sqlite3_bind_int64(s, 4, item->taken_at);
	bind_text(s, 5, item->boot);
	sqlite3_bind_int64(s, 6, item->due);
	sqlite3_bind_blob(s, 7, item->text, (int)item->length, SQLITE_STATIC);
	return run_bound(spool, s);
}

int
spool_add(struct spool *spool, const struct spool_item *item, int64_t *seq)
{
	int rc = check_room(spool, item);

	if (rc != 0)
		return rc;
	if (!spool->open)
		rc = spool_db_run(&spool->db, SQL_BEGIN);
	if (rc == 0) {
		spool->open = true;
		rc = insert(spool, item);
	}
	if (rc != 0)
		return roll_back(spool, rc);
	*seq = sqlite3_last_insert_rowid(spool->db.file.sqlite);
	sums_add(spool, item->to, 1, item->length);
	return 0;
}

int
spool_commit(struct spool *spool)
{
	int rc = spool->open ? spool_db_run(&spool->db, SQL_COMMIT) : 0;

	if (rc != 0)
		return roll_back(spool, rc);
	spool->open = false;
	return 0;
}

/* --- changes ------------------------------------------------------------------------------ */

static int
remove_one(struct spool *spool, int64_t seq)
{
	sqlite3_stmt *s = spool_db_prepare(&spool->db, SQL_REMOVE);
	int code, rc = 0;

	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	sqlite3_bind_int64(s, 1, seq);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		sums_remove(spool, text_of(s, 0), (size_t)sqlite3_column_int64(s, 1));
	if (code != SQLITE_DONE)
		rc = sqlite_file_fail(&spool->db.file);
	sqlite3_reset(s);
	return rc;
}

static int
mark_one(struct spool *spool, int64_t seq, enum spool_state state, const char *condition,
	 const char *why)
{
	sqlite3_stmt *s = spool_db_prepare(&spool->db, SQL_MARK);

	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	sqlite3_bind_int64(s, 1, seq);
	sqlite3_bind_int(s, 2, state);
	bind_text(s, 3, condition);
	bind_text(s, 4, why);
	return run_bound(spool, s);
}

int
spool_remove(struct spool *spool, const int64_t *seqs, size_t count)
{
	int rc = spool_db_run(&spool->db, SQL_BEGIN);

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = remove_one(spool, seqs[i]);
	if (rc == 0)
		rc = spool_db_run(&spool->db, SQL_COMMIT);
	return rc == 0 ? 0 : roll_back(spool, rc);
}

int
spool_mark(struct spool *spool, const int64_t *seqs, size_t count, enum spool_state state,
	   const char *condition, const char *why)
{
	int rc = spool_db_run(&spool->db, SQL_BEGIN);

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = mark_one(spool, seqs[i], state, condition, why);
	if (rc == 0)
		rc = spool_db_run(&spool->db, SQL_COMMIT);
	return rc == 0 ? 0 : roll_back(spool, rc);
}

int
spool_expire(struct spool *spool, const char *boot, int64_t now, const char *condition,
	     const char *why)
{
	sqlite3_stmt *s = spool_db_prepare(&spool->db, SQL_EXPIRE);

	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	bind_text(s, 1, boot);
	sqlite3_bind_int64(s, 2, now);
	bind_text(s, 3, condition);
	bind_text(s, 4, why);
	return run_bound(spool, s);
}

/* --- looking ------------------------------------------------------------------------------ */

static void
read_row(sqlite3_stmt *s, struct spool_item *item)
{
	*item = (struct spool_item){
		.seq = sqlite3_column_int64(s, 0),
		.to = text_of(s, 1),
		.id = text_of(s, 2),
		.length = (size_t)sqlite3_column_int64(s, 3),
		.taken_at = sqlite3_column_int64(s, 4),
		.boot = text_of(s, 5),
		.due = sqlite3_column_int64(s, 6),
		.tries = (unsigned)sqlite3_column_int(s, 7),
		.state = (enum spool_state)sqlite3_column_int(s, 8),
		.condition = text_of(s, 9),
		.why = text_of(s, 10),
	};
	if (sqlite3_column_count(s) > 11) {
		item->text = sqlite3_column_blob(s, 11);
		item->length = (size_t)sqlite3_column_bytes(s, 11);
	}
}

/* Tells fn of each row. *found: how many. */
static int
walk(struct spool *spool, sqlite3_stmt *s, spool_fn *fn, void *arg, size_t *found)
{
	struct spool_item item;
	int code, rc = 0;

	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		read_row(s, &item);
		fn(arg, &item);
		++*found;
	}
	if (code != SQLITE_DONE)
		rc = sqlite_file_fail(&spool->db.file);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc;
}

static int
look(struct spool *spool, enum spool_sql sql, const char *to, int64_t seq, spool_fn *fn, void *arg,
     size_t *found)
{
	sqlite3_stmt *s = spool_db_prepare(&spool->db, sql);

	*found = 0;
	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	if (to != NULL)
		bind_text(s, 1, to);
	sqlite3_bind_int64(s, 2, seq);
	return walk(spool, s, fn, arg, found);
}

struct dropping {
	struct spool *spool;
	spool_fn *fn;
	void *arg;
};

static void
on_dropped(void *arg, const struct spool_item *item)
{
	struct dropping *dropping = arg;

	sums_remove(dropping->spool, item->to, item->length);
	if (dropping->fn != NULL)
		dropping->fn(dropping->arg, item);
}

int
spool_drop(struct spool *spool, const char *id, const char *to, spool_fn *fn, void *arg)
{
	struct dropping dropping = { spool, fn, arg };
	sqlite3_stmt *s = spool_db_prepare(&spool->db, SQL_DROP);
	size_t found = 0;
	int rc;

	if (s == NULL)
		return sqlite_file_fail(&spool->db.file);
	bind_text(s, 1, id);
	bind_text(s, 2, to);
	rc = walk(spool, s, on_dropped, &dropping, &found);
	return rc == 0 ? 0 : roll_back(spool, rc);
}

int
spool_each(struct spool *spool, const char *to, int64_t after, spool_fn *fn, void *arg)
{
	size_t found;

	return look(spool, to == NULL ? SQL_EACH : SQL_EACH_TO, to, after, fn, arg, &found);
}

int
spool_next(struct spool *spool, const char *to, int64_t after, spool_fn *fn, void *arg)
{
	size_t found;
	int rc = look(spool, SQL_NEXT, to, after, fn, arg, &found);

	return rc == 0 && found == 0 ? -ENOENT : rc;
}

int
spool_get(struct spool *spool, int64_t seq, spool_fn *fn, void *arg)
{
	size_t found;
	int rc = look(spool, SQL_GET, NULL, seq, fn, arg, &found);

	return rc == 0 && found == 0 ? -ENOENT : rc;
}
