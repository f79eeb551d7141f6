/* SPDX-License-Identifier: ISC */
/*
 * kodi.c: driving Kodi over its JSON-RPC: the connection, which is there while Kodi is, or comes
 * with a press. Nothing is asked for at rest. What becomes of a press is kodi_job.c's business.
 */
#include <errno.h>
#include <stdlib.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "player/kodi_impl.h"
#include "player/tcp.h"

#define SHOW_MSEC_MIN 1500 /* what Kodi takes */
#define SHOW_MSEC_MAX 3600000

static void
on_up(void *arg)
{
	struct kodi *kodi = arg;

	ear_info("player: Kodi at %s", kodi->url);
	kodi->up = true;
	retry_stop(&kodi->retry);
	player_poke(kodi->player);
	if (kodi->phase == KODI_CONNECT)
		kodi_start(kodi);
}

/*
 * Port 9090 is many a program's: that it is not Kodi which is there is said once, not each time,
 * and is the operator's business only when he has sent us there.
 */
static void
say_gone(struct kodi *kodi, int error)
{
	static const char nonsense[] = "player: what is at %s does not speak Kodi's JSON-RPC";

	if (error != -EPROTO && kodi->up)
		ear_info("player: Kodi is gone");
	if (error != -EPROTO || kodi->stranger)
		return;
	kodi->stranger = true;
	if (kodi->is_default)
		ear_debug(nonsense, kodi->url);
	else
		ear_warn(nonsense, kodi->url);
}

static void
on_gone(void *arg, int error)
{
	struct kodi *kodi = arg;

	say_gone(kodi, error);
	kodi_rpc_free(kodi->rpc);
	kodi->rpc = NULL;
	if (kodi->up)
		player_poke(kodi->player);
	kodi->up = false;
	kodi->starting = 0;
	if (kodi->phase != KODI_REST)
		kodi_end(kodi, error);
	retry_later(&kodi->retry);
}

static void
kodi_connect(struct kodi *kodi)
{
	static const struct kodi_rpc_events events = { on_up, kodi_on_answer, kodi_on_notice,
						       on_gone };

	if (kodi->rpc == NULL)
		kodi->rpc = kodi_rpc_new(player_base(kodi->player), player_clock(kodi->player),
					 (const struct sockaddr *)&kodi->address, kodi->length,
					 &events, kodi);
}

/* Only with somebody to tell: a Kodi that appears is a change. */
static void
on_retry(void *arg)
{
	kodi_connect(arg);
}

static void
kodi_begin(void *self, const struct ear_press *press)
{
	struct kodi *kodi = self;

	kodi->is_press = press != NULL;
	if (press != NULL)
		kodi->press = *press;
	kodi->repeated = false;
	kodi->begun = kodi_now(kodi);
	if (kodi->up) {
		kodi_start(kodi);
	} else if (press == NULL && kodi->stranger && ear_timer_is_set(&kodi->retry.timer)) {
		player_done(kodi->player, -ENODEV, NULL); /* not time and again for the asking */
	} else {
		kodi_enter(kodi, KODI_CONNECT);
		kodi_connect(kodi);
	}
}

static void
kodi_abandon(void *self)
{
	kodi_enter(self, KODI_REST);
}

static int
kodi_open(struct ear_player *player, const struct player_config *config, void **self)
{
	const char *url = config->url == NULL ? "tcp://127.0.0.1" : config->url;
	struct sockaddr_storage address;
	socklen_t length;
	struct kodi *kodi;

	if (tcp_address(url, "9090", &address, &length) != 0)
		return -EINVAL;
	kodi = xalloc(sizeof(*kodi));
	kodi->player = player;
	kodi->address = address;
	kodi->length = length;
	kodi->url = xstrdup(url);
	kodi->is_default = config->url == NULL;
	kodi->resume_list = kodi->resume_index = -1;
	kodi->next_id = 1;
	ear_timer_init(&kodi->wait, player_clock(player), kodi_on_wait, kodi);
	retry_init(&kodi->retry, player, on_retry, kodi);
	*self = kodi;
	return 0;
}

static void
kodi_close(void *self)
{
	struct kodi *kodi = self;

	ear_timer_stop(&kodi->wait);
	retry_stop(&kodi->retry);
	kodi_rpc_free(kodi->rpc);
	free(kodi->url);
	free(kodi);
}

/* Who asks for the first time is told so when Kodi has answered: player_poke(). */
static bool
kodi_is_there(void *self)
{
	struct kodi *kodi = self;

	if (!player_is_watched(kodi->player))
		kodi_connect(kodi);
	return kodi->up;
}

/*
 * Kodi's labels expand $INFO[...] and take [B], [COLOR ...] and [CR] for what they are; nothing
 * escapes a bracket, so there is none. The answer is not waited for: it is no answer to any batch.
 */
static int
kodi_notify(struct kodi *kodi, const char *text, json_int_t msec)
{
	char *line = xstrdup(text);
	json_t *params;

	for (char *c = line; *c != '\0'; c++)
		*c = *c == '[' ? '(' : *c == ']' ? ')' : *c;
	params = json_pack("{s:s, s:s, s:I}", "title", "Earshot", "message", line, "displaytime",
			   msec);
	free(line);
	/* One that does not even read is as good as gone. */
	return kodi_rpc_call(kodi->rpc, kodi->next_id++, "GUI.ShowNotification", params) == 0
		       ? 0
		       : -ENODEV;
}

/* What is shown cannot be taken away, but another takes its place: an empty one, for a moment. */
static int
kodi_show(void *self, const char *text, int64_t usec)
{
	struct kodi *kodi = self;
	bool shows = kodi_now(kodi) < kodi->shown_until;
	json_int_t msec = usec / EAR_MSEC;

	if (!kodi->up)
		return -ENODEV;
	if (*text == '\0' && !shows)
		return 0;
	if (*text == '\0' || msec < SHOW_MSEC_MIN)
		msec = SHOW_MSEC_MIN;
	if (msec > SHOW_MSEC_MAX)
		msec = SHOW_MSEC_MAX;
	kodi->shown_until = *text == '\0' ? 0 : kodi_now(kodi) + msec * EAR_MSEC;
	return kodi_notify(kodi, text, msec);
}

const struct player_kind player_kodi = {
	.name = "kodi",
	.open = kodi_open,
	.close = kodi_close,
	.begin = kodi_begin,
	.abandon = kodi_abandon,
	.is_there = kodi_is_there,
	.show = kodi_show,
};
