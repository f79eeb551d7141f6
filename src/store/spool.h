/* SPDX-License-Identifier: ISC */
/*
 * spool.h: messages that outlive the process: dir/spool.db, an SQLite database that one process has
 * to itself. What spool_commit() has said yes to is on the disk, also when the power is cut.
 *
 * The life of one: waiting -> removed (delivered, dropped), or failed, which people look at and
 * drop; for somebody who may not be sent the same twice: waiting -> handed (from now on it may have
 * arrived) -> removed, or waiting again when it certainly did not arrive.
 *
 * Functions that can fail return 0 or -errno, and then spool_error() names the file, what is the
 * matter and what to do: -EDQUOT a bound of the below, -ENOSPC, -EROFS, -EACCES, -EBUSY another
 * process has it, -EUCLEAN damaged (close it: the next spool_open sets it aside), -EIO.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_FILE         "spool.db"
#define SPOOL_COUNT_MAX    10000 /* of all destinations together */
#define SPOOL_BYTES_MAX    ((size_t)32 * 1024 * 1024)
#define SPOOL_TO_COUNT_MAX 1000 /* of one destination */
#define SPOOL_TO_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define SPOOL_TO_MAX       256                  /* destinations */
#define SPOOL_ONE_MAX      ((size_t)240 * 1024) /* bytes of one: it fits every wire */

enum spool_state {
	SPOOL_WAITING,
	SPOOL_HANDED, /* to a link for somebody who does not confirm: it may have arrived */
	SPOOL_FAILED, /* for good: condition and why say how */
};

/* One of them; borrowed for the call. */
struct spool_item {
	int64_t seq;      /* never given twice; the order in which they were added */
	const char *to;   /* canonical */
	const char *id;   /* unique */
	const char *text; /* the stanza; NULL where it is not asked for */
	size_t length;    /* of text, also where that is NULL */
	int64_t taken_at; /* seconds since 1970, for people */
	const char *boot; /* what the clock of `due` is called; "": it is worth waiting for ever */
	int64_t due;      /* worthless then */
	unsigned tries;   /* that came to nothing */
	enum spool_state state;
	const char *condition, *why; /* of the last one; "" none */
};

typedef void spool_fn(void *arg, const struct spool_item *item);

struct spool;

/* Whether there is one below that directory. */
bool spool_exists(const char *dir);

/*
 * Opens it, made when missing (0600). One that is damaged is renamed to spool.db.bad with an error
 * line, and begun anew. NULL with *rc and error filled: also -EPROTONOSUPPORT, a later version's.
 */
struct spool *spool_open(const char *dir, int *rc, char *error, size_t size);

/* What is not committed is lost. */
void spool_close(struct spool *spool);

const char *spool_error(const struct spool *spool);

/* How many there are in any state, and their bytes. */
size_t spool_count(const struct spool *spool);
size_t spool_bytes(const struct spool *spool);

/* Adds one (waiting; seq, tries, state, condition and why are not looked at). It is there for good
 * once spool_commit() has returned 0. */
int spool_add(struct spool *spool, const struct spool_item *item, int64_t *seq);

/* On an error nothing that was added since the last commit is there. */
int spool_commit(struct spool *spool);
bool spool_is_open(const struct spool *spool); /* whether something is not committed */

/* Changes committed at once; nothing that is added may be uncommitted. */

/* Removes those that are there. */
int spool_remove(struct spool *spool, const int64_t *seqs, size_t count);

/* Their state from now on, unless they failed. SPOOL_WAITING and SPOOL_FAILED count a try;
 * condition and why may be "". */
int spool_mark(struct spool *spool, const int64_t *seqs, size_t count, enum spool_state state,
	       const char *condition, const char *why);

/* Fails those that wait and whose time is over by that clock, or was counted by another one. */
int spool_expire(struct spool *spool, const char *boot, int64_t now, const char *condition,
		 const char *why);

/* Removes what has that id, or is for that destination; fn (may be NULL) is told of each. */
int spool_drop(struct spool *spool, const char *id, const char *to, spool_fn *fn, void *arg);

/* Those of that destination (NULL: all) behind seq `after`, in their order, without text. */
int spool_each(struct spool *spool, const char *to, int64_t after, spool_fn *fn, void *arg);

/* The next that waits for that destination behind seq `after`, with its text. -ENOENT: none. */
int spool_next(struct spool *spool, const char *to, int64_t after, spool_fn *fn, void *arg);

/* That one, with its text. -ENOENT. */
int spool_get(struct spool *spool, int64_t seq, spool_fn *fn, void *arg);

#endif
