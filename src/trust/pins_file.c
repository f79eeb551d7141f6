/* SPDX-License-Identifier: ISC */
/*
 * pins_file.c: dir/pins, replaced as a whole. A version is known by its inode, which is kept open:
 * as long as it is, no other file can get that number.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sync_dir.h"
#include "trust/pins_impl.h"

#define LOCK_TRIES 2000 /* a millisecond apart */
#define MEND       "mend that line, or take it out if what it says may be forgotten"

static int
fail(char *error, size_t size, int rc, const char *path, const char *what)
{
	snprintf(error, size, "%s: %s", path, what);
	return rc;
}

static int
fail_errno(char *error, size_t size, const char *path)
{
	int rc = -errno;

	return fail(error, size, rc, path, strerror(-rc));
}

/* As `mkdir -p -m 700`. */
static int
make_dirs(const char *dir)
{
	char *path = xstrdup(dir), *slash = path;
	int rc = 0;

	while (rc == 0 && slash != NULL) {
		slash = strchr(slash + 1, '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(path, 0700) != 0)
			rc = -errno;
		if (rc != 0 && access(path, F_OK) == 0)
			rc = 0;
		if (slash != NULL)
			*slash = '/';
	}
	free(path);
	return rc;
}

/* Whoever may write there may say whom we know. */
static int
check_owner(const struct stat *st, const char *path, const char *mode, char *error, size_t size)
{
	if (st->st_uid != geteuid() && (!S_ISDIR(st->st_mode) || st->st_uid != 0)) {
		snprintf(error, size,
			 "%s: belongs to user %u, not to user %u who runs this: chown %u", path,
			 (unsigned)st->st_uid, (unsigned)geteuid(), (unsigned)geteuid());
		return -EPERM;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		snprintf(error, size,
			 "%s: others may write to it: look at what it says, then chmod %s", path,
			 mode);
		return -EPERM;
	}
	return 0;
}

static int
check_dir(const char *dir, char *error, size_t size)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return fail_errno(error, size, dir);
	if (!S_ISDIR(st.st_mode))
		return fail(error, size, -ENOTDIR, dir, "not a directory");
	return check_owner(&st, dir, "700", error, size);
}

