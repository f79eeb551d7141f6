/* SPDX-License-Identifier: ISC */
/*
 * fuzz_seen.c: any bytes as the file "seen": what is noted on top of them is known, also to the
 * next one who opens it. An even first byte: the rest is the front and then the tables of the
 * first senders, in a file of the right length; an odd one: the rest is the file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/log.h>

#include "store/seen_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IDS 300 /* more than the small table takes */

static char dir[512], path[528];

static void
must(bool done)
{
	if (!done)
		abort();
}

static void
clean_up(void)
{
	unlink(path);
	rmdir(dir);
}

static void
make_dir(void)
{
	const char *where;
	int n;

	if (dir[0] != '\0')
		return;
	where = getenv("TMPDIR");
	n = snprintf(dir, sizeof(dir), "%s/fuzz_seen.XXXXXX", where != NULL ? where : "/tmp");
	must(n > 0 && n < (int)sizeof(dir) && mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/seen", dir);
	atexit(clean_up);
	ear_log_set_level(EAR_LOG_ERROR);
}

static void
put(int fd, const uint8_t *data, size_t size, size_t at)
{
	must(pwrite(fd, data, size, (off_t)at) == (ssize_t)size);
}

static void
make_file(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t front = size - 1 < sizeof(struct seen_front) ? size - 1 : sizeof(struct seen_front);

	must(fd >= 0);
	if (data[0] % 2 == 0) {
		must(ftruncate(fd, sizeof(struct seen_map)) == 0);
		put(fd, data + 1, front, 0);
		put(fd, data + 1 + front, size - 1 - front, offsetof(struct seen_map, tables));
	} else {
		put(fd, data + 1, size - 1, 0);
	}
	close(fd);
}

static struct seen *
open_file(void)
{
	char error[256];
	int rc;
	struct seen *seen = seen_open(dir, &rc, error, sizeof(error));

	must(seen != NULL && rc == 0);
	return seen;
}

static void
use(struct seen *seen, const char *sender)
{
	char id[16];

	for (int i = 0; i < IDS; i++) {
		snprintf(id, sizeof(id), "%d", i);
		seen_has(seen, sender, id);
		seen_note(seen, sender, id);
		must(seen_has(seen, sender, id) && seen_knows(seen, sender));
	}
	seen_forget(seen, sender, "0");
	must(!seen_has(seen, sender, "0"));
	must(seen_has(seen, sender, "299"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen *seen;

	if (size == 0 || size > sizeof(struct seen_map))
		return 0;
	make_dir();
	make_file(data, size);
	seen = open_file();
	use(seen, "s0");
	use(seen, "s1");
	use(seen, "new");
	seen_close(seen);
	seen = open_file();
	must(seen_has(seen, "s0", "299") && seen_has(seen, "new", "1"));
	must(!seen_has(seen, "new", "0"));
	seen_close(seen);
	return 0;
}
