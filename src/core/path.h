/* SPDX-License-Identifier: ISC */
/* path.h: one way to one destination: what was measured on it and what failed; and which of two is
 * shorter. */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include <earshot/ear.h>

#define PATH_ENOUGH 3 /* samples before a path may take over from one that works */

struct path {
	enum ear_link_kind kind;
	enum ear_path_state state;
	int64_t srtt, rttvar; /* microseconds; valid when samples > 0 */
	unsigned samples;
	int64_t alive_at;   /* last proof of life, 0: never */
	int64_t used_at;    /* last stanza handed to it, 0: never */
	int64_t carried_at; /* the same on a direct stream that was up */
	bool left;        /* who was there has ended its stream: nobody is expected back at once */
	int64_t retry_at; /* FAILED: not before */
	int64_t backoff;
	bool pinging;      /* a probe of ours is under way */
	int64_t pinged_at; /* since then */
	char failure[160];
};

void path_init(struct path *path, enum ear_link_kind kind);

/* What a server says about somebody whom it does not reach. */
bool path_is_unreached(enum ear_verdict condition);

/* Whether such an error does not come from whoever the path leads to. */
bool path_is_hearsay(enum ear_verdict condition, enum ear_link_kind kind);

/* A round trip was measured on it (RFC 6298 §2). Also a proof of life. */
void path_sample(struct path *path, int64_t now, int64_t rtt);

/* Something arrived by it: it works. */
void path_alive(struct path *path, int64_t now);

/* It failed: out of use until the back-off is over or a sign of life comes; what was measured is
 * forgotten. */
void path_fail(struct path *path, int64_t now, const char *text);

/* A sign of life from elsewhere (an announcement): worth a try at once. */
void path_retry(struct path *path);

/* Whether whoever it leads to has been there a moment ago, and has not said goodbye. */
bool path_was_alive(const struct path *path, int64_t since);

/* Whether it may be tried, as far as its own past says. */
bool path_is_open(const struct path *path, int64_t now);

/* Microseconds: the smoothed RTT, or the prior of its kind (paths.md). */
int64_t path_cost(const struct path *path);

/* Whether one should leave `current`, which works, for `other`: better by a fifth and 2 ms, on
 * enough samples. */
bool path_is_worth(const struct path *other, const struct path *current);

#endif
