/* SPDX-License-Identifier: ISC */
/*
 * chat_edit.c: one line on a terminal, edited. libedit is given whole keys only, so that it never
 * waits for the rest of one, and text that was pasted as text. Its callbacks carry no argument,
 * hence the one static struct here.
 */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <event2/event.h>
#include <histedit.h>
#include <uniwidth.h>

#include "base/alloc.h"
#include "chat_edit.h"
#include "chat_history.h"
#include "chat_keys.h"

#define READ_MAX     4096
#define ESCAPE_DELAY 50000 /* us that the rest of a key's sequence may take */
#define LISTED_MAX   64    /* candidates shown */
#define END_OF_FILE  '\004'
/* DEC private modes: bracketed paste. */
#define PASTE_ON  "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
/* How a line end in what was pasted looks in the line. */
#define LINE_END "\u21b5"

static const int signals[] = { SIGWINCH, SIGTSTP, SIGCONT, SIGHUP };

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct {
	EditLine *el;
	History *history;
	char *history_path;
	const char *prompt;
	const struct chat_line_events *events;
	void *arg;
	struct event *readable, *idle, *signals[SIGNALS];
	struct chat_keys keys;
	char bytes[READ_MAX + 32]; /* keys that libedit has not had yet */
	size_t length, at;
	bool ended, is_utf8, pastes; /* pastes: the terminal may know about bracketed paste */
} edit;

static char *
prompt_of(EditLine *el)
{
	return (char *)edit.prompt;
}

/* --- the terminal ------------------------------------------------------------------------- */

static void
put_mode(const char *mode)
{
	if (edit.pastes)
		fputs(mode, stdout);
	fflush(stdout);
}

static void
take_terminal(void)
{
	el_set(edit.el, EL_UNBUFFERED, 1);
	put_mode(PASTE_ON);
}

static void
give_terminal(void)
{
	put_mode(PASTE_OFF);
	el_set(edit.el, EL_UNBUFFERED, 0);
}

static int
columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* From wherever the cursor is in it to the beginning of the prompt, and nothing below. */
static void
clear_line(void)
{
	const LineInfo *line = el_line(edit.el);
	char *before = xstrndup(line->buffer, line->cursor - line->buffer);
	int width = u8_strwidth((const uint8_t *)edit.prompt, "UTF-8") +
		    u8_strwidth((const uint8_t *)before, "UTF-8");
	int rows = width / columns();

	if (rows > 0)
		printf("\033[%dA", rows);
	printf("\r\033[J");
	free(before);
}

void
chat_edit_print(const char *text)
{
	if (edit.ended) {
		printf("%s\n", text);
		fflush(stdout);
		return;
	}
	clear_line();
	printf("%s\n", text);
	fflush(stdout);
	el_set(edit.el, EL_REFRESH);
}

/* --- completion --------------------------------------------------------------------------- */

static bool
begins(const char *candidate, const char *word)
{
	return strncmp(candidate, word, strlen(word)) == 0;
}

/* What all candidates have in common. The caller frees; NULL: there is none. */
static char *
common_of(const char *line, size_t start, size_t *count)
{
	const char *candidate;
	char *common = NULL;

	*count = 0;
	for (size_t i = 0; (candidate = edit.events->candidate(edit.arg, line, start, i)) != NULL;
	     i++) {
		size_t n = 0;

		if (!begins(candidate, line + start))
			continue;
		if ((*count)++ == 0) {
			common = xstrdup(candidate);
			continue;
		}
		while (common[n] != '\0' && common[n] == candidate[n])
			n++;
		while (n > 0 && ((unsigned char)common[n] & 0xc0) == 0x80)
			n--;
		common[n] = '\0';
	}
	return common;
}

static void
list_candidates(const char *line, size_t start)
{
	char *text = xstrdup("");
	const char *candidate;
	size_t shown = 0;

	for (size_t i = 0; shown < LISTED_MAX &&
			   (candidate = edit.events->candidate(edit.arg, line, start, i)) != NULL;
	     i++) {
		char *longer;

		if (!begins(candidate, line + start))
			continue;
		longer = xasprintf("%s%s%s", text, shown++ == 0 ? "" : "  ", candidate);
		free(text);
		text = longer;
	}
	chat_edit_print(text);
	free(text);
}

