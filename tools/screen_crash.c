/* SPDX-License-Identifier: ISC */
/* screen_crash.c: a signal that ends us has no argument, hence the one static struct here. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "screen_crash.h"

#define RESTORE_MAX 64

static struct {
	struct termios termios;
	char restore[RESTORE_MAX];
	size_t length;
} before;

/* Only what a signal handler may do. The action is the default one again: raise ends us. */
static void
on_crash(int number)
{
	ssize_t n = write(STDOUT_FILENO, before.restore, before.length);

	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &before.termios);
	raise(number);
}

static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

int
crash_remember(void)
{
	const char *move;
	int error;

	/* newterm() finds out as well, but leaves memory behind. */
	if (tcgetattr(STDIN_FILENO, &before.termios) != 0 ||
	    setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return -ENODEV;
	move = tigetstr("cup");
	error = move == NULL || move == (char *)-1 ? -ENODEV : 0;
	del_curterm(cur_term);
	return error;
}

void
crash_guard(void)
{
	static const char *const names[] = { "cnorm", "sgr0", "rmkx", "rmcup" };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = tigetstr(names[i]);
		size_t length = text == NULL || text == (char *)-1 ? 0 : strlen(text);

		if (length == 0 || before.length + length > RESTORE_MAX)
			continue;
		memcpy(before.restore + before.length, text, length);
		before.length += length;
	}
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}

void
crash_unguard(void)
{
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		signal(crashes[i], SIG_DFL);
	before.length = 0;
}
