/* SPDX-License-Identifier: ISC */
/* sqlite_file.c: an SQLite database that one process has to itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/sync_dir.h"
#include "store/sqlite_file.h"

#define BAD_FILES  9 /* that are set aside beside each other; the last is replaced */
#define LOOK_BYTES ((off_t)16 * 1024 * 1024) /* a larger one is not read as a whole at start */

/*
 * One process has it to itself: then WAL, which is chosen once it is known to be ours, needs no
 * shared memory. Nothing waits for a lock: the loop
 * stands still meanwhile. FULL: a commit is on the disk when it returns.
 */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA wal_autocheckpoint = 256;"
			       "PRAGMA journal_size_limit = 1048576;"
			       "PRAGMA cache_size = -256;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA trusted_schema = OFF;";

/* --- errors ------------------------------------------------------------------------------- */

static int
errno_of_system(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return -ENOSPC;
	case EROFS:
		return -EROFS;
	case EACCES:
	case EPERM:
		return -EACCES;
	case ENFILE:
	case EMFILE:
		return -EMFILE;
	default:
		return -EIO;
	}
}

static int
errno_of(const struct sqlite_file *file, int code)
{
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
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return errno_of_system(sqlite3_system_errno(file->sqlite));
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
	case -EINVAL:
		return "move it away";
	default:
		return "look at that file system";
	}
}

int
sqlite_file_tell(struct sqlite_file *file, int error, const char *what)
{
	if (file->path == NULL)
		snprintf(file->error, sizeof(file->error), "in memory: %s", what);
	else
		snprintf(file->error, sizeof(file->error), "%s: %s: %s", file->path, what,
			 remedy_of(error));
	return error;
}

static bool
is_named_by_sqlite(int error)
{
	return error == -EIO || error == -EUCLEAN || error == -EEXIST;
}

int
sqlite_file_fail(struct sqlite_file *file)
{
	int code = file->sqlite == NULL ? SQLITE_NOMEM : sqlite3_errcode(file->sqlite) & 0xff;
	int error;

	xcheck(code != SQLITE_NOMEM);
	error = errno_of(file, code);
	return sqlite_file_tell(file, error,
				is_named_by_sqlite(error) ? sqlite3_errmsg(file->sqlite)
							  : strerror(-error));
}

/* --- asking ------------------------------------------------------------------------------- */

int
sqlite_file_ask(struct sqlite_file *file, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *statement = NULL;
	const char *text;
	int rc = 0;

	if (sqlite3_prepare_v2(file->sqlite, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW) {
		rc = sqlite_file_fail(file);
	} else {
		text = (const char *)sqlite3_column_text(statement, 0);
		copy_text(out, size, text == NULL ? "" : text);
	}
	sqlite3_finalize(statement);
	return rc;
}

int
sqlite_file_run(struct sqlite_file *file, const char *sql)
{
	return sqlite3_exec(file->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : sqlite_file_fail(file);
}

/* A page that the disk did not give is none that is damaged, though SQLite lists it as one. */
static bool
is_unread(const char *answer)
{
	static const char code[] = "error code=";
	const char *found = strstr(answer, code);

	if (found != NULL)
		return (atoi(found + strlen(code)) & 0xff) == SQLITE_IOERR;
	return strstr(answer, "failed to get page") != NULL;
}

static int
look(struct sqlite_file *file, const char *pragma)
{
	char answer[256];
	int rc = sqlite_file_ask(file, pragma, answer, sizeof(answer));

	if (rc != 0 || strcmp(answer, "ok") == 0)
		return rc;
	return sqlite_file_tell(file, is_unread(answer) ? -EIO : -EUCLEAN, answer);
}

static int
check_whole(struct sqlite_file *file)
{
	struct stat status;

	if (file->path == NULL || (stat(file->path, &status) == 0 && status.st_size > LOOK_BYTES))
		return 0;
	return look(file, "PRAGMA quick_check(1)");
}

int
sqlite_file_look(struct sqlite_file *file)
{
	return look(file, "PRAGMA integrity_check(1)");
}

int
sqlite_file_check(struct sqlite_file *file, int known, int *version)
{
	char answer[32];
	int rc = sqlite_file_ask(file, "PRAGMA user_version", answer, sizeof(answer));

	if (rc != 0)
		return rc;
	*version = atoi(answer);
	if (*version > known) {
		snprintf(file->error, sizeof(file->error),
			 "%s: a later earshotd has written it (version %d, this one knows %d): run "
			 "that one, or move the file away",
			 file->path, *version, known);
		return -EPROTONOSUPPORT;
	}
	rc = check_whole(file);
	if (rc != 0 || *version > 0)
		return rc;
	rc = sqlite_file_ask(file, "SELECT count(*) FROM sqlite_schema", answer, sizeof(answer));
	if (rc == 0 && (*version < 0 || strcmp(answer, "0") != 0))
		rc = sqlite_file_tell(file, -EINVAL, "a database of something else");
	return rc;
}

int
sqlite_file_keep(struct sqlite_file *file)
{
	return sqlite_file_run(file, "PRAGMA journal_mode = WAL");
}

/* --- the file ----------------------------------------------------------------------------- */

/* Its name is on the disk, too. */
static int
sync_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL   ? xstrdup(".")
		    : slash == path ? xstrdup("/")
				    : xstrndup(path, (size_t)(slash - path));
	int error = sync_dir(dir);

	free(dir);
	return error;
}

/* Made by us, so that it is nobody else's to read. */
static int
make_file(struct sqlite_file *file)
{
	int fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), error;

	if (fd < 0) {
		error = -errno;
	} else {
		close(fd);
		error = sync_name(file->path);
	}
	return error == 0 ? 0 : sqlite_file_tell(file, errno_of_system(-error), strerror(-error));
}

/* One thread, and nobody who looks at its figures: neither locks around each allocation nor counts
 * of them. What was opened before has said so already. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int
sqlite_file_open(struct sqlite_file *file, const char *path, const char *more)
{
	int rc;

	configure();
	xreplace(&file->path, path);
	rc = path == NULL ? 0 : make_file(file);
	if (rc != 0)
		return rc;
	if (sqlite3_open_v2(path == NULL ? ":memory:" : path, &file->sqlite,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return sqlite_file_fail(file);
	sqlite3_limit(file->sqlite, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_db_config(file->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	rc = sqlite_file_run(file, settings);
	return rc == 0 && more != NULL ? sqlite_file_run(file, more) : rc;
}

void
sqlite_file_close(struct sqlite_file *file)
{
	sqlite3_close(file->sqlite);
	file->sqlite = NULL;
	xreplace(&file->path, NULL);
}

/* With what was written and is not in it yet: together they may be mended by hand. */
void
sqlite_file_set_aside(const struct sqlite_file *file, const char *lost)
{
	static const char *const ends[] = { "", "-wal", "-journal" };
	char *to = xasprintf("%s.bad", file->path);

	for (int i = 2; i <= BAD_FILES && access(to, F_OK) == 0; i++) {
		free(to);
		to = xasprintf("%s.bad.%d", file->path, i);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *old = xasprintf("%s%s", file->path, ends[i]);
		char *new = xasprintf("%s%s", to, ends[i]);

		if (rename(old, new) != 0 && errno != ENOENT)
			ear_error("%s: cannot be set aside: %m", old);
		free(old);
		free(new);
	}
	ear_error("%s; set aside as %s: %s", file->error, to, lost);
	free(to);
}
