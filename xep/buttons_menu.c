/* SPDX-License-Identifier: ISC */
/*
 * buttons_menu.c: the remote control for clients that know nothing of it: as ad-hoc commands, a
 * menu of all buttons and one command for each that is pressed often (buttons.md §8, rule 7).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "forms.h"
#include "memory.h"
#include "player_state.h"
#include "press.h"
#include "press_value.h"
#include "press_words.h"

#define NODE(name) EAR_NS_BUTTONS "#" name
#define FORM_TYPE  NODE("menu")
#define WORDS_MAX  1024
#define FIRST      "playpause" /* where the menu is at first */

/* What the menu offers; a value that is NULL is asked for where `asks` says how. */
static const struct entry {
	const char *name, *label;
	enum ear_button button;
	const char *value;
	const char *asks;
} entries[] = {
	{ "play", "Play", EAR_PLAY, NULL, NULL },
	{ "pause", "Pause", EAR_PAUSE, NULL, NULL },
	{ "playpause", "Play or pause", EAR_PLAYPAUSE, NULL, NULL },
	{ "stop", "Stop", EAR_STOP, NULL, NULL },
	{ "next", "Next title", EAR_NEXT, NULL, NULL },
	{ "previous", "Previous title", EAR_PREVIOUS, NULL, NULL },
	{ "forward", "Forward 30 s", EAR_SEEK, "+30", NULL },
	{ "back", "Back 10 s", EAR_SEEK, "-10", NULL },
	{ "seek", "Go to ...", EAR_SEEK, NULL, "Time (1:23; +30 and -10 go from where it is)" },
	{ "louder", "Louder", EAR_VOLUME, "+5", NULL },
	{ "quieter", "Quieter", EAR_VOLUME, "-5", NULL },
	{ "volume", "Volume ...", EAR_VOLUME, NULL, "Volume (0 to 100)" },
	{ "mute", "Mute or unmute", EAR_MUTE, NULL, NULL },
	{ "rate", "Speed ...", EAR_RATE, NULL, "Speed (0.1 to 4; 1 is normal)" },
	{ "shuffle", "Shuffle on or off", EAR_SHUFFLE, NULL, NULL },
	{ "repeat", "Repeat off, all, one", EAR_REPEAT, NULL, NULL },
	{ "audio", "Next audio track", EAR_AUDIO, NULL, NULL },
	{ "subtitle", "Next subtitles", EAR_SUBTITLE, NULL, NULL },
	{ "nosubtitle", "No subtitles", EAR_SUBTITLE, "off", NULL },
	{ "open", "Open URL ...", EAR_OPEN, NULL, "URL" },
	{ "queue", "Add URL to the queue ...", EAR_QUEUE, NULL, "URL" },
	{ "key", "Key of the remote ...", EAR_KEY, NULL, "Key" },
};

#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

/* NULL: there is none of that name. */
static const struct entry *
entry_find(const char *name)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

/* What a session remembers: 0 at the menu, at the value of an entry its number and one. */
#define AT_MENU 0

static const struct form_field menu_field = { "button", FORM_LIST, true, "Button" };

/* One who waits for the player. */
struct asked {
	struct ear *ear;
	char *session;
	const struct entry *entry; /* where the menu is then: what was pressed */
	bool ends;                 /* with the press */
};

static struct asked *
asked_new(const struct command_step *step, const struct entry *entry, bool ends)
{
	struct asked *asked = xep_alloc(sizeof(*asked));

	asked->ear = step->in->ear;
	asked->session = xep_strdup(step->session);
	asked->entry = entry;
	asked->ends = ends;
	return asked;
}

static void
asked_free(struct asked *asked)
{
	free(asked->session);
	free(asked);
}

/* --- forms -------------------------------------------------------------------------------- */

/* Where nobody knows, all are offered. */
static bool
is_offered(const struct entry *entry, const struct ear_player_state *state)
{
	return state == NULL || state->can == 0 || (state->can & 1u << entry->button) != 0;
}

static void
words_of(struct ear *ear, const struct ear_player_state *state, char *out, size_t size)
{
	player_state_words(state, ear_now(ear_clock(ear)), out, size);
}

