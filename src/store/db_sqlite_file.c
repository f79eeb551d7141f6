/* SPDX-License-Identifier: ISC */
/* db_sqlite_file.c: the file of an SQLite database: its making, its versions, its damage; and the
 * statements that are kept as long as it is open. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "store/db_sqlite_impl.h"

#define APPLICATION "1701999728" /* PRAGMA application_id: "earp" */

static const char more[] = "PRAGMA foreign_keys = ON;"
			   "PRAGMA cache_size = -1024;";

/* --- versions ----------------------------------------------------------------------------- */

static int
version_of(const struct db_schema *schema)
{
	int version = 0;

	while (schema->versions[version] != NULL)
		version++;
	return version;
}

/* From that version to the next, or nothing of it. */
static int
migrate(struct db_sqlite *db, int version)
{
	const struct db_sql *const *sql = db->schema->versions[version];
	char last[96];
	int rc = sqlite_file_run(&db->file, "BEGIN IMMEDIATE");

	for (; rc == 0 && *sql != NULL; sql++)
		if ((*sql)->text != NULL)
			rc = sqlite_file_run(&db->file, (*sql)->text);
	snprintf(last, sizeof(last),
		 "PRAGMA application_id = " APPLICATION "; PRAGMA user_version = %d; COMMIT",
		 version + 1);
	if (rc == 0)
		rc = sqlite_file_run(&db->file, last);
	if (rc != 0 && sqlite3_get_autocommit(db->file.sqlite) == 0)
		sqlite3_exec(db->file.sqlite, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static int
check_owner(struct sqlite_file *file, int version)
{
	char id[32];
	int rc = sqlite_file_ask(file, "PRAGMA application_id", id, sizeof(id));

	if (rc == 0 && strcmp(id, version == 0 ? "0" : APPLICATION) != 0)
		rc = sqlite_file_tell(file, -EINVAL, "a database of something else");
	return rc;
}

static int
open_once(struct db_sqlite *db, const char *path)
{
	int version = 0, last = version_of(db->schema);
	int rc = sqlite_file_open(&db->file, path, more);

	if (rc == 0)
		rc = sqlite_file_check(&db->file, last, &version);
	if (rc == 0)
		rc = check_owner(&db->file, version);
	if (rc == 0 && version == 0)
		rc = db_sqlite_shrink_new(db);
	if (rc == 0)
		rc = sqlite_file_keep(&db->file);
	if (rc == 0 && version > 0)
		rc = db_sqlite_shrink_old(db);
	for (; rc == 0 && version < last; version++)
		rc = migrate(db, version);
	if (rc == 0)
		db_sqlite_shrink_open(db);
	return rc;
}

/* --- the file ----------------------------------------------------------------------------- */

static void
set_aside(struct db_sqlite *db)
{
	if (db->file.path != NULL)
		sqlite_file_set_aside(&db->file, "nodes, items and subscriptions begin anew");
	db_sqlite_let_go(db);
}

/* What may pass is logged once, as long as it is the same. */
static int
note(struct db_sqlite *db, int rc)
{
	if (rc != 0)
		db_sqlite_let_go(db);
	if (rc != 0 && rc != -EPROTONOSUPPORT && rc != -EINVAL &&
	    strcmp(db->trouble, db->file.error) != 0)
		ear_error("%s", db->file.error);
	copy_text(db->trouble, sizeof(db->trouble), rc == 0 ? "" : db->file.error);
	return rc;
}

/* What seemed to be damaged may have been read wrong once: 0: it is whole, and open. */
static int
look_again(struct db_sqlite *db)
{
	char before[sizeof(db->file.error)];
	int rc;

	copy_text(before, sizeof(before), db->file.error);
	db_sqlite_let_go(db);
	rc = open_once(db, db->path);
	rc = rc == 0 ? sqlite_file_look(&db->file) : rc;
	if (rc == 0)
		ear_warn("%s; looked at again, it is whole", before);
	return rc;
}

static int
open_file(struct db_sqlite *db)
{
	int rc = open_once(db, db->path);

	if (rc == -EUCLEAN)
		rc = look_again(db);
	if (rc == -EUCLEAN) {
		set_aside(db);
		rc = open_once(db, db->path);
	}
	return note(db, rc);
}

/* One that is not there has nothing in it: until something is written, none is made. */
int
db_sqlite_need(struct db_sqlite *db)
{
	int rc;

	if (db->file.sqlite != NULL)
		return 0;
	db->blank = db->path != NULL && access(db->path, F_OK) != 0;
	if (db->path == NULL || db->blank)
		return note(db, open_once(db, NULL));
	rc = open_file(db);
	db->news = rc == 0;
	return rc;
}

int
db_sqlite_make(struct db_sqlite *db)
{
	assert(db->blank);
	db_sqlite_let_go(db);
	return open_file(db);
}

int
db_sqlite_damaged(struct db_sqlite *db, bool looks)
{
	int rc = looks && db->file.path != NULL ? look_again(db) : -EUCLEAN;

	if (rc == -EUCLEAN)
		set_aside(db);
	else
		note(db, rc);
	return rc;
}

void
db_sqlite_let_go(struct db_sqlite *db)
{
	for (size_t i = 0; i < db->statement_room; i++)
		sqlite3_finalize(db->statements[i].prepared);
	free(db->statements);
	db->statements = NULL;
	db->statement_count = db->statement_room = 0;
	db->blank = db->lazy = false;
	db_sqlite_shrink_close(db);
	sqlite_file_close(&db->file);
}

/* --- statements --------------------------------------------------------------------------- */

/* Its place, or the free one where it belongs. */
static struct statement *
find(struct statement *table, size_t room, const struct db_sql *sql)
{
	size_t i = ((uintptr_t)sql / sizeof(*sql)) & (room - 1);

	while (table[i].sql != NULL && table[i].sql != sql)
		i = (i + 1) & (room - 1);
	return &table[i];
}

static void
grow(struct db_sqlite *db)
{
	size_t room = db->statement_room == 0 ? 64 : 2 * db->statement_room;
	struct statement *table = xalloc(room * sizeof(table[0]));

	for (size_t i = 0; i < db->statement_room; i++)
		if (db->statements[i].sql != NULL)
			*find(table, room, db->statements[i].sql) = db->statements[i];
	free(db->statements);
	db->statements = table;
	db->statement_room = room;
}

const struct statement *
db_sqlite_prepare(struct db_sqlite *db, const struct db_sql *sql)
{
	struct statement *statement;
	char name[8];

	if (2 * db->statement_count >= db->statement_room)
		grow(db);
	statement = find(db->statements, db->statement_room, sql);
	if (statement->sql != NULL)
		return statement;
	if (sqlite3_prepare_v3(db->file.sqlite, sql->text, -1, SQLITE_PREPARE_PERSISTENT,
			       &statement->prepared, NULL) != SQLITE_OK)
		return NULL;
	statement->sql = sql;
	db->statement_count++;
	for (int i = 0; i < DB_VALUES_MAX; i++) {
		snprintf(name, sizeof(name), "$%d", i + 1);
		statement->places[i] =
			(unsigned char)sqlite3_bind_parameter_index(statement->prepared, name);
	}
	return statement;
}
