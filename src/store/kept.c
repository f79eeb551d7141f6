/* SPDX-License-Identifier: ISC */
/* kept.c: texts by key that outlive the process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <unistr.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/sync_dir.h"
#include "store/kept.h"

#define MAGIC "earshot kept "
#define HEAD  MAGIC "1\n"

struct kept {
	char *dir, *path, *temporary; /* NULL: in memory only */
	struct map *map;              /* key -> text, which is ours */
	size_t bytes;                 /* of the file */
	bool changed;
};

/* --- in memory ---------------------------------------------------------------------------- */

/* In the file: with a tab and the end of the line. */
static size_t
size_of(const char *key, const char *value)
{
	return strlen(key) + strlen(value) + 2;
}

static bool
is_clean(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void
forget(struct kept *kept, const char *key)
{
	char *old = map_get(kept->map, key);

	if (old == NULL)
		return;
	kept->bytes -= size_of(key, old);
	map_del(kept->map, key);
	free(old);
}

static int
check(const struct kept *kept, const char *key, const char *value)
{
	const char *old = map_get(kept->map, key);
	size_t size = size_of(key, value), gone = old == NULL ? 0 : size_of(key, old);

	if (*key == '\0' || !is_clean(key) || !is_clean(value) ||
	    u8_check((const uint8_t *)key, strlen(key)) != NULL ||
	    u8_check((const uint8_t *)value, strlen(value)) != NULL)
		return -EINVAL;
	if (size > KEPT_ONE_MAX)
		return -EMSGSIZE;
	if ((old == NULL && map_count(kept->map) == KEPT_MAX) ||
	    kept->bytes + size - gone > KEPT_FILE_MAX)
		return -ENOBUFS;
	return 0;
}

int
kept_set(struct kept *kept, const char *key, const char *value)
{
	const char *old = map_get(kept->map, key);
	int error;

	if (value == NULL) {
		kept->changed = kept->changed || old != NULL;
		forget(kept, key);
		return 0;
	}
	error = check(kept, key, value);
	if (error != 0 || (old != NULL && strcmp(old, value) == 0))
		return error;
	forget(kept, key);
	map_set(kept->map, key, xstrdup(value));
	kept->bytes += size_of(key, value);
	kept->changed = true;
	return 0;
}

const char *
kept_get(const struct kept *kept, const char *key)
{
	return map_get(kept->map, key);
}

void
kept_each(const struct kept *kept, const char *prefix, kept_fn *fn, void *arg)
{
	const char *key, *value;

	for (size_t i = map_count(kept->map); i-- > 0;) {
		value = map_at(kept->map, i, &key);
		if (strncmp(key, prefix, strlen(prefix)) == 0)
			fn(arg, key, value);
	}
}

bool
kept_is_changed(const struct kept *kept)
{
	return kept->changed;
}

/* --- writing ------------------------------------------------------------------------------ */

static int
write_lines(const struct kept *kept, FILE *out)
{
	const char *key, *value;

	fputs(HEAD, out);
	for (size_t i = 0; i < map_count(kept->map); i++) {
		value = map_at(kept->map, i, &key);
		fprintf(out, "%s\t%s\n", key, value);
	}
	if (fflush(out) != 0 || ferror(out) || fsync(fileno(out)) != 0)
		return errno == 0 ? -EIO : -errno;
	return 0;
}

/* Complete and on the disk, under another name. */
static int
write_temporary(const struct kept *kept)
{
	int fd, rc;
	FILE *out;

	unlink(kept->temporary); /* of one who died */
	fd = open(kept->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (out == NULL)
		abort();
	errno = 0;
	rc = write_lines(kept, out);
	if (fclose(out) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int
kept_write(struct kept *kept)
{
	int rc = 0;

	if (kept->changed && kept->path != NULL) {
		rc = write_temporary(kept);
		if (rc == 0 && rename(kept->temporary, kept->path) != 0)
			rc = -errno;
		if (rc != 0)
			unlink(kept->temporary);
		else
			rc = sync_dir(kept->dir);
	}
	if (rc == 0)
		kept->changed = false;
	return rc;
}

/* --- reading ------------------------------------------------------------------------------ */

/* A line, whose end is the NUL in its place. */
static int
take_line(struct kept *kept, char *line)
{
	char *tab = strchr(line, '\t');

	if (tab == NULL)
		return -EUCLEAN;
	*tab = '\0';
	return kept_get(kept, line) != NULL || kept_set(kept, line, tab + 1) != 0 ? -EUCLEAN : 0;
}

/* The whole file; it ends with a NUL behind its length. */
static int
take_text(struct kept *kept, char *text, size_t length)
{
	char *end;

	if (strlen(text) != length || strncmp(text, MAGIC, strlen(MAGIC)) != 0)
		return -EUCLEAN;
	if (strncmp(text, HEAD, strlen(HEAD)) != 0)
		return -EPROTONOSUPPORT;
	for (text += strlen(HEAD); *text != '\0'; text = end + 1) {
		end = strchr(text, '\n');
		if (end == NULL)
			return -EUCLEAN;
		*end = '\0';
		if (take_line(kept, text) != 0)
			return -EUCLEAN;
	}
	return 0;
}

static int
read_all(int fd, char *text, size_t size, size_t *length)
{
	ssize_t n;

	for (*length = 0; *length < size; *length += (size_t)n) {
		n = read(fd, text + *length, size - *length);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
	}
	return -EUCLEAN;
}

static int
read_file(struct kept *kept)
{
	int fd = open(kept->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc;
	size_t length;
	struct stat st;
	char *text;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	text = xalloc(KEPT_FILE_MAX + 256);
	rc = read_all(fd, text, KEPT_FILE_MAX + 255, &length);
	if (rc == 0)
		rc = take_text(kept, text, length);
	free(text);
	close(fd);
	kept->changed = false;
	return rc;
}

static void
forget_all(struct kept *kept)
{
	const char *key;

	while (map_count(kept->map) > 0) {
		map_at(kept->map, 0, &key);
		forget(kept, key);
	}
}

/* What was in it may be mended by hand. */
static void
set_aside(struct kept *kept)
{
	char *to = xasprintf("%s.bad", kept->path);

	forget_all(kept);
	if (rename(kept->path, to) != 0)
		ear_error("%s: cannot be set aside: %m", kept->path);
	else
		ear_error("%s: is damaged; set aside as %s: who was subscribed is forgotten",
			  kept->path, to);
	free(to);
}

/* --- opening ------------------------------------------------------------------------------ */

static void
tell(const struct kept *kept, int rc, char *error, size_t size)
{
	const char *why = rc == -EPROTONOSUPPORT
				  ? "a later earshotd has written it: run that one, or move it away"
			  : rc == -EINVAL || rc == -ELOOP ? "not a file: remove it"
							  : strerror(-rc);

	snprintf(error, size, "%s: %s", kept->path, why);
}

struct kept *
kept_open(const char *dir, int *rc, char *error, size_t size)
{
	struct kept *kept = xalloc(sizeof(*kept));

	*rc = 0;
	kept->map = map_new();
	kept->bytes = strlen(HEAD);
	if (dir == NULL)
		return kept;
	kept->dir = xstrdup(dir);
	kept->path = xasprintf("%s/" KEPT_FILE, dir);
	kept->temporary = xasprintf("%s/" KEPT_FILE ".new", dir);
	*rc = read_file(kept);
	if (*rc == -EUCLEAN) {
		set_aside(kept);
		*rc = 0;
	}
	if (*rc == 0)
		return kept;
	tell(kept, *rc, error, size);
	kept_close(kept);
	return NULL;
}

void
kept_close(struct kept *kept)
{
	if (kept == NULL)
		return;
	forget_all(kept);
	map_free(kept->map);
	free(kept->dir);
	free(kept->path);
	free(kept->temporary);
	free(kept);
}
