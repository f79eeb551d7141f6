/* SPDX-License-Identifier: ISC */
/* cluster.c: runs PostgreSQL for a test, as the user postgres when the test is root's. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/store/cluster.h"

#define BIN           "/usr/lib/postgresql/15/bin/"
#define STEP          20000 /* usec */
#define TRIES         1500
#define PROCESSES_MAX 64

static void
become_postgres(void)
{
	const struct passwd *user = getpwnam("postgres");

	if (geteuid() != 0)
		return;
	if (user == NULL || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 ||
	    setuid(user->pw_uid) != 0)
		_exit(126);
}

/* Runs it with its output in the log; it ends with us. */
static pid_t
spawn(const struct cluster *cluster, const char *const *argv)
{
	char log[96];
	pid_t parent = getpid(), pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	become_postgres();
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (getppid() != parent || chdir(cluster->dir) != 0)
		_exit(126);
	snprintf(log, sizeof(log), "%s/log", cluster->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	close_range(3, ~0u, 0);
	unsetenv("PGHOST");
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

static void
show_log(const struct cluster *cluster)
{
	char command[96];

	snprintf(command, sizeof(command), "tail -n 20 %s/log >&2", cluster->dir);
	if (system(command) != 0)
		fprintf(stderr, "cluster: no log\n");
}

/* The processes of the server: its first, and that one's children. */
static size_t
find_processes(const struct cluster *cluster, pid_t pids[PROCESSES_MAX])
{
	char path[64];
	size_t count = 0;
	FILE *in;
	int pid;

	if (cluster->pid <= 0)
		return 0;
	pids[count++] = cluster->pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", cluster->pid, cluster->pid);
	in = fopen(path, "r");
	while (in != NULL && count < PROCESSES_MAX && fscanf(in, "%d", &pid) == 1)
		pids[count++] = pid;
	if (in != NULL)
		fclose(in);
	return count;
}

void
cluster_signal(struct cluster *cluster, int signal)
{
	pid_t pids[PROCESSES_MAX];
	size_t count = find_processes(cluster, pids);

	for (size_t i = 0; i < count; i++)
		kill(pids[i], signal);
}

/* A process that outlives a test that crashed, and clears away. */
static int
leash(struct cluster *cluster)
{
	char command[512];
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		close(0);
		close(1);
		close(2);
		close(ends[1]);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		/* The server has been told by the kernel; one that was stopped hears it now. */
		snprintf(command, sizeof(command),
			 "p=$(head -n 1 %s/data/postmaster.pid) 2>/dev/null;"
			 "[ -z \"$p\" ] || kill -CONT $p; for i in $(seq 100); do"
			 " [ -n \"$p\" ] && kill -QUIT $p || break; sleep 0.05; done; rm -rf %s",
			 cluster->dir, cluster->dir);
		_exit(system(command) != 0);
	}
	close(ends[0]);
	cluster->leash = ends[1];
	return pid > 0 ? 0 : -1;
}

/* The first number that psql prints; libpq is not linked here, so that a test can do without it. */
static int
ask(const struct cluster *cluster, const char *sql, long *number)
{
	char command[1024];
	FILE *out;

	snprintf(command, sizeof(command),
		 BIN
		 "psql -XAtq -v ON_ERROR_STOP=1 -h %s -U postgres postgres -c \"%s\" 2>>%s/psql",
		 cluster->dir, sql, cluster->dir);
	out = popen(command, "r");
	*number = 0;
	if (out == NULL || fscanf(out, "%ld", number) != 1)
		*number = 0;
	return out == NULL ? -1 : pclose(out);
}

int
cluster_again(struct cluster *cluster)
{
	char data[96];
	const char *const argv[] = { BIN "postgres",
				     "-D",
				     data,
				     "-k",
				     cluster->dir,
				     "-c",
				     "listen_addresses=",
				     "-c",
				     cluster->hasty ? "fsync=off" : "fsync=on",
				     "-c",
				     "wal_writer_delay=10s",
				     "-c",
				     "max_connections=20",
				     "-c",
				     "shared_buffers=16MB",
				     "-c",
				     "shared_memory_type=mmap",
				     NULL };

	long one;

	snprintf(data, sizeof(data), "%s/data", cluster->dir);
	cluster->pid = spawn(cluster, argv);
	for (int i = 0; i < TRIES; i++) {
		if (ask(cluster, "SELECT 1", &one) == 0)
			return 0;
		/* Processes of the one before are still there. */
		if (waitpid(cluster->pid, NULL, WNOHANG) == cluster->pid)
			cluster->pid = spawn(cluster, argv);
		usleep(STEP);
	}
	show_log(cluster);
	return -1;
}

/* Everybody may come in, but for the user "guarded", who must know his password. */
static int
guard(const char *data)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/pg_hba.conf", data);
	out = fopen(path, "w");
	if (out == NULL)
		return -1;
	fputs("local all guarded scram-sha-256\nlocal all all trust\n", out);
	return fclose(out);
}

