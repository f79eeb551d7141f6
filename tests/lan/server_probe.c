/* SPDX-License-Identifier: ISC */
/*
 * server_probe.c: the server link on its own, for tests. Arguments: key=value of server_config,
 * and fds=N: so many descriptors are open first. Lines out: "up SELF", "down ERROR TEXT", "stanza
 * XML", "undelivered MAYBE XML", "refused ERROR", "tick N" after each "tick" asked for. Lines in:
 * a stanza (of id "stale": worthless after it has waited); "burst N XML" sends N copies in one
 * turn; "close"; "quit".
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <earshot/log.h>
#include <earshot/stanza.h>
#include <event2/buffer.h>
#include <event2/event.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/server.h"

struct probe {
	struct event_base *base;
	xmpp_ctx_t *ctx;
	struct ear_clock *clock;
	struct link *link;
	struct evbuffer *in;
	struct event *input;
};

static void
print_stanza(const char *what, xmpp_stanza_t *stanza)
{
	char *text;
	size_t length;

	xmpp_stanza_to_text(stanza, &text, &length);
	printf("%s %s\n", what, text);
	xmpp_free(xmpp_stanza_get_context(stanza), text);
}

static void
on_up(void *owner, struct link *link)
{
	printf("up %s\n", link->self);
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	print_stanza("stanza", stanza);
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	print_stanza(maybe ? "undelivered maybe" : "undelivered no", stanza);
}

/* Which of those that had to wait are: tests say so in the text. */
static bool
on_stale(void *owner, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	return id != NULL && strcmp(id, "stale") == 0;
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	printf("down %s %s\n", error == 0 ? "0" : strerrorname_np(-error), text);
}

static void
send_one(struct probe *probe, const char *text)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(probe->ctx, text);
	int error;

	if (stanza == NULL) {
		printf("refused not XML\n");
		return;
	}
	error = link_send(probe->link, stanza);
	if (error != 0) {
		printf("refused %s\n", strerrorname_np(-error));
		xmpp_stanza_release(stanza);
	}
}

static void
take_line(struct probe *probe, const char *line)
{
	int count, skip = 0;

	if (strcmp(line, "quit") == 0)
		event_base_loopbreak(probe->base);
	else if (strcmp(line, "close") == 0)
		link_close(probe->link);
	else if (strcmp(line, "tick") == 0)
		printf("tick\n");
	else if (sscanf(line, "burst %d %n", &count, &skip) == 1 && skip > 0)
		for (int i = 0; i < count; i++)
			send_one(probe, line + skip);
	else
		send_one(probe, line);
}

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	char *line;

	if (evbuffer_read(probe->in, fd, -1) <= 0)
		event_base_loopbreak(probe->base);
	while ((line = evbuffer_readln(probe->in, NULL, EVBUFFER_EOL_LF)) != NULL) {
		take_line(probe, line);
		free(line);
	}
}

static void
open_many(int count)
{
	struct rlimit limit = { .rlim_cur = (rlim_t)count + 200, .rlim_max = (rlim_t)count + 200 };

	setrlimit(RLIMIT_NOFILE, &limit);
	while (count-- > 0)
		if (open("/dev/null", O_RDONLY) == -1)
			abort();
}

static int
configure(int argc, char **argv, struct server_config *config)
{
	int fds = 0;

	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			exit(2);
		*value++ = '\0';
		if (strcmp(argv[i], "jid") == 0)
			config->jid = value;
		else if (strcmp(argv[i], "component") == 0)
			config->component = atoi(value) != 0;
		else if (strcmp(argv[i], "host") == 0)
			config->host = value;
		else if (strcmp(argv[i], "port") == 0)
			config->port = (unsigned)atoi(value);
		else if (strcmp(argv[i], "secret") == 0)
			config->secret = value;
		else if (strcmp(argv[i], "ca") == 0)
			config->ca_file = value;
		else if (strcmp(argv[i], "tls_optional") == 0)
			config->tls_optional = atoi(value) != 0;
		else if (strcmp(argv[i], "dns") == 0)
			config->dns_server = value;
		else if (strcmp(argv[i], "fds") == 0)
			fds = atoi(value);
		else
			exit(2);
	}
	return fds;
}

int
main(int argc, char **argv)
{
	static const struct link_events events = {
		.up = on_up,
		.stanza = on_stanza,
		.undelivered = on_undelivered,
		.stale = on_stale,
		.down = on_down,
	};
	struct server_config config = { 0 };
	struct probe probe = { 0 };
	int fds = configure(argc, argv, &config);

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	ear_log_set_level(EAR_LOG_DEBUG);
	probe.base = event_base_new();
	probe.clock = clock_new(probe.base);
	probe.ctx = xmpp_ctx_new(NULL, NULL);
	probe.in = evbuffer_new();
	probe.link = server_new(probe.base, probe.clock, probe.ctx, &config, &events, &probe);
	open_many(fds);
	evutil_make_socket_nonblocking(0);
	probe.input = event_new(probe.base, 0, EV_READ | EV_PERSIST, on_input, &probe);
	event_add(probe.input, NULL);
	event_base_dispatch(probe.base);
	server_free(probe.link);
	event_free(probe.input);
	evbuffer_free(probe.in);
	clock_free(probe.clock);
	event_base_free(probe.base);
	xmpp_ctx_free(probe.ctx);
	xmpp_shutdown();
	libevent_global_shutdown();
	return 0;
}
