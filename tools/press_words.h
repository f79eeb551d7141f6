/* SPDX-License-Identifier: ISC */
/* press_words.h: a press as people write it: "volume +5", "key up held". */
#ifndef TOOLS_PRESS_WORDS_H
#define TOOLS_PRESS_WORDS_H

#include "cli.h"

#define PRESS_WORDS_MAX 3
#define PRESS_LIFE      5 /* seconds: nobody wants what he pressed longer ago to happen now */

/* Checks by the rules of the one who gets them; words end with NULL. NULL, or what is wrong, which
 * the caller frees. */
char *press_words_check(char *const *words);

/* The press, for that address: the words have been checked. */
xmpp_stanza_t *press_words_request(struct cli *cli, const char *address, char *const *words);

/* Number i of what may stand in place `place` behind those words; NULL: no more, or nothing that
 * can be listed. */
const char *press_words_candidate(size_t place, const char *button, size_t i);

#endif
