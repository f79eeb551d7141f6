/* SPDX-License-Identifier: ISC */
/* db_sqlite_impl.h: what the files of db_sqlite share: db_sqlite.c does jobs, turn by turn;
 * db_sqlite_file.c has the file and the statements; db_sqlite_shrink.c makes it smaller. */
#ifndef STORE_DB_SQLITE_IMPL_H
#define STORE_DB_SQLITE_IMPL_H

#include <earshot/timer.h>

#include "store/db_job.h"
#include "store/sqlite_file.h"

/* Where the parameters $1 ... stand in a statement; 0: it does not use that one. */
struct statement {
	const struct db_sql *sql;
	sqlite3_stmt *prepared;
	unsigned char places[DB_VALUES_MAX];
};

struct db_sqlite {
	struct db db;
	char *path; /* NULL: in memory */
	const struct db_schema *schema;
	const struct db_events *events;
	void *arg;
	struct sqlite_file file;
	bool blank;        /* that one is in memory, and answers for a file that is not there */
	bool news;         /* to be told */
	bool lazy;         /* a commit need not be on the disk when it returns */
	bool careful;      /* each job has a savepoint */
	bool writing;      /* this turn is one transaction */
	char trouble[512]; /* that was logged last; "" none */
	struct statement *statements; /* a hash table, by the address of the text */
	size_t statement_count, statement_room;
	struct list waiting, answered;
	size_t waiting_count, waiting_bytes;
	struct ear_timer turn;
	struct ear_timer quiet; /* nothing has been written for a while */
	bool shrinks;           /* it can */
	bool shrinking, wrote;
};

/* Opens what is not open; 0 or -errno with db->file.error. */
int db_sqlite_need(struct db_sqlite *db);

/* Instead of a blank one: the file is made. */
int db_sqlite_make(struct db_sqlite *db);

/* It seems to be damaged. looks: it is opened anew and looked at as a whole before that is
 * believed. 0: it is not, and open; -EUCLEAN: it is set aside, and closed; else it could not be
 * looked at, and is closed. */
int db_sqlite_damaged(struct db_sqlite *db, bool looks);

void db_sqlite_let_go(struct db_sqlite *db);

/* Prepared, and ready to be bound; borrowed until the next one. NULL: sqlite_file_fail() says why.
 */
const struct statement *db_sqlite_prepare(struct db_sqlite *db, const struct db_sql *sql);

/* --- db_sqlite_shrink.c -------------------------------------------------------------------- */

void db_sqlite_shrink_init(struct db_sqlite *db, struct ear_clock *clock);

/* The file is empty: it will be one that can shrink. Before it is kept (sqlite_file_keep). */
int db_sqlite_shrink_new(struct db_sqlite *db);

/* It is not, and kept: it is made one that can, where that takes no long time. 0 or -EUCLEAN. */
int db_sqlite_shrink_old(struct db_sqlite *db);

/* It is open. */
void db_sqlite_shrink_open(struct db_sqlite *db);
/* Something was written. */
void db_sqlite_shrink_wrote(struct db_sqlite *db);
void db_sqlite_shrink_close(struct db_sqlite *db);

#endif
