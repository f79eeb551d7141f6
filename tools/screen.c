/* SPDX-License-Identifier: ISC */
/* screen.c: text on a full screen. curses keeps its terminal in globals, hence the one static
 * struct here. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <unistr.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "base/alloc.h"
#include "screen.h"
#include "screen_crash.h"

#define CELLS_MAX    1024 /* wide characters of one row, combining ones as well */
#define ERRORS_MAX   4096 /* bytes of a line on standard error */
#define ESCAPE_DELAY 25   /* ms that the rest of a key's sequence may take */

static struct {
	SCREEN *screen;
	bool is_utf8, has_cursor;
	int stderr_fd; /* the real one while a pipe is in its place; -1: it is in its place */
	int pipe_fd;
	struct event *event;
	struct evbuffer *errors;
	void (*fn)(void *arg, const char *line);
	void *arg;
} terminal = { .stderr_fd = -1 };

/* --- standard error ----------------------------------------------------------------------- */

static void
on_error_line(evutil_socket_t fd, short what, void *arg)
{
	char *line;

	evbuffer_read(terminal.errors, fd, ERRORS_MAX);
	while ((line = evbuffer_readln(terminal.errors, NULL, EVBUFFER_EOL_LF)) != NULL) {
		terminal.fn(terminal.arg, line);
		free(line);
	}
	if (evbuffer_get_length(terminal.errors) > ERRORS_MAX)
		evbuffer_drain(terminal.errors, evbuffer_get_length(terminal.errors));
}

/* Both ends are ours: a full pipe must lose a line, and not wait for us to read it. */
static void
catch_errors(struct event_base *base)
{
	int fds[2];

	if (!isatty(STDERR_FILENO) || pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
		return;
	terminal.errors = evbuffer_new();
	terminal.event = event_new(base, fds[0], EV_READ | EV_PERSIST, on_error_line, NULL);
	if (terminal.errors == NULL || terminal.event == NULL)
		abort();
	event_add(terminal.event, NULL);
	terminal.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	terminal.pipe_fd = fds[0];
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
}

static void
release_errors(void)
{
	if (terminal.stderr_fd == -1)
		return;
	event_free(terminal.event);
	evbuffer_free(terminal.errors);
	dup2(terminal.stderr_fd, STDERR_FILENO);
	close(terminal.stderr_fd);
	close(terminal.pipe_fd);
	terminal.stderr_fd = -1;
}

/* --- the terminal ------------------------------------------------------------------------- */

static void
set_colours(void)
{
	if (!out_has_colour(stdout) || start_color() == ERR || !has_colors())
		return;
	use_default_colors();
	init_pair(SCREEN_GOOD, COLOR_GREEN, -1);
	init_pair(SCREEN_BAD, COLOR_RED, -1);
}

int
screen_open(struct cli *cli, void (*fn)(void *arg, const char *line), void *arg)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	if (crash_remember() != 0)
		return -ENODEV;
	terminal.screen = newterm(NULL, stdout, stdin);
	if (terminal.screen == NULL)
		return -ENODEV;
	terminal.fn = fn;
	terminal.arg = arg;
	terminal.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	crash_guard();
	set_escdelay(ESCAPE_DELAY);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	set_colours();
	catch_errors(cli->base);
	return 0;
}

/* Where there is no second screen, what comes next is written over our last line. */
static void
leave(void)
{
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
}

void
screen_close(void)
{
	if (terminal.screen == NULL)
		return;
	leave();
	delscreen(terminal.screen);
	terminal.screen = NULL;
	crash_unguard();
	release_errors();
}

void
screen_suspend(void)
{
	def_prog_mode();
	leave();
	kill(getpid(), SIGTSTP);
	screen_renew();
}

void
screen_renew(void)
{
	struct winsize size;

	reset_prog_mode();
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
	curs_set(0);
}

void
screen_size(int *rows, int *columns)
{
	getmaxyx(stdscr, *rows, *columns);
}

/* --- drawing ------------------------------------------------------------------------------ */

struct wide {
	wchar_t text[CELLS_MAX + 1];
	int length;
};

/* What this terminal can show of a text, by the widths that curses goes by, too. */
static void
wide_from(struct wide *wide, const char *text)
{
	char *clean = out_escape(text, false);
	size_t left = strlen(clean), at = 0;
	ucs4_t c;

	for (wide->length = 0; left > 0 && wide->length < CELLS_MAX;) {
		int length = u8_mbtoucr(&c, (const uint8_t *)clean + at, left);

		length = length <= 0 ? 1 : length;
		wide->text[wide->length++] = wcwidth((wchar_t)c) < 0 ? L'?' : (wchar_t)c;
		at += length;
		left -= length;
	}
	wide->text[wide->length] = L'\0';
	free(clean);
}

/* How many characters from `from` on fit into width columns; *used: how many columns they take. */
static int
fitting(const struct wide *wide, int from, int width, int *used)
{
	int n = 0;

	for (*used = 0; from + n < wide->length; n++) {
		int columns = wcwidth(wide->text[from + n]);

		if (*used + columns > width)
			break;
		*used += columns;
	}
	return n;
}

