/* SPDX-License-Identifier: ISC */
/* seen_rig.h: the file "seen" in a directory of its own, and what is logged of it. */
#ifndef SEEN_RIG_H
#define SEEN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/seen_impl.h"

static char dir[64], path[96], said_path[96], said[4096], error[512];
static int said_fd, stderr_fd;

/* What is logged goes to a file. */
static inline int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_seen.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/seen", dir);
	snprintf(said_path, sizeof(said_path), "%s/said", dir);
	said_fd = open(said_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	stderr_fd = dup(STDERR_FILENO);
	dup2(said_fd, STDERR_FILENO);
	return 0;
}

static inline int
teardown(void **state)
{
	char other[96];

	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(said_fd);
	snprintf(other, sizeof(other), "%s/other", dir);
	unlink(other);
	unlink(said_path);
	chmod(dir, 0700);
	if (unlink(path) != 0)
		rmdir(path);
	return rmdir(dir);
}

/* What was logged since the last call. */
static inline const char *
take_said(void)
{
	ssize_t n = pread(said_fd, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	if (ftruncate(said_fd, 0) != 0)
		said[0] = '\0';
	return said;
}

static inline struct seen *
open_seen(void)
{
	int rc = 1;
	struct seen *seen = seen_open(dir, &rc, error, sizeof(error));

	if (seen == NULL)
		fail_msg("%s", error);
	assert_int_equal(rc, 0);
	return seen;
}

static inline void
check_works(struct seen *seen)
{
	char id[32];

	for (unsigned i = 0; i < 3 * SEEN_IDS; i++) {
		snprintf(id, sizeof(id), "work-%u", i);
		assert_false(seen_has(seen, "worker@example.org", id));
		seen_note(seen, "worker@example.org", id);
		assert_true(seen_has(seen, "worker@example.org", id));
	}
}

#endif
