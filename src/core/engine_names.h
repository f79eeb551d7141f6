/* SPDX-License-Identifier: ISC */
/* engine_names.h: addresses of host names, several at once, none of which anybody waits for. */
#ifndef CORE_ENGINE_NAMES_H
#define CORE_ENGINE_NAMES_H

#include "core/core.h"

struct event_base;
struct engine_names;

#define ENGINE_NAMES_AT_ONCE 8 /* the others wait for their turn */

struct engine_names *engine_names_new(struct event_base *base, struct ear_clock *clock);

/* fn runs once, from the event loop, unless engine_names_free comes first. */
void engine_names_find(struct engine_names *names, const char *host, core_found_fn *fn, void *arg);

void engine_names_free(struct engine_names *names);

#endif
