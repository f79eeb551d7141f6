/* SPDX-License-Identifier: ISC */
/* mpd_link.c: one connection to MPD. libmpdclient quotes, buffers and parses lines; it never waits.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/log.h>
#include <event2/event.h>
#include <mpd/async.h>
#include <mpd/parser.h>

#include "base/alloc.h"
#include "player/mpd_dial.h"
#include "player/mpd_link.h"

#define GREETING "OK MPD "

/* What MPD owes us an answer to, in the order in which it was asked. */
enum owed { OWED_PASSWORD, OWED_TAGS, OWED_IDLE, OWED_BATCH };

#define OWED_MAX 4

struct mpd_link {
	struct event_base *base;
	struct mpd_async *async; /* NULL while the connection is being made */
	struct mpd_parser *parser;
	struct event *io;
	short flags; /* that io waits for */
	int fd;      /* -1 once it is async's */
	char *password;
	const struct mpd_link_events *events;
	void *arg;
	bool greeted, told_ready;
	bool idling; /* `idle` was sent, `noidle` was not */
	bool news;   /* of the answer to `idle` */
	enum owed owed[OWED_MAX];
	size_t owed_count, lines;  /* lines of the answer that comes now */
	bool busy, closed, failed; /* inside on_io: freed at its end */
};

static void
fail(struct mpd_link *link, int error)
{
	link->failed = true;
	event_del(link->io);
	link->events->gone(link->arg, error);
}

static void
wait_for(struct mpd_link *link, short flags, event_callback_fn fn)
{
	int fd = link->async == NULL ? link->fd : mpd_async_get_fd(link->async);

	if (flags == link->flags)
		return;
	link->flags = flags;
	event_del(link->io);
	event_assign(link->io, link->base, fd, flags | EV_PERSIST, fn, link);
	event_add(link->io, NULL);
}

static void
owe(struct mpd_link *link, enum owed what)
{
	assert(link->owed_count < OWED_MAX);
	link->owed[link->owed_count++] = what;
}

/* As MPD's names of tags: others could be longer than a line may be, and are nothing to us. */
static void
log_in(struct mpd_link *link)
{
	if (link->password != NULL) {
		mpd_async_send_command(link->async, "password", link->password, NULL);
		owe(link, OWED_PASSWORD);
	}
	mpd_async_send_command(link->async, "command_list_begin", NULL);
	mpd_async_send_command(link->async, "tagtypes", "clear", NULL);
	mpd_async_send_command(link->async, "tagtypes", "enable", "Artist", "Title", "Album",
			       "Name", NULL);
	mpd_async_send_command(link->async, "command_list_end", NULL);
	owe(link, OWED_TAGS);
}

static void
take_greeting(struct mpd_link *link, const char *line)
{
	if (strncmp(line, GREETING, strlen(GREETING)) != 0) {
		fail(link, -EPROTO);
		return;
	}
	ear_debug("player: mpd speaks %.16s", line + strlen(GREETING));
	link->greeted = true;
	log_in(link);
}

static void
on_answered(struct mpd_link *link, enum owed what, int error)
{
	bool again;

	switch (what) {
	case OWED_PASSWORD:
		if (error != 0)
			ear_warn("player: mpd refuses the password of the configuration");
		break;
	case OWED_TAGS: /* before 0.21 it knows no such command, and sends them all */
		link->told_ready = true;
		link->events->ready(link->arg);
		break;
	case OWED_IDLE: /* refused to who may not read: then nothing is told */
		again = error == 0 && link->idling;
		link->idling = false;
		if (again)
			mpd_link_rest(link);
		if (link->news)
			link->events->changed(link->arg);
		break;
	case OWED_BATCH:
		link->events->answered(link->arg, error);
		break;
	}
}

static void
take_end(struct mpd_link *link, int error)
{
	enum owed what = link->owed[0];

	link->lines = 0;
	link->owed_count--;
	memmove(link->owed, link->owed + 1, link->owed_count * sizeof(link->owed[0]));
	on_answered(link, what, error);
	if (what == OWED_IDLE)
		link->news = false;
}

static void
take_pair(struct mpd_link *link)
{
	if (link->owed[0] == OWED_IDLE)
		link->news = true;
	else if (link->owed[0] == OWED_BATCH)
		link->events->pair(link->arg, mpd_parser_get_name(link->parser),
				   mpd_parser_get_value(link->parser));
}

static void
take_answer(struct mpd_link *link, char *line)
{
	enum mpd_parser_result result;

	/* Nothing was asked, or there is no end to the answer. Of a line, libmpdclient compares
	 * three bytes with "ACK" however short it is. */
	if (link->owed_count == 0 || ++link->lines > MPD_LINES_MAX || strlen(line) < 2) {
		fail(link, -EPROTO);
		return;
	}
	result = mpd_parser_feed(link->parser, line);
	if (result == MPD_PARSER_PAIR)
		take_pair(link);
	else if (result == MPD_PARSER_SUCCESS && !mpd_parser_is_discrete(link->parser))
		take_end(link, 0);
	else if (result == MPD_PARSER_ERROR)
		take_end(link, -EREMOTEIO);
	else
		fail(link, -EPROTO);
}

