/* SPDX-License-Identifier: ISC */
/* node.h: a whole engine for a benchmark, in this process or in one of its own. */
#ifndef BENCH_NODE_H
#define BENCH_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <earshot/xep.h>

#define NODE_CONF_SIZE  2048
#define NODE_STATE_SIZE 64

struct link;
struct node;

/* What two nodes know when they start: a directory each, gone when this process ends. */
struct node_states {
	char dirs[2][NODE_STATE_SIZE];
};

/* They have each other's key on their lists, as bench@machine.local; they have never met. */
void node_states_make(struct node_states *states, const char *one, const char *other);

/* Makes an engine with that configuration, or bench_die. */
struct node *node_new(const char *conf);
void node_free(struct node *node);

/* Makes it, and runs it until this process ends. */
void node_run(const char *conf) __attribute__((noreturn));

/* Another process that runs such an engine until this one ends. */
pid_t node_fork(const char *conf, int *fd);

/* A node bench@machine.local that knows where its peer is, so that nothing waits for multicast. */
struct node_conf {
	const char *machine, *state;
	unsigned port;
	const char *peer;      /* NULL: none that it would dial by itself */
	const char *peer_host; /* NULL: on loopback, as this one */
	unsigned peer_port;
	const char *more; /* further lines; NULL: none */
};

/* Each knows where the other is, and has its state. */
void node_introduce(struct node_conf *one, struct node_conf *other,
		    const struct node_states *states);

void node_conf(char out[NODE_CONF_SIZE], const struct node_conf *conf);

/* Waits until `to` answers a ping by that kind of link, or bench_die. */
void node_wait(struct node *node, const char *to, enum ear_link_kind by);

/*
 * Pings (XEP-0199) one after the other; the median round trip in microseconds. An answer that does
 * not come by that link, or on the LAN not from one that is trusted, is the end of it.
 */
double node_rtt(struct node *node, const char *to, enum ear_link_kind by, size_t count);

/* The direct stream that is open to that address now; bench_die if it is not encrypted. */
struct link *node_link(struct node *node, const char *to);

/*
 * Closes that stream and waits until it is gone; the engine may dial another one in the same turn.
 * forget: also the ticket that would resume it.
 */
void node_hang_up(struct node *node, const char *to, bool forget);

/* The wire bytes of such a ping and of its answer on a direct stream. */
void node_ping_bytes(const char *from, const char *to, size_t *request, size_t *answer);

#endif
