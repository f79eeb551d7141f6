/* SPDX-License-Identifier: ISC */
/* error.c: stanza errors, RFC 6120 §8.3: the conditions, and what says one. */
#include <string.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

/* Names and the error types that RFC 6120 §8.3.3 recommends (where it leaves a choice: the first).
 */
static const struct condition {
	const char *name, *type;
} conditions[EAR_VERDICT_COUNT] = {
	[EAR_BAD_REQUEST] = { "bad-request", "modify" },
	[EAR_CONFLICT] = { "conflict", "cancel" },
	[EAR_FEATURE_NOT_IMPLEMENTED] = { "feature-not-implemented", "cancel" },
	[EAR_FORBIDDEN] = { "forbidden", "auth" },
	[EAR_GONE] = { "gone", "cancel" },
	[EAR_INTERNAL_SERVER_ERROR] = { "internal-server-error", "cancel" },
	[EAR_ITEM_NOT_FOUND] = { "item-not-found", "cancel" },
	[EAR_JID_MALFORMED] = { "jid-malformed", "modify" },
	[EAR_NOT_ACCEPTABLE] = { "not-acceptable", "modify" },
	[EAR_NOT_ALLOWED] = { "not-allowed", "cancel" },
	[EAR_NOT_AUTHORIZED] = { "not-authorized", "auth" },
	[EAR_POLICY_VIOLATION] = { "policy-violation", "modify" },
	[EAR_RECIPIENT_UNAVAILABLE] = { "recipient-unavailable", "wait" },
	[EAR_REDIRECT] = { "redirect", "modify" },
	[EAR_REGISTRATION_REQUIRED] = { "registration-required", "auth" },
	[EAR_REMOTE_SERVER_NOT_FOUND] = { "remote-server-not-found", "cancel" },
	[EAR_REMOTE_SERVER_TIMEOUT] = { "remote-server-timeout", "wait" },
	[EAR_RESOURCE_CONSTRAINT] = { "resource-constraint", "wait" },
	[EAR_SERVICE_UNAVAILABLE] = { "service-unavailable", "cancel" },
	[EAR_SUBSCRIPTION_REQUIRED] = { "subscription-required", "auth" },
	[EAR_UNDEFINED_CONDITION] = { "undefined-condition", "cancel" },
	[EAR_UNEXPECTED_REQUEST] = { "unexpected-request", "wait" },
};

const char *
ear_condition_name(enum ear_verdict condition)
{
	return (unsigned)condition < EAR_VERDICT_COUNT ? conditions[condition].name : NULL;
}

/* The <error/> itself, or the one in a stanza; it has the namespace of the stanza around it. */
static xmpp_stanza_t *
error_of(xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza);

	return name != NULL && strcmp(name, "error") == 0 ? stanza
							  : ear_find(stanza, "error", NULL);
}

static enum ear_verdict
condition_find(const char *name)
{
	for (int i = 0; i < EAR_VERDICT_COUNT; i++)
		if (conditions[i].name != NULL && strcmp(conditions[i].name, name) == 0)
			return i;
	return EAR_UNDEFINED_CONDITION;
}

enum ear_verdict
ear_condition_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = error_of(stanza), *child;

	for (child = error != NULL ? ear_first(error) : NULL; child != NULL;
	     child = ear_next(child)) {
		const char *name = xmpp_stanza_get_name(child);

		if (strcmp(name, "text") != 0 && ear_is(child, name, EAR_NS_STANZA_ERR))
			return condition_find(name);
	}
	return EAR_UNDEFINED_CONDITION;
}

const char *
ear_error_text_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = error_of(stanza);
	xmpp_stanza_t *text = error != NULL ? ear_find(error, "text", EAR_NS_STANZA_ERR) : NULL;

	return text != NULL ? ear_text(text) : NULL;
}

void
ear_error_say(xmpp_stanza_t *stanza, const char *text)
{
	xmpp_stanza_t *error = error_of(stanza);
	xmpp_stanza_t *old = error != NULL ? ear_find(error, "text", EAR_NS_STANZA_ERR) : NULL;

	if (old != NULL)
		xmpp_stanza_set_text(xmpp_stanza_get_children(old), text);
	else if (error != NULL)
		ear_child_text(error, "text", EAR_NS_STANZA_ERR, text);
}

xmpp_stanza_t *
ear_error_to(xmpp_stanza_t *stanza, enum ear_verdict condition, const char *text)
{
	return ear_error_showing(stanza, condition, NULL, text);
}

xmpp_stanza_t *
ear_error_showing(xmpp_stanza_t *stanza, enum ear_verdict condition, xmpp_stanza_t *payload,
		  const char *text)
{
	xmpp_stanza_t *answer = NULL, *error;

	/* RFC 6120 §8.3.1: an error is never answered by an error; a result is the end of its
	 * exchange. */
	if (ear_is_answer(stanza))
		goto out;
	if (ear_condition_name(condition) == NULL)
		condition = EAR_UNDEFINED_CONDITION;
	answer = ear_answer_to(stanza, "error");
	if (payload != NULL)
		xmpp_stanza_add_child(answer, payload);
	error = ear_child(answer, "error", NULL);
	ear_set(error, "type", "%s", conditions[condition].type);
	ear_child(error, conditions[condition].name, EAR_NS_STANZA_ERR);
	if (text != NULL && *text != '\0')
		ear_child_text(error, "text", EAR_NS_STANZA_ERR, text);
out:
	if (payload != NULL)
		xmpp_stanza_release(payload);
	return answer;
}

xmpp_stanza_t *
ear_error_add(xmpp_stanza_t *error, const char *type, xmpp_stanza_t *specific)
{
	xmpp_stanza_t *element = error == NULL ? NULL : ear_find(error, "error", NULL);

	if (element != NULL && type != NULL)
		ear_set(element, "type", "%s", type);
	if (element != NULL)
		xmpp_stanza_add_child(element, specific);
	xmpp_stanza_release(specific);
	return error;
}
