/* SPDX-License-Identifier: ISC */
/* bench.h: what every benchmark needs: time, medians, processes on their core, and the one line. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_RUNS 7 /* of ours and of its floor, taking turns */

/* What has to be compared with the bar. */
enum bench_bar {
	BENCH_RATIO_MOST,  /* ours / floor may not be more */
	BENCH_RATIO_LEAST, /* ours / floor may not be less */
	BENCH_OURS_MOST,   /* ours itself, in its unit, may not be more */
	BENCH_EXTRA_MOST,  /* what ours takes longer than the floor, likewise */
};

struct bench {
	const char *name, *unit;
	enum bench_bar kind;
	double bar;
	double ours[BENCH_RUNS], floor[BENCH_RUNS];
};

/*
 * Prints "bench NAME ours=V UNIT floor=V ratio=R bar=B held|short" of the medians to standard
 * output, and every run to standard error.
 */
void bench_report(const struct bench *bench);

/* The middle of the values, which are sorted in place. */
double bench_median(double *values, size_t count);

/* Nanoseconds of the monotonic clock. */
int64_t bench_now(void);

/*
 * Binds this process to one core, the which-th of those there are for it, counted from the last,
 * and puts it before whatever else the machine has to do.
 */
void bench_pin(unsigned which);

/* Says why the benchmark cannot run, and ends with status 1. */
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * Runs main(arg, fd) in another process that ends with this one. *fd here and fd there are the ends
 * of a socket pair.
 */
pid_t bench_fork(void (*main)(void *arg, int fd), void *arg, int *fd);

/* Ends a process of bench_fork and waits for it. */
void bench_end(pid_t pid, int fd);

/* All of it or bench_die; an end of file is such a failure too. */
void bench_read(int fd, void *bytes, size_t length);
void bench_write(int fd, const void *bytes, size_t length);

/* KiB of memory that are resident of that process. */
double bench_resident(pid_t pid);

/* So many may be open in this process and its children, or bench_die. */
void bench_descriptors(unsigned count);

/* A TCP port that is free on loopback. */
unsigned bench_free_port(void);

/* A listening TCP socket on loopback; its port goes to *port. */
int bench_listen(unsigned *port);

/* A blocking connection to that port, without Nagle's delay. */
int bench_connect(unsigned port);

#endif
