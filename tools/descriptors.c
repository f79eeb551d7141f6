/* SPDX-License-Identifier: ISC */
/* descriptors.c: standard input, output and error: that they are there, and took what was said. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "descriptors.h"

void
descriptors_fill(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		abort();
	close(fd);
}

bool
descriptors_said_all(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	/* A pipe whose reader left had enough. */
	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}
