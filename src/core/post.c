/* SPDX-License-Identifier: ISC */
/* post.c: messages that outlive the daemon: where they are stored, its beginning and its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "core/post_impl.h"

#define TIDY_WAIT  (100 * EAR_MSEC)
#define TIDY_AGAIN (5 * EAR_SEC)

/* --- the spool ---------------------------------------------------------------------------- */

void
post_trouble(struct post *post, int error)
{
	copy_text(post->error, sizeof(post->error), spool_error(post->spool));
	ear_error("%s", post->error);
	if (error != -EUCLEAN || post->ear->stopping)
		return;
	post->broken = true;
	ear_timer_set(&post->tidy, 0);
}

void
post_expire(struct post *post)
{
	int rc = 0;

	if (post->expires)
		rc = spool_expire(post->spool, post->boot, ear_now(post->ear->clock),
				  ear_condition_name(EAR_REMOTE_SERVER_TIMEOUT),
				  "its life was over before it could be delivered");
	if (rc != 0)
		post_trouble(post, rc);
}

static void
on_loaded(void *arg, const struct spool_item *item)
{
	struct post *post = arg;

	post->expires = post->expires || item->boot[0] != '\0';
	if (item->state == SPOOL_HANDED)
		post_gone(post, item->seq);
	else if (item->state == SPOOL_WAITING)
		box_soon(box_get(post, item->to));
}

/* What may have arrived at somebody who would not know it again counts as sent. */
static int
load(struct post *post)
{
	size_t count = spool_count(post->spool);
	int rc = spool_each(post->spool, NULL, 0, on_loaded, post);

	if (rc != 0)
		return rc;
	if (count > 0)
		ear_info("%zu messages are stored", count);
	if (post->gone_count > 0)
		ear_info("%zu of them have been sent to somebody who confirms nothing: forgotten",
			 post->gone_count);
	post_expire(post);
	return 0;
}

static void
let_go(struct post *post)
{
	while (map_count(post->boxes) > 0)
		box_free(map_at(post->boxes, 0, NULL));
	spool_close(post->spool);
	post->spool = NULL;
	post->gone_count = 0;
	post->broken = post->expires = false;
}

int
post_need(struct post *post)
{
	int rc = 0;

	if (post->spool != NULL)
		return 0;
	if (post->dir == NULL) {
		copy_text(post->error, sizeof(post->error),
			  "this engine stores nothing ([store] kind = none)");
		return -ENOTSUP;
	}
	post->spool = spool_open(post->dir, &rc, post->error, sizeof(post->error));
	if (post->spool == NULL)
		return rc;
	rc = load(post);
	if (rc == 0)
		return 0;
	post_trouble(post, 0);
	let_go(post);
	return rc;
}

void
post_count(const struct ear *ear, size_t *count, size_t *bytes)
{
	const struct spool *spool = ear->post == NULL ? NULL : ear->post->spool;

	*count = spool == NULL ? 0 : spool_count(spool);
	*bytes = spool == NULL ? 0 : spool_bytes(spool);
}

/* Nothing is lost by a removal that fails: who has had it drops it when it comes again. */
void
post_tidy(struct post *post)
{
	int rc;

	if (post->gone_count == 0 || post->spool == NULL || post->broken)
		return;
	post_commit(post->ear);
	rc = spool_remove(post->spool, post->gone, post->gone_count);
	if (rc != 0) {
		ear_timer_set(&post->tidy, TIDY_AGAIN);
		post_trouble(post, rc);
		return;
	}
	post->gone_count = 0;
	ear_timer_stop(&post->tidy);
}

static void
on_tidy(void *arg)
{
	struct post *post = arg;

	if (!post->broken) {
		post_tidy(post);
		return;
	}
	let_go(post);
	post_need(post);
}

void
post_gone(struct post *post, int64_t seq)
{
	if (post->gone_count == post->gone_room) {
		post->gone_room = post->gone_room == 0 ? 32 : 2 * post->gone_room;
		post->gone = xrealloc(post->gone, post->gone_room * sizeof(post->gone[0]));
	}
	post->gone[post->gone_count++] = seq;
	if (!ear_timer_is_set(&post->tidy))
		ear_timer_set(&post->tidy, TIDY_WAIT);
}

/* --- its making --------------------------------------------------------------------------- */

/* ear_now() goes on from one process to the next until the machine is started anew. */
static void
name_clock(struct post *post)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, post->boot, sizeof(post->boot) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		ear_new_id(post->boot);
	post->boot[strcspn(post->boot, "\n")] = '\0';
}

/* Somebody may be there again: nobody has to wait for the next try. */
static void
on_event(void *arg, const struct ear_event *event)
{
	struct post *post = arg;

	if (event->kind != EAR_PEER_CHANGED && event->kind != EAR_SERVER_UP &&
	    event->kind != EAR_PATH_CHANGED)
		return;
	for (size_t i = map_count(post->boxes); i-- > 0;) {
		struct box *box = map_at(post->boxes, i, NULL);

		if (event->kind == EAR_PEER_CHANGED &&
		    !dest_is_same(post->ear, event->address, box->to))
			continue;
		if (event->kind != EAR_PATH_CHANGED)
			box->rest_until = box->backoff = 0;
		box_soon(box);
	}
}

int
post_open(struct ear *ear, const char *dir, char *error, size_t size)
{
	struct post *post = xalloc(sizeof(*post));

	ear->post = post;
	post->ear = ear;
	if (strcmp(ear->conf->store_kind, "none") != 0)
		post->dir = xstrdup(dir);
	post->boxes = map_new();
	post->letters = map_new();
	list_init(&post->pending);
	ear_timer_init(&post->commit, ear->clock, post_on_commit, post);
	ear_timer_init(&post->tidy, ear->clock, on_tidy, post);
	name_clock(post);
	ear_watch(ear, on_event, post);
	if (post->dir == NULL || !spool_exists(post->dir))
		return 0;
	if (post_need(post) != 0)
		ear_error("%s; what waits there does not leave", post->error);
	else if (spool_count(post->spool) == 0)
		let_go(post);
	return 0;
}

void
post_release(struct ear *ear)
{
	struct post *post = ear->post;

	if (post == NULL)
		return;
	ear_unwatch(ear, on_event, post);
	post_commit(ear);
	post_tidy(post);
	let_go(post);
	ear->post = NULL;
	ear_timer_stop(&post->commit);
	ear_timer_stop(&post->tidy);
	map_free(post->boxes);
	map_free(post->letters);
	free(post->gone);
	free(post->dir);
	free(post);
}
