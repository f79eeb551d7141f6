/* SPDX-License-Identifier: ISC */
/* pq_error.c: SQLSTATE, PostgreSQL's appendix A. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "store/pq_error.h"

/* The first that state begins with; a class is its first two letters. */
static const struct meaning {
	const char *begin;
	int error;
} meanings[] = {
	{ "25006", EROFS },  /* read only: a standby */
	{ "28", EACCES },    /* invalid authorization */
	{ "40", EBUSY },     /* serialization, deadlock: tried often enough */
	{ "42501", EACCES }, /* insufficient privilege */
	{ "53100", ENOSPC }, /* disk full */
	{ "53", EBUSY },     /* memory, connections */
	{ "54", EMSGSIZE },  /* its limits: a row or key too long */
	{ "55P03", EBUSY },  /* a lock */
	{ "57014", EBUSY },  /* statement_timeout */
	{ "57", ENOTCONN },  /* it shuts down */
	{ "58030", EIO },     { "58P01", EIO },
	{ "58P02", EIO },     { "XX001", EUCLEAN }, /* data corrupted */
	{ "XX002", EUCLEAN },                       /* index corrupted */
};

int
pq_error_of(const char *state)
{
	for (size_t i = 0; state != NULL && i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strncmp(state, meanings[i].begin, strlen(meanings[i].begin)) == 0)
			return -meanings[i].error;
	}
	return -EIO;
}

bool
pq_error_is_passing(const char *state)
{
	/* A duplicate key that the statement was written to meet: two inserted it at once. */
	return state != NULL && (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 ||
				 strcmp(state, "23505") == 0);
}
