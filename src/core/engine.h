/* SPDX-License-Identifier: ISC */
/* engine.h: the engine as programs make it. Everything else of it is in <earshot/ear.h>. */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <earshot/ear.h>

struct event_base;
struct conf;
struct link;
struct link_events;

struct engine_config {
	struct event_base *base;
	struct ear_clock *clock;           /* borrowed */
	const struct conf *conf;           /* borrowed, alive as long as the engine */
	const struct ear_xep *const *xeps; /* NULL-ended, borrowed */
	bool no_socket; /* programs only by engine_attach: the engine inside the command line */
};

/* Room for the reason why it could not start. */
#define ENGINE_ERROR_SIZE 512

/* Makes and starts an engine: links, discovery, player, extensions. NULL with error filled: names
 * the subject and what to do. */
struct ear *engine_new(const struct engine_config *config, char *error, size_t size);

/*
 * Gives a running engine another configuration, borrowed like the one it had, which it does not
 * look at any more. What changed is applied and logged; streams to peers stay. What does not start
 * any more is an error in the log, and off. false: nothing was done; one of the changes needs a new
 * engine.
 */
bool engine_reload(struct ear *ear, const struct conf *conf);

/* How it is, in a few words: "tv@pronto.local, 3 in earshot, server up". */
void engine_describe(const struct ear *ear, char *out, size_t size);

/* Goodbye on mDNS, streams closed, requests cancelled, freed. */
void engine_free(struct ear *ear);

/* A program inside this process speaks to the engine over one end of a socket pair. */
void engine_attach(struct ear *ear, int fd);

/* Whether our LAN name is established (or the LAN is off): the engine can be asked for peers. */
bool engine_is_ready(const struct ear *ear);

#endif
