/* SPDX-License-Identifier: ISC */
/* inside.h: an engine inside the command line, for machines without a daemon. */
#ifndef TOOLS_INSIDE_H
#define TOOLS_INSIDE_H

#include "cli.h"

/*
 * Starts an engine by cli->conf on cli->base and waits until its LAN name stands. *fd is our end
 * of a stream to it. An exit code; complains itself.
 */
int inside_start(struct cli *cli, int *fd);

/* Gives the engine inside time to find a way to that address; nothing to do with a daemon's. */
void inside_await(struct cli *cli, const char *address);

/* Stops the engine, when there is one, and lets its goodbyes leave. */
void inside_stop(struct cli *cli);

#endif
