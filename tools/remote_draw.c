/* SPDX-License-Identifier: ISC */
/* remote_draw.c: what the remote control looks like. Text of others is escaped by screen.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "boxes.h"
#include "remote.h"
#include "screen.h"

#define MARGIN           2
#define ROWS_ROOMY       16 /* from here on there are empty rows between things */
#define VOLUME_WIDTH     22
#define HINT_ROWS_MAX    4
#define NAME_WIDTH       16
#define MESSAGE_ROWS_MAX 4
#define PATH_WIDTH       20 /* "lan 0.812 ms trusted" */
#define BOXES_WIDTH      60 /* below that there is room for name or address only */
#define HELP_WIDTH       25
#define HELP_COLUMNS_MAX 3

/* Where the next thing goes. */
struct page {
	int rows, columns, row;
};

static void
gap(struct page *page)
{
	if (page->rows >= ROWS_ROOMY)
		page->row++;
}

static void
line(struct page *page, enum screen_style style, const char *text)
{
	screen_text(page->row++, MARGIN, page->columns - 2 * MARGIN, style, text);
}

static void
head(struct page *page, const char *left, const char *right)
{
	int width = right == NULL ? 0 : screen_width(right);

	screen_text(0, 1, page->columns - 2, SCREEN_TURNED, left);
	if (right != NULL && width + screen_width(left) + 4 <= page->columns)
		screen_text(0, page->columns - width - 1, width, SCREEN_TURNED, right);
	screen_fill(0, SCREEN_TURNED);
	page->row = 1;
	gap(page);
}

/* --- the player --------------------------------------------------------------------------- */

static void
draw_title(const struct remote *remote, struct page *page)
{
	const struct ear_player_state *s = &remote->view.state;
	char *by = xasprintf("%s%s%s", s->artist,
			     s->artist[0] != '\0' && s->album[0] != '\0' ? " - " : "", s->album);

	line(page, SCREEN_STRONG, s->title[0] == '\0' ? "(no title)" : s->title);
	line(page, SCREEN_PLAIN, by);
	free(by);
}

/* "playing  0:12 ━━━━━━────── 10:34" */
static void
draw_progress(const struct remote *remote, struct page *page)
{
	const struct ear_player_state *s = &remote->view.state;
	int64_t position = ear_player_position(s, cli_now());
	char at[32], of[32], *left;
	int column = MARGIN, end, width;

	out_time(at, sizeof(at), position < 0 ? -1 : (double)position / 1e6);
	out_time(of, sizeof(of), s->duration_us < 0 ? -1 : (double)s->duration_us / 1e6);
	left = xasprintf("%-7s  %s  ", ear_playback_name(s->playback), at);
	column += screen_text(page->row, column, page->columns - 2 * MARGIN, SCREEN_PLAIN, left);
	end = page->columns - MARGIN - (int)strlen(of) - 1;
	width = end - column;
	if (s->duration_us > 0 && position >= 0 && width > 0) {
		double part = (double)position / (double)s->duration_us;

		screen_bar(page->row, column, width, part > 1 ? 1 : part);
		screen_text(page->row, end + 1, (int)strlen(of), SCREEN_PLAIN, of);
	}
	page->row++;
	free(left);
}

static void
draw_volume(const struct remote *remote, struct page *page)
{
	const struct ear_player_state *s = &remote->view.state;
	char text[32];
	int column = MARGIN;

	if (s->volume >= 0) {
		snprintf(text, sizeof(text), "volume   %3d %% ", s->volume);
		column +=
			screen_text(page->row, column, page->columns - MARGIN, SCREEN_PLAIN, text);
		screen_bar(page->row, column, VOLUME_WIDTH - 8,
			   s->volume > 100 ? 1 : s->volume / 100.0);
		column += VOLUME_WIDTH - 7;
	}
	if (s->muted)
		screen_text(page->row, column, page->columns - column, SCREEN_BAD, "muted");
	page->row++;
}

static char *
track_text(const char *what, int track, int count)
{
	if (count < 1 || track < 0)
		return xstrdup("");
	return track == 0 ? xasprintf("  %s off", what)
			  : xasprintf("  %s %d/%d", what, track, count);
}

static void
draw_modes(const struct remote *remote, struct page *page)
{
	const struct ear_player_state *s = &remote->view.state;
	char *audio = track_text("audio", s->audio, s->audio_count);
	char *subtitle = track_text("subtitle", s->subtitle, s->subtitle_count);
	char *text = xasprintf("rate %g%s%s%s%s%s", s->rate / 1e3,
			       s->shuffle < 0 ? ""
			       : s->shuffle   ? "  shuffle"
					      : "  no shuffle",
			       s->repeat < 0 ? "" : "  repeat ",
			       s->repeat < 0 ? "" : ear_repeat_name(s->repeat), audio, subtitle);

	line(page, SCREEN_PLAIN, text);
	free(text);
	free(subtitle);
	free(audio);
}

