/* SPDX-License-Identifier: ISC */
/* bench.c: time, medians, processes, sockets, and the one line of a figure. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define BACKLOG 1024

void
bench_die(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(values[0]), compare);
	return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double
median_of(const double *runs)
{
	double copy[BENCH_RUNS];

	memcpy(copy, runs, sizeof(copy));
	return bench_median(copy, BENCH_RUNS);
}

static void
print_runs(const struct bench *bench)
{
	fprintf(stderr, "%s, %s, ours/floor by run:", bench->name, bench->unit);
	for (int i = 0; i < BENCH_RUNS; i++)
		fprintf(stderr, " %.4g/%.4g", bench->ours[i], bench->floor[i]);
	fputc('\n', stderr);
}

void
bench_report(const struct bench *bench)
{
	double ours = median_of(bench->ours), floor = median_of(bench->floor);
	double ratio = ours / floor;
	bool held = false;

	switch (bench->kind) {
	case BENCH_RATIO_MOST:
		held = ratio <= bench->bar;
		break;
	case BENCH_RATIO_LEAST:
		held = ratio >= bench->bar;
		break;
	case BENCH_OURS_MOST:
		held = ours <= bench->bar;
		break;
	case BENCH_EXTRA_MOST:
		held = ours - floor <= bench->bar;
		break;
	}
	print_runs(bench);
	printf("bench %s ours=%.6g %s floor=%.6g ratio=%.2f bar=%g %s\n", bench->name, ours,
	       bench->unit, floor, ratio, bench->bar, held ? "held" : "short");
	fflush(stdout);
}

int64_t
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void
bench_pin(unsigned which)
{
	static const struct sched_param first = { .sched_priority = 1 };
	cpu_set_t may, one;
	unsigned skip;

	/* Before the other work of this machine, where that is allowed. */
	sched_setscheduler(0, SCHED_RR, &first);

	/* The kernel takes away what this process may not have. */
	memset(&may, 0xff, sizeof(may));
	if (sched_setaffinity(0, sizeof(may), &may) != 0 ||
	    sched_getaffinity(0, sizeof(may), &may) != 0)
		bench_die("sched_getaffinity: %s", strerror(errno));
	skip = which % (unsigned)CPU_COUNT(&may);
	CPU_ZERO(&one);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (!CPU_ISSET(cpu, &may) || skip-- > 0)
			continue;
		CPU_SET(cpu, &one);
		break;
	}
	if (sched_setaffinity(0, sizeof(one), &one) != 0)
		bench_die("sched_setaffinity: %s", strerror(errno));
}

pid_t
bench_fork(void (*main)(void *arg, int fd), void *arg, int *fd)
{
	int pair[2];
	pid_t pid, parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		bench_die("socketpair: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid > 0) {
		close(pair[1]);
		*fd = pair[0];
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(pair[0]);
	main(arg, pair[1]);
	exit(0);
}

void
bench_end(pid_t pid, int fd)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

void
bench_read(int fd, void *bytes, size_t length)
{
	for (char *at = bytes; length > 0;) {
		ssize_t n = read(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			bench_die("read: %s",
				  n == 0 ? "the other process is gone" : strerror(errno));
		at += n;
		length -= (size_t)n;
	}
}

void
bench_write(int fd, const void *bytes, size_t length)
{
	for (const char *at = bytes; length > 0;) {
		ssize_t n = send(fd, at, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			bench_die("write: %s", strerror(errno));
		at += n;
		length -= (size_t)n;
	}
}

int
bench_listen(unsigned *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&at, &length) != 0)
		bench_die("listen: %s", strerror(errno));
	*port = ntohs(at.sin_port);
	return fd;
}

unsigned
bench_free_port(void)
{
	unsigned port;

	close(bench_listen(&port));
	return port;
}

int
bench_connect(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_die("connect: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

double
bench_resident(pid_t pid)
{
	char path[64];
	unsigned long total, resident;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2)
		bench_die("%s: %s", path, strerror(errno));
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

void
bench_descriptors(unsigned count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		bench_die("getrlimit: %s", strerror(errno));
	limit.rlim_cur = count;
	if (limit.rlim_max < count)
		limit.rlim_max = count;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		bench_die("%u descriptors: %s", count, strerror(errno));
}
