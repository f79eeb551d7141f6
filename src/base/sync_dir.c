/* SPDX-License-Identifier: ISC */
/* sync_dir.c: names that a power cut does not take back. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/sync_dir.h"

int
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		rc = -errno;
	close(fd);
	return rc;
}
