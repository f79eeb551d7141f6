/* SPDX-License-Identifier: ISC */
/* screen.h: a full screen of text on a terminal. The one place that knows curses. */
#ifndef TOOLS_SCREEN_H
#define TOOLS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_STRONG,
	SCREEN_FAINT,
	SCREEN_TURNED, /* background and foreground exchanged */
	SCREEN_GOOD,
	SCREEN_BAD,
};

/* Keys that are no characters; below the code points that nobody types. */
enum screen_key {
	SCREEN_NONE,
	SCREEN_UP = 0x110000,
	SCREEN_DOWN,
	SCREEN_LEFT,
	SCREEN_RIGHT,
	SCREEN_ENTER,
	SCREEN_BACKSPACE,
	SCREEN_ESCAPE,
	SCREEN_OTHER,
};

/*
 * Takes the terminal over. What is written to standard error goes to fn, a line at a time and from
 * the event loop, when that is the same terminal. -ENOTTY: there is none; -ENODEV: nothing is known
 * about its type. One at a time. A crash of this program gives the terminal back, too.
 */
int screen_open(struct cli *cli, void (*fn)(void *arg, const char *line), void *arg);

/* Gives it back as it was. */
void screen_close(void);

/* Gives it back for as long as the user has stopped us. */
void screen_suspend(void);

/* The terminal has changed its size, or was written over: everything is drawn again. */
void screen_renew(void);

void screen_size(int *rows, int *columns);

/* Drawing: everything between the two, which compare with what is there already. */
void screen_begin(void);
void screen_end(void);

/* Puts text at its place, cut to width; what could harm the terminal is escaped. Returns the
 * columns that it took. */
int screen_text(int row, int column, int width, enum screen_style style, const char *text);

/* The same on several rows, broken at spaces. Returns the rows that it took. */
int screen_lines(int row, int rows, int column, int width, enum screen_style style,
		 const char *text);

/* How many rows of at most that many that would be. */
int screen_rows(int rows, int width, const char *text);

/* How many columns it would take. */
int screen_width(const char *text);

/* A bar of that width, of which `part` (0 to 1) is full. */
void screen_bar(int row, int column, int width, double part);

/* A row in that style. */
void screen_fill(int row, enum screen_style style);

/* The cursor stands there until the next screen_begin; nobody sees it otherwise. */
void screen_cursor(int row, int column);

/* The next key that was typed: a code point or enum screen_key; SCREEN_NONE: no more for now. */
unsigned screen_key(void);

/* Whether the terminal has gone. */
bool screen_is_gone(void);

#endif