/* The list is at one of its options: some clients show none of them otherwise. */
static xmpp_stanza_t *
menu_form(struct ear *ear, const struct ear_player_state *state, const struct entry *at)
{
	xmpp_stanza_t *form =
		form_new(ear, FORM_TYPE, "Remote control",
			 "\"Next\" presses the button and comes back, \"Complete\" ends with it.");
	xmpp_stanza_t *list;
	char words[WORDS_MAX];

	words_of(ear, state, words, sizeof(words));
	form_add_text(form, words);
	list = form_add(form, &menu_field, is_offered(at, state) ? at->name : NULL);
	for (size_t i = 0; i < ENTRIES; i++)
		if (is_offered(&entries[i], state))
			form_add_option(list, entries[i].label, entries[i].name);
	return form;
}

static struct form_field
value_field(const struct entry *entry)
{
	return (struct form_field){ "value", entry->button == EAR_KEY ? FORM_LIST : FORM_TEXT, true,
				    entry->asks };
}

static xmpp_stanza_t *
value_form(struct ear *ear, const struct entry *entry)
{
	xmpp_stanza_t *form = form_new(ear, FORM_TYPE, "Remote control", entry->label);
	const struct form_field asked = value_field(entry);
	xmpp_stanza_t *field = form_add(form, &asked, NULL);

	if (entry->button == EAR_VOLUME)
		form_set_range(field, 0, 100);
	for (int i = 0; entry->button == EAR_KEY && i < EAR_KEY_COUNT; i++)
		form_add_option(field, ear_remote_key_name(i), ear_remote_key_name(i));
	return form;
}

/* --- answers ------------------------------------------------------------------------------ */

static void
show_menu(struct asked *asked, const struct ear_player_state *state, const char *note)
{
	const struct command_answer answer = {
		.status = COMMAND_EXECUTING,
		.can = COMMAND_CAN(COMMAND_NEXT) | COMMAND_CAN(COMMAND_COMPLETE),
		.execute = COMMAND_NEXT,
		.memory = AT_MENU,
		.form = menu_form(asked->ear, state, asked->entry),
		.note = note,
		.is_error = note != NULL,
	};

	command_answer(asked->ear, asked->session, &answer);
}

static void
complete(struct asked *asked, const char *note, bool is_error)
{
	const struct command_answer answer = { .status = COMMAND_COMPLETED,
					       .note = note,
					       .is_error = is_error };

	command_answer(asked->ear, asked->session, &answer);
}

static void
ask_value(const struct command_step *step, const struct entry *entry)
{
	const struct command_answer answer = {
		.status = COMMAND_EXECUTING,
		.can = COMMAND_CAN(COMMAND_PREV) | COMMAND_CAN(COMMAND_NEXT) |
		       COMMAND_CAN(COMMAND_COMPLETE),
		.execute = COMMAND_NEXT,
		.memory = (int)(entry - entries) + 1,
		.form = value_form(step->in->ear, entry),
	};

	command_answer(step->in->ear, step->session, &answer);
}

/* What is shown after a press that failed: as it was told last. */
static const struct ear_player_state *
last_state(struct ear *ear)
{
	struct ear_player *player = ear_player(ear);

	return player == NULL ? NULL : ear_player_last(player);
}

static void
on_player(void *arg, enum ear_verdict condition, const char *text,
	  const struct ear_player_state *state, bool acted)
{
	struct asked *asked = arg;
	char words[WORDS_MAX];

	if (condition == EAR_PASS) {
		; /* the engine stops */
	} else if (condition != EAR_DONE) {
		state = last_state(asked->ear);
		if (asked->ends || state == NULL)
			complete(asked, text, true);
		else
			show_menu(asked, state, text);
	} else if (asked->ends) {
		words_of(asked->ear, state, words, sizeof(words));
		complete(asked, words, false);
	} else {
		show_menu(asked, state, NULL);
	}
	asked_free(asked);
}

/* --- steps -------------------------------------------------------------------------------- */

static enum command_fault
press(const struct command_step *step, const struct entry *entry, const struct ear_press *press)
{
	bool ends = step->action == COMMAND_BEGIN || step->action == COMMAND_COMPLETE;

	press_do(step->in, step->id, press, on_player, asked_new(step, entry, ends));
	return COMMAND_FINE;
}

