/* SPDX-License-Identifier: ISC */
/* mpris_value.c: reading D-Bus messages that may hold anything. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "player/mpris_value.h"

struct mpris_reader
mpris_reader(sd_bus_message *message)
{
	return (struct mpris_reader){ .message = message, .left = MPRIS_VALUES_MAX };
}

/* The type of the next value; 0: none is left here. */
static int
peek(struct mpris_reader *reader, char *type, const char **contents)
{
	int n = sd_bus_message_peek_type(reader->message, type, contents);

	if (n > 0 && reader->left-- <= 0)
		return -E2BIG;
	return n;
}

/* These are passed over in one step, however many there are. */
static bool
is_plain(const char *signature)
{
	return strchr("ynqiuxtd", signature[0]) != NULL && signature[1] == '\0';
}

static int skip(struct mpris_reader *reader);

static int
skip_container(struct mpris_reader *reader, char type, const char *contents)
{
	const void *array;
	size_t size;
	int n;

	if (type == SD_BUS_TYPE_ARRAY && is_plain(contents))
		return sd_bus_message_read_array(reader->message, contents[0], &array, &size);
	n = sd_bus_message_enter_container(reader->message, type, contents);
	while (n > 0)
		n = skip(reader);
	return n < 0 ? n : sd_bus_message_exit_container(reader->message);
}

/*
 * Passes over one value; 0: none is left. sd_bus_message_skip would look at each of a hundred
 * million. Goes no deeper than sd-bus lets containers be entered, 128.
 */
static int
skip(struct mpris_reader *reader)
{
	const char *contents;
	char type;
	int n = peek(reader, &type, &contents);

	if (n <= 0)
		return n;
	switch (type) {
	case SD_BUS_TYPE_ARRAY:
	case SD_BUS_TYPE_VARIANT:
	case SD_BUS_TYPE_STRUCT:
	case SD_BUS_TYPE_DICT_ENTRY:
		n = skip_container(reader, type, contents);
		break;
	default:
		n = sd_bus_message_skip(reader->message, (char[]){ type, '\0' });
	}
	return n < 0 ? n : 1;
}

static void
join(void *arg, const char *text)
{
	char *out = arg;
	size_t used = strlen(out);

	snprintf(out + used, MPRIS_TEXT_SIZE - used, "%s%.*s", used == 0 ? "" : ", ",
		 MPRIS_TEXT_SIZE, text);
}

static void
set_number(struct mpris_value *value, int64_t number)
{
	value->type = MPRIS_INT;
	value->number = number;
}

/* A basic value, as sd_bus_message_read_basic gives it. */
union basic {
	uint8_t byte;
	int16_t int16;
	uint16_t uint16;
	int32_t int32;
	uint32_t uint32;
	int64_t int64;
	uint64_t uint64;
	double real;
	int is;
	const char *text;
};

static void
take_basic(struct mpris_value *value, char type, const union basic *basic)
{
	switch (type) {
	case SD_BUS_TYPE_BYTE:
		set_number(value, basic->byte);
		break;
	case SD_BUS_TYPE_INT16:
		set_number(value, basic->int16);
		break;
	case SD_BUS_TYPE_UINT16:
		set_number(value, basic->uint16);
		break;
	case SD_BUS_TYPE_INT32:
		set_number(value, basic->int32);
		break;
	case SD_BUS_TYPE_UINT32:
		set_number(value, basic->uint32);
		break;
	case SD_BUS_TYPE_INT64:
		set_number(value, basic->int64);
		break;
	case SD_BUS_TYPE_UINT64:
		if (basic->uint64 <= INT64_MAX)
			set_number(value, (int64_t)basic->uint64);
		break;
	case SD_BUS_TYPE_DOUBLE:
		value->type = MPRIS_DOUBLE;
		value->real = basic->real;
		break;
	case SD_BUS_TYPE_BOOLEAN:
		value->type = MPRIS_BOOL;
		value->is = basic->is != 0;
		break;
	case SD_BUS_TYPE_STRING:
	case SD_BUS_TYPE_OBJECT_PATH:
		value->type = MPRIS_TEXT;
		value->text = basic->text;
		break;
	default:
		break;
	}
}

int
mpris_read_value(struct mpris_reader *reader, struct mpris_value *value)
{
	const char *contents;
	union basic basic;
	char type;
	int n = sd_bus_message_peek_type(reader->message, &type, &contents);

	value->type = MPRIS_ODD;
	if (n <= 0)
		return n;
	if (type == SD_BUS_TYPE_ARRAY && strcmp(contents, "s") == 0) {
		value->type = MPRIS_TEXT;
		value->text = value->together;
		value->together[0] = '\0';
		n = mpris_read_texts(reader, join, value->together);
		return n < 0 ? n : 1;
	}
	if (strchr("ynqiuxtdbso", type) == NULL)
		return skip(reader);
	if (reader->left-- <= 0)
		return -E2BIG;
	n = sd_bus_message_read_basic(reader->message, type, &basic);
	if (n > 0)
		take_basic(value, type, &basic);
	return n;
}

static int
read_entry(struct mpris_reader *reader, mpris_take_fn *take, void *arg)
{
	const char *key = NULL, *contents;
	int n = sd_bus_message_read_basic(reader->message, SD_BUS_TYPE_STRING, &key);

	if (n > 0)
		n = sd_bus_message_peek_type(reader->message, NULL, &contents);
	if (n > 0)
		n = sd_bus_message_enter_container(reader->message, SD_BUS_TYPE_VARIANT, contents);
	if (n > 0)
		n = take(arg, key, contents, reader);
	if (n >= 0)
		n = sd_bus_message_exit_container(reader->message);
	return n < 0 ? n : sd_bus_message_exit_container(reader->message);
}

int
mpris_read_dict(struct mpris_reader *reader, mpris_take_fn *take, void *arg)
{
	int n = sd_bus_message_enter_container(reader->message, SD_BUS_TYPE_ARRAY, "{sv}");

	while (n > 0) {
		n = sd_bus_message_enter_container(reader->message, SD_BUS_TYPE_DICT_ENTRY, "sv");
		if (n > 0 && reader->left-- <= 0)
			n = -E2BIG;
		if (n <= 0)
			break;
		n = read_entry(reader, take, arg);
		n = n < 0 ? n : 1;
	}
	return n < 0 ? n : sd_bus_message_exit_container(reader->message);
}

int
mpris_read_texts(struct mpris_reader *reader, void (*take)(void *arg, const char *text), void *arg)
{
	int n = sd_bus_message_enter_container(reader->message, SD_BUS_TYPE_ARRAY, "s");
	const char *text;

	while (n > 0) {
		n = sd_bus_message_read_basic(reader->message, SD_BUS_TYPE_STRING, &text);
		if (n > 0 && reader->left-- <= 0)
			n = -E2BIG;
		if (n > 0)
			take(arg, text);
	}
	return n < 0 ? n : sd_bus_message_exit_container(reader->message);
}
