/* SPDX-License-Identifier: ISC */
/* commands_session.c: sessions of ad-hoc commands, bounded in number and time. */
#include <string.h>

#include "commands_session.h"
#include "memory.h"

struct sessions {
	struct ear_clock *clock;
	struct session *list[COMMAND_SESSIONS]; /* in the order in which they began */
	size_t count;
};

struct sessions *
sessions_new(struct ear_clock *clock)
{
	struct sessions *sessions = xep_alloc(sizeof(*sessions));

	sessions->clock = clock;
	return sessions;
}

static void
session_free(struct session *session)
{
	free(session->owner);
	free(session);
}

void
sessions_free(struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->count; i++)
		session_free(sessions->list[i]);
	free(sessions);
}

static void
remove_at(struct sessions *sessions, size_t i)
{
	session_free(sessions->list[i]);
	sessions->count--;
	memmove(&sessions->list[i], &sessions->list[i + 1],
		(sessions->count - i) * sizeof(sessions->list[0]));
}

/* One that has been silent for so long is over; some time later it is forgotten. */
static void
expire(struct sessions *sessions)
{
	int64_t now = ear_now(sessions->clock);

	for (size_t i = sessions->count; i-- > 0;) {
		struct session *session = sessions->list[i];

		if (session->busy || now - session->seen < COMMAND_LIFE)
			continue;
		if (now - session->seen < 2 * COMMAND_LIFE)
			session->ended = true;
		else
			remove_at(sessions, i);
	}
}

/* How many of that bare address are alive; *oldest: the first that waits for it, count: none. */
static size_t
count_of(const struct sessions *sessions, const char *owner, size_t *oldest)
{
	size_t count = 0;

	*oldest = sessions->count;
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = sessions->list[i];

		if (session->ended || !ear_jid_bare_equal(session->owner, owner))
			continue;
		count++;
		if (!session->busy && *oldest == sessions->count)
			*oldest = i;
	}
	return count;
}

/* Room for one more of that owner. */
static bool
make_room(struct sessions *sessions, const char *owner)
{
	size_t oldest, i = 0;

	expire(sessions);
	if (count_of(sessions, owner, &oldest) >= COMMAND_OF_ONE) {
		if (oldest == sessions->count)
			return false;
		sessions->list[oldest]->ended = true;
	}
	if (sessions->count < COMMAND_SESSIONS)
		return true;
	while (i < sessions->count && (!sessions->list[i]->ended || sessions->list[i]->busy))
		i++;
	if (i == sessions->count)
		return false;
	remove_at(sessions, i);
	return true;
}

struct session *
session_new(struct sessions *sessions, const struct command *command, const char *owner)
{
	struct session *session;

	if (!make_room(sessions, owner))
		return NULL;
	session = xep_alloc(sizeof(*session));
	session->all = sessions;
	session->command = command;
	session->owner = xep_strdup(owner);
	session->seen = ear_now(sessions->clock);
	ear_new_id(session->id);
	sessions->list[sessions->count++] = session;
	return session;
}

struct session *
session_find(struct sessions *sessions, const char *id)
{
	expire(sessions);
	for (size_t i = 0; i < sessions->count; i++)
		if (strcmp(sessions->list[i]->id, id) == 0)
			return sessions->list[i];
	return NULL;
}

bool
session_is_of(const struct session *session, const char *from)
{
	if (ear_jid_resource(session->owner) == NULL || ear_jid_resource(from) == NULL)
		return ear_jid_bare_equal(session->owner, from);
	return ear_jid_equal(session->owner, from);
}

void
session_begin(struct session *session, const struct ear_in *in)
{
	session->seen = ear_now(session->all->clock);
	session->steps++;
	session->busy = true;
	session->in = in;
}

void
session_hold(struct session *session)
{
	if (session->busy)
		session->hold = ear_hold(session->in);
	session->in = NULL;
}

void
session_refused(struct session *session, bool first)
{
	session->busy = false;
	session->in = NULL;
	session->ended |= first;
}

void
session_answered(struct session *session, const struct command_answer *answer)
{
	session->seen = ear_now(session->all->clock);
	session->can = answer->can;
	session->execute = answer->execute;
	session->memory = answer->memory;
	session->ended |= answer->status == COMMAND_COMPLETED;
}

void
session_reply(struct session *session, xmpp_stanza_t *payload)
{
	struct ear_hold *hold = session->hold;

	session->busy = false;
	session->hold = NULL;
	if (hold != NULL)
		ear_hold_reply(hold, payload);
	else
		ear_reply(session->in, payload);
}

void
session_fail(struct session *session, enum ear_verdict condition, const char *text)
{
	struct ear_hold *hold = session->hold;

	session->busy = false;
	session->hold = NULL;
	if (hold != NULL)
		ear_hold_fail(hold, condition, text);
	else
		ear_fail(session->in, condition, "%s", text == NULL ? "" : text);
}

void
session_end(struct session *session)
{
	session->ended = true;
}
