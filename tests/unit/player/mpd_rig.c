/* SPDX-License-Identifier: ISC */
/* mpd_rig.c: a real MPD, and mpc as its referee. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mpd_rig.h"

static char music[64];

static int
run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
mpd_rig_compose(void **state)
{
	char command[512];

	snprintf(music, sizeof(music), "/tmp/earshot-music-XXXXXX");
	if (mkdtemp(music) == NULL)
		return -1;
	for (int i = 1; i <= 3; i++) {
		snprintf(command, sizeof(command),
			 "ffmpeg -v error -f lavfi -i sine=frequency=%d:duration=%d -ac 1 -ar 8000 "
			 "-metadata title='Song %d' -metadata artist='Artist %d' "
			 "-metadata album=Album %s/song%d.ogg </dev/null",
			 300 * i, MPD_SECONDS, i, i, music, i);
		if (run(command) != 0)
			return -1;
	}
	return 0;
}

int
mpd_rig_discard(void **state)
{
	char path[96];

	for (int i = 1; i <= 3; i++) {
		snprintf(path, sizeof(path), "%s/song%d.ogg", music, i);
		unlink(path);
	}
	return rmdir(music);
}

void
mpd_rig_init(struct mpd_rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig_init(&rig->rig);
	snprintf(rig->music, sizeof(rig->music), "%s", music);
}

void
mpd_rig_release(struct mpd_rig *rig)
{
	mpd_rig_kill(rig);
	rig_release(&rig->rig);
}

static void
write_configuration(struct mpd_rig *rig, const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f,
		"music_directory \"%s\"\nbind_to_address \"%s\"\ndb_file \"%s/db\"\n"
		"state_file \"%s/state\"\nlog_file \"%s/log\"\nauto_update \"no\"\n"
		"zeroconf_enabled \"no\"\n"
		"audio_output {\n\ttype \"null\"\n\tname \"nobody\"\n\tmixer_type "
		"\"software\"\n}\n",
		music, rig->rig.socket, rig->rig.dir, rig->rig.dir, rig->rig.dir);
	if (rig->port != 0)
		fprintf(f, "bind_to_address \"127.0.0.1\"\nport \"%d\"\n", rig->port);
	if (rig->password != NULL)
		fprintf(f, "password \"%s@read,add,control,admin\"\ndefault_permissions \"\"\n",
			rig->password);
	fclose(f);
}

static void
exec_mpd(const char *configuration)
{
	int fd = open("/dev/null", O_RDWR);

	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execlp("mpd", "mpd", "--no-daemon", configuration, NULL);
	_exit(127);
}

void
mpd_rig_start(struct mpd_rig *rig)
{
	char configuration[96];

	snprintf(configuration, sizeof(configuration), "%s/conf", rig->rig.dir);
	snprintf(rig->address, sizeof(rig->address), "%s%s%s",
		 rig->password == NULL ? "" : rig->password, rig->password == NULL ? "" : "@",
		 rig->rig.socket);
	write_configuration(rig, configuration);
	rig->pid = fork();
	assert_true(rig->pid >= 0);
	if (rig->pid == 0)
		exec_mpd(configuration);
	for (int i = 0; i < 1000; i++) {
		if (*mpd_rig_mpc(rig, "status %state% 2>/dev/null") != '\0')
			return;
		assert_int_equal(waitpid(rig->pid, NULL, WNOHANG), 0);
		poll(NULL, 0, 10);
	}
	fail_msg("mpd does not answer");
}

void
mpd_rig_start_full(struct mpd_rig *rig)
{
	mpd_rig_start(rig);
	mpd_rig_mpc(rig, "-q update --wait");
	mpd_rig_mpc(rig, "add song1.ogg song2.ogg song3.ogg");
	assert_string_equal(mpd_rig_mpc(rig, "status %length%"), "3");
}

void
mpd_rig_kill(struct mpd_rig *rig)
{
	if (rig->pid <= 0)
		return;
	kill(rig->pid, SIGKILL);
	waitpid(rig->pid, NULL, 0);
	rig->pid = 0;
}

void
mpd_rig_pause(struct mpd_rig *rig, bool stopped)
{
	int status;

	assert_int_equal(kill(rig->pid, stopped ? SIGSTOP : SIGCONT), 0);
	waitpid(rig->pid, &status, stopped ? WUNTRACED : WCONTINUED);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	struct mpd_rig *rig = arg;

	rig->rig.changes++;
	if (state == NULL)
		rig->gone++;
	else
		rig->rig.told = *state;
}

void
mpd_rig_open(struct mpd_rig *rig, const char *url, const char *secret, bool watched)
{
	struct player_config config = { .kind = "mpd", .url = url, .secret = secret };

	if (url == NULL)
		config.socket = rig->rig.socket;
	assert_int_equal(player_new(rig->rig.base, rig->rig.clock, &config,
				    watched ? on_changed : NULL, rig, &rig->rig.player),
			 0);
}

const char *
mpd_rig_mpc(struct mpd_rig *rig, const char *words)
{
	static char out[512];
	char command[512];
	FILE *mpc;
	size_t n;

	snprintf(command, sizeof(command), "mpc --host '%s' %s", rig->address, words);
	mpc = popen(command, "r");
	assert_non_null(mpc);
	n = fread(out, 1, sizeof(out) - 1, mpc);
	pclose(mpc);
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
	return out + strspn(out, " ");
}

int
mpd_rig_free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
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
press(struct mpd_rig *rig, const struct ear_press *what)
{
	rig->rig.answers = 0;
	ear_player_press(rig->rig.player, what, on_answer, &rig->rig);
	assert_true(rig_wait(&rig->rig, is_answered));
	return rig->rig.error;
}

int
mpd_rig_press_text(struct mpd_rig *rig, enum ear_button button, const char *text)
{
	return press(rig, &(struct ear_press){ .button = button, .has_value = true, .text = text });
}

int
mpd_rig_press_key(struct mpd_rig *rig, enum ear_remote_key key, enum ear_motion motion)
{
	return press(rig, &(struct ear_press){ .button = EAR_KEY, .key = key, .motion = motion });
}
