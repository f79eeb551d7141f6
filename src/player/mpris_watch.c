/* SPDX-License-Identifier: ISC */
/*
 * mpris_watch.c: who is on the session bus, and what they say of themselves.
 *
 * A player is known by its unique name, which the bus stamps on all that it sends: the names that
 * it owns beside are only how it is found. Its properties are asked for once when it appears, and
 * kept by its signals from then on, so that it is known which player is the one to drive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "player/mpris_impl.h"
#include "player/ops.h"

#define ASKED_MAX 64 /* owners asked for at a time */

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

#define NAMES_RULE                                                                                 \
	"type='signal',sender='" BUS_NAME "',path='" BUS_PATH "',interface='" BUS_NAME             \
	"',member='NameOwnerChanged',arg0namespace='" MPRIS_ROOT "'"
#define CHANGES_RULE                                                                               \
	"type='signal',path='" MPRIS_PATH "',interface='" MPRIS_PROPERTIES                         \
	"',member='PropertiesChanged',arg0='" MPRIS_PLAYER "'"
#define SEEKED_RULE                                                                                \
	"type='signal',path='" MPRIS_PATH "',interface='" MPRIS_PLAYER "',member='Seeked'"

/* A name whose owner was asked for. */
struct asked {
	struct list item; /* in mpris.owners */
	struct mpris *mpris;
	sd_bus_slot *slot;
	char *end; /* of the name */
};

static void
asked_free(struct asked *asked)
{
	list_del(&asked->item);
	asked->mpris->owners_count--;
	sd_bus_slot_unref(asked->slot);
	free(asked->end);
	free(asked);
}

static int
call(struct mpris *mpris, sd_bus_message *message, sd_bus_message_handler_t fn, void *arg,
     sd_bus_slot **slot)
{
	int error = mpris_bus_call(mpris->bus, message, fn, arg, slot);

	if (error != 0)
		ear_warn("player: the D-Bus does not take calls: %s", strerror(-error));
	return error;
}

static sd_bus_message *
new_call(struct mpris *mpris, const char *to, const char *path, const char *interface,
	 const char *method)
{
	sd_bus_message *message = NULL;

	(void)sd_bus_message_new_method_call(mpris_bus_of(mpris->bus), &message, to, path,
					     interface, method);
	return message;
}

int
mpris_ask(struct mpris *mpris, const struct mpris_player *player, sd_bus_message_handler_t fn,
	  void *arg, sd_bus_slot **slot)
{
	sd_bus_message *message =
		new_call(mpris, player->owner, MPRIS_PATH, MPRIS_PROPERTIES, "GetAll");

	if (message != NULL)
		(void)sd_bus_message_append(message, "s", MPRIS_PLAYER);
	return call(mpris, message, fn, arg, slot);
}

static void
note_playback(struct mpris *mpris, struct mpris_player *player, enum ear_playback before)
{
	int64_t now = ear_now(player_clock(mpris->player));

	if (mpris_players_note(&mpris->players, player, before, now))
		ear_timer_set(&mpris->gap, MPRIS_GAP);
}

static void
on_gap(void *arg)
{
	struct mpris *mpris = arg;

	player_poke(mpris->player);
}

/* What it does not say any more is unknown. */
int
mpris_take(struct mpris *mpris, struct mpris_player *player, sd_bus_message *answer)
{
	enum ear_playback before = player->view.playback;
	struct mpris_reader reader = mpris_reader(answer);
	int loudness = player->view.loudness, error;

	player->silent = false;
	player->view.position = -1;
	if (sd_bus_message_is_method_error(answer, NULL) > 0)
		return 0;
	mpris_view_init(&player->view);
	player->view.loudness = loudness;
	error = mpris_view_read(&player->view, &reader);
	note_playback(mpris, player, before);
	return error;
}

static int
on_read(sd_bus_message *answer, void *arg, sd_bus_error *failed)
{
	struct mpris_player *player = arg;
	struct mpris *mpris = player->arg;

	player->reading = sd_bus_slot_unref(player->reading);
	(void)mpris_take(mpris, player, answer);
	mpris_on_changed(mpris, player);
	mpris_on_found(mpris);
	return 0;
}

void
mpris_watch_read(struct mpris *mpris, struct mpris_player *player)
{
	if (player->reading == NULL)
		(void)mpris_ask(mpris, player, on_read, player, &player->reading);
}

