/* SPDX-License-Identifier: ISC */
/* test_metrics_http.c: the page of figures, and who tries to hold its server up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/metrics_http.h"

#define VISITORS 16
#define VISIT    (5 * EAR_SEC)
#define GET      "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define PAGE     "# TYPE pages counter\npages 1\n"

static struct event_base *base;
static struct ear_clock *fake;
static struct metrics_http *http;
static int asked;

static char *
page(void *arg)
{
	asked++;
	return xstrdup(PAGE);
}

static int
set_up(void **state)
{
	int error;

	asked = 0;
	base = event_base_new();
	fake = clock_new_fake();
	http = metrics_http_new(base, fake, "127.0.0.1:0", page, NULL, &error);
	assert_non_null(http);
	assert_int_equal(error, 0);
	return 0;
}

static int
tear_down(void **state)
{
	metrics_http_free(http);
	event_base_loop(base, EVLOOP_NONBLOCK);
	clock_free(fake);
	event_base_free(base);
	return 0;
}

static int
visit(const char *text, size_t length)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(metrics_http_port(http)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (length > 0) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);

		event_base_loop(base, EVLOOP_NONBLOCK);
		if (n < 0 && errno != EAGAIN)
			break;
		text += n > 0 ? n : 0;
		length -= n > 0 ? n : 0;
	}
	return fd;
}

/* What comes until the other end closes; false: it does not. */
static bool
read_all(int fd, char *out, size_t size)
{
	time_t end = time(NULL) + 5;
	size_t have = 0;

	while (time(NULL) < end) {
		ssize_t n;

		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, out + have, size - have - 1, 0);
		if (n > 0)
			have += n;
		out[have] = '\0';
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
	}
	return false;
}

static void
assert_answer(const char *request, const char *status)
{
	char answer[4096];
	int fd = visit(request, strlen(request));

	assert_true(read_all(fd, answer, sizeof(answer)));
	if (strncmp(answer, status, strlen(status)) != 0)
		print_error("asked:\n%s\ngot:\n%s\n", request, answer);
	assert_memory_equal(answer, status, strlen(status));
	close(fd);
}

static void
test_page(void **state)
{
	char answer[4096];
	int fd = visit(GET, strlen(GET));

	assert_true(read_all(fd, answer, sizeof(answer)));
	close(fd);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(answer, "\r\nConnection: close"));
	assert_non_null(strstr(answer, "\r\n\r\n" PAGE));
	assert_int_equal(asked, 1);
	assert_answer("GET /metrics?name=x HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ");
}

/* The same header, and nothing behind it. */
static void
test_head(void **state)
{
	const char *request = "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char answer[4096], length[64], *end;
	int fd = visit(request, strlen(request));

	assert_true(read_all(fd, answer, sizeof(answer)));
	close(fd);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(PAGE));
	assert_non_null(strstr(answer, length));
	end = strstr(answer, "\r\n\r\n");
	assert_non_null(end);
	assert_string_equal(end, "\r\n\r\n");
}

static void
test_nothing_else(void **state)
{
	assert_answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ");
	assert_answer("GET /metrics/../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ");
	assert_answer("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 ");
	assert_answer("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		      "HTTP/1.1 405 ");
	assert_answer("BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ");
	assert_int_equal(asked, 0);
}

/* Whatever they send, they get an end, and the next one gets the page. */
static void
test_nonsense(void **state)
{
	static const char *const nonsense[] = {
		"\r\n\r\n",
		"GET\r\n\r\n",
		"GET /metrics HTTP/9.9\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
		"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
		"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
		"GET http://[::1/metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /metrics%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	};
	char answer[8192];

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		int fd = visit(nonsense[i], strlen(nonsense[i]));

		event_base_loop(base, EVLOOP_NONBLOCK);
		clock_advance(fake, VISIT);
		assert_true(read_all(fd, answer, sizeof(answer)));
		assert_null(strstr(answer, PAGE));
		close(fd);
	}
	assert_answer(GET, "HTTP/1.1 200 ");
}

static void
test_huge_headers(void **state)
{
	static char huge[1024 * 1024];
	char answer[4096];
	int fd;

	memset(huge, 'x', sizeof(huge));
	memcpy(huge, "GET /metrics HTTP/1.1\r\nX: ", 26);
	fd = visit(huge, sizeof(huge));
	assert_true(read_all(fd, answer, sizeof(answer)));
	assert_null(strstr(answer, PAGE));
	close(fd);
	assert_answer(GET, "HTTP/1.1 200 ");
}

/* One byte now and then: each keeps libevent's own time-out from passing. */
static void
test_slow_request(void **state)
{
	char answer[4096];
	int fd = visit("GET /met", 8);

	for (int64_t at = 0; at < VISIT - EAR_SEC; at += EAR_SEC) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		clock_advance(fake, EAR_SEC);
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	}
	clock_advance(fake, EAR_SEC);
	assert_true(read_all(fd, answer, sizeof(answer)));
	assert_string_equal(answer, "");
	close(fd);
}

/* Those that fill all places keep others waiting, but not for long; and nobody turns them away. */
static void
test_crowd(void **state)
{
	int crowd[2 * VISITORS], fd;
	char answer[4096];

	for (size_t i = 0; i < VISITORS; i++) {
		crowd[i] = visit("G", 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	fd = visit(GET, strlen(GET));
	for (int i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(asked, 0);
	clock_advance(fake, VISIT);
	assert_true(read_all(fd, answer, sizeof(answer)));
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	assert_int_equal(asked, 1);
	close(fd);
	for (size_t i = 0; i < VISITORS; i++)
		close(crowd[i]);
}

/* Each visit gives its place back at once. */
static void
test_many_visits(void **state)
{
	for (int i = 0; i < 10 * VISITORS; i++)
		assert_answer(GET, "HTTP/1.1 200 ");
	assert_int_equal(asked, 10 * VISITORS);
}

/* With visitors in every state. */
static void
test_end(void **state)
{
	int error, fds[3];

	fds[0] = visit("", 0);
	fds[1] = visit("GET /metrics HTTP/1.1\r\nX:", 25);
	fds[2] = visit(GET, strlen(GET));
	event_base_loop(base, EVLOOP_NONBLOCK);
	metrics_http_free(http);
	http = metrics_http_new(base, fake, "[::1]:0", page, NULL, &error);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	if (http != NULL)
		assert_int_not_equal(metrics_http_port(http), 0);
}

static void
test_busy_port(void **state)
{
	char endpoint[32];
	int error = 0;

	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", metrics_http_port(http));
	assert_null(metrics_http_new(base, fake, endpoint, page, NULL, &error));
	assert_int_equal(error, -EADDRINUSE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_head, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_huge_headers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slow_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crowd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_visits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busy_port, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