static unsigned char
on_tab(EditLine *el, int c)
{
	const LineInfo *info = el_line(el);
	char *line = xstrndup(info->buffer, info->cursor - info->buffer), *common;
	size_t length = strlen(line), start = length, count;
	unsigned char outcome = CC_REFRESH;

	while (start > 0 && line[start - 1] != ' ')
		start--;
	common = common_of(line, start, &count);
	if (common == NULL) {
		outcome = CC_REFRESH_BEEP;
	} else if (strlen(common) > length - start || count == 1) {
		el_insertstr(el, common + (length - start));
		if (count == 1)
			el_insertstr(el, " ");
	} else {
		list_candidates(line, start);
	}
	free(common);
	free(line);
	return outcome;
}

/* --- lines -------------------------------------------------------------------------------- */

/* What stands for line ends becomes them. */
static char *
with_line_ends(const char *line)
{
	char *text = xstrdup(line), *to = text;

	for (const char *from = line; *from != '\0';) {
		if (begins(from, LINE_END)) {
			*to++ = '\n';
			from += strlen(LINE_END);
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return text;
}

static void
give_line(const char *buffer, size_t length)
{
	char *line = xstrndup(buffer, length), *text;

	chat_history_add(edit.history, line);
	text = with_line_ends(line);
	give_terminal();
	take_terminal();
	edit.events->line(edit.arg, text);
	free(text);
	free(line);
}

static void
end_input(void)
{
	edit.ended = true;
	event_del(edit.readable);
	give_terminal();
	printf("\n");
	fflush(stdout);
	edit.events->line(edit.arg, NULL);
}

/* Lets libedit have the keys, one at a time. */
static void
run_keys(void)
{
	while (edit.at < edit.length && !edit.ended) {
		int count = 0;
		const char *buffer = el_gets(edit.el, &count);

		if (buffer == NULL || count <= 0)
			continue;
		if (buffer[count - 1] == '\n' || buffer[count - 1] == '\r')
			give_line(buffer, count - 1);
		else if (count == 1 && buffer[0] == END_OF_FILE)
			end_input();
	}
	edit.at = edit.length = 0;
}

/* One character for libedit. It asks for more than there are only inside of what takes a second key
 * (vi's r, a search): then it gets them as they are typed. */
static int
on_character(EditLine *el, wchar_t *c)
{
	mbstate_t state = { 0 };

	for (;;) {
		size_t n = mbrtowc(c, edit.bytes + edit.at, edit.length - edit.at, &state);
		ssize_t got;

		if (edit.at < edit.length && n != (size_t)-2 && n != (size_t)-1) {
			edit.at += n == 0 ? 1 : n;
			return 1;
		}
		if (edit.at < edit.length && n == (size_t)-1) {
			edit.at++; /* no character: left out */
			*c = L'?';
			return 1;
		}
		memset(&state, 0, sizeof(state));
		memmove(edit.bytes, edit.bytes + edit.at, edit.length - edit.at);
		edit.length -= edit.at;
		edit.at = 0;
		got = read(STDIN_FILENO, edit.bytes + edit.length, 1);
		if (got <= 0)
			return -1;
		edit.length++;
	}
}

/* --- what the terminal sends -------------------------------------------------------------- */

static void
on_keys(void *arg, const char *bytes, size_t length)
{
	if (length > sizeof(edit.bytes) - edit.length)
		run_keys();
	memcpy(edit.bytes + edit.length, bytes, length);
	edit.length += length;
}

static void
on_pasted(void *arg, char *text)
{
	char *shown = xalloc(strlen(text) * strlen(LINE_END) + 1), *to = shown;

	run_keys();
	for (const char *from = text; *from != '\0'; from++) {
		const char *as = edit.is_utf8 ? LINE_END : " ";

		if (*from == '\n') {
			memcpy(to, as, strlen(as));
			to += strlen(as);
		} else {
			*to++ = *from;
		}
	}
	if (!edit.ended) {
		clear_line();
		fflush(stdout);
		el_insertstr(edit.el, shown);
		el_set(edit.el, EL_REFRESH);
	}
	free(shown);
}

static const struct chat_keys_events key_events = { on_keys, on_pasted };

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval moment = { .tv_usec = ESCAPE_DELAY };
	char bytes[READ_MAX];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_input();
		return;
	}
	chat_keys_feed(&edit.keys, bytes, (size_t)n);
	run_keys();
	if (chat_keys_wait(&edit.keys))
		event_add(edit.idle, &moment);
	else
		event_del(edit.idle);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	chat_keys_idle(&edit.keys);
}

