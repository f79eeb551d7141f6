/* SPDX-License-Identifier: ISC */
/*
 * db_sqlite_shrink.c: what was deleted goes back to the file system.
 *
 * SQLite keeps free pages for what comes next. When they are many, and nothing has been written for
 * a while, the last pages of the file move into them, so few at a time that nobody has to wait
 * longer than for a change. A file can do so from its beginning (auto_vacuum), or once it has been
 * written anew as a whole, which is done to those alone that are small.
 */
#include <errno.h>
#include <stdlib.h>

#include <earshot/log.h>

#include "store/db_sqlite_impl.h"

#define QUIET     (2 * EAR_SEC)
#define PAUSE     (10 * EAR_MSEC) /* between steps: others in the loop have their turn */
#define STEP      "16"            /* pages */
#define FREE_MIN  256             /* pages: fewer are left for what comes next */
#define FREE_LEFT 64              /* the same, of many */
#define ANEW_MAX  4096            /* pages of a file that is written anew when it is opened */

/* Of a PRAGMA; -1: it is not known. */
static int64_t
number_of(struct db_sqlite *db, const char *sql)
{
	char text[32];

	return sqlite_file_ask(&db->file, sql, text, sizeof(text)) == 0 ? strtoll(text, NULL, 10)
									: -1;
}

/* --- whether it can ----------------------------------------------------------------------- */

int
db_sqlite_shrink_new(struct db_sqlite *db)
{
	if (db->file.path == NULL)
		return 0;
	return sqlite_file_run(&db->file, "PRAGMA auto_vacuum = INCREMENTAL");
}

/* What there is no room for stays as it is. It is done by means of an attached database. */
static int
write_anew(struct db_sqlite *db)
{
	int rc;

	sqlite3_limit(db->file.sqlite, SQLITE_LIMIT_ATTACHED, 1);
	rc = sqlite_file_run(&db->file, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
	sqlite3_limit(db->file.sqlite, SQLITE_LIMIT_ATTACHED, 0);
	return rc == -EUCLEAN ? rc : 0;
}

int
db_sqlite_shrink_old(struct db_sqlite *db)
{
	if (db->file.path == NULL || number_of(db, "PRAGMA auto_vacuum") != 0 ||
	    number_of(db, "PRAGMA page_count") > ANEW_MAX)
		return 0;
	return write_anew(db);
}

/* --- doing it ----------------------------------------------------------------------------- */

static bool
is_worth_it(struct db_sqlite *db)
{
	int64_t free = number_of(db, "PRAGMA freelist_count");

	if (db->shrinking)
		return free > FREE_LEFT;
	return free >= FREE_MIN && 4 * free >= number_of(db, "PRAGMA page_count");
}

/* What is not on the disk yet goes there with the next change. */
static int
step(struct db_sqlite *db)
{
	db->lazy = true;
	return sqlite_file_run(&db->file, "PRAGMA synchronous = NORMAL;"
					  "PRAGMA incremental_vacuum(" STEP ")");
}

/* Until then it is in the log. */
static int
finish(struct db_sqlite *db)
{
	db->shrinking = false;
	return sqlite_file_run(&db->file, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void
go_on(struct db_sqlite *db)
{
	bool was = db->shrinking;
	int rc = 0;

	db->shrinking = is_worth_it(db);
	if (db->shrinking)
		rc = step(db);
	else if (was)
		rc = finish(db);
	if (rc == 0 && db->shrinking)
		ear_timer_set(&db->quiet, PAUSE);
	if (rc == 0)
		return;
	db->shrinking = false;
	ear_warn("%s", db->file.error);
	if (rc == -EUCLEAN)
		db_sqlite_damaged(db, true);
}

static void
on_quiet(void *arg)
{
	struct db_sqlite *db = arg;

	if (!db->shrinks)
		return;
	if (db->wrote || !list_is_empty(&db->waiting)) {
		db->wrote = false;
		ear_timer_set(&db->quiet, QUIET);
		return;
	}
	go_on(db);
}

/* --- for the others ----------------------------------------------------------------------- */

void
db_sqlite_shrink_init(struct db_sqlite *db, struct ear_clock *clock)
{
	ear_timer_init(&db->quiet, clock, on_quiet, db);
}

void
db_sqlite_shrink_open(struct db_sqlite *db)
{
	db->shrinking = false;
	db->shrinks = db->file.path != NULL && number_of(db, "PRAGMA auto_vacuum") == 2;
	db_sqlite_shrink_wrote(db);
}

void
db_sqlite_shrink_wrote(struct db_sqlite *db)
{
	db->wrote = true;
	if (db->shrinks && !ear_timer_is_set(&db->quiet))
		ear_timer_set(&db->quiet, QUIET);
}

void
db_sqlite_shrink_close(struct db_sqlite *db)
{
	db->shrinks = db->shrinking = false;
	ear_timer_stop(&db->quiet);
}
