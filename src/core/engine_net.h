/* SPDX-License-Identifier: ISC */
/* engine_net.h: who is told when this machine's network changes, or when it wakes up. */
#ifndef CORE_ENGINE_NET_H
#define CORE_ENGINE_NET_H

struct ear;
struct engine_net;
struct event_base;
struct lan;
struct netwatch;

/* Watches for core and its links: lan (NULL: none), and ear->server where there is one. */
struct engine_net *engine_net_new(struct event_base *base, struct ear *ear, struct lan *lan);

/* Before the links go. */
void engine_net_free(struct engine_net *net);

/* NULL when net is. */
const struct netwatch *engine_net_watch(const struct engine_net *net);

#endif
