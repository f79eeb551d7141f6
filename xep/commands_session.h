/* SPDX-License-Identifier: ISC */
/* commands_session.h: sessions of ad-hoc commands (XEP-0050 §3.3): whose they are, how far they
 * are, and when they end. */
#ifndef XEP_COMMANDS_SESSION_H
#define XEP_COMMANDS_SESSION_H

#include "commands.h"

struct session {
	struct sessions *all;
	const struct command *command;
	char id[17];
	char *owner;    /* who began it */
	unsigned steps; /* how many were begun */
	int64_t seen;
	bool busy;               /* a step waits for its answer; by one of: */
	bool ended;              /* kept to say so */
	const struct ear_in *in; /* while the step function runs */
	struct ear_hold *hold;   /* after that */
	/* Of the last answer. */
	unsigned can;
	enum command_action execute;
	int memory;
};

struct sessions *sessions_new(struct ear_clock *clock);

/* Without an answer to what waits: the engine gives one. */
void sessions_free(struct sessions *sessions);

/* A new one; NULL: too many wait for something. */
struct session *session_new(struct sessions *sessions, const struct command *command,
			    const char *owner);

/* Ended ones, too: NULL means that there was none, or long ago. */
struct session *session_find(struct sessions *sessions, const char *id);

/* Whether that sender began it: a JID that has been met directly may come without its resource. */
bool session_is_of(const struct session *session, const char *from);

/* A step begins; what brings it is borrowed until session_hold() or session_refused(). */
void session_begin(struct session *session, const struct ear_in *in);

/* The step is not answered yet, unless it is. */
void session_hold(struct session *session);

/* The step was refused; first: so was the session. */
void session_refused(struct session *session, bool first);

/* What the answer says is so from now on. */
void session_answered(struct session *session, const struct command_answer *answer);

/* Answers the step that waits; consumes the payload. */
void session_reply(struct session *session, xmpp_stanza_t *payload);

/* Refuses the step that waits. */
void session_fail(struct session *session, enum ear_verdict condition, const char *text);

/* No further step. One that waits is answered yet. */
void session_end(struct session *session);

#endif