/* --- signals ------------------------------------------------------------------------------ */

static void
draw_again(void)
{
	el_set(edit.el, EL_PREP_TERM, 1);
	put_mode(PASTE_ON);
	fputs("\r\033[J", stdout);
	fflush(stdout);
	el_set(edit.el, EL_REFRESH);
}

static void
stop(struct event *event)
{
	put_mode(PASTE_OFF);
	fputs("\n", stdout);
	fflush(stdout);
	el_set(edit.el, EL_PREP_TERM, 0);
	event_del(event);
	kill(getpid(), SIGTSTP);
	event_add(event, NULL);
	draw_again();
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	if (edit.ended)
		return;
	if (number == SIGWINCH) {
		clear_line();
		fflush(stdout);
		el_resize(edit.el);
		el_set(edit.el, EL_REFRESH);
	} else if (number == SIGTSTP) {
		stop(edit.signals[1]);
	} else if (number == SIGHUP) {
		end_input(); /* what was typed is kept */
	} else {
		draw_again();
	}
}

/* --- all ---------------------------------------------------------------------------------- */

static void
watch(struct event_base *base)
{
	edit.readable = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_readable, NULL);
	edit.idle = evtimer_new(base, on_idle, NULL);
	if (edit.readable == NULL || edit.idle == NULL)
		abort();
	event_add(edit.readable, NULL);
	for (size_t i = 0; i < SIGNALS; i++) {
		edit.signals[i] = evsignal_new(base, signals[i], on_signal, NULL);
		if (edit.signals[i] == NULL)
			abort();
		event_add(edit.signals[i], NULL);
	}
}

void
chat_edit_open(struct event_base *base, const char *prompt, const char *path,
	       const struct chat_line_events *events, void *arg)
{
	const char *type = getenv("TERM");

	memset(&edit, 0, sizeof(edit));
	edit.prompt = prompt;
	edit.events = events;
	edit.arg = arg;
	edit.pastes = type != NULL && strcmp(type, "dumb") != 0;
	edit.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	edit.history_path = xstrdup(path);
	edit.history = chat_history_open(path);
	chat_keys_init(&edit.keys, &key_events, NULL);
	edit.el = el_init("earshot", stdin, stdout, stderr);
	if (edit.el == NULL)
		abort();
	el_set(edit.el, EL_PROMPT, prompt_of);
	el_set(edit.el, EL_EDITOR, "emacs");
	el_set(edit.el, EL_SIGNAL, 0);
	el_set(edit.el, EL_HIST, history, edit.history);
	el_set(edit.el, EL_GETCFN, on_character);
	/* Wide: of narrow ones libedit loses a copy. */
	el_wset(edit.el, EL_ADDFN, L"earshot-complete", L"completes the word", on_tab);
	el_set(edit.el, EL_BIND, "^I", "earshot-complete", NULL);
	el_set(edit.el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(edit.el, NULL);
	take_terminal();
	watch(base);
}

void
chat_edit_close(void)
{
	if (!edit.ended) {
		give_terminal();
		printf("\n");
		fflush(stdout);
	}
	chat_history_close(edit.history, edit.history_path);
	el_end(edit.el);
	event_free(edit.readable);
	event_free(edit.idle);
	for (size_t i = 0; i < SIGNALS; i++)
		event_free(edit.signals[i]);
	chat_keys_release(&edit.keys);
	free(edit.history_path);
	memset(&edit, 0, sizeof(edit));
}
