/* SPDX-License-Identifier: ISC */
/* announce.c: publishes our instance, group by group, and gives it another name on collision. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avahi-common/error.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "discover/announce.h"
#include "discover/ifaces.h"

#define NAME_SIZE       (EAR_INSTANCE_MAX + 1)
#define MACHINE_MAX     40 /* bytes of the instance that the machine may take from the user */
#define COLLISIONS_MAX  15 /* RFC 6762 §8.1: after so many in a row, not more than one ... */
#define COLLISION_PAUSE (5 * EAR_SEC) /* ... in five seconds */
#define RETRY_MIN       (1 * EAR_SEC)
#define RETRY_MAX       (60 * EAR_SEC)

struct announce {
	struct ear_clock *clock;
	struct announce_events events;
	void *arg;
	char *user, *machine;
	unsigned port;
	AvahiStringList *txt;
	bool publish;   /* there was a first TXT record */
	bool txt_dirty; /* the groups have an older one */

	char instance[NAME_SIZE]; /* "": not chosen yet */
	unsigned number;          /* of the name: user-number */
	unsigned collisions;      /* since a name was last established */
	bool told;                /* published was raised for the groups as they are */
	int error;
	int64_t not_before, retry;

	struct mdns_group *groups[IFACES_MAX];
	size_t group_count;
};

