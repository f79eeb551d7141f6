/* SPDX-License-Identifier: ISC */
/* pins_impl.h: the parts that pins.h is made of: one line, the table in memory, the file. */
#ifndef TRUST_PINS_IMPL_H
#define TRUST_PINS_IMPL_H

#include <strophe.h>
#include <sys/stat.h>

#include "trust/pins.h"

/* --- pin_line.c: a record as a line ---------------------------------------------------------- */

#define PIN_NS       "urn:earshot:pins:0" /* of the file only; never on a wire */
#define PIN_LINE_MAX (512 * 1024) /* bytes: more than 16 of the longest addresses, all escaped */
#define PIN_FILE_END "<end xmlns=\"" PIN_NS "\"/>\n"

struct pin_reader;

struct pin_reader *pin_reader_new(xmpp_ctx_t *ctx);
void pin_reader_free(struct pin_reader *reader);

/*
 * Reads the next line, without its newline. 0 with *out a pin, to be freed by the caller, or NULL:
 * that is the end line. -EBADMSG with *why (static): then the reader takes no more.
 */
int pin_reader_line(struct pin_reader *reader, const char *line, size_t length, struct pin **out,
		    const char **why);

/*
 * The line with its newline in a new block, and in *out the pin as it will be read back from there.
 * -EINVAL: it could not be read back.
 */
int pin_line(xmpp_ctx_t *ctx, const struct pin *pin, char **line, struct pin **out);

/* --- pins_table.c: all records, found by key, address and JID -------------------------------- */

struct record {
	struct pin *pin;
	char *line;
	unsigned long long serial; /* grows with each put */
	bool pending;              /* the file has not got it */
	bool urgent;               /* and what it has not got is of weight */
	bool filed;                /* the file has some version of it */
};

struct table;

struct table *table_new(void);
void table_free(struct table *table);
size_t table_count(const struct table *table);
struct record *table_at(const struct table *table, size_t i); /* in the order of the puts */
struct record *table_find(const struct table *table, const struct ear_key *key);
struct record *table_at_address(const struct table *table, const char *address);
size_t table_of(const struct table *table, const char *jid, const struct pin **out, size_t max);

/* Adds or replaces, at the end of the order; consumes pin and line. */
struct record *table_put(struct table *table, struct pin *pin, char *line);
/* Its serials go on from those of the one that it replaces. */
void table_number(struct table *table, const struct table *old);
void table_remove(struct table *table, struct record *record);

/* Who goes when there is no room for that one; NULL: nobody may. */
struct record *table_victim(const struct table *table, const struct pin *pin);

/* --- pins_file.c: the file, its lock, its version -------------------------------------------- */

struct pins_file {
	char *dir, *path, *temporary, *lock_path;
	int fd;              /* the version that we know, kept open so that its inode is its own;
				-1: there was none */
	struct stat version; /* of it */
	int lock;            /* -1: not held */
};

/* Makes the directory if it is missing. -errno with error filled. */
int pins_file_open(struct pins_file *file, const char *dir, char *error, size_t size);
void pins_file_close(struct pins_file *file);

/* Consumes pin; line is borrowed, without newline. Returns NULL, or why that cannot be (static). */
typedef const char *pins_file_fn(void *arg, struct pin *pin, const char *line);

/*
 * Hands every pin to fn; from then on that version is the known one. No file: no pins. -errno, or
 * -EBADMSG for what fn or the line reader refused, with error filled.
 */
int pins_file_read(struct pins_file *file, xmpp_ctx_t *ctx, pins_file_fn *fn, void *arg,
		   char *error, size_t size);

int pins_file_lock(struct pins_file *file); /* -EBUSY after two seconds */
void pins_file_unlock(struct pins_file *file);

/* Whether there is another version than the known one. One that was taken away is none: nothing is
 * forgotten because a file is gone. */
bool pins_file_is_changed(const struct pins_file *file);

/* Replaces the file by that many bytes, synced, under the lock; that is then the known version. */
int pins_file_write(struct pins_file *file, const void *bytes, size_t length);

#endif
