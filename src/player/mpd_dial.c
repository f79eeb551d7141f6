/* SPDX-License-Identifier: ISC */
/* mpd_dial.c: where MPD listens, and the way there. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "player/mpd_dial.h"
#include "player/tcp.h"

int
mpd_place_of_socket(struct mpd_place *place, const char *path)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&place->address;

	*place = (struct mpd_place){ .length = sizeof(*address) };
	address->sun_family = AF_UNIX;
	return copy_text(address->sun_path, sizeof(address->sun_path), path) == 0 ? 0
										  : -ENAMETOOLONG;
}

int
mpd_place_of_url(struct mpd_place *place, const char *url)
{
	return tcp_address(url, "6600", &place->address, &place->length);
}

void
mpd_place_usual(struct mpd_place *place, size_t i)
{
	if (i == 0)
		(void)mpd_place_of_socket(place, "/run/mpd/socket");
	else
		(void)mpd_place_of_url(place, "tcp://127.0.0.1");
}

static int
dial_error(int error)
{
	switch (error) {
	case 0:
		return 0;
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
	case ECONNRESET:
	case ENETUNREACH:
	case EHOSTUNREACH:
		return -ENODEV;
	case EAGAIN: /* a full backlog: it has not accepted for a while */
		return -ETIMEDOUT;
	}
	return -error;
}

int
mpd_dial_result(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		error = errno;
	return dial_error(error);
}

/* On this machine it is known at once. */
static int
look_at_once(int fd, bool *pending)
{
	struct pollfd ready = { fd, POLLOUT, 0 };

	if (poll(&ready, 1, 0) != 1)
		return 0;
	*pending = false;
	return mpd_dial_result(fd);
}

int
mpd_dial(const struct mpd_place *place, bool *pending)
{
	int family = place->address.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;

	*pending = false;
	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		tcp_watch(fd);
	if (connect(fd, (const struct sockaddr *)&place->address, place->length) != 0) {
		*pending = errno == EINPROGRESS;
		error = *pending ? look_at_once(fd, pending) : dial_error(errno);
	}
	if (error == 0)
		return fd;
	close(fd);
	return error;
}