/* The length of the longest prefix of whole characters that fits. */
static size_t
cut_utf8(const char *text, size_t max)
{
	size_t length = strlen(text);

	if (length <= max)
		return length;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

int
announce_name(const char *user, const char *machine, unsigned n, char *out, size_t size)
{
	char address[3 * NAME_SIZE + 8], host[MACHINE_MAX + 1], number[16] = "", name[NAME_SIZE];
	size_t length = cut_utf8(machine, MACHINE_MAX);

	memcpy(host, machine, length);
	host[length] = '\0';
	for (char *c = host; *c != '\0'; c++)
		if (!isascii((unsigned char)*c) ||
		    (!isalnum((unsigned char)*c) && strchr("-._", *c) == NULL))
			*c = '-';
	if (n > 0)
		snprintf(number, sizeof(number), "-%u", n);
	length = cut_utf8(user, EAR_INSTANCE_MAX - 1 - strlen(number) - strlen(host));
	snprintf(name, sizeof(name), "%.*s%s@%s", (int)length, user, number, host);
	if (ear_jid_from_instance(name, address, sizeof(address)) != 0)
		return -EINVAL;
	return copy_text(out, size, name);
}

static void
group_close(struct mdns_group *group)
{
	group->stack->ops->group_close(group);
	free(group);
}

static void
close_groups(struct announce *announce)
{
	while (announce->group_count > 0)
		group_close(announce->groups[--announce->group_count]);
	announce->told = false;
}

/* Something failed that only time can mend. */
static void
retry_after(struct announce *announce, int error)
{
	close_groups(announce);
	announce->error = error;
	announce->not_before = ear_now(announce->clock) + announce->retry;
	announce->retry = announce->retry * 2 > RETRY_MAX ? RETRY_MAX : announce->retry * 2;
}

static void
choose_name(struct announce *announce)
{
	if (announce_name(announce->user, announce->machine, announce->number, announce->instance,
			  sizeof(announce->instance)) != 0) {
		announce->instance[0] = '\0';
		retry_after(announce, AVAHI_ERR_INVALID_SERVICE_NAME);
		return;
	}
	announce->events.name(announce->arg, announce->instance);
}

/* XEP-0174 §3: the user gets -1, -2 ...; a machine that is taken is the host name's business. */
static void
rename_instance(struct announce *announce)
{
	close_groups(announce);
	announce->number++;
	if (++announce->collisions >= COLLISIONS_MAX)
		announce->not_before = ear_now(announce->clock) + COLLISION_PAUSE;
	ear_info("mdns: %s is taken", announce->instance);
	choose_name(announce);
}

static struct mdns_group *
group_find(struct announce *announce, AvahiIfIndex interface)
{
	for (size_t i = 0; i < announce->group_count; i++)
		if (announce->groups[i]->interface == interface)
			return announce->groups[i];
	return NULL;
}

/* False: a collision or failure was met, and the groups are no more. */
static bool
group_want(struct announce *announce, struct mdns_stack *stack, AvahiIfIndex interface)
{
	struct mdns_group *group;
	int error;

	if (group_find(announce, interface) != NULL)
		return true;
	group = xalloc(sizeof(*group));
	*group = (struct mdns_group){ .announce = announce,
				      .stack = stack,
				      .interface = interface,
				      .state = GROUP_REGISTERING };
	error = stack->ops->group_open(group, announce->instance, (uint16_t)announce->port,
				       announce->txt);
	if (error == 0) {
		announce->groups[announce->group_count++] = group;
		return true;
	}
	free(group);
	if (error == AVAHI_ERR_COLLISION)
		rename_instance(announce);
	else
		retry_after(announce, error);
	return false;
}

/* Groups of interfaces that went away. */
static void
close_stale(struct announce *announce, const struct ifaces *ifaces)
{
	for (size_t i = announce->group_count; i-- > 0;) {
		struct mdns_group *group = announce->groups[i];

		if (group->interface == AVAHI_IF_UNSPEC || ifaces_has(ifaces, group->interface))
			continue;
		group_close(group);
		announce->groups[i] = announce->groups[--announce->group_count];
	}
}

static bool
open_groups(struct announce *announce, struct mdns_stack *stack)
{
	int index;

	if (ifaces_is_all(stack->ifaces) || !stack->ops->by_interface)
		return group_want(announce, stack, AVAHI_IF_UNSPEC);
	close_stale(announce, stack->ifaces);
	for (size_t i = 0; ifaces_at(stack->ifaces, i, &index) != NULL; i++)
		if (index > 0 && !group_want(announce, stack, index))
			return false;
	return true;
}

static void
update_groups(struct announce *announce)
{
	announce->txt_dirty = false;
	for (size_t i = 0; i < announce->group_count; i++) {
		struct mdns_group *group = announce->groups[i];
		int error =
			group->stack->ops->group_update(group, announce->instance, announce->txt);

		if (error == 0 || error == AVAHI_ERR_NO_CHANGE)
			continue;
		retry_after(announce, error);
		return;
	}
}

/* What the groups have come to; false when that ended them. */
static bool
check_groups(struct announce *announce)
{
	for (size_t i = 0; i < announce->group_count; i++) {
		switch (announce->groups[i]->state) {
		case GROUP_REGISTERING:
		case GROUP_ESTABLISHED:
			break;
		case GROUP_COLLISION:
			rename_instance(announce);
			return false;
		case GROUP_FAILED:
			retry_after(announce, AVAHI_ERR_FAILURE);
			return false;
		}
	}
	return true;
}

static bool
is_established(const struct announce *announce)
{
	for (size_t i = 0; i < announce->group_count; i++)
		if (announce->groups[i]->state == GROUP_ESTABLISHED)
			return true;
	return false;
}

static void
tell(struct announce *announce)
{
	if (announce->told || !is_established(announce))
		return;
	announce->told = true;
	announce->collisions = 0;
	announce->retry = RETRY_MIN;
	announce->error = 0;
	ear_info("mdns: published as %s", announce->instance);
	announce->events.published(announce->arg, announce->instance);
}

struct announce *
announce_new(struct ear_clock *clock, const char *user, const char *machine, unsigned port,
	     const struct announce_events *events, void *arg)
{
	struct announce *announce = xalloc(sizeof(*announce));

	announce->clock = clock;
	announce->events = *events;
	announce->arg = arg;
	announce->user = xstrdup(user);
	announce->machine = xstrdup(machine);
	announce->port = port;
	announce->retry = RETRY_MIN;
	return announce;
}

void
announce_free(struct announce *announce)
{
	if (announce == NULL)
		return;
	close_groups(announce);
	avahi_string_list_free(announce->txt);
	free(announce->user);
	free(announce->machine);
	free(announce);
}

void
announce_set_txt(struct announce *announce, const uint8_t *txt, size_t length)
{
	AvahiStringList *list = NULL;

	if (avahi_string_list_parse(txt, length, &list) < 0) {
		ear_error("mdns: our own TXT record is malformed");
		return;
	}
	avahi_string_list_free(announce->txt);
	announce->txt = list;
	announce->publish = true;
	announce->txt_dirty = true;
	announce->events.wake(announce->arg, 0);
}

void
announce_step(struct announce *announce, struct mdns_stack *stack)
{
	int64_t left;

	if (stack == NULL || !announce->publish) {
		close_groups(announce);
		return;
	}
	if (announce->instance[0] == '\0')
		choose_name(announce);
	/* A round for each collision that shows at once, until there is nothing to do but wait. */
	for (;;) {
		left = announce->not_before - ear_now(announce->clock);
		if (left > 0) {
			announce->events.wake(announce->arg, left);
			return;
		}
		if (!check_groups(announce))
			continue;
		if (announce->group_count > 0 && announce->txt_dirty)
			update_groups(announce);
		else if (open_groups(announce, stack))
			break;
	}
	announce->txt_dirty = false;
	tell(announce);
}

const char *
announce_instance(const struct announce *announce)
{
	return is_established(announce) ? announce->instance : NULL;
}

bool
announce_is_renamed(const struct announce *announce, char *out, size_t size)
{
	return announce->number > 0 &&
	       announce_name(announce->user, announce->machine, 0, out, size) == 0;
}

int
announce_error(const struct announce *announce)
{
	return announce->error;
}

void
group_enter(struct mdns_group *group, enum group_state state)
{
	static const char *const names[] = { "registering", "established", "collision", "failed" };

	if (group->state == state)
		return;
	ear_debug("mdns: %s on interface %d: %s -> %s", group->announce->instance, group->interface,
		  names[group->state], names[state]);
	group->state = state;
	group->announce->events.wake(group->announce->arg, 0);
}

void
group_on_avahi(struct mdns_group *group, AvahiEntryGroupState state)
{
	switch (state) {
	case AVAHI_ENTRY_GROUP_UNCOMMITED:
		break;
	case AVAHI_ENTRY_GROUP_REGISTERING:
		group_enter(group, GROUP_REGISTERING);
		break;
	case AVAHI_ENTRY_GROUP_ESTABLISHED:
		group_enter(group, GROUP_ESTABLISHED);
		break;
	case AVAHI_ENTRY_GROUP_COLLISION:
		group_enter(group, GROUP_COLLISION);
		break;
	case AVAHI_ENTRY_GROUP_FAILURE:
		group_enter(group, GROUP_FAILED);
		break;
	}
}
