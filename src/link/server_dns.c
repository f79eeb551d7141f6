/* SPDX-License-Identifier: ISC */
/* server_dns.c: c-ares on the event loop. */
#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <earshot/timer.h>
#include <event2/event.h>

#include "base/alloc.h"
#include "link/server_dns.h"

#define TRY_MSEC    2000 /* the first wait for an answer; c-ares doubles it */
#define TRIES       3
#define SOCKETS_MAX 16

/* One socket of c-ares. */
struct watch {
	struct server_dns *dns;
	struct event *event;
	evutil_socket_t fd;
};

struct server_dns {
	struct event_base *base;
	char *name_server;
	ares_channel channel; /* NULL: no look-up under way */
	struct watch watches[SOCKETS_MAX];
	struct ear_timer timer;   /* c-ares' next time-out */
	struct ear_timer deliver; /* the answer, out of c-ares' call stack */
	char *name;
	unsigned port;
	struct server_srv records[SERVER_SRV_MAX];
	size_t record_count, record_next;
	struct server_target targets[SERVER_TARGETS_MAX];
	size_t target_count;
	server_dns_fn *fn;
	void *arg;
	int error;
	char text[384];
};

uint32_t
server_random(uint32_t max)
{
	uint64_t value;

	if (RAND_bytes((unsigned char *)&value, sizeof(value)) != 1)
		abort();
	return (uint32_t)(value % ((uint64_t)max + 1));
}

static int
by_priority(const void *a, const void *b)
{
	const struct server_srv *left = a, *right = b;

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	return left->weight < right->weight ? -1 : left->weight > right->weight;
}

/* The place of the record that the dice choose among the first count. */
static size_t
draw(const struct server_srv *records, size_t count, uint32_t (*random)(uint32_t max))
{
	uint32_t sum = 0, at;

	for (size_t i = 0; i < count; i++)
		sum += records[i].weight;
	at = random(sum);
	for (size_t i = 0; i < count; i++) {
		if (at <= records[i].weight)
			return i;
		at -= records[i].weight;
	}
	return 0;
}

void
server_srv_order(struct server_srv *records, size_t count, uint32_t (*random)(uint32_t max))
{
	qsort(records, count, sizeof(records[0]), by_priority);
	for (size_t i = 0; i < count; i++) {
		struct server_srv chosen;
		size_t same = 1, pick;

		while (i + same < count && records[i + same].priority == records[i].priority)
			same++;
		pick = i + draw(records + i, same, random);
		chosen = records[pick];
		memmove(&records[i + 1], &records[i], (pick - i) * sizeof(records[0]));
		records[i] = chosen;
	}
}

/* --- c-ares on the loop ------------------------------------------------------------------- */

static void
arm(struct server_dns *dns)
{
	struct timeval tv;

	if (dns->channel == NULL || ares_timeout(dns->channel, NULL, &tv) == NULL)
		ear_timer_stop(&dns->timer);
	else
		ear_timer_set(&dns->timer, tv.tv_sec * EAR_SEC + tv.tv_usec);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;
	struct server_dns *dns = watch->dns;

	ares_process_fd(dns->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm(dns);
}

static void
on_timeout(void *arg)
{
	struct server_dns *dns = arg;

	if (dns->channel != NULL)
		ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(dns);
}

static struct watch *
find_watch(struct server_dns *dns, evutil_socket_t fd)
{
	struct watch *unused = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		if (dns->watches[i].event == NULL)
			unused = &dns->watches[i];
		else if (dns->watches[i].fd == fd)
			return &dns->watches[i];
	}
	return unused;
}

/* A socket that finds no place is not watched: its query runs into the time-out. */
static void
on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct server_dns *dns = arg;
	struct watch *watch = find_watch(dns, fd);

	if (watch == NULL)
		return;
	if (watch->event != NULL)
		event_free(watch->event);
	watch->event = NULL;
	if (!readable && !writable)
		return;
	watch->dns = dns;
	watch->fd = fd;
	watch->event = event_new(dns->base, fd,
				 (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST,
				 on_socket, watch);
	event_add(watch->event, NULL);
}

static int
open_channel(struct server_dns *dns)
{
	struct ares_options options = { .timeout = TRY_MSEC,
					.tries = TRIES,
					.sock_state_cb = on_sock_state,
					.sock_state_cb_data = dns };
	int status =
		ares_init_options(&dns->channel, &options,
				  ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

	if (status == ARES_SUCCESS && dns->name_server != NULL)
		status = ares_set_servers_ports_csv(dns->channel, dns->name_server);
	return status;
}

/* --- one look-up -------------------------------------------------------------------------- */

static void
finish(struct server_dns *dns, int error, const char *what, const char *name)
{
	if (dns->target_count == 0) {
		dns->error = error;
		snprintf(dns->text, sizeof(dns->text), "%s: %s", name, what);
	}
	ear_timer_set(&dns->deliver, 0);
}

static void
on_deliver(void *arg)
{
	struct server_dns *dns = arg;
	server_dns_fn *fn = dns->fn;

	server_dns_cancel(dns);
	fn(dns->arg, dns->targets, dns->target_count, dns->error, dns->text);
}

static void
add_target(struct server_dns *dns, const struct sockaddr *address, socklen_t length,
	   unsigned priority)
{
	struct server_target *target;

	if (dns->target_count == SERVER_TARGETS_MAX || length > sizeof(target->address))
		return;
	target = &dns->targets[dns->target_count++];
	*target = (struct server_target){ .length = length, .priority = priority };
	memcpy(&target->address, address, length);
}

static void resolve_next(struct server_dns *dns);

static void
on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct server_dns *dns = arg;

	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	for (struct ares_addrinfo_node *node = info != NULL ? info->nodes : NULL; node != NULL;
	     node = node->ai_next)
		add_target(dns, node->ai_addr, node->ai_addrlen,
			   dns->records[dns->record_next - 1].priority);
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (status != ARES_SUCCESS && dns->target_count == 0) {
		dns->error = status == ARES_ETIMEOUT ? -ETIMEDOUT : -EHOSTUNREACH;
		snprintf(dns->text, sizeof(dns->text), "%s: no address: %s",
			 dns->records[dns->record_next - 1].host,
			 status == ARES_ETIMEOUT ? "the name server does not answer"
						 : ares_strerror(status));
	}
	resolve_next(dns);
}