static void
draw_hints(const struct remote *remote, struct page *page, int end)
{
	char *text = remote_key_hints(remote);
	int rows = end - page->row;

	page->row += screen_lines(page->row, rows > HINT_ROWS_MAX ? HINT_ROWS_MAX : rows, MARGIN,
				  page->columns - 2 * MARGIN, SCREEN_FAINT, text);
	free(text);
}

/* Name and kind of the player. */
static char *
player_name(const struct remote *remote)
{
	const struct player_view *view = &remote->view;

	if (!remote->has_view || !view->is_player)
		return NULL;
	if (view->state.name[0] == '\0' || strcmp(view->state.name, view->kind) == 0)
		return xstrdup(view->kind);
	return xasprintf("%s (%s)", view->state.name, view->kind);
}

static void
draw_state(const struct remote *remote, struct page *page, int end)
{
	if (!remote->has_view) {
		screen_lines(page->row, end - page->row, MARGIN, page->columns - 2 * MARGIN,
			     remote->trouble == NULL ? SCREEN_FAINT : SCREEN_BAD,
			     remote->trouble == NULL ? "asking ..." : remote->trouble);
		return;
	}
	if (!remote->view.is_player) {
		line(page, SCREEN_STRONG, "no player runs there");
		return;
	}
	draw_title(remote, page);
	gap(page);
	draw_progress(remote, page);
	draw_volume(remote, page);
	draw_modes(remote, page);
	gap(page);
	draw_hints(remote, page, end);
}

/* The box is the engine that we speak to: it answers without a path. */
static bool
is_here(const struct remote *remote)
{
	return remote->has_view &&
	       (remote->link == EAR_LINK_NONE || remote->link == EAR_LINK_LOCAL);
}

/* "lan 0.812 ms  trusted  tv@pronto.local" */
static void
draw_foot(const struct remote *remote, const struct page *page)
{
	const struct remote_path *path = &remote->path;
	size_t waiting = remote_presses(remote);
	char rtt[32] = "", right[32], *left;

	if (path->rtt_us >= 0)
		out_rtt(rtt, sizeof(rtt), path->rtt_us);
	if (waiting > 0)
		snprintf(right, sizeof(right), "%zu under way", waiting);
	else
		copy_text(right, sizeof(right), "? help");
	if (!remote->cli->up)
		left = xstrdup("no daemon");
	else if (remote->page == REMOTE_URL)
		left = xstrdup("Enter opens it, Esc does not");
	else if (remote->page == REMOTE_BOXES)
		left = xstrdup("Enter chooses, q quits");
	else if (path->link[0] == '\0' && is_here(remote))
		left = xasprintf("this machine  %s", remote->address);
	else if (path->link[0] == '\0')
		left = xasprintf("no path%s%s  %s", path->trouble[0] == '\0' ? "" : ": ",
				 path->trouble, remote->address);
	else
		left = xasprintf("%s%s%s  %s  %s%s%s", path->link, rtt[0] == '\0' ? "" : " ", rtt,
				 path->level, remote->address, path->trouble[0] == '\0' ? "" : "  ",
				 path->trouble);
	screen_text(page->rows - 1, 1, page->columns - (int)strlen(right) - 4, SCREEN_TURNED, left);
	screen_text(page->rows - 1, page->columns - (int)strlen(right) - 1, (int)strlen(right),
		    SCREEN_TURNED, right);
	screen_fill(page->rows - 1, SCREEN_TURNED);
	free(left);
}

/* A line that is typed, or what happened last: as much of it as there is room for. */
static int
message_rows(const struct remote *remote, const struct page *page)
{
	if (remote->page == REMOTE_URL || remote->message == NULL)
		return 1;
	return screen_rows(MESSAGE_ROWS_MAX, page->columns - 2 * MARGIN, remote->message);
}

static void
draw_message(const struct remote *remote, const struct page *page)
{
	int rows = message_rows(remote, page);

	if (remote->message != NULL)
		screen_lines(page->rows - 1 - rows, rows, MARGIN, page->columns - 2 * MARGIN,
			     remote->is_bad ? SCREEN_BAD : SCREEN_PLAIN, remote->message);
}

static void
draw_player(const struct remote *remote, struct page *page)
{
	char *name = player_name(remote);

	head(page, remote->name != NULL ? remote->name : remote->address, name);
	draw_state(remote, page, page->rows - 1 - message_rows(remote, page));
	free(name);
}

/* --- the others --------------------------------------------------------------------------- */

/* The end of it, where the typing goes on. */
static void
draw_url(const struct remote *remote, struct page *page)
{
	int width = page->columns - 2 * MARGIN - 7,
	    row = page->rows - 1 - message_rows(remote, page);
	const char *shown = remote->url;

	while (screen_width(shown) > width)
		shown += 1 + ((shown[1] & 0xc0) == 0x80);
	screen_text(row, MARGIN, 6, SCREEN_STRONG, "open: ");
	screen_text(row, MARGIN + 6, width, SCREEN_PLAIN, shown);
	screen_cursor(row, MARGIN + 6 + screen_width(shown));
}

