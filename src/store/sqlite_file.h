/* SPDX-License-Identifier: ISC */
/* sqlite_file.h: an SQLite database that one process has to itself: its file, its errors as people
 * read them, and what becomes of one that is damaged. */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sqlite3.h>

struct sqlite_file {
	char *path;      /* NULL: in memory */
	sqlite3 *sqlite; /* NULL: it is not open */
	char error[512]; /* what went wrong last, with what to do */
};

/*
 * Opens that file, made when it is missing (0600); path NULL: one in memory. Nothing in it is
 * changed. A commit is on the disk when it returns. more: further settings, or NULL. file is zeroed
 * memory, and sqlite_file_close is due in any case. 0 or -errno.
 */
int sqlite_file_open(struct sqlite_file *file, const char *path, const char *more);

/* Its statements are the caller's to finalize first. What the error was is kept. */
void sqlite_file_close(struct sqlite_file *file);

/*
 * Whether it is whole. *version: of its schema, as PRAGMA user_version has it; 0: it is empty.
 * -EPROTONOSUPPORT: later than known; -EUCLEAN: damaged; -EINVAL: a database of something else.
 */
int sqlite_file_check(struct sqlite_file *file, int known, int *version);

/* The same for all of it, however large that is, and as thoroughly as can be: 0, -EUCLEAN, or -EIO
 * where it could not be read. */
int sqlite_file_look(struct sqlite_file *file);

/* It is ours, and written to from now on. */
int sqlite_file_keep(struct sqlite_file *file);

/* The first column of the first row. */
int sqlite_file_ask(struct sqlite_file *file, const char *sql, char *out, size_t size);

/* Runs statements without parameters and rows. */
int sqlite_file_run(struct sqlite_file *file, const char *sql);

/* -errno of what SQLite said last, with file->error filled. */
int sqlite_file_fail(struct sqlite_file *file);

/* The same for an error of our own: what, and what can be done about it. */
int sqlite_file_tell(struct sqlite_file *file, int error, const char *what);

/* Renames the file, which is closed afterwards or not used any more, to *.bad, with a line for the
 * operator that ends with what is lost. */
void sqlite_file_set_aside(const struct sqlite_file *file, const char *lost);

#endif
