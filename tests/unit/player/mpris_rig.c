/* SPDX-License-Identifier: ISC */
/* mpris_rig.c: see mpris_rig.h. */
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

#include "mpris_rig.h"

/* A session bus for root, which Debian's own session.conf would refuse. */
static const char bus_conf[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>session</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>\n"
	"<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
	"<allow eavesdrop=\"true\"/><allow own=\"*\"/><allow user=\"*\"/></policy></busconfig>\n";

static pid_t
spawn(const char *const argv[])
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void
end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static bool
listens(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	is = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is;
}

void
mpris_rig_bus_start(struct mpris_rig *rig)
{
	char conf[128], path[96], option[160];
	FILE *out;

	snprintf(conf, sizeof(conf), "%s/bus.conf", rig->rig.dir);
	snprintf(path, sizeof(path), "%s/bus", rig->rig.dir);
	unlink(path);
	out = fopen(conf, "we");
	assert_non_null(out);
	fprintf(out, bus_conf, rig->rig.dir);
	fclose(out);
	snprintf(option, sizeof(option), "--config-file=%s", conf);
	rig->bus =
		spawn((const char *[]){ "dbus-daemon", option, "--nofork", "--nopidfile", NULL });
	for (int i = 0; i < 1000 && !listens(path); i++) {
		assert_int_equal(waitpid(rig->bus, NULL, WNOHANG), 0);
		poll(NULL, 0, 10);
	}
}

void
mpris_rig_bus_kill(struct mpris_rig *rig)
{
	end(&rig->bus);
}

void
mpris_rig_init(struct mpris_rig *rig)
{
	char address[128];

	memset(rig, 0, sizeof(*rig));
	rig_init(&rig->rig);
	snprintf(address, sizeof(address), "unix:path=%s/bus", rig->rig.dir);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	mpris_rig_bus_start(rig);
}

void
mpris_rig_release(struct mpris_rig *rig)
{
	for (size_t i = 0; i < 4; i++)
		end(&rig->players[i]);
	end(&rig->bus);
	rig_release(&rig->rig);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	struct mpris_rig *rig = arg;

	rig->changes++;
	rig->there = state != NULL;
	if (state != NULL)
		rig->told = *state;
}

void
mpris_rig_open(struct mpris_rig *rig, const char *name, bool watched)
{
	struct player_config config = { .kind = "mpris", .name = name };

	assert_int_equal(player_new(rig->rig.base, rig->rig.clock, &config,
				    watched ? on_changed : NULL, rig, &rig->rig.player),
			 0);
}

const char *
referee(const char *name, const char *command)
{
	static char line[512];
	char shell[256];
	FILE *in;

	snprintf(shell, sizeof(shell), "timeout 30 playerctl %s%s %s 2>/dev/null",
		 name == NULL ? "" : "-p ", name == NULL ? "" : name, command);
	in = popen(shell, "re");
	assert_non_null(in);
	if (fgets(line, sizeof(line), in) == NULL)
		line[0] = '\0';
	pclose(in);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Whether its time runs: a seek before that would be lost. */
static bool
plays(const char *name)
{
	return atof(referee(name, "position")) > 0 ||
	       strcmp(referee(name, "status"), "Paused") == 0;
}

void
mpris_rig_mpv(struct mpris_rig *rig, size_t i, const char *const argv[])
{
	const char *all[16] = { "mpv",           "--no-config",
				"--no-terminal", "--vo=null",
				"--ao=null",     "--script=/usr/lib/mpv-mpris/mpris.so",
				"--idle",        "--audio-buffer=0" };
	char wanted[64];
	bool is_second;
	size_t n = 8;

	while (*argv != NULL && n < 15)
		all[n++] = *argv++;
	/* A second one is called after its process. */
	is_second = *referee("mpv", "status") != '\0';
	rig->players[i] = spawn(all);
	snprintf(wanted, sizeof(wanted), "mpv.instance%d", (int)rig->players[i]);
	if (!is_second)
		wanted[strlen("mpv")] = '\0';
	for (int j = 0; j < 400 && !plays(wanted); j++)
		poll(NULL, 0, 50);
	assert_true(plays(wanted));
}

void
mpris_rig_kill(struct mpris_rig *rig, size_t i)
{
	end(&rig->players[i]);
}
