/* SPDX-License-Identifier: ISC */
/* remote_keys.c: what the keys of the keyboard do, as one table that the help is made of, too. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <unistr.h>

#include "base/alloc.h"
#include "boxes.h"
#include "press_value.h"
#include "remote.h"
#include "screen.h"

#define RATE_STEP 250 /* thousandths */
#define CTRL(c)   ((c) - '@')

struct row {
	unsigned keys[3];
	const char *shown, *what;
	const char *key;            /* of the player's, when it takes keys; NULL: none */
	const char *button, *value; /* otherwise; NULL: none */
	void (*run)(struct remote *remote);
};

/* --- what is no press ----------------------------------------------------------------------- */

static void
show_boxes(struct remote *remote)
{
	remote->page = REMOTE_BOXES;
	boxes_show(remote->boxes, true);
}

static void
show_help(struct remote *remote)
{
	remote->page = REMOTE_HELP;
	remote->help_first = 0;
}

/* To its next page, or back to where it was asked for. */
static void
on_help_key(struct remote *remote, int key)
{
	const char *what;

	remote->quit = key == 'q';
	remote->help_first += remote_help_room();
	if (remote_key_help(remote->help_first, &what) == NULL)
		remote->page = remote->address == NULL ? REMOTE_BOXES : REMOTE_PLAYER;
}

static void
type_url(struct remote *remote)
{
	remote->page = REMOTE_URL;
	remote->url[0] = '\0';
}

static void
quit(struct remote *remote)
{
	remote->quit = true;
}

static void
draw_again(struct remote *remote)
{
	screen_renew();
}

/* Absolute on the wire; the next press of the same key builds on this one. */
static void
change_rate(struct remote *remote, int step)
{
	int rate = (remote->view.state.rate + step) / RATE_STEP * RATE_STEP;
	char value[16];

	if (!remote->has_view)
		return;
	rate = rate < RATE_STEP ? RATE_STEP : rate > EAR_RATE_MAX ? EAR_RATE_MAX : rate;
	remote->view.state.rate = rate;
	snprintf(value, sizeof(value), "%d.%02d", rate / 1000, rate % 1000 / 10);
	remote_press(remote, "rate", value);
}

static void
slower(struct remote *remote)
{
	change_rate(remote, -RATE_STEP);
}

static void
faster(struct remote *remote)
{
	change_rate(remote, RATE_STEP);
}

static const struct row rows[] = {
	{ { ' ' }, "space", "play, pause", NULL, "playpause", NULL, NULL },
	{ { 's' }, "s", "stop", NULL, "stop", NULL, NULL },
	{ { 'n' }, "n", "next", NULL, "next", NULL, NULL },
	{ { 'p' }, "p", "previous", NULL, "previous", NULL, NULL },
	{ { SCREEN_LEFT }, "left", "key, or back 10 s", "left", "seek", "-10", NULL },
	{ { SCREEN_RIGHT }, "right", "key, or on 10 s", "right", "seek", "+10", NULL },
	{ { SCREEN_UP }, "up", "key, or louder", "up", "volume", "+5", NULL },
	{ { SCREEN_DOWN }, "down", "key, or softer", "down", "volume", "-5", NULL },
	{ { SCREEN_ENTER }, "Enter", "ok", "ok", NULL, NULL, NULL },
	{ { SCREEN_BACKSPACE, SCREEN_ESCAPE }, "Esc", "back", "back", NULL, NULL, NULL },
	{ { 'h' }, "h", "home", "home", NULL, NULL, NULL },
	{ { 'm' }, "m", "menu", "menu", NULL, NULL, NULL },
	{ { 'i' }, "i", "info", "info", NULL, NULL, NULL },
	{ { '<', ',' }, "<", "back 10 s", NULL, "seek", "-10", NULL },
	{ { '>', '.' }, ">", "on 10 s", NULL, "seek", "+10", NULL },
	{ { '+', '=' }, "+", "louder", NULL, "volume", "+5", NULL },
	{ { '-' }, "-", "softer", NULL, "volume", "-5", NULL },
	{ { 'M' }, "M", "mute", NULL, "mute", NULL, NULL },
	{ { '[' }, "[", "slower", NULL, "rate", NULL, slower },
	{ { ']' }, "]", "faster", NULL, "rate", NULL, faster },
	{ { 'z' }, "z", "shuffle", NULL, "shuffle", NULL, NULL },
	{ { 'r' }, "r", "repeat", NULL, "repeat", NULL, NULL },
	{ { 'a' }, "a", "next audio track", NULL, "audio", NULL, NULL },
	{ { 't' }, "t", "next subtitles", NULL, "subtitle", NULL, NULL },
	{ { 'o' }, "o", "open a URL", NULL, "open", NULL, type_url },
	{ { 'l' }, "l", "list of boxes", NULL, NULL, NULL, show_boxes },
	{ { '?' }, "?", "help", NULL, NULL, NULL, show_help },
	{ { 'q' }, "q", "quit", NULL, NULL, NULL, quit },
	{ { CTRL('L') }, NULL, NULL, NULL, NULL, NULL, draw_again },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *
find(unsigned key)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < 3 && rows[i].keys[k] != 0; k++)
			if (rows[i].keys[k] == key)
				return &rows[i];
	return NULL;
}

