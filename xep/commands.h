/* SPDX-License-Identifier: ISC */
/*
 * commands.h: what an ad-hoc command (XEP-0050) is.
 *
 * An extension registers a struct command when it starts. Whoever may do what its verb needs sees
 * it in the list, and executes it: that begins a session, which lasts until the command completes,
 * is canceled, or has been silent for COMMAND_LIFE. Each request of the session is a step:
 *
 *   - the step function looks at the step and returns EAR_DONE: command_answer() answers it, once,
 *     inside that call or later; or it refuses the step with the condition of XEP-0050 §4.4, and
 *     the session stays where it was. Another step of the same session is refused until then.
 *   - an answer says whether more is to come (COMMAND_EXECUTING), which actions are then allowed,
 *     and what `execute` stands for. Only allowed actions get to the step function.
 *   - policy is asked again for each step.
 *
 * What went wrong in the doing is no error but a note of type error (XEP-0050 §3.6).
 */
#ifndef XEP_COMMANDS_H
#define XEP_COMMANDS_H

#include <earshot/ear.h>

#define COMMANDS_MAX     64
#define COMMANDS_LACKING 4   /* commands that are not there, see command_lack() */
#define COMMAND_SESSIONS 256 /* of all senders */
#define COMMAND_OF_ONE   8   /* of one bare address; one more ends its oldest */
#define COMMAND_LIFE     (300 * EAR_SEC)

enum command_action {
	COMMAND_BEGIN, /* `execute` without a session */
	COMMAND_PREV,
	COMMAND_NEXT,
	COMMAND_COMPLETE,
};

#define COMMAND_ID 64 /* bytes, with the NUL */

struct command;

struct command_step {
	const struct command *command;
	const struct ear_in *in; /* borrowed for the call */
	const char *session;     /* its id */
	const char *id;          /* of this step: unique */
	enum command_action action;
	xmpp_stanza_t *form; /* the first <x xmlns='jabber:x:data'/>; NULL: none */
	int memory;          /* as the last answer set it; 0 at the beginning */
};

enum command_fault {
	COMMAND_FINE,
	COMMAND_BAD_ACTION,
	COMMAND_MALFORMED_ACTION,
	COMMAND_BAD_LOCALE,
	COMMAND_BAD_PAYLOAD,
	COMMAND_BAD_SESSIONID,
	COMMAND_SESSION_EXPIRED,
	COMMAND_FAULT_COUNT,
};

struct command {
	const char *node; /* unique among all */
	const char *name; /* for people */
	enum ear_verb verb;
	/* COMMAND_FINE: answered, or to be answered. Otherwise *why may be set to a text for
	 * people, which is static or lives as long as the stanza. */
	enum command_fault (*step)(const struct command_step *step, const char **why);
};

/* From start() of an extension, which stands behind 0050 in list.h; the command is borrowed. */
void command_add(struct ear *ear, const struct command *command);

/* The same of one that is not there, where a specification wants another answer for that than
 * <item-not-found/>: what `answer` says. Both are borrowed. */
void command_lack(struct ear *ear, const char *node, ear_handler *answer);

enum command_status { COMMAND_EXECUTING, COMMAND_COMPLETED };

/* Bits of what is allowed; cancel always is. */
#define COMMAND_CAN(action) (1u << (action))

struct command_answer {
	enum command_status status;
	unsigned can;                /* of one that goes on, with the one that `execute` is: */
	enum command_action execute; /* COMMAND_NEXT or COMMAND_COMPLETE */
	int memory;                  /* what the next step is told */
	xmpp_stanza_t *form;         /* consumed; NULL: none */
	const char *note;            /* for people, NULL: none; of type error: it was not done */
	bool is_error;
};

/* Answers the step of that session which waits. Where none does any more, nothing happens. */
void command_answer(struct ear *ear, const char *session, const struct command_answer *answer);

/* The same with an error, for what turns out to be impossible only when somebody else has been
 * asked: ends the session. text may be NULL. */
void command_refuse(struct ear *ear, const char *session, enum ear_verdict condition,
		    const char *text);

#endif
