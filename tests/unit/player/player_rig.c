/* SPDX-License-Identifier: ISC */
/* player_rig.c: a player on a real loop, and a real mpv. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/timer.h"
#include "player_rig.h"

#define PATIENCE (60 * EAR_SEC)
#define SECONDS  20
#define RATE     8000

void
rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	signal(SIGPIPE, SIG_IGN); /* as every program of ours does */
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/earshot-player-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
	rig->base = event_base_new();
	rig->clock = clock_new(rig->base);
}

static void
remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

void
rig_release(struct rig *rig)
{
	player_free(rig->player);
	clock_free(rig->clock);
	event_base_free(rig->base);
	rig_mpv_kill(rig);
	remove_directory(rig->dir);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	struct rig *rig = arg;

	rig->changes++;
	rig->is_there = state != NULL;
	if (state != NULL)
		rig->told = *state;
}

void
rig_open(struct rig *rig, bool watched)
{
	struct player_config config = { .kind = "mpv", .socket = rig->socket };

	assert_int_equal(player_new(rig->base, rig->clock, &config, watched ? on_changed : NULL,
				    rig, &rig->player),
			 0);
}

static void
on_late(void *arg)
{
	*(bool *)arg = true;
}

bool
rig_wait(struct rig *rig, bool (*condition)(struct rig *rig))
{
	struct ear_timer timer;
	bool late = false, holds;

	ear_timer_init(&timer, rig->clock, on_late, &late);
	ear_timer_set(&timer, PATIENCE);
	while (!(holds = condition(rig)) && !late)
		event_base_loop(rig->base, EVLOOP_ONCE);
	ear_timer_stop(&timer);
	return holds;
}

int
rig_run(struct rig *rig, int64_t usec)
{
	struct ear_timer timer;
	bool late = false;
	int turns = 0;

	ear_timer_init(&timer, rig->clock, on_late, &late);
	ear_timer_set(&timer, usec);
	for (; !late; turns++)
		event_base_loop(rig->base, EVLOOP_ONCE);
	return turns;
}

static void
on_answer(void *arg, int error, const struct ear_player_state *state)
{
	struct rig *rig = arg;

	rig->answers++;
	rig->error = error;
	if (state != NULL)
		rig->state = *state;
}

static bool
is_answered(struct rig *rig)
{
	return rig->answers > 0;
}

static int
await_answer(struct rig *rig)
{
	assert_int_equal(rig->answers, 0); /* not from inside the call */
	assert_true(rig_wait(rig, is_answered));
	assert_int_equal(rig->answers, 1);
	return rig->error;
}

int
rig_press_value(struct rig *rig, enum ear_button button, bool relative, int64_t value)
{
	struct ear_press press = {
		.button = button, .has_value = true, .relative = relative, .value = value
	};

	rig->answers = 0;
	ear_player_press(rig->player, &press, on_answer, rig);
	return await_answer(rig);
}

int
rig_press(struct rig *rig, enum ear_button button)
{
	struct ear_press press = { .button = button };

	rig->answers = 0;
	ear_player_press(rig->player, &press, on_answer, rig);
	return await_answer(rig);
}

int
rig_press_this(struct rig *rig, const struct ear_press *press)
{
	rig->answers = 0;
	ear_player_press(rig->player, press, on_answer, rig);
	return await_answer(rig);
}

int
rig_look(struct rig *rig)
{
	rig->answers = 0;
	ear_player_state(rig->player, on_answer, rig);
	return await_answer(rig);
}

static int
connect_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Asks until mpv says that it stands idle or has begun to play. */
static bool
mpv_answers(const char *path, bool with_files)
{
	static const char ask[] =
		"{\"command\":[\"get_property\",\"time-pos\"],\"request_id\":7}\n";
	char text[4096] = "";
	int fd = connect_socket(path);
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	ssize_t n = 0;

	if (fd < 0)
		return false;
	if (write(fd, ask, sizeof(ask) - 1) > 0 && poll(&poll_fd, 1, 10000) == 1)
		n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && (!with_files || strstr(text, "\"success\"") != NULL);
}

