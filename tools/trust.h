/* SPDX-License-Identifier: ISC */
/* trust.h: what the commands about keys share: fingerprints for people, and why something was
 * refused. */
#ifndef TOOLS_TRUST_H
#define TOOLS_TRUST_H

#include "cli.h"

#define TRUST_GROUPS_SIZE 80 /* 64 digits in 16 groups, and a NUL */

/* "0123 4567 ..."; what is no fingerprint becomes "?". */
void trust_groups(const char *digits, char out[TRUST_GROUPS_SIZE]);

/* This device: its key's digits and its name, which the caller frees. An exit code; complains. */
int trust_own(struct cli *cli, char **key, char **name);

/* Complains about what the engine itself answered, with a remedy (may be NULL) behind; the exit
 * code that it means. */
int trust_refused(const char *subject, const struct answer *answer, const char *remedy);

/* The payload of an answer that is a result; NULL after a complaint, with *code. */
xmpp_stanza_t *trust_payload(const struct answer *answer, const char *name, int *code);

/*
 * What the server publishes for our account: {"account":"tv@example.org","devices":[...]}, both
 * null where there is no account or it cannot be asked; the caller owns it. Or printed; nothing
 * without an account. Complains when the server cannot be asked.
 */
json_t *devices_json(struct cli *cli);
void devices_print(struct cli *cli);

#endif
