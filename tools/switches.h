/* SPDX-License-Identifier: ISC */
/* switches.h: changes of the path, as the engine tells them to programs that watch. */
#ifndef TOOLS_SWITCHES_H
#define TOOLS_SWITCHES_H

#include "cli.h"

/* The event in a message when it is about a path; of that address (NULL: of any). Borrowed. */
xmpp_stanza_t *switch_of(xmpp_stanza_t *stanza, const char *address);

/* "now by lan (2.100 ms): shorter"; not escaped. The caller frees. */
char *switch_text(xmpp_stanza_t *event);

/* The same as JSON: event, to, jid, link, rtt_us, why, failed, failure. The caller's. */
json_t *switch_json(xmpp_stanza_t *event);

/* From now on the engine tells about changes. An exit code, after a complaint. */
int switch_watch(struct cli *cli);

#endif
