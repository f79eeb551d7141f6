/* SPDX-License-Identifier: ISC */
/* test_mpd_link.c: servers that only pretend to be MPD, and a real one whose bytes come one by one.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mpd_rig.h"
#include "player/ops.h"

#define HELLO "OK MPD 0.23.5\n"

static struct mpd_rig mpd;
static struct rig *const rig = &mpd.rig;
static char front[96]; /* the socket of the liar */
static pid_t liar;
static int *served; /* connections, counted in the liar's process */

static int
setup(void **state)
{
	mpd_rig_init(&mpd);
	snprintf(front, sizeof(front), "%s/front", rig->dir);
	liar = 0;
	return 0;
}

static int
teardown(void **state)
{
	if (liar > 0) {
		kill(liar, SIGKILL);
		waitpid(liar, NULL, 0);
		munmap(served, sizeof(*served));
	}
	mpd_rig_release(&mpd);
	return 0;
}

static void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(0);
}

/* Reads a line; ends the process when there is none. */
static void
hear(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n') {
			line[n - 1] = '\0';
			return;
		}
	_exit(0);
}

/* Waits for what is answered: the end of a list, or a command outside of one. noidle is no such. */
static void
hear_request(int fd)
{
	char line[256];
	bool in_list = false;

	do {
		hear(fd, line, sizeof(line));
		if (strcmp(line, "command_list_begin") == 0)
			in_list = true;
		if (strcmp(line, "command_list_end") == 0)
			in_list = false;
	} while (in_list || strcmp(line, "noidle") == 0);
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/* A process that serves every connection by this, one after the other. */
static void
start_liar(void (*serve)(int fd))
{
	struct sockaddr_un address = address_of(front);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct player_config config = { .kind = "mpd", .socket = front };

	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	served = mmap(NULL, sizeof(*served), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(served != MAP_FAILED);
	liar = fork();
	assert_true(liar >= 0);
	if (liar == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			++*served;
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				serve(fd);
				_exit(0);
			}
			close(fd);
		}
	}
	close(listener);
	assert_int_equal(player_new(rig->base, rig->clock, &config, NULL, NULL, &rig->player), 0);
}

static void
serve_garbage(int fd)
{
	say(fd, "SSH-2.0-OpenSSH_9.2p1\r\n");
	pause();
}

static void
serve_binary(int fd)
{
	static const char bytes[] = "\xff\xfe\0\n\0\x80 OK MPD\n";

	say(fd, HELLO);
	hear_request(fd);
	(void)!write(fd, bytes, sizeof(bytes));
	pause();
}

static void
serve_endless_line(int fd)
{
	for (;;)
		say(fd, "OK MPD OK MPD OK MPD ");
}

static void
serve_endless_title(int fd)
{
	say(fd, HELLO);
	hear_request(fd);
	say(fd, "OK\n");
	hear_request(fd);
	say(fd, "state: play\nTitle: ");
	for (;;)
		say(fd, "Title: Title: Title: Title: ");
}

static void
serve_50_megabytes(int fd)
{
	say(fd, HELLO);
	hear_request(fd);
	say(fd, "OK\n");
	hear_request(fd);
	for (int i = 0; i < 50 * 1024 * 1024 / 16; i++)
		say(fd, "Artist: Artist\n\n" + (i & 1));
	say(fd, "OK\n");
	pause();
}

static void
serve_refusal(int fd)
{
	say(fd, HELLO);
	for (;;) {
		hear_request(fd);
		say(fd, "ACK [4@0] {} you don't have permission\n");
	}
}

static void
serve_nothing(int fd)
{
	say(fd, HELLO);
	for (;;) {
		hear_request(fd);
		say(fd, "OK\n");
	}
}

static void
serve_odd_values(int fd)
{
	say(fd, HELLO);
	hear_request(fd);
	say(fd, "OK\n");
	for (;;) {
		hear_request(fd);
		say(fd, "volume: 99999999999999999999\nstate: play\nOK\n");
	}
}

/* Refuses to be waited for, and then says something that nobody has asked. */
static void
serve_unasked(int fd)
{
	say(fd, HELLO);
	hear_request(fd);
	say(fd, "OK\n");
	hear_request(fd);
	say(fd, "state: stop\nOK\n");
	hear_request(fd);
	say(fd, "ACK [4@0] {idle} no\nOK\n");
	pause();
}

static void
serve_silence(int fd)
{
	say(fd, "OK MPD 0.2");
	pause();
}