static bool
can(const struct remote *remote, enum ear_button button)
{
	return remote->has_view && (remote->view.state.can & 1u << button) != 0;
}

static void
on_player_key(struct remote *remote, unsigned key)
{
	const struct row *row = find(key);

	if (row == NULL)
		return;
	if (row->run != NULL)
		row->run(remote);
	else if (row->key != NULL && can(remote, EAR_KEY) &&
		 (row->button == NULL || remote_takes_keys(remote)))
		remote_press_key(remote, row->key, row->button, row->value);
	else if (row->button != NULL)
		remote_press(remote, row->button, row->value);
	else if (remote->has_view)
		remote_say(remote, true, "%s: this player takes no keys", row->key);
}

/* --- the list of boxes --------------------------------------------------------------------- */

static void
leave_boxes(struct remote *remote)
{
	boxes_show(remote->boxes, false);
	remote->page = REMOTE_PLAYER;
}

static void
choose_selected(struct remote *remote)
{
	const struct box *box = boxes_get(remote->boxes, boxes_selected(remote->boxes));

	if (box == NULL)
		return;
	boxes_show(remote->boxes, false);
	remote_choose(remote, box->address, box->name);
}

static void
on_boxes_key(struct remote *remote, unsigned key)
{
	switch (key) {
	case SCREEN_UP:
		boxes_move(remote->boxes, -1);
		break;
	case SCREEN_DOWN:
		boxes_move(remote->boxes, 1);
		break;
	case SCREEN_ENTER:
		choose_selected(remote);
		break;
	case SCREEN_ESCAPE:
	case SCREEN_BACKSPACE:
	case 'l':
		if (remote->address != NULL)
			leave_boxes(remote);
		break;
	case '?':
		show_help(remote);
		break;
	case 'q':
		remote->quit = true;
		break;
	}
}

/* --- the line for a URL -------------------------------------------------------------------- */

static void
open_url(struct remote *remote)
{
	struct ear_press press;

	remote->page = REMOTE_PLAYER;
	if (remote->url[0] == '\0')
		return;
	if (press_parse("open", remote->url, &press) == 0)
		remote_press(remote, "open", remote->url);
	else
		remote_say(remote, true, "open: that is no URL: it begins with https: or the like");
}

static void
take_back(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && (text[length - 1] & 0xc0) == 0x80)
		length--;
	text[length > 0 ? length - 1 : 0] = '\0';
}

static void
type(struct remote *remote, unsigned c)
{
	size_t length = strlen(remote->url);
	uint8_t bytes[6];
	int n = u8_uctomb(bytes, c, sizeof(bytes));

	if (c < ' ' || n <= 0 || length + (size_t)n >= sizeof(remote->url))
		return;
	memcpy(remote->url + length, bytes, n);
	remote->url[length + n] = '\0';
}

static void
on_url_key(struct remote *remote, unsigned key)
{
	switch (key) {
	case SCREEN_ENTER:
		open_url(remote);
		break;
	case SCREEN_ESCAPE:
		remote->page = REMOTE_PLAYER;
		break;
	case SCREEN_BACKSPACE:
		take_back(remote->url);
		break;
	case CTRL('U'):
		remote->url[0] = '\0';
		break;
	default:
		type(remote, key);
	}
}

/* --- all ----------------------------------------------------------------------------------- */

void
remote_key(struct remote *remote, unsigned key)
{
	remote->dirty = true;
	switch (remote->page) {
	case REMOTE_PLAYER:
		on_player_key(remote, key);
		break;
	case REMOTE_BOXES:
		on_boxes_key(remote, key);
		break;
	case REMOTE_HELP:
		on_help_key(remote, key);
		break;
	case REMOTE_URL:
		on_url_key(remote, key);
		break;
	}
}

const char *
remote_key_help(size_t i, const char **what)
{
	if (i >= ROWS || rows[i].shown == NULL)
		return NULL;
	*what = rows[i].what;
	return rows[i].shown;
}

/* Keys first, then what the player can do now, each once. */
char *
remote_key_hints(const struct remote *remote)
{
	char *text = xstrdup(remote_takes_keys(remote) ? "arrows, Enter, Esc, h, m, i: keys" : "");

	for (size_t i = 0; i < ROWS; i++) {
		int button = rows[i].button == NULL ? -1 : ear_button_find(rows[i].button);
		char *longer;

		if (rows[i].key != NULL || button < 0 || !can(remote, button))
			continue;
		longer = xasprintf("%s%s%s %s", text, text[0] == '\0' ? "" : "  ", rows[i].shown,
				   rows[i].what);
		free(text);
		text = longer;
	}
	return text;
}
