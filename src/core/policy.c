/* SPDX-License-Identifier: ISC */
/* policy.c: who may do what. */
#include <assert.h>

#include "base/conf.h"
#include "core/policy.h"

static_assert((int)CONF_ANYONE == EAR_PLAIN && (int)CONF_KNOWN == EAR_KEYED &&
		      (int)CONF_PROVED == EAR_PROVED && (int)CONF_TRUSTED == EAR_TRUSTED &&
		      (int)CONF_NOBODY == EAR_NOBODY,
	      "the levels of the configuration are the levels of the contract");

enum ear_level
policy_level(const struct conf *conf, enum ear_verb verb)
{
	switch (verb) {
	case EAR_VERB_OTHER:
		return (enum ear_level)conf->policy_other;
	case EAR_VERB_QUERY:
		return (enum ear_level)conf->policy_query;
	case EAR_VERB_CHAT:
		return (enum ear_level)conf->policy_chat;
	case EAR_VERB_STATE:
		return (enum ear_level)conf->policy_state;
	case EAR_VERB_BUTTONS:
		return (enum ear_level)conf->policy_buttons;
	case EAR_VERB_SUBSCRIBE:
		return (enum ear_level)conf->policy_subscribe;
	case EAR_VERB_PUBLISH:
		return (enum ear_level)conf->policy_publish;
	case EAR_VERB_PAIR:
		return (enum ear_level)conf->policy_pair;
	case EAR_VERB_ADMIN:
		return EAR_TRUSTED;
	case EAR_VERB_COUNT:
		break;
	}
	return EAR_NOBODY;
}

bool
policy_allows(const struct conf *conf, enum ear_verb verb, enum ear_level level,
	      enum ear_link_kind link)
{
	if (verb == EAR_VERB_ADMIN && link != EAR_LINK_LOCAL)
		return false;
	return level >= policy_level(conf, verb) && level != EAR_NOBODY;
}

bool
policy_allows_plain(const struct conf *conf)
{
	return conf->policy_plaintext != CONF_PLAINTEXT_DENY;
}

bool
policy_allows_relay(enum ear_link_kind in, enum ear_link_kind out)
{
	return in != EAR_LINK_LAN || out != EAR_LINK_SERVER;
}
