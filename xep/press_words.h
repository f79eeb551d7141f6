/* SPDX-License-Identifier: ISC */
/* press_words.h: presses as people type them, and the codes of the first Buttons. */
#ifndef XEP_PRESS_WORDS_H
#define XEP_PRESS_WORDS_H

#include <stddef.h>

#include <earshot/player.h>

enum words_kind {
	WORDS_PRESS,
	WORDS_NOW, /* what is on? */
	WORDS_HELP,
};

struct press_words {
	enum words_kind kind;
	struct ear_press press;
	char text[EAR_URL_MAX]; /* what press.text points to */
	const char *why;        /* for people: what is wanted instead; static */
};

/*
 * Reads what somebody typed: "vol 40", "+30", "what's on". Case and blanks around it do not matter.
 * -ENOENT: this is no command; -EINVAL: it begins as one, and its value is missing or none;
 * -ERANGE: its value is out of range. Of the latter two, why says more.
 */
int press_words_parse(const char *text, struct press_words *words);

/* Reads a code of http://buttons.foaf.tv/ ("PLPZ"). -ENOENT: no such code. */
int press_code_parse(const char *code, struct press_words *words);

/*
 * A time as people write it ("1:30", "1:02:03.5", "+0:30", "90") to the seconds that press_parse()
 * takes, in out. -EINVAL: it is none; -ERANGE: it does not fit.
 */
int press_time(const char *text, char *out, size_t size);

/* What value that button wants, in words; static. */
const char *press_hint(enum ear_button button);

/* Every word in some lines, for people; static. */
const char *press_help(void);

#endif