static enum command_fault
look(const struct command_step *step, bool ends)
{
	press_look(step->in, on_player, asked_new(step, entry_find(FIRST), ends));
	return COMMAND_FINE;
}

/* An entry that needs no more. */
static enum command_fault
press_entry(const struct command_step *step, const struct entry *entry)
{
	struct ear_press parsed;

	press_parse(ear_button_name(entry->button), entry->value, &parsed);
	return press(step, entry, &parsed);
}

static const char *
read_field(const struct command_step *step, const struct form_field *field, const char **why)
{
	enum form_fault fault = FORM_MISSING;
	const char *value = NULL, *fault_in;

	if (step->form != NULL)
		fault = form_read(step->form, FORM_TYPE, field, 1, &value, &fault_in);
	if (fault == FORM_FINE)
		return value;
	*why = form_fault_text(fault);
	return NULL;
}

static enum command_fault
step_menu(const struct command_step *step, const char **why)
{
	const char *name = read_field(step, &menu_field, why);
	const struct entry *entry = name == NULL ? NULL : entry_find(name);

	if (entry == NULL) {
		*why = name == NULL ? *why : "no such button";
		return COMMAND_BAD_PAYLOAD;
	}
	if (entry->asks == NULL)
		return press_entry(step, entry);
	ask_value(step, entry);
	return COMMAND_FINE;
}

static int
parse_value(const struct entry *entry, const char *value, struct ear_press *parsed)
{
	char seconds[64];
	int error;

	if (entry->button == EAR_KEY)
		return press_parse_key(value, NULL, parsed);
	if (entry->button != EAR_SEEK)
		return press_parse(ear_button_name(entry->button), value, parsed);
	error = press_time(value, seconds, sizeof(seconds));
	return error != 0 ? error : press_parse("seek", seconds, parsed);
}

static enum command_fault
step_value(const struct command_step *step, const struct entry *entry, const char **why)
{
	const struct form_field field = value_field(entry);
	struct ear_press parsed;
	const char *value;

	if (step->action == COMMAND_PREV)
		return look(step, false);
	value = read_field(step, &field, why);
	if (value == NULL)
		return COMMAND_BAD_PAYLOAD;
	if (parse_value(entry, value, &parsed) != 0) {
		*why = press_hint(entry->button);
		return COMMAND_BAD_PAYLOAD;
	}
	return press(step, entry, &parsed);
}

static enum command_fault
on_menu(const struct command_step *step, const char **why)
{
	if (step->action == COMMAND_BEGIN)
		return look(step, false);
	if (step->memory == AT_MENU)
		return step_menu(step, why);
	return step_value(step, &entries[step->memory - 1], why);
}

static enum command_fault
on_now(const struct command_step *step, const char **why)
{
	return look(step, true);
}

/* A command that is one button: its node ends with the entry's name. */
static enum command_fault
on_entry(const struct command_step *step, const char **why)
{
	return press_entry(step, entry_find(strchr(step->command->node, '#') + 1));
}

static const struct command commands[] = {
	{ NODE("menu"), "Remote control", EAR_VERB_BUTTONS, on_menu },
	{ NODE("playpause"), "Play or pause", EAR_VERB_BUTTONS, on_entry },
	{ NODE("stop"), "Stop", EAR_VERB_BUTTONS, on_entry },
	{ NODE("next"), "Next title", EAR_VERB_BUTTONS, on_entry },
	{ NODE("previous"), "Previous title", EAR_VERB_BUTTONS, on_entry },
	{ NODE("louder"), "Louder", EAR_VERB_BUTTONS, on_entry },
	{ NODE("quieter"), "Quieter", EAR_VERB_BUTTONS, on_entry },
	{ NODE("mute"), "Mute or unmute", EAR_VERB_BUTTONS, on_entry },
	{ NODE("now"), "Now playing", EAR_VERB_STATE, on_now },
};

static int
start(struct ear *ear)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		command_add(ear, &commands[i]);
	return 0;
}

const struct ear_xep ear_xep_buttons_menu = {
	.number = "-",
	.name = "buttons as commands",
	.start = start,
};
