/* SPDX-License-Identifier: ISC */
/* spool_db.h: the database of a spool: its file and its statements. */
#ifndef STORE_SPOOL_DB_H
#define STORE_SPOOL_DB_H

#include "store/spool.h"
#include "store/sqlite_file.h"

enum spool_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_ADD,
	SQL_REMOVE,
	SQL_MARK,
	SQL_EXPIRE,
	SQL_DROP,
	SQL_EACH,
	SQL_EACH_TO,
	SQL_NEXT,
	SQL_GET,
	SQL_SUMS,
	SQL_COUNT,
};

struct spool_db {
	struct sqlite_file file;
	sqlite3_stmt *statements[SQL_COUNT];
};

/* Errors as spool_open; db is zeroed memory, and spool_db_close is due in any case. */
int spool_db_open(struct spool_db *db, const char *dir);
void spool_db_close(struct spool_db *db);

/* A statement that is ready to be bound. NULL: sqlite_file_fail() says why. */
sqlite3_stmt *spool_db_prepare(struct spool_db *db, enum spool_sql sql);

/* Runs one without parameters and rows. */
int spool_db_run(struct spool_db *db, enum spool_sql sql);

#endif
