/* SPDX-License-Identifier: ISC */
/* test_knock.c: who takes connections and who does not, on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include <event2/event.h>

#include "link/knock.h"

static struct event_base *base;

static int
setup(void **state)
{
	base = event_base_new();
	return base == NULL;
}

static int
teardown(void **state)
{
	event_base_free(base);
	return 0;
}

/* A port of 127.0.0.1; *fd has it, and listens or not. */
static struct sockaddr_in
port(int *fd, bool listens)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &length), 0);
	if (listens)
		assert_int_equal(listen(*fd, 1), 0);
	return address;
}

static int
result_of(const struct sockaddr_in *address)
{
	struct knock *knock = knock_new(base, (const struct sockaddr *)address, sizeof(*address));
	int result;

	while (knock_result(knock) == -EINPROGRESS)
		event_base_loop(base, EVLOOP_ONCE);
	assert_memory_equal(knock_where(knock), "127.0.0.1:", 10);
	result = knock_result(knock);
	knock_free(knock);
	return result;
}

static void
test_taken(void **state)
{
	struct sockaddr_in address;
	int fd;

	address = port(&fd, true);
	assert_int_equal(result_of(&address), 0);
	close(fd);
}

static void
test_refused(void **state)
{
	struct sockaddr_in address;
	int fd;

	address = port(&fd, false);
	assert_int_equal(result_of(&address), -ECONNREFUSED);
	close(fd);
}

/* Nobody waits for it any more. */
static void
test_dropped(void **state)
{
	struct sockaddr_in address;
	struct knock *knock;
	int fd;

	address = port(&fd, true);
	knock = knock_new(base, (const struct sockaddr *)&address, sizeof(address));
	knock_free(knock);
	event_base_loop(base, EVLOOP_NONBLOCK);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
