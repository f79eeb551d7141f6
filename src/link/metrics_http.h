/* SPDX-License-Identifier: ISC */
/* metrics_http.h: one page, /metrics, over HTTP for programs of this machine that collect figures.
 */
#ifndef LINK_METRICS_HTTP_H
#define LINK_METRICS_HTTP_H

struct event_base;
struct ear_clock;
struct metrics_http;

/* A new text that holds the figures; freed here. */
typedef char *metrics_http_fn(void *arg);

/* endpoint: "127.0.0.1:9298", "[::1]:9298"; port 0: any. NULL with *error = -errno: no socket. */
struct metrics_http *metrics_http_new(struct event_base *base, struct ear_clock *clock,
				      const char *endpoint, metrics_http_fn *fn, void *arg,
				      int *error);

unsigned metrics_http_port(const struct metrics_http *http);

/* Closes everything; NULL is fine. */
void metrics_http_free(struct metrics_http *http);

#endif
