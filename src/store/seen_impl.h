/* SPDX-License-Identifier: ISC */
/*
 * seen_impl.h: the file "seen" as it lies in memory, between its table and its file. Nothing here
 * is trusted when it is read: every number is checked or bounded, and every state in which a
 * process may have been killed is one that the next one can go on from.
 */
#ifndef STORE_SEEN_IMPL_H
#define STORE_SEEN_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/seen.h"

#define SEEN_MAGIC   "earseen\n"
#define SEEN_VERSION 1
#define SEEN_ORDER   0x01020304 /* as this machine writes it */
#define SEEN_KEY     32         /* bytes of the file's secret */
#define SEEN_NAME    16         /* bytes of a sender's digest */
#define SEEN_ROOM    65536      /* bytes before the tables: no machine's page is larger */
#define SEEN_HANDS   8          /* processes of which the file says what they had in hand */

#define SEEN_LINE  8                          /* places that are looked at together: 64 bytes */
#define SEEN_LINES (2 * SEEN_IDS / SEEN_LINE) /* of a generation: half of the places stay empty */
#define SEEN_EMPTY UINT64_C(0)
#define SEEN_GONE  UINT64_MAX /* taken back */

struct seen_head {
	char magic[8];
	uint32_t version, order, senders, ids;
	unsigned char key[SEEN_KEY]; /* random: nobody can choose ids of one digest */
};

struct seen_sender {
	unsigned char name[SEEN_NAME];
	_Atomic uint64_t noted_at; /* counts senders that were noted after another; 0: free */
	_Atomic uint32_t count[2]; /* ids that were noted in each generation */
	_Atomic uint32_t current;  /* the generation that takes new ones */
	uint32_t spare;
};

/* Digests of ids, by generation. */
struct seen_tables {
	uint64_t lines[2][SEEN_LINES][SEEN_LINE];
};

/* Digests of ids that were being handed on; one that is left over is of a process that was killed.
 */
struct seen_hands {
	_Atomic uint64_t id[SEEN_HANDS]; /* SEEN_EMPTY: none */
	uint32_t newest;                 /* the one of the process that runs, or ran last */
	uint32_t spare;
};

struct seen_front {
	struct seen_head head;
	struct seen_sender senders[SEEN_SENDERS_MAX];
	struct seen_hands hands; /* zeros, where an older program has made the file */
};

struct seen_map {
	union {
		struct seen_front front;
		unsigned char room[SEEN_ROOM];
	};
	struct seen_tables tables[SEEN_SENDERS_MAX];
};

struct seen_file {
	char *path; /* NULL: in memory only */
	int fd;     /* locked while it is open; -1: in memory only */
	struct seen_map *map;
	bool ready[SEEN_SENDERS_MAX]; /* its tables can be touched */
	bool told;                    /* that there was no room */
};

/*
 * Fills file: from the one in dir, or with a map in memory, after a warning where dir is not NULL.
 * 0, or -errno with error filled.
 */
int seen_file_open(struct seen_file *file, const char *dir, char *error, size_t size);
void seen_file_close(struct seen_file *file);

/* Makes sure that a sender's tables can be touched: a system call at the first time only. */
void seen_file_prepare(struct seen_file *file, size_t slot);

/* What a file is not accepted for, or NULL; length is that of the whole file. */
const char *seen_front_check(const struct seen_front *front, uint64_t length);

#endif
