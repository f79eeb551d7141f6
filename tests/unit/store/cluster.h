/* SPDX-License-Identifier: ISC */
/* cluster.h: a PostgreSQL server of a test's own, in a scratch directory, behind a Unix socket. */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>

struct cluster {
	char dir[64]; /* of the socket, too */
	char url[128];
	pid_t pid;
	bool hasty; /* fsync is off: for tests that do not care about it */
	int leash;  /* closed, also by our end: what is left is cleared away */
};

/* Makes and starts one, as `hasty` says. A user "guarded" would need a password, others do not. -1:
 * it says on standard error why. */
int cluster_start(struct cluster *cluster);
/* One that another process has started, in that directory. */
void cluster_find(struct cluster *cluster, const char *dir);
void cluster_stop(struct cluster *cluster);

/* kill -9, and all that runs there. */
void cluster_kill(struct cluster *cluster);

/* Starts what was killed, and waits for it. */
int cluster_again(struct cluster *cluster);

/* SIGSTOP, SIGCONT to all of its processes. */
void cluster_signal(struct cluster *cluster, int signal);

/* Runs SQL on a connection of its own; returns the first column of the first row as a number, or
 * 0. Fails the test when the server refuses. */
long cluster_sql(const struct cluster *cluster, const char *sql);

/* A database that is empty: the schema "public" is made anew. Ends who is connected otherwise. */
void cluster_empty(struct cluster *cluster);

#endif
