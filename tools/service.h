/* SPDX-License-Identifier: ISC */
/* service.h: what commands ask of publish-subscribe services (XEP-0060), this machine's or others',
 * and what a refusal of one means. */
#ifndef TOOLS_SERVICE_H
#define TOOLS_SERVICE_H

#include "cli.h"

#define SERVICE_ERRORS EAR_NS_PUBSUB "#errors"
#define SERVICE_CONFIG EAR_NS_PUBSUB "#node_config"

/* Where a node is. */
struct place {
	char *address;    /* canonical; NULL: the service of our own daemon */
	const char *node; /* NULL: none, or all */
};

/*
 * The address that the user named; NULL: our own. An exit code, after a complaint; release it
 * then, too.
 */
int place_open(struct place *place, struct cli *cli, const char *address, const char *node);
void place_release(struct place *place);

/* "pubsub.example.org: news", for complaints. The caller frees. */
char *place_text(const struct place *place);

/*
 * A request with <pubsub xmlns='ns'><name node='...'/></pubsub> inside; *element is that. name
 * NULL: an empty <pubsub/>, which *element is.
 */
xmpp_stanza_t *service_request(struct cli *cli, const struct place *place, const char *type,
			       const char *ns, const char *name, xmpp_stanza_t **element);

/*
 * Sends it (consumed) and waits for the answer, which is to be released. An exit code, after a
 * complaint where it is no result.
 */
int service_ask(struct cli *cli, const struct place *place, xmpp_stanza_t *iq,
		struct answer *answer);

/* The same without the waiting: what an answer means. */
int service_refused(const struct place *place, const struct answer *answer);

/* What that says; NULL: the user knows why. The caller frees. */
char *service_reason(const struct place *place, const struct answer *answer);

/* The application-specific condition of an error (XEP-0060, schema of #errors), or NULL. */
const char *service_specific(xmpp_stanza_t *stanza);

/* The <pubsub/> of an answer, NULL: there is none. */
xmpp_stanza_t *service_of(const struct answer *answer, const char *ns);

/*
 * Adds a form that is submitted (XEP-0004 §3.2): fields are "NAME=VALUE", also without the
 * "pubsub#" before the name, and "backlog" is ours (xep/pubsub.h); the same name again adds a
 * value. false: one of them is no such text, after a complaint.
 */
bool service_add_form(xmpp_stanza_t *parent, const char *type, char *const *fields, int count);

/* A field's name as it is typed there. */
const char *service_field_name(const char *var);

/* What we are called by the server, or on the LAN. The caller frees; NULL after a complaint. */
char *service_ours(struct cli *cli, int *code);

#endif
