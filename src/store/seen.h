/* SPDX-License-Identifier: ISC */
/*
 * seen.h: which stanzas of which senders have been handled, remembered also when the process is
 * killed (not: when the power is cut): a file that is mapped into memory.
 *
 * A sender is whatever name the caller has for a proved peer, an id whatever that sender gave its
 * stanza; both are kept as digests only. For each of SEEN_SENDERS_MAX senders at least the last
 * SEEN_IDS ids are known; the sender that was noted least recently makes room for a new one, so
 * that no sender can make the ids of another be forgotten faster than by being new.
 */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

#include <stdbool.h>
#include <stddef.h>

#define SEEN_SENDERS_MAX 128
#define SEEN_IDS         4096 /* of each sender, at least; at most twice as many */

struct seen;

/*
 * Opens or makes the file "seen" in dir (0600). dir NULL: in memory only. A file that is none of
 * ours, of another version or damaged is begun anew, with a warning. NULL with error filled (names
 * the file) when it cannot be had, and -errno in *rc.
 */
struct seen *seen_open(const char *dir, int *rc, char *error, size_t size);
void seen_close(struct seen *seen);

/* Whether that id of that sender has been noted. Costs no system call but when a sender is new to
 * this process. */
bool seen_has(const struct seen *seen, const char *sender, const char *id);

/* Whether anything of that sender is noted. */
bool seen_knows(const struct seen *seen, const char *sender);

/* Notes it. */
void seen_note(struct seen *seen, const char *sender, const char *id);

/*
 * Between the two that one is handed on; it is noted before the end. A process that is killed there
 * leaves behind that it may have been.
 */
void seen_begin(struct seen *seen, const char *sender, const char *id);
void seen_end(struct seen *seen);

/* Whether one of the last processes was killed while it handed that on. */
bool seen_is_unsure(const struct seen *seen, const char *sender, const char *id);

/* Takes a note back, if it is there: it was not handled after all. */
void seen_forget(struct seen *seen, const char *sender, const char *id);

#endif
