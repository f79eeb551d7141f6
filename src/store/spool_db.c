/* SPDX-License-Identifier: ISC */
/* spool_db.c: the database of a spool: its file, its statements, its errors. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/sync_dir.h"
#include "store/spool_db.h"

#define VERSION   1
#define BAD_FILES 9 /* that are set aside beside each other; the last is replaced */

/* The text is the last column: who does not ask for it does not read its pages. */
static const char schema[] =
	"BEGIN;"
	"CREATE TABLE item (seq INTEGER PRIMARY KEY AUTOINCREMENT, dest TEXT NOT NULL,"
	" id TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, taken_at INTEGER NOT NULL,"
	" boot TEXT NOT NULL, due INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,"
	" state INTEGER NOT NULL DEFAULT 0, condition TEXT NOT NULL DEFAULT '',"
	" why TEXT NOT NULL DEFAULT '', text BLOB NOT NULL);"
	"CREATE INDEX item_dest ON item (dest, seq);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

/*
 * One process has it to itself: then WAL needs no shared memory. Nothing waits for a lock: the loop
 * stands still meanwhile. FULL: a commit is on the disk when it returns.
 */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
			       "PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA wal_autocheckpoint = 256;"
			       "PRAGMA journal_size_limit = 1048576;"
			       "PRAGMA cache_size = -256;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA trusted_schema = OFF;";

#define COLUMNS "seq, dest, id, size, taken_at, boot, due, tries, state, condition, why"

static const char *const texts[] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_ADD] = "INSERT INTO item (dest, id, size, taken_at, boot, due, text)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_REMOVE] = "DELETE FROM item WHERE seq = ?1 RETURNING dest, size",
	[SQL_MARK] = "UPDATE item SET state = ?2, condition = ?3, why = ?4,"
		     " tries = tries + (?2 <> 1) WHERE seq = ?1 AND state <> 2",
	[SQL_EXPIRE] = "UPDATE item SET state = 2, condition = ?3, why = ?4"
		       " WHERE state = 0 AND boot <> '' AND (boot <> ?1 OR due <= ?2)",
	[SQL_DROP] = "DELETE FROM item WHERE id = ?1 OR dest = ?2 RETURNING " COLUMNS,
	[SQL_EACH] = "SELECT " COLUMNS " FROM item WHERE seq > ?2 ORDER BY seq",
	[SQL_EACH_TO] = "SELECT " COLUMNS " FROM item WHERE dest = ?1 AND seq > ?2 ORDER BY seq",
	[SQL_NEXT] = "SELECT " COLUMNS ", text FROM item"
		     " WHERE dest = ?1 AND seq > ?2 AND state = 0 ORDER BY seq LIMIT 1",
	[SQL_GET] = "SELECT " COLUMNS ", text FROM item WHERE seq = ?2",
	[SQL_SUMS] = "SELECT dest, count(*), sum(size) FROM item GROUP BY dest",
};

/* --- errors ------------------------------------------------------------------------------- */

static int
errno_of(const struct spool_db *db, int code)
{
	int error = sqlite3_system_errno(db->sqlite);

	switch (code) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return error == ENOSPC || error == EDQUOT   ? -ENOSPC
		       : error == EROFS                     ? -EROFS
		       : error == EACCES || error == EPERM  ? -EACCES
		       : error == ENFILE || error == EMFILE ? -EMFILE
							    : -EIO;
	}
}

static const char *
remedy_of(int error)
{
	switch (error) {
	case -ENOSPC:
		return "make room on that file system";
	case -EROFS:
	case -EACCES:
		return "let the daemon write there, or set [engine] state";
	case -EBUSY:
		return "another process has it open: end that";
	case -EUCLEAN:
		return "it is damaged";
	default:
		return "look at that file system";
	}
}

static int
tell(struct spool_db *db, int error, const char *what)
{
	snprintf(db->error, sizeof(db->error), "%s: %s: %s", db->path, what, remedy_of(error));
	return error;
}

int
spool_db_fail(struct spool_db *db)
{
	int code = db->sqlite == NULL ? SQLITE_NOMEM : sqlite3_errcode(db->sqlite);
	int error;

	if (code == SQLITE_NOMEM) {
		ear_error("out of memory");
		abort();
	}
	error = errno_of(db, code);
	return tell(db, error,
		    error == -EIO || error == -EUCLEAN ? sqlite3_errmsg(db->sqlite)
						       : strerror(-error));
}