static const char *
box_text(const struct box *box)
{
	switch (box->state) {
	case BOX_AWAY:
	case BOX_NO:
		return box->why == NULL ? "" : box->why;
	case BOX_UNKNOWN:
		return "asking ...";
	case BOX_YES:
		return "";
	}
	return "";
}

static void
draw_box(const struct box *box, bool selected, struct page *page)
{
	enum screen_style style = box->state == BOX_YES ? SCREEN_STRONG : SCREEN_FAINT;
	int column = MARGIN, width = page->columns - MARGIN, first = NAME_WIDTH;
	bool narrow = page->columns < BOXES_WIDTH;
	char rtt[32] = "", *path, *text;

	if (box->rtt_us >= 0)
		out_rtt(rtt, sizeof(rtt), box->rtt_us);
	path = xasprintf("%s %s %s", box->link, rtt, box->level);
	text = xasprintf("%s %s", selected ? ">" : " ",
			 box->name != NULL ? box->name
			 : narrow          ? box->address
					   : "");
	if (narrow)
		first = width - PATH_WIDTH - MARGIN - 1;
	screen_text(page->row, column, first, style, text);
	column += first + 1;
	if (!narrow)
		column += screen_text(page->row, column, width - column,
				      box->state == BOX_YES ? SCREEN_PLAIN : SCREEN_FAINT,
				      box->address) +
			  2;
	screen_text(page->row, column, width - column, SCREEN_FAINT,
		    box->state == BOX_YES ? path : box_text(box));
	if (selected)
		screen_fill(page->row, SCREEN_TURNED);
	page->row++;
	free(text);
	free(path);
}

static void
draw_boxes(const struct remote *remote, struct page *page)
{
	size_t selected = boxes_selected(remote->boxes), first = 0;
	const struct box *box;
	int room;

	head(page, "Boxes in earshot", NULL);
	room = page->rows - 1 - message_rows(remote, page) - page->row;
	if (boxes_get(remote->boxes, 0) == NULL) {
		screen_lines(page->row, room, MARGIN, page->columns - 2 * MARGIN, SCREEN_PLAIN,
			     remote->cli->up ? "nobody is in earshot yet; earshot doctor says why"
					     : "the daemon of this machine left; waiting for it");
		return;
	}
	if (selected >= (size_t)room)
		first = selected - room + 1;
	for (size_t i = first; (box = boxes_get(remote->boxes, i)) != NULL && room-- > 0; i++)
		draw_box(box, i == selected, page);
}

/* How many keys stand side by side, none of them cut. */
static int
help_columns(const struct page *page)
{
	int count = (page->columns - 2 * MARGIN) / HELP_WIDTH;

	return count < 1 ? 1 : count > HELP_COLUMNS_MAX ? HELP_COLUMNS_MAX : count;
}

size_t
remote_help_room(void)
{
	struct page page = { .row = 1 };
	int rows;

	screen_size(&page.rows, &page.columns);
	gap(&page);
	rows = page.rows - 1 - page.row;
	return rows < 1 ? 1 : (size_t)(rows * help_columns(&page));
}

static void
draw_help(const struct remote *remote, struct page *page)
{
	size_t end = remote->help_first + remote_help_room();
	int column = MARGIN, width = (page->columns - 2 * MARGIN) / help_columns(page);
	const char *what, *key;
	int first;

	head(page, "Keys",
	     remote_key_help(end, &what) == NULL ? "any key goes back" : "any key: more");
	first = page->row;
	for (size_t i = remote->help_first; i < end && (key = remote_key_help(i, &what)) != NULL;
	     i++) {
		if (page->row >= page->rows - 1) {
			page->row = first;
			column += width;
		}
		screen_text(page->row, column, 6, SCREEN_STRONG, key);
		screen_text(page->row++, column + 6, width - 7, SCREEN_PLAIN, what);
	}
}

void
remote_draw(const struct remote *remote)
{
	struct page page = { 0 };
	char text[64];

	screen_size(&page.rows, &page.columns);
	screen_begin();
	if (page.rows < REMOTE_ROWS_MIN || page.columns < REMOTE_COLUMNS_MIN) {
		snprintf(text, sizeof(text), "too small: %d x %d; needs %d x %d", page.columns,
			 page.rows, REMOTE_COLUMNS_MIN, REMOTE_ROWS_MIN);
		screen_lines(0, page.rows, 0, page.columns, SCREEN_PLAIN, text);
		screen_end();
		return;
	}
	if (remote->page == REMOTE_BOXES)
		draw_boxes(remote, &page);
	else if (remote->page == REMOTE_HELP)
		draw_help(remote, &page);
	else
		draw_player(remote, &page);
	draw_foot(remote, &page);
	if (remote->page == REMOTE_URL)
		draw_url(remote, &page);
	else if (remote->page != REMOTE_HELP)
		draw_message(remote, &page);
	screen_end();
}
