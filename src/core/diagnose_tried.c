/* SPDX-License-Identifier: ISC */
/* diagnose_tried.c: what came of connecting and of asking the other side. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "core/diagnose.h"

/* --- connections -------------------------------------------------------------------------- */

static const char *
knock_text(int result)
{
	switch (result) {
	case 0:
		return "takes connections";
	case -ECONNREFUSED:
		return "refuses connections";
	case -EINPROGRESS:
	case -ETIMEDOUT:
		return "does not answer: dropped";
	case -EHOSTUNREACH:
		return "cannot be reached: nobody has that address";
	case -ENETUNREACH:
		return "cannot be reached: no way leads there";
	case -EACCES:
	case -EPERM:
		return "must not be connected to: our own firewall forbids it";
	default:
		return strerror(-result);
	}
}

static const char *
knock_remedy(int result, bool own)
{
	switch (result) {
	case -ECONNREFUSED:
		return own ? "a firewall of this machine rejects it: accept that TCP port"
			   : "nothing listens there: is earshotd running on that machine?";
	case -EINPROGRESS:
	case -ETIMEDOUT:
		return own ? "a firewall of this machine drops it: look at nft list ruleset, and "
			     "accept that TCP port"
			   : "a firewall, of that machine or on the way, drops it: accept that TCP "
			     "port there; or the machine is off";
	case -EHOSTUNREACH:
		return "is that machine on, and on this network?";
	case -ENETUNREACH:
		return "ip route get that address";
	case -EACCES:
	case -EPERM:
		return "look at nft list ruleset of this machine";
	default:
		return NULL;
	}
}

/* One address that works is enough for a peer; of ours, each one is told to others. */
void
diagnose_knocks(const struct diagnosis *d, const char *name, struct knock *const *knocks,
		size_t count, bool own)
{
	struct words good = { "" }, bad = { "" };
	enum ear_check_state state = EAR_CHECK_OK;
	const char *remedy = NULL;

	for (size_t i = 0; i < count; i++) {
		int result = knock_result(knocks[i]);

		words_add(result == 0 ? &good : &bad, "%s %s", knock_where(knocks[i]),
			  knock_text(result));
		if (result != 0 && remedy == NULL)
			remedy = knock_remedy(result, own);
	}
	if (count == 0)
		return;
	if (bad.text[0] != '\0')
		state = own || good.text[0] == '\0' ? EAR_CHECK_FAIL : EAR_CHECK_WARN;
	diagnosis_tell(d, name, state, remedy, "%s%s%s", bad.text,
		       bad.text[0] != '\0' && good.text[0] != '\0' ? ", " : "", good.text);
}

/* --- answers ------------------------------------------------------------------------------ */

bool
asked_is_answered(const struct asked *asked)
{
	return asked->done &&
	       (asked->error == 0 ||
		(asked->error == -EREMOTEIO && !path_is_hearsay(asked->condition, asked->link)));
}

static const char *
lan_remedy(const struct asked *asked)
{
	switch (asked->error) {
	case -EACCES:
		return "let it offer TLS (another program, a newer one); or [policy] plaintext = "
		       "warn here";
	case -EKEYREJECTED:
	case -EKEYREVOKED:
	case -EPERM:
		return "another key than before, or none: was that device reset? Then: earshot "
		       "untrust it, and pair again; else somebody is in its place";
	case -EHOSTUNREACH:
	case -ECONNRESET:
		return "is earshotd running there?";
	default:
		return "is that program alive? It holds its port and says nothing; not all chat "
		       "programs answer pings";
	}
}

/* What refuses a peer on purpose is a failure also where another path works. */
static bool
is_loud(const struct asked *asked)
{
	return asked->error == -EKEYREJECTED || asked->error == -EKEYREVOKED ||
	       asked->error == -EPERM || asked->error == -EACCES;
}

static void
tell_answer(const struct diagnosis *d, const char *name, const struct asked *asked,
	    const struct asked *other, const char *remedy)
{
	bool answered = asked_is_answered(asked);

	if (!asked->asked)
		return;
	if (answered)
		diagnosis_tell(d, name, EAR_CHECK_OK, NULL, "answers in %.3f ms",
			       (double)asked->rtt / 1e3);
	else
		diagnosis_tell(d, name,
			       !is_loud(asked) && asked_is_answered(other) ? EAR_CHECK_WARN
									   : EAR_CHECK_FAIL,
			       remedy, "%s", asked->done ? asked->text : "no answer in time");
}

void
diagnose_answers(const struct diagnosis *d, const struct link *lan, bool on_lan)
{
	const struct findings *found = d->found;

	if (found == NULL)
		return;
	if (on_lan && lan != NULL && lan->state == LINK_UP && !lan->earshot &&
	    !asked_is_answered(&found->by_lan))
		diagnosis_tell(d, "by lan", EAR_CHECK_WARN, NULL,
			       "connected; it is a chat program that answers nothing but messages");
	else if (on_lan)
		tell_answer(d, "by lan", &found->by_lan, &found->by_server,
			    lan_remedy(&found->by_lan));
	tell_answer(d, "by server", &found->by_server, &found->by_lan,
		    d->ear->server == NULL || d->ear->server->state != LINK_UP
			    ? "see server, above"
			    : "is that device connected to its server, and that one reachable?");
}

/* It was asked to press no button: who may press hears that there is none. */
void
diagnose_may_there(const struct diagnosis *d, const char *address)
{
	const struct asked *press = d->found == NULL ? NULL : &d->found->press;
	char remedy[EAR_JID_SIZE + 96];

	if (press == NULL || !asked_is_answered(press))
		return;
	switch ((int)press->condition) {
	case EAR_PASS:
		break;
	case EAR_NOT_AUTHORIZED:
	case EAR_FORBIDDEN:
		snprintf(remedy, sizeof(remedy), "%s%s%sits owner decides: [policy] buttons there",
			 ear_jid_is_lan(address) ? "earshot pair " : "",
			 ear_jid_is_lan(address) ? address : "",
			 ear_jid_is_lan(address) ? "; or " : "");
		diagnosis_tell(d, "may there", EAR_CHECK_WARN, remedy,
			       "not press buttons: refused (%s)%s%s",
			       ear_condition_name(press->condition),
			       press->text[0] == '\0' ? "" : ": ", press->text);
		break;
	case EAR_BAD_REQUEST:
		diagnosis_tell(d, "may there", EAR_CHECK_OK, NULL, "press buttons");
		break;
	default:
		diagnosis_tell(d, "may there", EAR_CHECK_OK, NULL, "it has no buttons (%s)",
			       ear_condition_name(press->condition));
		break;
	}
}