int
pins_file_open(struct pins_file *file, const char *dir, char *error, size_t size)
{
	int rc;

	file->dir = xstrdup(dir);
	file->path = xasprintf("%s/pins", dir);
	file->temporary = xasprintf("%s/pins.new", dir);
	file->lock_path = xasprintf("%s/pins.lock", dir);
	file->fd = file->lock = -1;
	rc = make_dirs(dir);
	if (rc != 0)
		return fail(error, size, rc, dir, strerror(-rc));
	return check_dir(dir, error, size);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
pins_file_close(struct pins_file *file)
{
	close_fd(&file->fd);
	close_fd(&file->lock);
	free(file->dir);
	free(file->path);
	free(file->temporary);
	free(file->lock_path);
}

/* What one reading of the file needs. */
struct reading {
	struct pins_file *file;
	struct pin_reader *reader;
	pins_file_fn *fn;
	void *arg;
	char *line;
	unsigned number;
	bool ended;
};

static const char *
read_line(struct reading *reading)
{
	size_t length = strlen(reading->line);
	struct pin *pin;
	const char *why;

	if (reading->ended)
		return "something behind the end line";
	if (length == 0 || reading->line[length - 1] != '\n')
		return "a line that is too long, was cut, or holds a NUL";
	reading->line[--length] = '\0';
	if (pin_reader_line(reading->reader, reading->line, length, &pin, &why) != 0)
		return why;
	reading->ended = pin == NULL;
	return pin != NULL ? reading->fn(reading->arg, pin, reading->line) : NULL;
}

static int
read_lines(struct reading *reading, FILE *in, char *error, size_t size)
{
	const char *why = NULL;

	while (why == NULL && fgets(reading->line, PIN_LINE_MAX, in) != NULL) {
		reading->number++;
		why = read_line(reading);
	}
	if (why != NULL) {
		snprintf(error, size, "%s:%u: %s: " MEND, reading->file->path, reading->number,
			 why);
		return -EBADMSG;
	}
	if (ferror(in))
		return fail_errno(error, size, reading->file->path);
	if (!reading->ended) {
		snprintf(error, size,
			 "%s:%u: the file was cut, its end line is missing: put a copy of it back, "
			 "or remove it to forget whom this device knows",
			 reading->file->path, reading->number + 1);
		return -EBADMSG;
	}
	return 0;
}

static int
read_stream(struct pins_file *file, xmpp_ctx_t *ctx, FILE *in, pins_file_fn *fn, void *arg,
	    char *error, size_t size)
{
	struct reading reading = { .file = file, .fn = fn, .arg = arg };
	int rc;

	reading.reader = pin_reader_new(ctx);
	reading.line = xalloc(PIN_LINE_MAX);
	rc = read_lines(&reading, in, error, size);
	pin_reader_free(reading.reader);
	free(reading.line);
	return rc;
}

/* A descriptor of the file, -ENOENT without one. It is ours alone, or nothing to go by. */
static int
open_checked(const struct pins_file *file, struct stat *st, char *error, size_t size)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc;

	if (fd < 0)
		return fail_errno(error, size, file->path);
	if (fstat(fd, st) != 0)
		rc = fail_errno(error, size, file->path);
	else if (!S_ISREG(st->st_mode))
		rc = fail(error, size, -EINVAL, file->path, "not a file: remove it");
	else
		rc = check_owner(st, file->path, "600", error, size);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int
pins_file_read(struct pins_file *file, xmpp_ctx_t *ctx, pins_file_fn *fn, void *arg, char *error,
	       size_t size)
{
	struct stat st;
	int fd = open_checked(file, &st, error, size), rc;
	FILE *in;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	in = fdopen(dup(fd), "r");
	if (in == NULL) {
		rc = fail_errno(error, size, file->path);
		close(fd);
		return rc;
	}
	rc = read_stream(file, ctx, in, fn, arg, error, size);
	fclose(in);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	close_fd(&file->fd);
	file->fd = fd;
	file->version = st;
	return 0;
}

int
pins_file_lock(struct pins_file *file)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	int fd = open(file->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;

		if ((rc != -EBUSY && rc != -EINTR) || i == LOCK_TRIES) {
			close(fd);
			return rc;
		}
		nanosleep(&pause, NULL);
	}
	file->lock = fd;
	return 0;
}

void
pins_file_unlock(struct pins_file *file)
{
	close_fd(&file->lock);
}

static bool
is_same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool
pins_file_is_changed(const struct pins_file *file)
{
	struct stat st;

	if (lstat(file->path, &st) != 0)
		return false;
	return file->fd < 0 || !is_same_version(&st, &file->version);
}

static int
write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

/* The temporary file, complete and on the disk: its descriptor, or -errno. */
static int
write_temporary(const struct pins_file *file, const void *bytes, size_t length, struct stat *st)
{
	int fd, rc;

	unlink(file->temporary); /* of one who died */
	fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, bytes, length);
	if (rc == 0 && (fsync(fd) != 0 || fstat(fd, st) != 0))
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	unlink(file->temporary);
	return rc;
}

int
pins_file_write(struct pins_file *file, const void *bytes, size_t length)
{
	struct stat st;
	int fd = write_temporary(file, bytes, length, &st), rc;

	if (fd < 0)
		return fd;
	if (rename(file->temporary, file->path) != 0) {
		rc = -errno;
		close(fd);
		unlink(file->temporary);
		return rc;
	}
	close_fd(&file->fd);
	file->fd = fd;
	file->version = st;
	return sync_dir(file->dir);
}
