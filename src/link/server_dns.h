/* SPDX-License-Identifier: ISC */
/*
 * server_dns.h: where a server is: SRV (RFC 6120 §3.2.1) and addresses, by c-ares on our loop. A
 * name server that never answers delays this look-up and nothing else.
 */
#ifndef LINK_SERVER_DNS_H
#define LINK_SERVER_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SERVER_TARGETS_MAX 16
#define SERVER_SRV_MAX     16 /* records of one answer that are looked at */

struct event_base;
struct ear_clock;
struct server_dns;

struct server_target {
	struct sockaddr_storage address; /* with port */
	socklen_t length;
	unsigned priority; /* those of a lower one first; 0: no SRV record told it */
};

struct server_srv {
	char host[256];
	unsigned priority, weight, port;
};

/* count 0: error (-errno) and text tell why. Runs once, from the event loop; targets are borrowed.
 */
typedef void server_dns_fn(void *arg, const struct server_target *targets, size_t count, int error,
			   const char *text);

/* name_server NULL: the system's; "address:port" for tests. */
struct server_dns *server_dns_new(struct event_base *base, struct ear_clock *clock,
				  const char *name_server);

/*
 * Finds the addresses of name. srv: by _xmpp-client._tcp records where there are some, else name
 * itself at port. An address in place of a name needs no name server. Ends a look-up still under
 * way without calling its fn.
 */
void server_dns_find(struct server_dns *dns, const char *name, bool srv, unsigned port,
		     server_dns_fn *fn, void *arg);

/* Ends the look-up; its fn does not run. */
void server_dns_cancel(struct server_dns *dns);
void server_dns_free(struct server_dns *dns);

/*
 * RFC 2782: by priority, and within one priority at random in proportion to weight. random(max)
 * gives 0..max.
 */
void server_srv_order(struct server_srv *records, size_t count, uint32_t (*random)(uint32_t max));

/* Uniform 0..max, from OpenSSL. */
uint32_t server_random(uint32_t max);

#endif
