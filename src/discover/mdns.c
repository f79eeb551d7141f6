/* SPDX-License-Identifier: ISC */
/* mdns.c: which kind of mDNS carries us, and getting another one when it fails. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <avahi-common/error.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "discover/announce.h"
#include "discover/avahi_loop.h"
#include "discover/ifaces.h"
#include "discover/mdns.h"
#include "discover/seen.h"

#define RETRY_MIN (100 * EAR_MSEC)
#define RETRY_MAX (60 * EAR_SEC)
#define STABLE    (30 * EAR_SEC) /* one that lived so long is tried again without delay */
#define GRACE     (2 * EAR_SEC)  /* for a daemon that restarts, before we do without it */

/* One kind: open, or when it may be opened again. */
struct slot {
	const struct stack_ops *ops;
	struct mdns_stack *stack; /* NULL: closed */
	int64_t opened_at, retry_at, retry;
	int error; /* why it was closed */
};

struct mdns {
	struct ear_clock *clock;
	enum mdns_kind kind;
	struct peers *peers;
	struct mdns_events events;
	void *arg;

	struct avahi_loop *loop;
	struct ifaces *ifaces;
	struct seen *seen;
	struct announce *announce;

	struct slot daemon, core;
	struct slot *active;    /* the one that carries us, NULL: none */
	int64_t grace_until;    /* AUTO waits so long for the daemon */
	struct ear_timer timer; /* mdns_work */
	int64_t wake_at;

	bool told, works;
	const char *text; /* what events.state was given last */
};

static void
wake(struct mdns *mdns, int64_t usec)
{
	int64_t at = ear_now(mdns->clock) + usec;

	if (ear_timer_is_set(&mdns->timer) && mdns->wake_at <= at)
		return;
	mdns->wake_at = at;
	ear_timer_set(&mdns->timer, usec);
}

static bool
slot_is_usable(const struct slot *slot)
{
	return slot->stack != NULL &&
	       (slot->stack->state == STACK_STARTING || slot->stack->state == STACK_RUNNING);
}

static void
slot_delay(struct mdns *mdns, struct slot *slot)
{
	int64_t now = ear_now(mdns->clock);

	if (slot->opened_at != 0 && now - slot->opened_at > STABLE)
		slot->retry = RETRY_MIN;
	slot->retry_at = now + slot->retry;
	slot->retry = slot->retry * 2 > RETRY_MAX ? RETRY_MAX : slot->retry * 2;
}

static void
detach(struct mdns *mdns)
{
	if (mdns->active == NULL)
		return;
	ear_debug("mdns: %s no longer carries us", mdns->active->ops->name);
	mdns->active = NULL;
	announce_step(mdns->announce, NULL);
	seen_detach(mdns->seen);
}

static void
slot_close(struct mdns *mdns, struct slot *slot)
{
	slot->stack->closing = true;
	if (mdns->active == slot)
		detach(mdns);
	slot->ops->close(slot->stack);
	slot->stack = NULL;
}

static void
slot_open(struct mdns *mdns, struct slot *slot)
{
	struct mdns_stack common = { .mdns = mdns, .seen = mdns->seen, .ifaces = mdns->ifaces };

	slot->opened_at = ear_now(mdns->clock);
	slot->error = 0;
	slot->stack = slot->ops->open(avahi_loop_poll(mdns->loop), &common, &slot->error);
	if (slot->stack == NULL) {
		ear_debug("mdns: %s: %s", slot->ops->name, avahi_strerror(slot->error));
		slot->opened_at = 0;
		slot_delay(mdns, slot);
	}
}

/* Closes a stack that failed. */
static void
slot_reap(struct mdns *mdns, struct slot *slot)
{
	if (slot->stack == NULL || slot->stack->state != STACK_FAILED)
		return;
	slot->error = slot->stack->error;
	ear_info("mdns: %s: %s", slot->ops->name, avahi_strerror(slot->error));
	if (mdns->active == slot)
		mdns->grace_until = ear_now(mdns->clock) + GRACE;
	slot_close(mdns, slot);
	slot_delay(mdns, slot);
}