int
cluster_start(struct cluster *cluster)
{
	char data[96];
	/* Where text is ordered by a language unless a column says otherwise. */
	const char *const argv[] = { BIN "initdb",
				     "-D",
				     data,
				     "-A",
				     "trust",
				     "-U",
				     "postgres",
				     "-E",
				     "UTF8",
				     "--locale=C.UTF-8",
				     "--locale-provider=icu",
				     "--icu-locale=en",
				     "--no-sync",
				     "--no-instructions",
				     NULL };
	const struct passwd *user = getpwnam("postgres");

	cluster->leash = -1;
	snprintf(cluster->dir, sizeof(cluster->dir), "/tmp/earshot-pg.XXXXXX");
	if (mkdtemp(cluster->dir) == NULL)
		return -1;
	if (leash(cluster) != 0)
		return -1;
	if (geteuid() == 0 &&
	    (user == NULL || chown(cluster->dir, user->pw_uid, user->pw_gid) != 0))
		return -1;
	chmod(cluster->dir, 0711);
	snprintf(data, sizeof(data), "%s/data", cluster->dir);
	cluster_find(cluster, cluster->dir);
	if (wait_for(spawn(cluster, argv)) != 0 || guard(data) != 0) {
		show_log(cluster);
		return -1;
	}
	return cluster_again(cluster);
}

void
cluster_find(struct cluster *cluster, const char *dir)
{
	if (dir != cluster->dir)
		snprintf(cluster->dir, sizeof(cluster->dir), "%s", dir);
	snprintf(cluster->url, sizeof(cluster->url), "host=%s user=postgres dbname=postgres",
		 cluster->dir);
}

void
cluster_stop(struct cluster *cluster)
{
	if (cluster->pid > 0) {
		cluster_signal(cluster, SIGCONT);
		kill(cluster->pid, SIGQUIT);
		wait_for(cluster->pid);
	}
	cluster->pid = 0;
	if (cluster->leash >= 0)
		close(cluster->leash);
	cluster->leash = -1;
	/* The other end of the leash clears away: until it has, our caller is not to go on. */
	for (int i = 0; i < TRIES && access(cluster->dir, F_OK) == 0; i++)
		usleep(STEP);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

void
cluster_kill(struct cluster *cluster)
{
	cluster_signal(cluster, SIGKILL);
	wait_for(cluster->pid);
	cluster->pid = 0;
}

long
cluster_sql(const struct cluster *cluster, const char *sql)
{
	long number;

	if (ask(cluster, sql, &number) != 0)
		fail_msg("the server refuses: %s", sql);
	return number;
}

void
cluster_empty(struct cluster *cluster)
{
	cluster_sql(cluster, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
			     " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
	cluster_sql(cluster, "SET client_min_messages = error; DROP SCHEMA public CASCADE;"
			     " CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO public");
}
