/* SPDX-License-Identifier: ISC */
/* instance.c: text that is no local part as one (XEP-0106), and LAN names as addresses (XEP-0174).
 */
#include <errno.h>
#include <string.h>

#include <unictype.h>
#include <unistr.h>

#include <earshot/jid.h>

#include "base/alloc.h"
#include "wire/precis.h"

#define LAN_SUFFIX ".local"
/* A local part of 1,023 bytes, each of which may stand for a single one. */
#define USER_SIZE (EAR_JID_PART_MAX + 1)

static const char escaped[] = " \"&'/:<>@\\";
static const char hex[] = "0123456789abcdef";

static int
hex_digit(char c)
{
	const char *at;

	if (c >= 'A' && c <= 'F')
		c = c - 'A' + 'a';
	at = c != '\0' ? strchr(hex, c) : NULL;
	return at != NULL ? (int)(at - hex) : -1;
}

/* The character that the sequence at text stands for, 0: it is none. */
static char
sequence_of(const char *text)
{
	int high, low;

	if (text[0] != '\\' || (high = hex_digit(text[1])) < 0 || (low = hex_digit(text[2])) < 0)
		return 0;
	high = high << 4 | low;
	return high != 0 && strchr(escaped, high) != NULL ? (char)high : 0;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/*
 * XEP-0106 §5: a backslash is escaped only where it would otherwise begin a sequence. Upper-case
 * hex counts too, because case mapping makes a sequence of it.
 */
static bool
needs_escape(const char *text)
{
	return *text == '\\' ? sequence_of(text) != 0 : strchr(escaped, *text) != NULL;
}

/* A mark behind a sequence would join its last letter, and neither would be found again. */
static bool
is_mark(const char *text)
{
	ucs4_t c;

	return u8_strmbtouc(&c, (const uint8_t *)text) > 0 && uc_combining_class(c) != 0;
}

int
ear_jid_escape(const char *text, char *out, size_t size)
{
	size_t length = strlen(text), n = 0;

	/* XEP-0106 §4.2: \20 is neither first nor last. */
	if (length == 0 || text[0] == ' ' || text[length - 1] == ' ' || has_control(text) ||
	    u8_check((const uint8_t *)text, length) != NULL)
		return -EINVAL;
	for (; *text != '\0'; text++) {
		size_t step = needs_escape(text) ? 3 : 1;

		if (step == 3 && is_mark(text + 1))
			return -EINVAL;
		if (n + step > EAR_JID_PART_MAX)
			return -ENAMETOOLONG;
		if (n + step >= size)
			return -ENOSPC;
		if (step == 3) {
			out[n] = '\\';
			out[n + 1] = hex[*text >> 4];
			out[n + 2] = hex[*text & 15];
		} else {
			out[n] = *text;
		}
		n += step;
	}
	out[n] = '\0';
	return 0;
}

/* XEP-0106 §4.3: case is significant here. */
static bool
is_sequence(const char *text)
{
	return sequence_of(text) != 0 && !(text[2] >= 'A' && text[2] <= 'F');
}

int
ear_jid_unescape(const char *local, char *out, size_t size)
{
	size_t length = strlen(local), n = 0;

	if (length == 0 || u8_check((const uint8_t *)local, length) != NULL)
		return -EINVAL;
	if (length > EAR_JID_PART_MAX)
		return -ENAMETOOLONG;
	while (*local != '\0') {
		bool is_one = is_sequence(local);

		if (n + 1 >= size)
			return -ENOSPC;
		out[n++] = is_one ? sequence_of(local) : *local;
		local += is_one ? 3 : 1;
	}
	out[n] = '\0';
	return 0;
}

/* A host name as XEP-0174 §13.1 wants it: ASCII. What else makes a name is for ear_jid_prep. */
static bool
is_machine(const char *text)
{
	return *text != '\0' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] == '\0';
}

/* "user@machine" of at most 63 bytes, the user apart in a buffer of EAR_INSTANCE_MAX + 1. */
static int
split(const char *instance, char *user, const char **machine)
{
	const char *at = strrchr(instance, '@');

	if (strnlen(instance, EAR_INSTANCE_MAX + 1) > EAR_INSTANCE_MAX)
		return -ENAMETOOLONG;
	if (at == NULL || at == instance || !is_machine(at + 1) || at[strlen(at) - 1] == '.')
		return -EINVAL;
	memcpy(user, instance, at - instance);
	user[at - instance] = '\0';
	*machine = at + 1;
	return 0;
}

int
ear_jid_from_instance(const char *instance, char *out, size_t size)
{
	char user[EAR_INSTANCE_MAX + 1], mapped[PRECIS_SIZE], address[EAR_JID_SIZE];
	const char *machine;
	size_t n;
	int error = split(instance, user, &machine);

	/* Mapped first: afterwards the mappings would make sequences of what was none. */
	if (error == 0)
		error = precis_map_username(user, strlen(user), mapped);
	if (error == 0)
		error = ear_jid_escape(mapped, address, sizeof(address));
	if (error != 0)
		return error;
	n = strlen(address);
	address[n++] = '@';
	memcpy(address + n, machine, strlen(machine) + 1);
	memcpy(address + n + strlen(machine), LAN_SUFFIX, sizeof(LAN_SUFFIX));
	return ear_jid_prep(address, out, size);
}

/* The user and the machine of a canonical bare address, which is cut at the '@'. */
static int
take_apart(char *bare, char *user, const char **machine)
{
	char *at = strchr(bare, '@');

	if (at == NULL || !ear_jid_is_lan(bare))
		return -EINVAL;
	*at++ = '\0';
	at[strlen(at) - strlen(LAN_SUFFIX)] = '\0';
	*machine = at;
	return ear_jid_unescape(bare, user, USER_SIZE);
}

/* Whether the instance is called what the address says: an address may be escaped otherwise. */
static bool
is_called(const char *instance, const char *address)
{
	char back[EAR_JID_SIZE];

	return ear_jid_from_instance(instance, back, sizeof(back)) == 0 &&
	       ear_jid_bare_equal(back, address);
}

int
ear_jid_to_instance(const char *address, char *out, size_t size)
{
	char bare[EAR_JID_SIZE], user[USER_SIZE], instance[EAR_INSTANCE_MAX + 1];
	const char *machine;
	size_t length;
	int error = ear_jid_bare(address, bare, sizeof(bare));

	if (error == 0)
		error = take_apart(bare, user, &machine);
	if (error != 0)
		return error;
	length = strlen(user);
	if (length + 1 + strlen(machine) > EAR_INSTANCE_MAX)
		return -ENAMETOOLONG;
	memcpy(instance, user, length);
	instance[length] = '@';
	memcpy(instance + length + 1, machine, strlen(machine) + 1);
	if (!is_called(instance, address))
		return -EINVAL;
	return copy_text(out, size, instance);
}
