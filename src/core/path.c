/* SPDX-License-Identifier: ISC */
/* path.c: what was measured on one way to one destination, and which of two is shorter. */
#include <string.h>

#include "base/alloc.h"
#include "core/path.h"

#define BACKOFF_MIN (1 * EAR_SEC)
#define BACKOFF_MAX (5 * EAR_SEC)
#define GAIN_MIN    (2 * EAR_MSEC)

void
path_init(struct path *path, enum ear_link_kind kind)
{
	*path = (struct path){ .kind = kind, .state = EAR_PATH_IDLE };
}

bool
path_is_unreached(enum ear_verdict condition)
{
	return condition == EAR_REMOTE_SERVER_NOT_FOUND || condition == EAR_RECIPIENT_UNAVAILABLE ||
	       condition == EAR_REMOTE_SERVER_TIMEOUT;
}

/* A server says the last one also when the account has no such resource (RFC 6121 §8.5.3.2.3). */
bool
path_is_hearsay(enum ear_verdict condition, enum ear_link_kind kind)
{
	return path_is_unreached(condition) ||
	       (condition == EAR_SERVICE_UNAVAILABLE && kind == EAR_LINK_SERVER);
}

void
path_alive(struct path *path, int64_t now)
{
	path->alive_at = now;
	path->left = false;
	path->backoff = 0;
	path->state = EAR_PATH_UP;
}

/* RFC 6298 §2.2 and §2.3, alpha 1/8 and beta 1/4. */
void
path_sample(struct path *path, int64_t now, int64_t rtt)
{
	int64_t off;

	path_alive(path, now);
	if (path->samples++ == 0) {
		path->srtt = rtt;
		path->rttvar = rtt / 2;
		return;
	}
	off = path->srtt > rtt ? path->srtt - rtt : rtt - path->srtt;
	path->rttvar += (off - path->rttvar) / 4;
	path->srtt += (rtt - path->srtt) / 8;
}

void
path_fail(struct path *path, int64_t now, const char *text)
{
	path->state = EAR_PATH_FAILED;
	path->samples = 0;
	path->backoff = path->backoff == 0 ? BACKOFF_MIN : path->backoff * 2;
	if (path->backoff > BACKOFF_MAX)
		path->backoff = BACKOFF_MAX;
	path->retry_at = now + path->backoff;
	copy_text(path->failure, sizeof(path->failure), text);
}

void
path_retry(struct path *path)
{
	path->retry_at = 0;
	path->backoff = 0;
}

bool
path_was_alive(const struct path *path, int64_t since)
{
	int64_t at = path->alive_at > path->carried_at ? path->alive_at : path->carried_at;

	return at > since && at > 0 && !path->left;
}

bool
path_is_open(const struct path *path, int64_t now)
{
	return path->state != EAR_PATH_FAILED || now >= path->retry_at;
}

int64_t
path_cost(const struct path *path)
{
	if (path->samples > 0)
		return path->srtt;
	switch (path->kind) {
	case EAR_LINK_LOCAL:
		return 100;
	case EAR_LINK_LAN:
		return 2 * EAR_MSEC;
	case EAR_LINK_SERVER:
		return 60 * EAR_MSEC;
	case EAR_LINK_NONE:
		break;
	}
	return INT64_MAX;
}

bool
path_is_worth(const struct path *other, const struct path *current)
{
	int64_t gain = path_cost(current) - path_cost(other);

	return other->samples >= PATH_ENOUGH && gain >= GAIN_MIN && gain >= path_cost(current) / 5;
}
