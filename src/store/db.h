/* SPDX-License-Identifier: ISC */
/*
 * db.h: a database, as a row of jobs. A job is a row of SQL statements in one transaction: all of
 * it happens or nothing. Jobs are done in the order in which they were given, and answered in it,
 * from the event loop, never from inside a call into here; when a job is answered with 0, what it
 * wrote is on the disk.
 *
 * Statements are constants in the dialect that SQLite 3.40 and PostgreSQL 15 share ($1 ..., ON
 * CONFLICT, RETURNING); where they differ there are two texts. One that writes says with RETURNING
 * what it did: "no row came" is the one condition on which a job can end.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct ear_clock;

#define DB_VALUES_MAX 16     /* parameters of a statement, columns of a row */
#define DB_STEPS_MAX  1100   /* of one job */
#define DB_JOBS_MAX   4096   /* that wait; beyond that they are answered -ENOBUFS */
#define DB_ROWS_MAX   100000 /* of one job: beyond that -EMSGSIZE */
#define DB_BYTES_MAX  ((size_t)64 * 1024 * 1024) /* of jobs that wait; of the rows of one job */

enum db_type { DB_NULL, DB_INT, DB_TEXT };

struct db_value {
	enum db_type type;
	int64_t number;
	const char *text; /* UTF-8, NUL-ended */
};

/* Constant for the life of the program: drivers keep it prepared, by its address. */
struct db_sql {
	const char *text;     /* of both, or of SQLite alone; NULL: nothing to do there */
	const char *postgres; /* "": nothing to do there; NULL: the same text */
};

struct db_step {
	const struct db_sql *sql;
	struct db_value values[DB_VALUES_MAX];
	size_t count;
	int none; /* -errno: the job ends with that, undone, when no row came; 0: that is fine */
};

/* A row of that step; borrowed for the call. Rows come before done, and only of a job that is not
 * undone. */
typedef void db_row_fn(void *arg, size_t step, const struct db_value *columns, size_t count);

/* text: for people, "" when error is 0 or the `none` of a step. step: the one that failed. */
typedef void db_done_fn(void *arg, int error, size_t step, const char *text);

/* What a job does to the database. */
enum db_effect {
	DB_READS = false,
	DB_WRITES = true,
	/* What is written may be forgotten when the power is cut, though not before what was
	 * written earlier, nor when this process ends: then nobody waits for a disk. */
	DB_WRITES_LAZILY,
};

struct db_job {
	const struct db_step *steps;
	size_t count;
	enum db_effect writes;
	db_row_fn *row; /* may be NULL */
	db_done_fn *done;
	void *arg;
	/* Done twice it is as good as once: it is done again where nobody knows whether it was. */
	bool repeatable;
};

struct db;

/* What only some can do. */
struct db_events {
	/* Another process that shares it has said so (db_sql of "NOTIFY"), or it is there again.
	 * SQLite: once, when a file was there. */
	void (*news)(void *arg);
	/* One has said a text with that; NULL: since the connection was lost some may have. */
	void (*heard)(void *arg, const char *text);
};

struct db_config {
	const char *path;   /* of SQLite: a file; NULL: in memory */
	const char *url;    /* of PostgreSQL: a connection string without a password */
	const char *secret; /* the password; NULL: none */
};

/* The schema, version by version: [i] is run, as one transaction, on one of version i. NULL ends.
 * Each is a row of statements, also ended by NULL. */
struct db_schema {
	const struct db_sql *const *const *versions;
};

struct db_kind {
	const char *name;
	bool shared; /* other processes may be using it at the same time */
	/*
	 * *out: in any case nothing is waited for. 0, or -errno with error filled: what can be
	 * known now is wrong. SQLite: a file that is missing is made (0600) when something is
	 * written; one that is damaged is renamed to *.bad with a line for the operator; a later
	 * version's is -EPROTONOSUPPORT, a database of something else -EINVAL; what may pass (no
	 * room, another process has it) is logged, and tried again at each job. PostgreSQL: it
	 * connects, and again whenever it is lost; jobs wait for that a while, then are answered
	 * -ENOTCONN; a job that was under way when it was lost and wrote is answered -ECONNRESET:
	 * it may have been done; one that is repeatable is done again.
	 */
	int (*open)(struct event_base *base, struct ear_clock *clock,
		    const struct db_config *config, const struct db_schema *schema,
		    const struct db_events *events, void *arg, struct db **out, char *error,
		    size_t size);
	/* Everything is copied. */
	void (*run)(struct db *db, const struct db_job *job);
	/* Nobody waits for jobs of that arg any more; those that write are done all the same. */
	void (*forget)(struct db *db, const void *arg);
	/* What was given is done or, where that is not possible at once, dropped; nobody is told.
	 */
	void (*close)(struct db *db);
};

struct db {
	const struct db_kind *kind; /* first in every driver's own struct */
};

extern const struct db_kind db_sqlite, db_postgres;

#endif
