/* SPDX-License-Identifier: ISC */
/* node.h: a whole engine for a benchmark, in this process or in one of its own. */
#ifndef BENCH_NODE_H
#define BENCH_NODE_H

#include <stddef.h>
#include <sys/types.h>

#define NODE_CONF_SIZE 2048

struct node;

/* Makes an engine with that configuration, or bench_die. */
struct node *node_new(const char *conf);
void node_free(struct node *node);

/* Another process that runs such an engine until this one ends. */
pid_t node_fork(const char *conf, int *fd);

/*
 * Configuration of a node user@machine.local on loopback that knows where its peer is, so that
 * nothing waits for multicast. more: further lines, "" for none.
 */
void node_conf(char *out, size_t size, const char *machine, unsigned port, const char *peer,
	       unsigned peer_port, const char *more);

/* Waits until `to` answers a ping, or bench_die. */
void node_wait(struct node *node, const char *to);

/* Pings (XEP-0199) one after the other; the median round trip in microseconds. */
double node_rtt(struct node *node, const char *to, size_t count);

/* The wire bytes of such a ping and of its answer on a direct stream. */
void node_ping_bytes(const char *from, const char *to, size_t *request, size_t *answer);

#endif