static void
exec_mpv(struct rig *rig, const char *idle, const char *const files[])
{
	char server[128], idle_option[32], terminal[96];
	const char *argv[20] = { "mpv",       "--no-config", "--no-terminal",    "--vo=null",
				 "--ao=null", server,        "--audio-buffer=0", idle_option };
	size_t n = 8;
	int fd;

	snprintf(server, sizeof(server), "--input-ipc-server=%s", rig->socket);
	snprintf(idle_option, sizeof(idle_option), "--idle=%s", idle);
	for (; *files != NULL && n < 17; files++)
		argv[n++] = *files;
	if (rig->with_terminal) {
		snprintf(terminal, sizeof(terminal), "%s/terminal", rig->dir);
		fd = open(terminal, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDERR_FILENO); /* where mpv says what is going on */
		argv[n++] = "--terminal=yes";
		argv[n++] = "--term-osd=force";
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp("mpv", (char *const *)argv);
	_exit(127);
}

void
rig_mpv_start(struct rig *rig, const char *idle, const char *const files[])
{
	rig->mpv = fork();
	assert_true(rig->mpv >= 0);
	if (rig->mpv == 0)
		exec_mpv(rig, idle, files);
	for (int i = 0; i < 1000; i++) {
		if (mpv_answers(rig->socket, files[0] != NULL))
			return;
		assert_int_equal(waitpid(rig->mpv, NULL, WNOHANG), 0);
		poll(NULL, 0, 10);
	}
	fail_msg("mpv does not answer");
}

void
rig_mpv_kill(struct rig *rig)
{
	if (rig->mpv <= 0)
		return;
	kill(rig->mpv, SIGKILL);
	waitpid(rig->mpv, NULL, 0);
	rig->mpv = 0;
}

void
rig_mpv_pause(struct rig *rig, bool stopped)
{
	int status;

	assert_int_equal(kill(rig->mpv, stopped ? SIGSTOP : SIGCONT), 0);
	waitpid(rig->mpv, &status, stopped ? WUNTRACED : WCONTINUED);
}

static void
put32(unsigned char *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = value >> (8 * i);
}

void
rig_wav(struct rig *rig, const char *name, char *out, size_t size)
{
	static unsigned char wav[44 + SECONDS * RATE];
	int fd;

	memcpy(wav, "RIFF....WAVEfmt ........................data....", 44);
	put32(wav + 4, sizeof(wav) - 8);
	put32(wav + 16, 16);
	put32(wav + 20, 1 | 1 << 16); /* PCM, one channel */
	put32(wav + 24, RATE);
	put32(wav + 28, RATE);
	put32(wav + 32, 1 | 8 << 16); /* one byte a sample, of 8 bits */
	memcpy(wav + 36, "data", 4);
	put32(wav + 40, SECONDS * RATE);
	memset(wav + 44, 128, SECONDS * RATE);
	snprintf(out, size, "%s/%s", rig->dir, name);
	fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, wav, sizeof(wav)), sizeof(wav));
	close(fd);
}

static void
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
exec_ffmpeg(const char *words, const char *out)
{
	execlp("ffmpeg", "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
	       "testsrc=duration=20:size=64x64:rate=5", "-f", "lavfi", "-i", "sine=duration=20",
	       "-f", "lavfi", "-i", "sine=frequency=880:duration=20", "-i", words, "-i", words,
	       "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", "-g", "5", "-c:s",
	       "srt", "-metadata", "title=Two households", "-metadata", "artist=Escalus",
	       "-metadata", "album=Verona", out, (char *)NULL);
	_exit(127);
}

void
rig_clip(struct rig *rig, const char *name, char *out, size_t size)
{
	char words[96];
	int status = -1;
	pid_t pid;

	snprintf(out, size, "%s/%s", rig->dir, name);
	snprintf(words, sizeof(words), "%s/words.srt", rig->dir);
	write_text(words, "1\n00:00:00,000 --> 00:00:19,000\nboth alike in dignity\n");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		exec_ffmpeg(words, out);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	unlink(words); /* mpv would find it beside the clip */
}

/* Until a line of mpv's has the word: events come between the answers. */
static void
say_until(struct rig *rig, const char *line, const char *word, char *answer, size_t size)
{
	struct pollfd poll_fd = { connect_socket(rig->socket), POLLIN, 0 };
	size_t n = 0;

	assert_true(poll_fd.fd >= 0);
	assert_int_equal(write(poll_fd.fd, line, strlen(line)), strlen(line));
	while (n < size - 1 && poll(&poll_fd, 1, 10000) == 1) {
		ssize_t more = read(poll_fd.fd, answer + n, size - 1 - n);

		if (more <= 0)
			break;
		n += more;
		answer[n] = '\0';
		if (strchr(answer, '\n') != NULL && strstr(answer, word) != NULL)
			break;
	}
	answer[n] = '\0';
	close(poll_fd.fd);
}

void
rig_mpv_ask(struct rig *rig, const char *line, char *answer, size_t size)
{
	say_until(rig, line, "\"data\"", answer, size);
}

/* Until mpv has answered, it might not have done it. */
void
rig_mpv_say(struct rig *rig, const char *line)
{
	char answer[4096];

	say_until(rig, line, "\"error\"", answer, sizeof(answer));
}
