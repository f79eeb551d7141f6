/* SPDX-License-Identifier: ISC */
/* engine_impl.h: what the files of the engine share. engine.c starts and ends it; engine_part.c the
 * parts that a running engine may get anew; engine_reload.c gives them to it. */
#ifndef CORE_ENGINE_IMPL_H
#define CORE_ENGINE_IMPL_H

#include "core/core.h"
#include "core/engine.h"
#include "trust/hint.h"

struct engine_names;
struct engine_net;
struct lan;
struct local;
struct mdns;
struct metrics_http;
struct tls_peers;

struct engine {
	struct ear *ear;
	struct event_base *base;
	const struct conf *conf;
	struct lan *lan;
	struct local *local;
	struct mdns *mdns;
	struct tls_peers *tls;
	struct metrics_http *metrics;
	struct engine_names *names;
	struct engine_net *net;
	struct ear_timer unnamed; /* mDNS has not established our name when it runs */
	bool named;               /* our name on the LAN stands */
	char hint[HINT_SIZE];
	bool mdns_fails;
	char mdns_text[200];
	struct link_events server_events; /* core's, and an eye on its end */
	struct ear_timer server_over;     /* set once the old server link is down, to begin anew */
	bool server_leaves; /* it closes, because the configuration wants another one */
};

static inline struct engine *
engine_of(const struct ear *ear)
{
	return ear->reach_arg;
}

/* What mDNS tells of us, as the configuration says now. */
void engine_publish(struct engine *engine);

/* Each starts one part as the configuration says now. 0, or -errno with text filled. */
int engine_start_server(struct engine *engine, char *text, size_t size);
int engine_start_player(struct engine *engine, char *text, size_t size);
int engine_start_metrics(struct engine *engine, char *text, size_t size);

/* Ends the server link for good: no event runs. */
void engine_stop_server(struct engine *engine);

/* Whether the server was given that secret which the configuration's file holds now. */
bool engine_has_secret(const struct engine *engine, const struct conf *conf);

/* The server link is down: if it was to be replaced, it is, soon: by the latter, a timer's. */
void engine_server_is_down(struct engine *engine);
void engine_server_over(void *arg);

#endif
