/* SPDX-License-Identifier: ISC */
/*
 * keys_follow.c: subscribes to the lists of those whose keys we hold (XEP-0060 §6.1), so that a
 * revoked key is known at once, also from whom shares no presence with us. One request at a time.
 */
#include <errno.h>
#include <string.h>

#include "keys.h"
#include "memory.h"

#define FOLLOWED_MAX    256
#define FOLLOW_PATIENCE (10 * EAR_SEC)
#define FOLLOW_AGAIN    (1 * EAR_SEC) /* one that was refused, when there is a reason */

enum follow_state {
	FOLLOW_NEW,
	FOLLOW_ASKED,
	FOLLOW_ON,
	FOLLOW_REFUSED, /* or unreachable: until the link is up again, or something is new */
};

struct followed {
	enum follow_state state;
	bool wanted;
	int64_t asked_at;
	char *bare;
};

struct keys_follow {
	struct ear *ear;
	struct followed list[FOLLOWED_MAX];
	size_t count;
	bool asking;
	char *asked; /* whom the request under way went to */
};

static struct followed *
find(struct keys_follow *follow, const char *bare)
{
	for (size_t i = 0; i < follow->count; i++)
		if (strcmp(follow->list[i].bare, bare) == 0)
			return &follow->list[i];
	return NULL;
}

static void
drop(struct keys_follow *follow, size_t i)
{
	free(follow->list[i].bare);
	follow->list[i] = follow->list[--follow->count];
}

static void
want(struct keys_follow *follow, const char *jid)
{
	char bare[EAR_JID_SIZE];
	struct followed *followed;

	if (ear_jid_bare(jid, bare, sizeof(bare)) != 0 || ear_jid_is_lan(bare))
		return;
	followed = find(follow, bare);
	if (followed == NULL && follow->count < FOLLOWED_MAX) {
		followed = &follow->list[follow->count++];
		*followed = (struct followed){ .bare = xep_strdup(bare) };
	}
	if (followed != NULL)
		followed->wanted = true;
}

static void
on_pin(void *arg, const struct ear_pin_info *pin)
{
	for (size_t i = 0; i < pin->jid_count; i++)
		want(arg, pin->jids[i]);
}

static ear_answer_fn on_answer;

static void
ask(struct keys_follow *follow, const struct followed *followed, const char *what)
{
	struct ear *ear = follow->ear;
	xmpp_stanza_t *child, *iq = keys_request(ear_ctx(ear), "set", followed->bare, EAR_NS_PUBSUB,
						 what, &child);
	char self[EAR_JID_SIZE];

	if (ear_jid_bare(ear_self(ear, EAR_LINK_SERVER), self, sizeof(self)) == 0)
		ear_set(child, "jid", "%s", self);
	free(follow->asked);
	follow->asked = xep_strdup(followed->bare);
	follow->asking = true;
	ear_request_by(ear, EAR_LINK_SERVER, iq, FOLLOW_PATIENCE, on_answer, follow);
}

/* The next thing to ask, if nothing is. */
static void
follow_next(struct keys_follow *follow)
{
	if (follow->asking || ear_self(follow->ear, EAR_LINK_SERVER) == NULL)
		return;
	for (size_t i = follow->count; i-- > 0;) {
		struct followed *followed = &follow->list[i];

		if (!followed->wanted && followed->state != FOLLOW_ON) {
			drop(follow, i);
		} else if (!followed->wanted) {
			ask(follow, followed, "unsubscribe");
			drop(follow, i);
			return;
		} else if (followed->state == FOLLOW_NEW) {
			followed->state = FOLLOW_ASKED;
			followed->asked_at = ear_now(ear_clock(follow->ear));
			ask(follow, followed, "subscribe");
			return;
		}
	}
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct keys_follow *follow = arg;
	struct followed *followed = find(follow, follow->asked);
	char text[256];

	follow->asking = false;
	if (answer->error == -ECANCELED)
		return;
	if (answer->error != 0) {
		keys_failure(answer, text, sizeof(text));
		ear_debug("%s: subscribing to its keys: %s", follow->asked, text);
	}
	if (followed != NULL && followed->state == FOLLOW_ASKED)
		followed->state = answer->error == 0 ? FOLLOW_ON : FOLLOW_REFUSED;
	follow_next(follow);
}

void
keys_follow_refresh(struct keys_follow *follow)
{
	int64_t now = ear_now(ear_clock(follow->ear));

	for (size_t i = 0; i < follow->count; i++) {
		struct followed *followed = &follow->list[i];

		followed->wanted = false;
		if (followed->state == FOLLOW_REFUSED && now - followed->asked_at >= FOLLOW_AGAIN)
			followed->state = FOLLOW_NEW;
	}
	ear_each_pin(follow->ear, on_pin, follow);
	follow_next(follow);
}

void
keys_follow_again(struct keys_follow *follow)
{
	ear_request_forget(follow->ear, follow);
	follow->asking = false;
	for (size_t i = 0; i < follow->count; i++)
		follow->list[i].state = FOLLOW_NEW;
	keys_follow_refresh(follow);
	for (size_t i = 0; i < follow->count; i++)
		ear_devices_changed(follow->ear, follow->list[i].bare);
}

struct keys_follow *
keys_follow_new(struct ear *ear)
{
	struct keys_follow *follow = xep_alloc(sizeof(*follow));

	follow->ear = ear;
	return follow;
}

void
keys_follow_free(struct keys_follow *follow)
{
	ear_request_forget(follow->ear, follow);
	while (follow->count > 0)
		drop(follow, follow->count - 1);
	free(follow->asked);
	free(follow);
}
