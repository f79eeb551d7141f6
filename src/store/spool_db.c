/* SPDX-License-Identifier: ISC */
/* spool_db.c: the database of a spool: its file and its statements. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "store/spool_db.h"

#define VERSION 1

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

/* --- statements --------------------------------------------------------------------------- */

sqlite3_stmt *
spool_db_prepare(struct spool_db *db, enum spool_sql sql)
{
	sqlite3_stmt **statement = &db->statements[sql];

	if (*statement != NULL)
		sqlite3_reset(*statement);
	else if (sqlite3_prepare_v3(db->file.sqlite, texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
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
		return sqlite_file_fail(&db->file);
	if (sqlite3_step(statement) != SQLITE_DONE)
		rc = sqlite_file_fail(&db->file);
	sqlite3_reset(statement);
	return rc;
}

/* --- the file ----------------------------------------------------------------------------- */

static int
prepare_file(struct spool_db *db, const char *path)
{
	int version = 0, rc = sqlite_file_open(&db->file, path, NULL);

	if (rc == 0)
		rc = sqlite_file_check(&db->file, VERSION, &version);
	/* Below the state directory that name is ours. */
	if (rc == -EINVAL)
		rc = -EUCLEAN;
	if (rc == 0)
		rc = sqlite_file_keep(&db->file);
	return rc == 0 && version < VERSION ? sqlite_file_run(&db->file, schema) : rc;
}

int
spool_db_open(struct spool_db *db, const char *dir)
{
	char *path = xasprintf("%s/" SPOOL_FILE, dir);
	int rc = prepare_file(db, path);

	free(path);
	return rc;
}

void
spool_db_close(struct spool_db *db)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite_file_close(&db->file);
	*db = (struct spool_db){ 0 };
}
