/* SPDX-License-Identifier: ISC */
/* mpris_value.h: values out of D-Bus messages, whatever their type is, with a bound on the work. */
#ifndef PLAYER_MPRIS_VALUE_H
#define PLAYER_MPRIS_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/* Values looked at in one message, those inside of others included; real players send a hundred.
 * What comes after is not read: no message takes longer than a millisecond. */
#define MPRIS_VALUES_MAX 4096

#define MPRIS_TEXT_SIZE 1024 /* of several texts put together */

struct mpris_reader {
	sd_bus_message *message; /* borrowed */
	int left;                /* values that may still be looked at */
};

enum mpris_type {
	MPRIS_ODD, /* a type that no property has */
	MPRIS_BOOL,
	MPRIS_INT, /* any integer; beyond int64_t it is odd */
	MPRIS_DOUBLE,
	MPRIS_TEXT,
};

struct mpris_value {
	enum mpris_type type;
	bool is;
	int64_t number;
	double real;
	const char *text;               /* lives as long as the message, and the value */
	char together[MPRIS_TEXT_SIZE]; /* "a, b" of a list of texts, which is a MPRIS_TEXT, too */
};

/* At the place where the message is. */
struct mpris_reader mpris_reader(sd_bus_message *message);

/* All of these: negative: the message is not what it should be, or too big; read no further. */

/* The next complete value that is not inside a variant; 0: none is left. */
int mpris_read_value(struct mpris_reader *reader, struct mpris_value *value);

/*
 * A dictionary a{sv}: take() is called with each key, and reads or skips (mpris_read_value) the
 * one value of the given signature that is there.
 */
typedef int mpris_take_fn(void *arg, const char *key, const char *signature,
			  struct mpris_reader *reader);
int mpris_read_dict(struct mpris_reader *reader, mpris_take_fn *take, void *arg);

/* An array of strings, one after the other. */
int mpris_read_texts(struct mpris_reader *reader, void (*take)(void *arg, const char *text),
		     void *arg);

#endif