/* --- statements --------------------------------------------------------------------------- */

sqlite3_stmt *
spool_db_prepare(struct spool_db *db, enum spool_sql sql)
{
	sqlite3_stmt **statement = &db->statements[sql];

	if (*statement != NULL)
		sqlite3_reset(*statement);
	else if (sqlite3_prepare_v3(db->sqlite, texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
				    statement, NULL) != SQLITE_OK)
		return NULL;
	return *statement;
}

int
spool_db_run(struct spool_db *db, enum spool_sql sql)
{
	sqlite3_stmt *statement = spool_db_prepare(db, sql);
	int rc = 0;

	if (statement == NULL)
		return spool_db_fail(db);
	if (sqlite3_step(statement) != SQLITE_DONE)
		rc = spool_db_fail(db);
	sqlite3_reset(statement);
	return rc;
}

/* --- the file ----------------------------------------------------------------------------- */

/* Made by us, so that it is nobody else's to read; its name is on the disk, too. */
static int
make_file(struct spool_db *db, const char *dir)
{
	int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), error = 0;

	if (fd < 0)
		error = -errno;
	else
		close(fd);
	error = error == 0 ? sync_dir(dir) : error;
	return error == 0 ? 0 : tell(db, error, strerror(-error));
}

/* The first column of the first row. */
static int
ask(struct spool_db *db, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *statement = NULL;
	const char *text;
	int rc = 0;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW) {
		rc = spool_db_fail(db);
	} else {
		text = (const char *)sqlite3_column_text(statement, 0);
		copy_text(out, size, text == NULL ? "" : text);
	}
	sqlite3_finalize(statement);
	return rc;
}

/* Whole, ours, and of a version that we know. */
static int
check(struct spool_db *db)
{
	char answer[256];
	int rc = ask(db, "PRAGMA user_version", answer, sizeof(answer)), version;

	if (rc != 0)
		return rc;
	version = atoi(answer);
	if (version > VERSION) {
		snprintf(db->error, sizeof(db->error),
			 "%s: a later earshotd has written it (version %d, this one knows %d): run "
			 "that one, or move the file away",
			 db->path, version, VERSION);
		return -EPROTONOSUPPORT;
	}
	rc = ask(db, "PRAGMA quick_check(1)", answer, sizeof(answer));
	if (rc == 0 && strcmp(answer, "ok") != 0)
		rc = tell(db, -EUCLEAN, answer);
	if (rc != 0 || version == VERSION)
		return rc;
	rc = ask(db, "SELECT count(*) FROM sqlite_schema", answer, sizeof(answer));
	if (rc == 0 && strcmp(answer, "0") != 0)
		return tell(db, -EUCLEAN, "a database, but no spool");
	if (rc == 0 && sqlite3_exec(db->sqlite, schema, NULL, NULL, NULL) != SQLITE_OK)
		rc = spool_db_fail(db);
	return rc;
}

int
spool_db_open(struct spool_db *db, const char *dir)
{
	int rc;

	db->path = xasprintf("%s/" SPOOL_FILE, dir);
	rc = make_file(db, dir);
	if (rc != 0)
		return rc;
	if (sqlite3_open_v2(db->path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return spool_db_fail(db);
	sqlite3_limit(db->sqlite, SQLITE_LIMIT_ATTACHED, 0);
	if (sqlite3_exec(db->sqlite, settings, NULL, NULL, NULL) != SQLITE_OK)
		return spool_db_fail(db);
	return check(db);
}

void
spool_db_close(struct spool_db *db)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	free(db->path);
	*db = (struct spool_db){ 0 };
}

/* With what was written and is not in it yet: together they may be mended by hand. */
void
spool_db_set_aside(struct spool_db *db)
{
	static const char *const ends[] = { "", "-wal", "-journal" };
	char *to = xasprintf("%s.bad", db->path);

	for (int i = 2; i <= BAD_FILES && access(to, F_OK) == 0; i++) {
		free(to);
		to = xasprintf("%s.bad.%d", db->path, i);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *old = xasprintf("%s%s", db->path, ends[i]);
		char *new = xasprintf("%s%s", to, ends[i]);

		if (rename(old, new) != 0 && errno != ENOENT)
			ear_error("%s: cannot be set aside: %m", old);
		free(old);
		free(new);
	}
	ear_error("%s; set aside as %s: what waited in it does not leave", db->error, to);
	free(to);
}
