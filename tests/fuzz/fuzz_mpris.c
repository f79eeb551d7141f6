/* SPDX-License-Identifier: ISC */
/*
 * fuzz_mpris.c: any bytes as the body of a message from an MPRIS player, read as its properties,
 * and presses after it. An input is a signature, a line feed, and the body as it is on the wire.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/check_text.h"
#include "player/mpris_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER_SIZE 512
#define BODY_MAX    60000 /* fits into the socket at once */

/* What a bus says until messages begin. */
static const char hello[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n";

static void
check(const struct mpris_view *view)
{
	struct ear_player_state state;

	mpris_view_state(view, "name", &state);
	check_texts(&state);
	if (state.position_us < -1 || state.duration_us < -1 || state.volume < -1 ||
	    state.volume > 1000 || state.rate < 0)
		abort();
}

static void
press_all(sd_bus *bus, const struct mpris_view *view)
{
	for (int i = 0; i < 2 * EAR_BUTTON_COUNT; i++) {
		struct ear_press press = { .button = i / 2,
					   .has_value = true,
					   .relative = i % 2 != 0,
					   .value = -5,
					   .text = "http://a/" };
		struct mpris_plan plan;

		if (mpris_plan_press(&plan, view, &press) == 0 && plan.act != MPRIS_NOTHING)
			sd_bus_message_unref(mpris_plan_message(&plan, bus, ":1.1"));
		(void)mpris_plan_holds(&plan, view, 0);
	}
}

static int
on_message(sd_bus_message *message, void *arg, sd_bus_error *failed)
{
	struct mpris_reader reader = mpris_reader(message);
	struct mpris_value value;
	struct mpris_view view;

	mpris_view_init(&view);
	(void)mpris_view_read(&view, &reader);
	check(&view);
	press_all(sd_bus_message_get_bus(message), &view);
	if (sd_bus_message_rewind(message, 1) < 0)
		return 1;
	reader = mpris_reader(message);
	while (mpris_read_value(&reader, &value) > 0)
		if (value.type == MPRIS_TEXT && strlen(value.text) > BODY_MAX)
			abort();
	*(bool *)arg = true;
	return 1;
}

static size_t
put32(uint8_t *out, uint32_t value)
{
	memcpy(out, &value, 4);
	return 4;
}

/* A field of the header, up to where the next one begins. */
static size_t
put_field(uint8_t *out, uint8_t code, char type, const char *value, size_t length)
{
	size_t n = 0;

	out[n++] = code;
	out[n++] = 1;
	out[n++] = (uint8_t)type;
	out[n++] = 0;
	if (type == 'g')
		out[n++] = (uint8_t)length;
	else
		n += put32(out + n, (uint32_t)length);
	memcpy(out + n, value, length);
	n += length + 1;
	return (n + 7) & ~(size_t)7;
}

/* The header of a signal with a body of this signature. */
static size_t
put_header(uint8_t *out, const uint8_t *signature, size_t length, size_t body)
{
	uint16_t one = 1;
	size_t n = 16, end;

	memset(out, 0, HEADER_SIZE);
	out[0] = *(uint8_t *)&one == 1 ? 'l' : 'B';
	out[1] = 4;
	out[3] = 1;
	put32(out + 4, (uint32_t)body);
	put32(out + 8, 1);
	n += put_field(out + n, 1, 'o', "/a", 2);
	n += put_field(out + n, 2, 's', "a.b", 3);
	n += put_field(out + n, 3, 's', "C", 1);
	end = n + 6 + length;
	n += put_field(out + n, 8, 'g', (const char *)signature, length);
	put32(out + 12, (uint32_t)(end - 16));
	return n;
}

static void
send_all(int fd, const uint8_t *signature, size_t length, const uint8_t *body, size_t size)
{
	uint8_t header[HEADER_SIZE];
	size_t n = put_header(header, signature, length, size);

	if (write(fd, header, n) != (ssize_t)n || (size > 0 && write(fd, body, size) < 0))
		abort();
}

/* A connection over fd[0] that is past its beginning. */
static sd_bus *
open_bus(int fd[2], bool *seen)
{
	sd_bus *bus = NULL;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) != 0 ||
	    sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd[0], fd[0]) < 0 ||
	    sd_bus_negotiate_fds(bus, 0) < 0 || sd_bus_start(bus) < 0 ||
	    sd_bus_add_filter(bus, NULL, on_message, seen) < 0 ||
	    write(fd[1], hello, sizeof(hello) - 1) != sizeof(hello) - 1)
		abort();
	for (int i = 0; i < 20 && sd_bus_is_ready(bus) <= 0; i++)
		(void)sd_bus_process(bus, NULL);
	if (sd_bus_is_ready(bus) <= 0)
		abort();
	return bus;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
	size_t length = end == NULL ? 0 : (size_t)(end - data);
	bool seen = false;
	sd_bus *bus;
	int fd[2];

	if (end == NULL || length > 255 || size - length - 1 > BODY_MAX)
		return 0;
	bus = open_bus(fd, &seen);
	send_all(fd[1], data, length, end + 1, size - length - 1);
	for (int i = 0; i < 20 && !seen; i++)
		if (sd_bus_process(bus, NULL) < 0)
			break;
	sd_bus_close_unref(bus);
	close(fd[1]);
	return 0;
}
