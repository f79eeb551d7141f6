/* SPDX-License-Identifier: ISC */
/* pin.c: one record: copies, addresses, JIDs. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust/pins.h"

struct pin *
pin_new(const struct ear_key *key)
{
	struct pin *pin = xalloc(sizeof(*pin));

	pin->key = *key;
	pin->name = xstrdup("");
	return pin;
}

static size_t
copy_list(char **to, char *const *from, size_t count, size_t max)
{
	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++)
		to[i] = xstrdup(from[i]);
	return count;
}

struct pin *
pin_copy(const struct pin *pin)
{
	struct pin *copy = xalloc(sizeof(*copy));

	*copy = *pin;
	copy->name = xstrdup(pin->name != NULL ? pin->name : "");
	copy->address_count =
		copy_list(copy->addresses, pin->addresses, pin->address_count, PIN_ADDRESSES_MAX);
	copy->jid_count = copy_list(copy->jids, pin->jids, pin->jid_count, PIN_JIDS_MAX);
	return copy;
}

void
pin_free(struct pin *pin)
{
	if (pin == NULL)
		return;
	for (size_t i = 0; i < pin->address_count; i++)
		free(pin->addresses[i]);
	for (size_t i = 0; i < pin->jid_count; i++)
		free(pin->jids[i]);
	free(pin->name);
	free(pin);
}

/* The index of text, or count. */
static size_t
list_find(char *const *list, size_t count, const char *text)
{
	size_t i = 0;

	while (i < count && strcmp(list[i], text) != 0)
		i++;
	return i;
}

static void
list_drop(char **list, size_t *count, size_t i)
{
	free(list[i]);
	*count -= 1;
	memmove(list + i, list + i + 1, (*count - i) * sizeof(list[0]));
}

static void
list_remove(char **list, size_t *count, const char *text)
{
	size_t i = list_find(list, *count, text);

	if (i < *count)
		list_drop(list, count, i);
}

static void
list_first(char **list, size_t *count, size_t max, const char *text)
{
	char *copy = xstrdup(text); /* text may be the one that is dropped */
	size_t i = list_find(list, *count, text);

	if (i < *count)
		list_drop(list, count, i);
	else if (*count == max)
		list_drop(list, count, max - 1);
	memmove(list + 1, list, *count * sizeof(list[0]));
	list[0] = copy;
	*count += 1;
}

void
pin_add_address(struct pin *pin, const char *address)
{
	list_first(pin->addresses, &pin->address_count, PIN_ADDRESSES_MAX, address);
}

void
pin_remove_address(struct pin *pin, const char *address)
{
	list_remove(pin->addresses, &pin->address_count, address);
}

void
pin_add_jid(struct pin *pin, const char *jid)
{
	list_first(pin->jids, &pin->jid_count, PIN_JIDS_MAX, jid);
}

void
pin_remove_jid(struct pin *pin, const char *jid)
{
	list_remove(pin->jids, &pin->jid_count, jid);
}

void
pin_restore(struct pin *pin)
{
	while (pin->revoked && pin->jid_count > 0)
		list_drop(pin->jids, &pin->jid_count, 0);
	pin->revoked = false;
}

bool
pin_has_jid(const struct pin *pin, const char *jid)
{
	return list_find(pin->jids, pin->jid_count, jid) < pin->jid_count;
}
