/* SPDX-License-Identifier: ISC */
/* expires.c: the life of a stanza. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/core.h"
#include "core/expires.h"

/* Half of what a number of microseconds can say: so can the difference of two. */
#define SENT_MAX_MS (INT64_MAX / EAR_MSEC / 2)

/* Clocks of quartz go apart by at most one second in so many: that much of what has passed since
 * the difference was seen says nothing about a way. */
#define DRIFT 5000

/* What the element says. */
struct life {
	xmpp_stanza_t *element;
	int64_t usec; /* how long it lives */
	int64_t sent; /* -1: it does not say */
	const char *clock;
};

/* A number of at most max, or -1. */
static int64_t
number_of(xmpp_stanza_t *element, const char *attribute, int64_t max)
{
	const char *text = xmpp_stanza_get_attribute(element, attribute);
	char *end;
	long long value;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno != 0 || *end != '\0' || value > max ? -1 : value;
}

static bool
is_iq(xmpp_stanza_t *stanza)
{
	return strcmp(xmpp_stanza_get_name(stanza), "iq") == 0;
}

/* False: it has none, or none that means anything. */
static bool
life_of(xmpp_stanza_t *stanza, struct life *life)
{
	xmpp_stanza_t *holder = is_iq(stanza) ? ear_first(stanza) : stanza;
	int64_t ms;

	life->element = holder == NULL ? NULL : ear_find(holder, "expires", EAR_NS_DELIVERY);
	if (life->element == NULL)
		return false;
	ms = number_of(life->element, "ms", EXPIRES_MAX_MS);
	life->usec = ms * EAR_MSEC;
	life->sent = number_of(life->element, "sent", SENT_MAX_MS);
	life->clock = xmpp_stanza_get_attribute(life->element, "clock");
	return ms >= 0;
}

/* A program puts it beside the payload of an IQ, where no other engine would look. */
static xmpp_stanza_t *
move_inside(xmpp_stanza_t *iq)
{
	xmpp_stanza_t *element = ear_find(iq, "expires", EAR_NS_DELIVERY), *moved;

	if (element == NULL)
		return iq;
	moved = ear_copy_without(iq, EAR_NS_DELIVERY);
	if (ear_first(moved) != NULL) {
		element = xmpp_stanza_copy(element);
		xmpp_stanza_add_child(ear_first(moved), element);
		xmpp_stanza_release(element);
	}
	xmpp_stanza_release(iq);
	return moved;
}

xmpp_stanza_t *
expires_stamp(struct ear *ear, xmpp_stanza_t *stanza)
{
	struct life life;

	if (is_iq(stanza))
		stanza = move_inside(stanza);
	if (!life_of(stanza, &life) || life.sent >= 0)
		return stanza;
	ear_set(life.element, "sent", "%lld", (long long)(clock_boot_now(ear->clock) / EAR_MSEC));
	ear_set(life.element, "clock", "%s", ear->clock_id);
	return stanza;
}

void
expires_tell(xmpp_stanza_t *error)
{
	xmpp_stanza_t *element = error == NULL ? NULL : ear_find(error, "error", NULL);

	if (element != NULL)
		ear_child(element, "expired", EAR_NS_DELIVERY);
}

int64_t
expires_life(xmpp_stanza_t *stanza)
{
	struct life life;

	return life_of(stanza, &life) ? life.usec : -1;
}

bool
expires_is_over(struct ear *ear, xmpp_stanza_t *stanza)
{
	struct life life;

	if (!life_of(stanza, &life) || life.sent < 0 || life.clock == NULL ||
	    strcmp(life.clock, ear->clock_id) != 0)
		return false;
	return clock_boot_now(ear->clock) - life.sent * EAR_MSEC > life.usec;
}

/* How long it has been under way; what is known about the clock becomes better, but for drift. */
static int64_t
age_of(struct ear *ear, struct age *age, const struct life *life)
{
	int64_t now = clock_boot_now(ear->clock), apart = now - life->sent * EAR_MSEC;
	int64_t least = age->least + (now - age->at) / DRIFT;

	if (strcmp(age->clock, life->clock) == 0 && apart >= least)
		return apart - least;
	copy_text(age->clock, sizeof(age->clock), life->clock);
	age->least = apart;
	age->at = now;
	return 0;
}

/* The same of a stanza from that one, NULL: nobody; -1: it does not say. */
static int64_t
age_at(struct dest *dest, const struct life *life)
{
	if (dest == NULL || life->sent < 0 || life->clock == NULL ||
	    strlen(life->clock) >= sizeof(dest->age.clock))
		return -1;
	return age_of(dest->ear, &dest->age, life);
}

void
expires_tell_clock(struct ear *ear, char *out, size_t size)
{
	snprintf(out, size, "<clock xmlns='" EAR_NS_DELIVERY "' sent='%lld' id='%s'/>",
		 (long long)(clock_boot_now(ear->clock) / EAR_MSEC), ear->clock_id);
}

void
expires_hear_clock(struct ear *ear, const char *from, xmpp_stanza_t *element)
{
	xmpp_stanza_t *clock = ear_find(element, "clock", EAR_NS_DELIVERY);
	struct life life = { 0 };

	if (clock == NULL)
		return;
	life.sent = number_of(clock, "sent", SENT_MAX_MS);
	life.clock = xmpp_stanza_get_attribute(clock, "id");
	age_at(dest_get(ear, from), &life);
}

int64_t
expires_age(struct ear *ear, const char *from, xmpp_stanza_t *stanza)
{
	struct life life;

	return life_of(stanza, &life) ? age_at(dest_find(ear, from), &life) : -1;
}

bool
expires_is_late(struct ear *ear, const char *from, xmpp_stanza_t *stanza)
{
	struct life life;

	return life_of(stanza, &life) && age_at(dest_find(ear, from), &life) > life.usec;
}
