/* SPDX-License-Identifier: ISC */
/* stanza.h: what libstrophe's stanza type lacks: shorthands, stanza errors, ids, dates. */
#ifndef EARSHOT_STANZA_H
#define EARSHOT_STANZA_H

#include <stdbool.h>
#include <stdint.h>
#include <strophe.h>

/* What a handler says about a stanza: not mine, taken care of, or the error to answer with. */
enum ear_verdict {
	EAR_PASS, /* not mine: ask the next rule */
	EAR_DONE, /* taken care of; whatever answer is due was or will be sent by the handler */
	/* The defined conditions of RFC 6120 §8.3.3; the dispatcher sends the error. */
	EAR_BAD_REQUEST,
	EAR_CONFLICT,
	EAR_FEATURE_NOT_IMPLEMENTED,
	EAR_FORBIDDEN,
	EAR_GONE,
	EAR_INTERNAL_SERVER_ERROR,
	EAR_ITEM_NOT_FOUND,
	EAR_JID_MALFORMED,
	EAR_NOT_ACCEPTABLE,
	EAR_NOT_ALLOWED,
	EAR_NOT_AUTHORIZED,
	EAR_POLICY_VIOLATION,
	EAR_RECIPIENT_UNAVAILABLE,
	EAR_REDIRECT,
	EAR_REGISTRATION_REQUIRED,
	EAR_REMOTE_SERVER_NOT_FOUND,
	EAR_REMOTE_SERVER_TIMEOUT,
	EAR_RESOURCE_CONSTRAINT,
	EAR_SERVICE_UNAVAILABLE,
	EAR_SUBSCRIPTION_REQUIRED,
	EAR_UNDEFINED_CONDITION,
	EAR_UNEXPECTED_REQUEST,
	EAR_VERDICT_COUNT,
};

/* The condition's element name ("bad-request"), NULL for EAR_PASS and EAR_DONE. */
const char *ear_condition_name(enum ear_verdict condition);

/* The condition that an <error/> (or a stanza holding one) names, EAR_UNDEFINED_CONDITION
 * otherwise. */
enum ear_verdict ear_condition_of(xmpp_stanza_t *stanza);

/* The human-readable <text/> of the <error/> in a stanza, or NULL; borrowed. */
const char *ear_error_text_of(xmpp_stanza_t *stanza);

/* Makes that text the <text/> of the <error/> in a stanza, in place of the one that is there. */
void ear_error_say(xmpp_stanza_t *stanza, const char *text);

/* A new element; the caller owns it. Out of memory aborts. */
xmpp_stanza_t *ear_element(xmpp_ctx_t *ctx, const char *name, const char *ns);

/* A deep copy without the direct children of that namespace; the caller owns it. */
xmpp_stanza_t *ear_copy_without(xmpp_stanza_t *stanza, const char *ns);

/* A new element appended to parent, which owns it; the returned pointer is borrowed. */
xmpp_stanza_t *ear_child(xmpp_stanza_t *parent, const char *name, const char *ns);

/* The same with character data inside; text NULL or "" makes an empty element. */
xmpp_stanza_t *ear_child_text(xmpp_stanza_t *parent, const char *name, const char *ns,
			      const char *text);

/* Sets an attribute to "true" or "false". */
void ear_set_flag(xmpp_stanza_t *stanza, const char *attribute, bool value);

/* Sets an attribute to a formatted value. */
void ear_set(xmpp_stanza_t *stanza, const char *attribute, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* First child that has this name and namespace; ns NULL = the parent's own. Borrowed, or NULL. */
xmpp_stanza_t *ear_find(xmpp_stanza_t *parent, const char *name, const char *ns);

/* First child element, next sibling element (character data skipped). Borrowed, or NULL. */
xmpp_stanza_t *ear_first(xmpp_stanza_t *parent);
xmpp_stanza_t *ear_next(xmpp_stanza_t *child);

/* Character data directly inside the element, borrowed when it is one piece; NULL when none. */
const char *ear_text(xmpp_stanza_t *element);

/* Whether this is an element of that name and namespace. */
bool ear_is(xmpp_stanza_t *stanza, const char *name, const char *ns);

/*
 * An <iq/>, <message/> or <presence/> in jabber:client. id NULL makes a fresh random one
 * (OpenSSL); to and type may be NULL. The caller owns it.
 */
xmpp_stanza_t *ear_stanza(xmpp_ctx_t *ctx, const char *name, const char *type, const char *to,
			  const char *id);

/*
 * The element as text that means the same wherever it is put: its own namespace is declared in it.
 * What XML cannot carry becomes U+FFFD. The caller frees; NULL: it is of more than max bytes.
 */
char *ear_render(xmpp_stanza_t *element, size_t max);

/*
 * An element that stands for such texts, one or several, and is written as they are: for what goes
 * to many and is rendered once. Nobody finds a name, an attribute or a child in it. The caller's.
 */
xmpp_stanza_t *ear_rendered(xmpp_ctx_t *ctx, const char *text);
bool ear_is_rendered(xmpp_stanza_t *element);

/* The one element that such a text is, the caller's; NULL: it is none, or larger than a stream
 * takes. */
xmpp_stanza_t *ear_parse(xmpp_ctx_t *ctx, const char *text);

/* A fresh unguessable id of 16 characters in out, which holds at least 17 bytes. */
void ear_new_id(char *out);

#define EAR_STAMP_SIZE 21

/* The date and time of XEP-0082 in UTC ("2009-02-13T23:31:30Z") in out, which holds at least
 * EAR_STAMP_SIZE bytes. False: its year has not four digits. */
bool ear_stamp(int64_t seconds, char *out);

/* Whether it is an IQ that wants an answer: of type "get" or "set". */
bool ear_is_request(xmpp_stanza_t *stanza);

/* Whether it answers another stanza: of type "result" or "error". */
bool ear_is_answer(xmpp_stanza_t *stanza);

/*
 * An answer: same name, same id, `to` and `from` swapped (XEP-0114 needs `from`), the type
 * given ("result", "error"); no payload. The caller owns it.
 */
xmpp_stanza_t *ear_answer_to(xmpp_stanza_t *stanza, const char *type);

/*
 * The error answer of RFC 6120 §8.3 with the type that §8.3.3 recommends for the condition;
 * text may be NULL. NULL when no error may be sent: the stanza is itself an error or a result.
 */
xmpp_stanza_t *ear_error_to(xmpp_stanza_t *stanza, enum ear_verdict condition, const char *text);

/* The same with a payload (consumed; NULL: none) in front of the <error/>: what could not be done.
 */
xmpp_stanza_t *ear_error_showing(xmpp_stanza_t *stanza, enum ear_verdict condition,
				 xmpp_stanza_t *payload, const char *text);

/* Adds a condition of the application's own (RFC 6120 §8.3.4), which is consumed, to such an error,
 * which is returned and may be NULL. type: what the application wants it to be, or NULL. */
xmpp_stanza_t *ear_error_add(xmpp_stanza_t *error, const char *type, xmpp_stanza_t *specific);

#endif