static void
take_lines(struct mpd_link *link)
{
	char *line;

	while (!link->closed && !link->failed &&
	       (line = mpd_async_recv_line(link->async)) != NULL) {
		if (link->greeted)
			take_answer(link, line);
		else
			take_greeting(link, line);
	}
}

static void on_io(evutil_socket_t fd, short what, void *arg);

/* Waits for what libmpdclient wants; with an error of its own that is nothing any more. */
static void
wait_for_more(struct mpd_link *link)
{
	enum mpd_async_event wanted = mpd_async_events(link->async);

	wait_for(link,
		 ((wanted & MPD_ASYNC_EVENT_READ) != 0 ? EV_READ : 0) |
			 ((wanted & MPD_ASYNC_EVENT_WRITE) != 0 ? EV_WRITE : 0),
		 on_io);
}

static void
destroy(struct mpd_link *link)
{
	if (link->io != NULL)
		event_free(link->io);
	if (link->async != NULL)
		mpd_async_free(link->async);
	if (link->parser != NULL)
		mpd_parser_free(link->parser);
	if (link->fd >= 0)
		close(link->fd);
	if (link->password != NULL)
		explicit_bzero(link->password, strlen(link->password));
	free(link->password);
	free(link);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct mpd_link *link = arg;
	enum mpd_async_event events = 0;

	if ((what & EV_READ) != 0)
		events |= MPD_ASYNC_EVENT_READ;
	if ((what & EV_WRITE) != 0)
		events |= MPD_ASYNC_EVENT_WRITE;
	link->busy = true;
	(void)mpd_async_io(link->async, events);
	take_lines(link);
	if (!link->closed && !link->failed && mpd_async_get_error(link->async) != MPD_ERROR_SUCCESS)
		fail(link,
		     mpd_async_get_error(link->async) == MPD_ERROR_MALFORMED ? -EPROTO : -ENODEV);
	if (!link->closed && !link->failed)
		wait_for_more(link);
	link->busy = false;
	if (link->closed)
		destroy(link);
}

static void
begin(struct mpd_link *link)
{
	link->async = mpd_async_new(link->fd);
	link->parser = mpd_parser_new();
	if (link->async == NULL || link->parser == NULL)
		abort();
	link->fd = -1; /* async closes it */
	link->flags = 0;
	wait_for_more(link);
}

static void
on_dialled(evutil_socket_t fd, short what, void *arg)
{
	struct mpd_link *link = arg;
	int error = mpd_dial_result(fd);

	if (error != 0)
		fail(link, error);
	else
		begin(link);
}

struct mpd_link *
mpd_link_new(struct event_base *base, const struct mpd_place *place, const char *password,
	     const struct mpd_link_events *events, void *arg, int *error)
{
	struct mpd_link *link;
	bool pending;
	int fd = mpd_dial(place, &pending);

	*error = fd < 0 ? fd : 0;
	if (fd < 0)
		return NULL;
	link = xalloc(sizeof(*link));
	link->base = base;
	link->fd = fd;
	link->password = xstrdup(password);
	link->events = events;
	link->arg = arg;
	link->io = event_new(base, fd, EV_WRITE, on_dialled, link);
	if (link->io == NULL)
		abort();
	if (pending)
		wait_for(link, EV_WRITE, on_dialled);
	else
		begin(link);
	return link;
}

void
mpd_link_free(struct mpd_link *link)
{
	if (link == NULL)
		return;
	link->closed = true;
	if (!link->busy)
		destroy(link);
}

bool
mpd_link_is_ready(const struct mpd_link *link)
{
	return link->told_ready && !link->failed &&
	       (link->owed_count == 0 || link->owed[link->owed_count - 1] == OWED_IDLE);
}

static bool
send_one(struct mpd_link *link, const struct mpd_command *command)
{
	const char *text = command->text;

	if (text == NULL && command->arg[0] != '\0')
		text = command->arg;
	return mpd_async_send_command(link->async, command->verb, text, NULL);
}

int
mpd_link_send(struct mpd_link *link, const struct mpd_command *commands, size_t count)
{
	bool good = true;

	assert(mpd_link_is_ready(link));
	if (link->idling)
		good = mpd_async_send_command(link->async, "noidle", NULL);
	link->idling = false;
	good = good && mpd_async_send_command(link->async, "command_list_begin", NULL);
	for (size_t i = 0; i < count && good; i++)
		good = send_one(link, &commands[i]);
	good = good && mpd_async_send_command(link->async, "command_list_end", NULL);
	owe(link, OWED_BATCH);
	wait_for_more(link);
	return good ? 0 : -ENOBUFS;
}

void
mpd_link_rest(struct mpd_link *link)
{
	if (link->idling || !mpd_link_is_ready(link))
		return;
	if (!mpd_async_send_command(link->async, "idle", "player", "mixer", "options", "playlist",
				    NULL))
		return;
	link->idling = true;
	owe(link, OWED_IDLE);
	wait_for_more(link);
}
