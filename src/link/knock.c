/* SPDX-License-Identifier: ISC */
/* knock.c: whether somebody takes connections at an address. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/knock.h"

struct knock {
	struct io *io;
	int result;
	char where[96];
};

static void
end(struct knock *knock, int result)
{
	knock->result = result;
	if (knock->io != NULL)
		io_close(knock->io, false);
	knock->io = NULL;
}

static void
on_connected(void *arg)
{
	end(arg, 0);
}

static void
on_failed(void *arg, int error)
{
	end(arg, error);
}

/* Whoever speaks first was there. */
static void
on_data(void *arg, const void *bytes, size_t length)
{
	end(arg, 0);
}

static void
on_nothing(void *arg)
{
}

static void
name(struct knock *knock, const struct sockaddr *to, socklen_t length)
{
	char host[80], port[8];

	if (getnameinfo(to, length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		copy_text(knock->where, sizeof(knock->where), "?");
	else
		snprintf(knock->where, sizeof(knock->where),
			 to->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

struct knock *
knock_new(struct event_base *base, const struct sockaddr *to, socklen_t length)
{
	static const struct io_events events = { .connected = on_connected,
						 .data = on_data,
						 .drained = on_nothing,
						 .eof = on_nothing,
						 .failed = on_failed };
	struct knock *knock = xalloc(sizeof(*knock));
	int error = 0;

	name(knock, to, length);
	knock->result = -EINPROGRESS;
	knock->io = io_new_connect(base, to, length, NULL, 0, &events, knock, &error);
	if (knock->io == NULL)
		knock->result = error;
	return knock;
}

int
knock_result(const struct knock *knock)
{
	return knock->result;
}

const char *
knock_where(const struct knock *knock)
{
	return knock->where;
}

void
knock_free(struct knock *knock)
{
	if (knock == NULL)
		return;
	end(knock, knock->result);
	free(knock);
}
