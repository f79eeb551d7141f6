/* SPDX-License-Identifier: ISC */
/* bench_rest.c: the floor of the daemon at rest: its libraries, and an event loop for nothing. */
#include <event2/event.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <strophe.h>

#include "bench.h"

int
main(void)
{
	struct event_base *base = event_base_new();
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	unsigned char id[16];
	unsigned port;
	struct event *event = event_new(base, bench_listen(&port), EV_READ, NULL, NULL);

	if (RAND_bytes(id, sizeof(id)) != 1 || event_add(event, NULL) != 0)
		bench_die("no event loop");
	puts("ready");
	fflush(stdout);
	event_base_dispatch(base);
	event_free(event);
	event_base_free(base);
	xmpp_ctx_free(ctx);
	return 0;
}