static void
test_no_mpd(void **state)
{
	start_liar(serve_garbage);
	assert_int_equal(rig_look(rig), -EPROTO);
	assert_int_equal(rig_press(rig, EAR_PLAY), -EPROTO);
}

static void
test_binary(void **state)
{
	start_liar(serve_binary);
	assert_int_equal(rig_look(rig), -EPROTO);
}

static void
test_endless_line(void **state)
{
	start_liar(serve_endless_line);
	assert_int_equal(rig_look(rig), -EPROTO);
}

static void
test_endless_title(void **state)
{
	start_liar(serve_endless_title);
	assert_int_equal(rig_look(rig), -EPROTO);
}

static void
test_50_megabytes(void **state)
{
	struct rusage before, after;

	start_liar(serve_50_megabytes);
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(rig_look(rig), -EPROTO);
	getrusage(RUSAGE_SELF, &after);
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 4096); /* KiB */
}

static void
test_refusal(void **state)
{
	start_liar(serve_refusal);
	assert_int_equal(rig_look(rig), -EREMOTEIO);
	assert_int_equal(rig_press(rig, EAR_PLAY), -EREMOTEIO);
	assert_in_range(rig_run(rig, EAR_SEC), 1, 5);
}

static void
test_nothing(void **state)
{
	start_liar(serve_nothing);
	assert_int_equal(rig_look(rig), -EPROTO);
}

static void
test_odd_values(void **state)
{
	start_liar(serve_odd_values);
	assert_int_equal(rig_look(rig), -EPROTO);
}

static void
test_unasked(void **state)
{
	start_liar(serve_unasked);
	assert_int_equal(rig_look(rig), 0);
	assert_int_equal(rig->state.playback, EAR_STOPPED);
	/* It is no longer believed, and the next question goes to a new one. */
	rig_run(rig, EAR_SEC / 5);
	assert_int_equal(rig_look(rig), 0);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
}

/* One that never speaks its protocol is tried again now and then, less and less often. */
static void
test_tried_again_at_leisure(void **state)
{
	struct player_config config = { .kind = "mpd", .socket = front };

	start_liar(serve_garbage);
	player_free(rig->player);
	assert_int_equal(player_new(rig->base, rig->clock, &config, on_changed, NULL, &rig->player),
			 0);
	rig_run(rig, 5 * EAR_SEC);
	assert_in_range(*served, 2, 4); /* at once, and after 1 and 2 s more */
}

static void
test_silence(void **state)
{
	start_liar(serve_silence);
	assert_int_equal(rig_look(rig), -ETIMEDOUT);
	assert_int_equal(rig_press(rig, EAR_PLAY), -ETIMEDOUT);
}

/* Passes on what the real one says, in single bytes. */
static void
serve_by_bytes(int fd)
{
	struct sockaddr_un address = address_of(rig->socket);
	int back = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd ends[2] = { { fd, POLLIN, 0 }, { back, POLLIN, 0 } };
	char c;

	if (connect(back, (struct sockaddr *)&address, sizeof(address)) != 0)
		_exit(1);
	for (;;) {
		poll(ends, 2, -1);
		for (int i = 0; i < 2; i++) {
			if (ends[i].revents == 0)
				continue;
			if (read(ends[i].fd, &c, 1) != 1 || write(ends[1 - i].fd, &c, 1) != 1)
				_exit(0);
			if (i == 1)
				poll(NULL, 0, (unsigned char)c % 4 == 0); /* some come apart */
		}
	}
}

static void
test_half_lines(void **state)
{
	mpd_rig_start_full(&mpd);
	start_liar(serve_by_bytes);
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	assert_string_equal(rig->state.title, "Song 1");
	assert_int_equal(rig_press(rig, EAR_NEXT), 0);
	assert_int_equal(rig_press(rig, EAR_PAUSE), 0);
	assert_string_equal(mpd_rig_mpc(&mpd, "current -f %title%"), "Song 2");
	assert_string_equal(mpd_rig_mpc(&mpd, "status %state%"), "paused");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tried_again_at_leisure),
		TEST(test_no_mpd),
		TEST(test_binary),
		TEST(test_endless_line),
		TEST(test_endless_title),
		TEST(test_50_megabytes),
		TEST(test_refusal),
		TEST(test_nothing),
		TEST(test_odd_values),
		TEST(test_unasked),
		TEST(test_silence),
		TEST(test_half_lines),
	};

	return cmocka_run_group_tests(tests, mpd_rig_compose, mpd_rig_discard);
}
