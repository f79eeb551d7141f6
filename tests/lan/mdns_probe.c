/* SPDX-License-Identifier: ISC */
/*
 * mdns_probe.c: the discovery of the engine alone, for tests: prints what happens, a line each.
 *
 *   published INSTANCE             state works|broken TEXT (KIND)
 *   found|changed|lost ADDRESS JSON
 *
 * Standard input: "txt KEY=VALUE ..." publishes another record, "kind" prints the kind in use, the
 * end of it (or SIGTERM) says goodbye and ends the program.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "discover/mdns.h"

struct probe {
	struct event_base *base;
	struct mdns *mdns;
	struct peers *peers;
	struct txt txt;
};

static json_t *
way_json(const struct peer_way *way)
{
	char name[IF_NAMESIZE] = "?", address[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *v4 = (const void *)&way->address;
	const struct sockaddr_in6 *v6 = (const void *)&way->address;
	int port = 0, scope = 0;

	if_indextoname((unsigned)way->interface, name);
	if (way->address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, address, sizeof(address));
		port = ntohs(v4->sin_port);
	} else if (way->address.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, address, sizeof(address));
		port = ntohs(v6->sin6_port);
		scope = (int)v6->sin6_scope_id;
	}
	return json_pack("{s:s, s:i, s:s, s:i, s:i}", "interface", name, "family",
			 way->family == AF_INET ? 4 : 6, "address", address, "port", port, "scope",
			 scope);
}

static json_t *
txt_json(const struct txt *txt)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i}",
			 "nick", txt->nick, "1st", txt->first, "last", txt->last, "email",
			 txt->email, "jid", txt->jid, "msg", txt->msg, "status", txt->status,
			 "node", txt->node, "hash", txt->hash, "ver", txt->ver, "vc", txt->vc,
			 "phsh", txt->phsh, "port", (int)txt->port);
}

static void
print_peer(const char *event, const struct peer *peer)
{
	json_t *ways = json_array(), *all;
	char *text;

	for (size_t i = 0; i < peer->way_count; i++)
		json_array_append_new(ways, way_json(&peer->ways[i]));
	all = json_pack("{s:s, s:s, s:o, s:o}", "instance", peer->instance, "host", peer->host,
			"ways", ways, "txt", txt_json(&peer->txt));
	text = json_dumps(all, JSON_COMPACT);
	printf("%s %s %s\n", event, peer->address, text);
	free(text);
	json_decref(all);
}

static void
on_found(void *arg, const struct peer *peer)
{
	print_peer("found", peer);
}

static void
on_changed(void *arg, const struct peer *peer)
{
	print_peer("changed", peer);
}

static void
on_lost(void *arg, const struct peer *peer)
{
	print_peer("lost", peer);
}

static void
on_published(void *arg, const char *instance)
{
	printf("published %s\n", instance);
}

static void
on_state(void *arg, bool works, const char *text)
{
	struct probe *probe = arg;

	printf("state %s %s (%s)\n", works ? "works" : "broken", text, mdns_kind_name(probe->mdns));
}

static void
publish(struct probe *probe, char *words)
{
	uint8_t wire[TXT_MAX];
	char *save = NULL;
	int length;

	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (strncmp(word, "nick=", 5) == 0)
			copy_text(probe->txt.nick, sizeof(probe->txt.nick), word + 5);
		else if (strncmp(word, "status=", 7) == 0)
			copy_text(probe->txt.status, sizeof(probe->txt.status), word + 7);
		else if (strncmp(word, "node=", 5) == 0)
			copy_text(probe->txt.node, sizeof(probe->txt.node), word + 5);
	}
	length = txt_encode(&probe->txt, "nick", wire, sizeof(wire));
	mdns_publish(probe->mdns, wire, (size_t)length);
}

static void
on_input(struct bufferevent *input, void *arg)
{
	struct probe *probe = arg;
	char *line;

	while ((line = evbuffer_readln(bufferevent_get_input(input), NULL, EVBUFFER_EOL_LF))) {
		if (strncmp(line, "txt ", 4) == 0)
			publish(probe, line + 4);
		else if (strcmp(line, "kind") == 0)
			printf("kind %s\n", mdns_kind_name(probe->mdns));
		free(line);
	}
}

static void
on_input_end(struct bufferevent *input, short what, void *arg)
{
	struct probe *probe = arg;

	event_base_loopbreak(probe->base);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(arg);
}

static int
usage(void)
{
	fputs("usage: mdns_probe [-v] [-k auto|daemon|embedded] [-i IFACES] [-m MACHINE] "
	      "[-p PORT] [-t 'KEY=VALUE ...'] USER\n",
	      stderr);
	return 2;
}

/* Fills config and the record from the command line; NULL txt: publish nothing. */
static int
options(int argc, char **argv, struct mdns_config *config, char **txt)
{
	for (int c; (c = getopt(argc, argv, "vk:i:m:p:t:n")) != -1;) {
		if (c == 'v')
			ear_log_set_level(EAR_LOG_DEBUG);
		else if (c == 'k')
			config->kind = strcmp(optarg, "daemon") == 0     ? MDNS_DAEMON
				       : strcmp(optarg, "embedded") == 0 ? MDNS_EMBEDDED
									 : MDNS_AUTO;
		else if (c == 'i')
			config->interfaces = optarg;
		else if (c == 'm')
			config->machine = optarg;
		else if (c == 'p')
			config->port = (unsigned)atoi(optarg);
		else if (c == 't')
			*txt = optarg;
		else if (c == 'n')
			*txt = NULL;
		else
			return -1;
	}
	config->user = argv[optind];
	return config->user == NULL ? -1 : 0;
}

int
main(int argc, char **argv)
{
	const struct peers_events peers_events = { on_found, on_changed, on_lost };
	const struct mdns_events mdns_events = { on_published, on_state };
	struct mdns_config config = { .kind = MDNS_AUTO, .interfaces = "all", .port = 5298 };
	struct probe probe = { 0 };
	char nothing[] = "", *txt = nothing;
	struct bufferevent *input;
	struct event *term;
	struct ear_clock *clock;

	if (options(argc, argv, &config, &txt) != 0)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	probe.base = event_base_new();
	clock = clock_new(probe.base);
	probe.peers = peers_new(&peers_events, &probe);
	probe.mdns = mdns_new(probe.base, clock, &config, probe.peers, &mdns_events, &probe);
	probe.txt.port = config.port;
	if (txt != NULL)
		publish(&probe, txt);
	term = evsignal_new(probe.base, SIGTERM, on_signal, probe.base);
	event_add(term, NULL);
	input = bufferevent_socket_new(probe.base, STDIN_FILENO, 0);
	bufferevent_setcb(input, on_input, NULL, on_input_end, &probe);
	bufferevent_enable(input, EV_READ);
	event_base_dispatch(probe.base);
	mdns_free(probe.mdns);
	peers_free(probe.peers);
	bufferevent_free(input);
	event_free(term);
	clock_free(clock);
	event_base_free(probe.base);
	puts("bye");
	return 0;
}
