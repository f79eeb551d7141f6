/* SPDX-License-Identifier: ISC */
/* post_look.c: what is stored, for people to look at and to drop. */
#include <errno.h>

#include "core/post_impl.h"

const char *
ear_queued_state_name(enum ear_queued_state state)
{
	switch (state) {
	case EAR_QUEUED_WAITING:
		return "waiting";
	case EAR_QUEUED_SENT:
		return "sent";
	case EAR_QUEUED_FAILED:
		return "failed";
	}
	return "unknown";
}

static enum ear_queued_state
state_of(enum spool_state state)
{
	switch (state) {
	case SPOOL_WAITING:
		return EAR_QUEUED_WAITING;
	case SPOOL_HANDED:
		return EAR_QUEUED_SENT;
	case SPOOL_FAILED:
		break;
	}
	return EAR_QUEUED_FAILED;
}

/* 0: there is something to look at; -ENOENT: nothing is stored. What is over is not shown. */
static int
look(struct ear *ear, const char **error)
{
	struct post *post = ear->post;
	int rc;

	*error = "";
	if (post == NULL || post->dir == NULL || (post->spool == NULL && !spool_exists(post->dir)))
		return -ENOENT;
	rc = post_need(post);
	*error = post->error;
	if (rc != 0)
		return rc;
	post_commit(ear);
	post_tidy(post);
	post_expire(post);
	return 0;
}

struct telling {
	ear_queued_fn *fn;
	void *arg;
};

static void
on_item(void *arg, const struct spool_item *item)
{
	struct telling *telling = arg;
	const struct ear_queued queued = {
		.id = item->id,
		.to = item->to,
		.state = state_of(item->state),
		.bytes = item->length,
		.taken_at = item->taken_at,
		.tries = item->tries,
		.condition = item->condition,
		.why = item->why,
	};

	telling->fn(telling->arg, &queued);
}

int
ear_each_queued(struct ear *ear, const char *to, ear_queued_fn *fn, void *arg, const char **error)
{
	struct telling telling = { fn, arg };
	int rc = look(ear, error);

	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	rc = spool_each(ear->post->spool, to, 0, on_item, &telling);
	if (rc != 0)
		post_trouble(ear->post, rc);
	return rc;
}

struct dropping {
	struct post *post;
	size_t count;
};

static void
on_drop(void *arg, const struct spool_item *item)
{
	struct dropping *dropping = arg;
	struct letter *letter = map_get(dropping->post->letters, item->id);

	dropping->count++;
	ear_info("%s: stored message %s was dropped", item->to, item->id);
	if (letter == NULL)
		return;
	/* What is behind it need not wait for its receipt. */
	box_soon(letter->box);
	letter_free(letter);
}

int
ear_drop_queued(struct ear *ear, const char *who, size_t *count, const char **error)
{
	struct dropping dropping = { ear->post, 0 };
	int rc = look(ear, error);

	*count = 0;
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	rc = spool_drop(ear->post->spool, who, who, on_drop, &dropping);
	*count = dropping.count;
	if (rc != 0)
		post_trouble(ear->post, rc);
	return rc;
}