/* Opens it if it is time, or wakes us when it is. */
static void
slot_want(struct mdns *mdns, struct slot *slot)
{
	int64_t left = slot->retry_at - ear_now(mdns->clock);

	if (slot->stack != NULL)
		return;
	if (left <= 0)
		slot_open(mdns, slot);
	if (slot->stack == NULL)
		wake(mdns, slot->retry_at - ear_now(mdns->clock));
}

static bool
core_is_wanted(struct mdns *mdns)
{
	int64_t left = mdns->grace_until - ear_now(mdns->clock);

	switch (mdns->kind) {
	case MDNS_EMBEDDED:
		return true;
	case MDNS_DAEMON:
		return false;
	case MDNS_AUTO:
		break;
	}
	if (slot_is_usable(&mdns->daemon))
		return false;
	if (left > 0 && mdns->core.stack == NULL) {
		wake(mdns, left);
		return false;
	}
	return true;
}

static void
attach(struct mdns *mdns, struct slot *slot)
{
	int error;

	ear_debug("mdns: %s carries us now", slot->ops->name);
	mdns->active = slot;
	seen_attach(mdns->seen, slot->stack);
	error = slot->ops->browse(slot->stack);
	if (error != 0)
		stack_enter(slot->stack, STACK_FAILED, error);
}

static void
choose(struct mdns *mdns)
{
	struct slot *best = NULL;

	slot_reap(mdns, &mdns->daemon);
	slot_reap(mdns, &mdns->core);
	if (mdns->kind != MDNS_EMBEDDED)
		slot_want(mdns, &mdns->daemon);
	/* Says goodbye before the daemon publishes the same name. */
	if (core_is_wanted(mdns))
		slot_want(mdns, &mdns->core);
	else if (mdns->core.stack != NULL)
		slot_close(mdns, &mdns->core);
	if (slot_is_usable(&mdns->daemon))
		best = &mdns->daemon;
	else if (slot_is_usable(&mdns->core))
		best = &mdns->core;
	if (best == mdns->active)
		return;
	detach(mdns);
	if (best != NULL)
		attach(mdns, best);
}

static void
tell_state(struct mdns *mdns)
{
	const struct slot *slot = mdns->kind == MDNS_EMBEDDED ? &mdns->core : &mdns->daemon;
	bool works = mdns->active != NULL && announce_error(mdns->announce) == 0;
	const char *text;

	if (works)
		text = mdns->active == &mdns->daemon ? "mDNS by avahi-daemon"
						     : "mDNS by the embedded stack";
	else if (mdns->active != NULL)
		text = avahi_strerror(announce_error(mdns->announce));
	else if (slot->stack != NULL && slot->stack->error != 0)
		text = avahi_strerror(slot->stack->error);
	else
		text = slot->error != 0 ? avahi_strerror(slot->error) : "starting";
	if (mdns->told && mdns->works == works && strcmp(mdns->text, text) == 0)
		return;
	mdns->told = true;
	mdns->works = works;
	mdns->text = text;
	mdns->events.state(mdns->arg, works, text);
}

/* The one place where what happened is acted upon. */
static void
mdns_work(void *arg)
{
	struct mdns *mdns = arg;
	struct mdns_stack *stack;

	choose(mdns);
	stack = mdns->active == NULL ? NULL : mdns->active->stack;
	announce_step(mdns->announce,
		      stack != NULL && stack->state == STACK_RUNNING ? stack : NULL);
	tell_state(mdns);
}

static void
on_wake(void *arg, int64_t usec)
{
	wake(arg, usec);
}

static void
on_ifaces(void *arg)
{
	wake(arg, 0);
}

static void
on_name(void *arg, const char *instance)
{
	struct mdns *mdns = arg;

	seen_set_own(mdns->seen, instance);
}

static void
on_published(void *arg, const char *instance)
{
	struct mdns *mdns = arg;

	mdns->events.published(mdns->arg, instance);
}

/* Every date in avahi-core's queue is wrong by the step now: start it afresh. */
static void
on_clock_step(void *arg)
{
	struct mdns *mdns = arg;

	if (mdns->core.stack == NULL)
		return;
	slot_close(mdns, &mdns->core);
	mdns->core.retry_at = 0;
	wake(mdns, 0);
}