static int
attributes_of(enum screen_style style)
{
	switch (style) {
	case SCREEN_PLAIN:
		return A_NORMAL;
	case SCREEN_STRONG:
		return A_BOLD;
	case SCREEN_FAINT:
		return A_DIM;
	case SCREEN_TURNED:
		return A_REVERSE;
	case SCREEN_GOOD:
		return COLOR_PAIR(SCREEN_GOOD);
	case SCREEN_BAD:
		return COLOR_PAIR(SCREEN_BAD) | A_BOLD;
	}
	return A_NORMAL;
}

static void
put(int row, int column, enum screen_style style, const wchar_t *text, int n)
{
	attrset(attributes_of(style));
	mvaddnwstr(row, column, text, n);
	attrset(A_NORMAL);
}

void
screen_begin(void)
{
	erase();
	terminal.has_cursor = false;
}

void
screen_end(void)
{
	curs_set(terminal.has_cursor ? 1 : 0);
	refresh();
}

int
screen_text(int row, int column, int width, enum screen_style style, const char *text)
{
	struct wide wide;
	int used, n;

	if (width <= 0)
		return 0;
	wide_from(&wide, text);
	n = fitting(&wide, 0, width, &used);
	if (n < wide.length) {
		n = fitting(&wide, 0, width - 1, &used);
		wide.text[n++] = terminal.is_utf8 ? L'\u2026' : L'~';
		used++;
	}
	put(row, column, style, wide.text, n);
	return used;
}

/* Where to break, when there is more than fits: behind the last wide gap, unless much of the row
 * would be empty, or the last space. */
static int
broken(const struct wide *wide, int from, int n)
{
	const wchar_t *text = wide->text + from;
	int space = n;

	if (from + n >= wide->length)
		return n;
	for (int i = n; i > 1; i--) {
		if (text[i - 1] != L' ')
			continue;
		if (space == n)
			space = i;
		if (i > n / 2 && text[i - 2] == L' ')
			return i;
	}
	return space;
}

/* row -1: only counts. */
static int
put_lines(int row, int rows, int column, int width, enum screen_style style, const char *text)
{
	struct wide wide;
	int from = 0, used, n, i;

	if (width <= 0 || rows <= 0)
		return 0;
	wide_from(&wide, text);
	for (i = 0; i < rows && from < wide.length; i++) {
		n = broken(&wide, from, fitting(&wide, from, width, &used));
		if (n == 0)
			break;
		if (row >= 0)
			put(row + i, column, style, wide.text + from, n);
		from += n;
	}
	return i;
}

int
screen_lines(int row, int rows, int column, int width, enum screen_style style, const char *text)
{
	return put_lines(row, rows, column, width, style, text);
}

int
screen_rows(int rows, int width, const char *text)
{
	return put_lines(-1, rows, 0, width, SCREEN_PLAIN, text);
}

int
screen_width(const char *text)
{
	struct wide wide;
	int used;

	wide_from(&wide, text);
	fitting(&wide, 0, CELLS_MAX, &used);
	return used;
}

void
screen_bar(int row, int column, int width, double part)
{
	wchar_t full = terminal.is_utf8 ? L'\u2501' : L'=';
	wchar_t empty = terminal.is_utf8 ? L'\u2500' : L'-';
	int filled = (int)(part * width + 0.5);

	for (int i = 0; i < width; i++)
		put(row, column + i, i < filled ? SCREEN_GOOD : SCREEN_FAINT,
		    i < filled ? &full : &empty, 1);
}

void
screen_fill(int row, enum screen_style style)
{
	mvchgat(row, 0, -1, attributes_of(style), 0, NULL);
}

void
screen_cursor(int row, int column)
{
	terminal.has_cursor = true;
	move(row, column);
}

/* --- keys --------------------------------------------------------------------------------- */

static unsigned
special_of(wint_t code)
{
	switch (code) {
	case KEY_UP:
		return SCREEN_UP;
	case KEY_DOWN:
		return SCREEN_DOWN;
	case KEY_LEFT:
		return SCREEN_LEFT;
	case KEY_RIGHT:
		return SCREEN_RIGHT;
	case KEY_ENTER:
		return SCREEN_ENTER;
	case KEY_BACKSPACE:
		return SCREEN_BACKSPACE;
	}
	return SCREEN_OTHER;
}

unsigned
screen_key(void)
{
	wint_t code;
	int kind = get_wch(&code);

	if (kind == ERR)
		return SCREEN_NONE;
	if (kind == KEY_CODE_YES)
		return special_of(code);
	switch (code) {
	case L'\r':
	case L'\n':
		return SCREEN_ENTER;
	case L'\b':
	case 0x7f:
		return SCREEN_BACKSPACE;
	case 0x1b:
		return SCREEN_ESCAPE;
	}
	return code == 0 ? SCREEN_OTHER : code;
}

bool
screen_is_gone(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int bytes = 0;

	if (poll(&in, 1, 0) <= 0)
		return false;
	if (in.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes == 0;
}
