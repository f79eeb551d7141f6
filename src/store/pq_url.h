/* SPDX-License-Identifier: ISC */
/* pq_url.h: the connection string of a PostgreSQL database, as far as we look into it. */
#ifndef STORE_PQ_URL_H
#define STORE_PQ_URL_H

#include "store/pq_lib.h"

/*
 * Where the server is, each a list as libpq wants it, or NULL: as the connection string says.
 * libpq would look host names up while the loop stands still: it is given addresses.
 */
struct pq_url {
	char *text;
	char *addresses; /* hostaddr */
};

/*
 * Takes a connection string: "postgresql://..." or "host=... dbname=...", NULL or "" for what is
 * the default. 0, or -EINVAL with error filled: it is none; it holds a password, which would be
 * seen where configuration is shown; a host is neither an address, nor "localhost", nor the
 * directory of a Unix socket. The text never repeats the string.
 */
int pq_url_take(struct pq_url *url, const struct pq_lib *lib, const char *text, char *error,
		size_t size);
void pq_url_release(struct pq_url *url);

#endif