static char *
host_machine(void)
{
	char host[HOST_NAME_MAX + 1];

	if (gethostname(host, sizeof(host)) != 0 || host[0] == '\0')
		return xstrdup("localhost");
	host[sizeof(host) - 1] = '\0';
	return xstrndup(host, strcspn(host, "."));
}

struct mdns *
mdns_new(struct event_base *base, struct ear_clock *clock, const struct mdns_config *config,
	 struct peers *peers, const struct mdns_events *events, void *arg)
{
	const struct announce_events announce_events = { on_wake, on_name, on_published };
	struct mdns *mdns = xalloc(sizeof(*mdns));
	char *machine = config->machine == NULL || *config->machine == '\0'
				? host_machine()
				: xstrdup(config->machine);

	mdns->clock = clock;
	mdns->kind = config->kind;
	mdns->peers = peers;
	mdns->events = *events;
	mdns->arg = arg;
	mdns->daemon = (struct slot){ .ops = &stack_client, .retry = RETRY_MIN };
	mdns->core = (struct slot){ .ops = &stack_core, .retry = RETRY_MIN };
	mdns->loop = avahi_loop_new(base, on_clock_step, mdns);
	mdns->ifaces = ifaces_new(base, config->interfaces, on_ifaces, mdns);
	mdns->seen = seen_new(peers);
	mdns->announce =
		announce_new(clock, config->user, machine, config->port, &announce_events, mdns);
	free(machine);
	ear_timer_init(&mdns->timer, clock, mdns_work, mdns);
	wake(mdns, 0);
	return mdns;
}

void
mdns_publish(struct mdns *mdns, const uint8_t *txt, size_t length)
{
	announce_set_txt(mdns->announce, txt, length);
}

const char *
mdns_instance(const struct mdns *mdns)
{
	return announce_instance(mdns->announce);
}

const char *
mdns_kind_name(const struct mdns *mdns)
{
	if (mdns->active != NULL)
		return mdns->active->ops->name;
	return mdns->kind == MDNS_EMBEDDED ? stack_core.name : stack_client.name;
}

enum mdns_trouble
mdns_trouble(const struct mdns *mdns)
{
	bool embedded = mdns->kind == MDNS_EMBEDDED || mdns->active == &mdns->core;

	if (mdns_instance(mdns) != NULL)
		return MDNS_FINE;
	if (mdns->active != NULL)
		switch (announce_error(mdns->announce)) {
		case 0:
			return MDNS_STARTING;
		case AVAHI_ERR_NOT_PERMITTED:
			return MDNS_REFUSED;
		default:
			return MDNS_FAILS;
		}
	if (mdns->kind == MDNS_DAEMON)
		return MDNS_NO_DAEMON;
	if (mdns->core.error == AVAHI_ERR_NO_NETWORK)
		return MDNS_PORT_TAKEN;
	return embedded && mdns->core.error != 0 ? MDNS_FAILS : MDNS_STARTING;
}

bool
mdns_is_renamed(const struct mdns *mdns, char *out, size_t size)
{
	return announce_is_renamed(mdns->announce, out, size);
}

void
mdns_free(struct mdns *mdns)
{
	if (mdns == NULL)
		return;
	ear_timer_stop(&mdns->timer);
	if (mdns->daemon.stack != NULL)
		mdns->daemon.stack->closing = true;
	/* Resolvers and groups go before their stacks, and nobody is called on the way. */
	seen_free(mdns->seen);
	announce_free(mdns->announce);
	if (mdns->daemon.stack != NULL)
		stack_client.close(mdns->daemon.stack);
	if (mdns->core.stack != NULL)
		stack_core.close(mdns->core.stack);
	ifaces_free(mdns->ifaces);
	avahi_loop_free(mdns->loop);
	free(mdns);
}

void
stack_enter(struct mdns_stack *stack, enum stack_state state, int error)
{
	static const char *const names[] = { "waiting", "starting", "running", "failed" };

	if (stack->state == STACK_FAILED)
		return;
	if (stack->state != state)
		ear_debug("mdns: %s: %s -> %s", stack->ops->name, names[stack->state],
			  names[state]);
	stack->state = state;
	stack->error = error;
	wake(stack->mdns, 0);
}