static int
on_identity(sd_bus_message *answer, void *arg, sd_bus_error *failed)
{
	struct mpris_player *player = arg;
	struct mpris_reader reader = mpris_reader(answer);
	struct mpris_value value;

	player->asking = sd_bus_slot_unref(player->asking);
	if (sd_bus_message_is_method_error(answer, NULL) > 0 ||
	    sd_bus_message_enter_container(answer, SD_BUS_TYPE_VARIANT, "s") <= 0 ||
	    mpris_read_value(&reader, &value) <= 0 || value.type != MPRIS_TEXT)
		return 0;
	player_state_text(player->identity, sizeof(player->identity), value.text);
	mpris_on_changed(player->arg, player);
	return 0;
}

static void
ask_identity(struct mpris *mpris, struct mpris_player *player)
{
	sd_bus_message *message =
		new_call(mpris, player->owner, MPRIS_PATH, MPRIS_PROPERTIES, "Get");

	if (message != NULL)
		(void)sd_bus_message_append(message, "ss", MPRIS_ROOT, "Identity");
	(void)call(mpris, message, on_identity, player, &player->asking);
}

static void
on_owned(struct mpris *mpris, const char *end, const char *owner)
{
	struct mpris_player *player = mpris_players_add(&mpris->players, end, owner);

	if (player == NULL)
		return;
	ear_info("player: %s is on the D-Bus", end);
	player->arg = mpris;
	mpris_watch_read(mpris, player);
	ask_identity(mpris, player);
}

static void list_names(struct mpris *mpris);

static void
on_disowned(struct mpris *mpris, const char *end, const char *owner)
{
	struct mpris_player *player = mpris_players_drop(&mpris->players, end, owner);

	if (player == NULL)
		return;
	ear_info("player: %s has left the D-Bus", end);
	mpris_on_leaving(mpris, player);
	mpris_players_remove(&mpris->players, player);
	player_poke(mpris->player);
	if (mpris->players.missed) /* there is room for it now */
		list_names(mpris);
	mpris_on_found(mpris);
}

static int
on_owner_changed(sd_bus_message *signal, void *arg, sd_bus_error *failed)
{
	struct mpris *mpris = arg;
	const char *name, *old, *new, *end;

	if (sd_bus_message_read(signal, "sss", &name, &old, &new) < 0 ||
	    !mpris_players_want(&mpris->players, name, &end))
		return 0;
	if (*old != '\0')
		on_disowned(mpris, end, old);
	if (*new != '\0')
		on_owned(mpris, end, new);
	return 0;
}

static int
on_owner(sd_bus_message *answer, void *arg, sd_bus_error *failed)
{
	struct asked *asked = arg;
	struct mpris *mpris = asked->mpris;
	const char *owner;

	if (sd_bus_message_is_method_error(answer, NULL) <= 0 &&
	    sd_bus_message_read(answer, "s", &owner) > 0)
		on_owned(mpris, asked->end, owner);
	asked_free(asked);
	mpris_on_found(mpris);
	return 0;
}

static void
ask_owner(void *arg, const char *name)
{
	struct mpris *mpris = arg;
	sd_bus_message *message;
	struct asked *asked;
	const char *end;

	if (!mpris_players_want(&mpris->players, name, &end))
		return;
	if (mpris->owners_count == ASKED_MAX) {
		mpris->players.missed = true;
		return;
	}
	asked = xalloc(sizeof(*asked));
	asked->mpris = mpris;
	asked->end = xstrdup(end);
	list_add(&mpris->owners, &asked->item);
	mpris->owners_count++;
	message = new_call(mpris, BUS_NAME, BUS_PATH, BUS_NAME, "GetNameOwner");
	if (message != NULL)
		(void)sd_bus_message_append(message, "s", name);
	if (call(mpris, message, on_owner, asked, &asked->slot) != 0)
		asked_free(asked);
}

static int
on_names(sd_bus_message *answer, void *arg, sd_bus_error *failed)
{
	struct mpris *mpris = arg;
	struct mpris_reader reader = mpris_reader(answer);

	mpris->listing = sd_bus_slot_unref(mpris->listing);
	retry_reset(&mpris->retry);
	mpris->players.missed = false;
	if (sd_bus_message_is_method_error(answer, NULL) <= 0)
		(void)mpris_read_texts(&reader, ask_owner, mpris);
	mpris_on_found(mpris);
	return 0;
}

static void
list_names(struct mpris *mpris)
{
	if (mpris->listing == NULL)
		(void)call(mpris, new_call(mpris, BUS_NAME, BUS_PATH, BUS_NAME, "ListNames"),
			   on_names, mpris, &mpris->listing);
}

/* The player that has sent a signal; a signal is a sign of life. */
static struct mpris_player *
sender_of(struct mpris *mpris, sd_bus_message *signal)
{
	const char *owner = sd_bus_message_get_sender(signal);
	struct mpris_player *player =
		owner == NULL ? NULL : mpris_players_find(&mpris->players, owner);

	if (player != NULL)
		player->silent = false;
	return player;
}

