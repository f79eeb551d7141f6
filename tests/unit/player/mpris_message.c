/* SPDX-License-Identifier: ISC */
/* mpris_message.c: see mpris_message.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mpris_message.h"

static int other = -1;

sd_bus *
messages_open(void)
{
	sd_bus *bus = NULL;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fd[0], fd[0]) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	other = fd[1];
	return bus;
}

void
messages_close(sd_bus *bus)
{
	sd_bus_close_unref(bus);
	close(other);
}

sd_bus_message *
message_new(sd_bus *bus)
{
	sd_bus_message *message = NULL;

	assert_true(sd_bus_message_new_signal(bus, &message, "/", "a.b", "C") >= 0);
	return message;
}

void
message_seal(sd_bus_message *message)
{
	assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(message, 1) >= 0);
}
