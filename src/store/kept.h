/* SPDX-License-Identifier: ISC */
/*
 * kept.h: the little that extensions remember across a restart: texts by key, in memory and in the
 * file dir/kept, which is replaced as a whole: what kept_write() has said yes to is there also when
 * the power is cut, and there is never half of it.
 *
 *	earshot kept 1
 *	key TAB text
 */
#ifndef STORE_KEPT_H
#define STORE_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#define KEPT_FILE     "kept"
#define KEPT_MAX      4096 /* keys */
#define KEPT_ONE_MAX  4096 /* bytes of a key and its text */
#define KEPT_FILE_MAX ((size_t)2 * 1024 * 1024)

struct kept;

/*
 * dir NULL: in memory only. A file that is damaged is renamed to kept.bad with a line for the
 * operator, and begun anew. NULL with *rc and error filled: it cannot be read, or a later version
 * has written it (-EPROTONOSUPPORT).
 */
struct kept *kept_open(const char *dir, int *rc, char *error, size_t size);
void kept_close(struct kept *kept); /* NULL is allowed; what was not written is lost */

/*
 * text NULL: forgets. 0; -EINVAL: no key, a control character, no UTF-8; -EMSGSIZE: over
 * KEPT_ONE_MAX; -ENOBUFS: KEPT_MAX or KEPT_FILE_MAX.
 */
int kept_set(struct kept *kept, const char *key, const char *text);

/* Borrowed until it is set; NULL: nothing. */
const char *kept_get(const struct kept *kept, const char *key);

/* Calls fn for each key that begins so; fn must not set any. */
typedef void kept_fn(void *arg, const char *key, const char *text);
void kept_each(const struct kept *kept, const char *prefix, kept_fn *fn, void *arg);

/* Whether something was set and is not written. */
bool kept_is_changed(const struct kept *kept);

/* Writes what has changed. 0, or -errno: the file is as it was. */
int kept_write(struct kept *kept);

#endif