/* The addresses of one record after the other, so that their order is the order to try. */
static void
resolve_next(struct server_dns *dns)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
					     .ai_socktype = SOCK_STREAM,
					     .ai_flags = ARES_AI_NUMERICSERV };
	struct server_srv *record;
	char service[8];

	if (dns->record_next == dns->record_count || dns->target_count == SERVER_TARGETS_MAX) {
		ear_timer_set(&dns->deliver, 0);
		return;
	}
	record = &dns->records[dns->record_next++];
	snprintf(service, sizeof(service), "%u", record->port & 0xffff);
	ares_getaddrinfo(dns->channel, record->host, service, &hints, on_addresses, dns);
}

static void
add_record(struct server_dns *dns, const char *host, const struct ares_srv_reply *reply)
{
	struct server_srv *record;

	if (dns->record_count == SERVER_SRV_MAX)
		return;
	record = &dns->records[dns->record_count];
	*record = (struct server_srv){ .port = dns->port };
	if (copy_text(record->host, sizeof(record->host), host) != 0)
		return;
	if (reply != NULL) {
		record->priority = reply->priority;
		record->weight = reply->weight;
		record->port = reply->port;
	}
	dns->record_count++;
}

static void
take_srv(struct server_dns *dns, const unsigned char *bytes, int length)
{
	struct ares_srv_reply *replies = NULL;
	bool none = false;

	if (ares_parse_srv_reply(bytes, length, &replies) == ARES_SUCCESS) {
		for (struct ares_srv_reply *reply = replies; reply != NULL; reply = reply->next) {
			/* RFC 2782: a target of "." says that there is no such service. */
			if (reply->host[0] == '\0' || strcmp(reply->host, ".") == 0)
				none = true;
			else
				add_record(dns, reply->host, reply);
		}
		ares_free_data(replies);
	}
	if (none && dns->record_count == 0) {
		finish(dns, -EHOSTUNREACH, "its DNS says it offers no XMPP", dns->name);
		return;
	}
	if (dns->record_count == 0)
		add_record(dns, dns->name, NULL);
	server_srv_order(dns->records, dns->record_count, server_random);
	resolve_next(dns);
}

static void
on_srv(void *arg, int status, int timeouts, unsigned char *bytes, int length)
{
	struct server_dns *dns = arg;

	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED)
		finish(dns, status == ARES_ETIMEOUT ? -ETIMEDOUT : -ECONNREFUSED,
		       "the name server does not answer", dns->name);
	else
		take_srv(dns, bytes, status == ARES_SUCCESS ? length : 0);
}

/* Whether name is an address, which is then the only target. */
static bool
is_address(struct server_dns *dns)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	char service[8];

	snprintf(service, sizeof(service), "%u", dns->port & 0xffff);
	if (getaddrinfo(dns->name, service, &hints, &info) != 0)
		return false;
	add_target(dns, info->ai_addr, info->ai_addrlen, 0);
	freeaddrinfo(info);
	return true;
}

struct server_dns *
server_dns_new(struct event_base *base, struct ear_clock *clock, const char *name_server)
{
	struct server_dns *dns = xalloc(sizeof(*dns));

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		abort();
	dns->base = base;
	dns->name_server = xstrdup(name_server);
	ear_timer_init(&dns->timer, clock, on_timeout, dns);
	ear_timer_init(&dns->deliver, clock, on_deliver, dns);
	return dns;
}

void
server_dns_find(struct server_dns *dns, const char *name, bool srv, unsigned port,
		server_dns_fn *fn, void *arg)
{
	char question[300];

	server_dns_cancel(dns);
	xreplace(&dns->name, name);
	dns->port = port;
	dns->record_count = dns->record_next = dns->target_count = 0;
	dns->fn = fn;
	dns->arg = arg;
	dns->error = 0;
	dns->text[0] = '\0';
	if (is_address(dns)) {
		ear_timer_set(&dns->deliver, 0);
		return;
	}
	if (open_channel(dns) != ARES_SUCCESS) {
		finish(dns, -EIO, "cannot set up name resolution", name);
		return;
	}
	if (srv) {
		snprintf(question, sizeof(question), "_xmpp-client._tcp.%.255s", name);
		ares_query(dns->channel, question, ns_c_in, ns_t_srv, on_srv, dns);
	} else {
		add_record(dns, name, NULL);
		resolve_next(dns);
	}
	arm(dns);
}

void
server_dns_cancel(struct server_dns *dns)
{
	ares_channel channel = dns->channel;

	ear_timer_stop(&dns->timer);
	ear_timer_stop(&dns->deliver);
	dns->channel = NULL;
	if (channel != NULL)
		ares_destroy(channel);
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		if (dns->watches[i].event != NULL)
			event_free(dns->watches[i].event);
		dns->watches[i].event = NULL;
	}
}

void
server_dns_free(struct server_dns *dns)
{
	if (dns == NULL)
		return;
	server_dns_cancel(dns);
	ares_library_cleanup();
	free(dns->name_server);
	free(dns->name);
	free(dns);
}