static void
note_invalidated(void *arg, const char *name)
{
	*(bool *)arg = true;
}

static int
on_properties(sd_bus_message *signal, void *arg, sd_bus_error *failed)
{
	struct mpris *mpris = arg;
	struct mpris_player *player = sender_of(mpris, signal);
	struct mpris_reader reader = mpris_reader(signal);
	bool invalidated = false;
	enum ear_playback before;
	const char *interface;

	if (player == NULL || sd_bus_message_read(signal, "s", &interface) <= 0)
		return 0;
	before = player->view.playback;
	if (mpris_view_read(&player->view, &reader) == 0)
		(void)mpris_read_texts(&reader, note_invalidated, &invalidated);
	note_playback(mpris, player, before);
	if (invalidated)
		mpris_watch_read(mpris, player);
	mpris_on_changed(mpris, player);
	return 0;
}

static int
on_seeked(sd_bus_message *signal, void *arg, sd_bus_error *failed)
{
	struct mpris_player *player = sender_of(arg, signal);

	if (player != NULL)
		mpris_on_changed(arg, player);
	return 0;
}

static bool
is_expected(const struct list *item)
{
	const struct mpris_player *player = container_of(item, struct mpris_player, item);

	return player->reading != NULL && !player->silent;
}

bool
mpris_watch_is_finding(const struct mpris *mpris)
{
	const struct list *item;

	if (mpris->listing != NULL || !list_is_empty(&mpris->owners))
		return true;
	for (item = mpris->players.list.next; item != &mpris->players.list; item = item->next)
		if (is_expected(item))
			return true;
	return false;
}

void
mpris_watch_hurry(struct mpris *mpris)
{
	struct list *item;

	for (item = mpris->players.list.next; item != &mpris->players.list; item = item->next)
		if (is_expected(item))
			container_of(item, struct mpris_player, item)->silent = true;
}

/* Lets go of the bus and of every player. */
static void
watch_close(struct mpris *mpris)
{
	struct list *item, *spare;

	list_each (item, spare, &mpris->players.list)
		mpris_players_remove(&mpris->players,
				     container_of(item, struct mpris_player, item));
	list_each (item, spare, &mpris->owners)
		asked_free(container_of(item, struct asked, item));
	mpris->listing = sd_bus_slot_unref(mpris->listing);
	mpris->call = sd_bus_slot_unref(mpris->call);
	mpris_bus_free(mpris->bus);
	mpris->bus = NULL;
}

static void
on_gone(void *arg)
{
	struct mpris *mpris = arg;

	ear_info("player: the D-Bus is gone");
	watch_close(mpris);
	mpris_on_bus_gone(mpris);
	retry_later(&mpris->retry);
}

/* Only with somebody to tell: a player that appears is a change. */
static void
on_retry(void *arg)
{
	struct mpris *mpris = arg;

	if (mpris_watch_open(mpris) != 0)
		retry_later(&mpris->retry);
}

/* Before the names are listed, so that nobody comes in between. */
static int
match_signals(struct mpris *mpris)
{
	int error = mpris_bus_match(mpris->bus, NAMES_RULE, on_owner_changed, mpris);

	if (error == 0)
		error = mpris_bus_match(mpris->bus, CHANGES_RULE, on_properties, mpris);
	if (error == 0)
		error = mpris_bus_match(mpris->bus, SEEKED_RULE, on_seeked, mpris);
	return error;
}

int
mpris_watch_open(struct mpris *mpris)
{
	int error = 0;

	if (mpris->bus != NULL)
		return 0;
	mpris->bus = mpris_bus_new(player_base(mpris->player), player_clock(mpris->player), on_gone,
				   mpris, &error);
	if (mpris->bus != NULL) {
		error = match_signals(mpris);
		list_names(mpris);
	}
	if (error != 0 && error != -ENODEV && error != mpris->trouble)
		ear_warn("player: cannot connect to the D-Bus: %s", strerror(-error));
	mpris->trouble = error;
	if (error == 0)
		return 0;
	watch_close(mpris);
	return -ENODEV;
}

void
mpris_watch_init(struct mpris *mpris)
{
	mpris_players_init(&mpris->players, mpris->only);
	list_init(&mpris->owners);
	ear_timer_init(&mpris->gap, player_clock(mpris->player), on_gap, mpris);
	retry_init(&mpris->retry, mpris->player, on_retry, mpris);
}

void
mpris_watch_release(struct mpris *mpris)
{
	ear_timer_stop(&mpris->gap);
	retry_stop(&mpris->retry);
	watch_close(mpris);
}
