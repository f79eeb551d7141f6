/* SPDX-License-Identifier: ISC */
/* out.h: what the command line prints: text that cannot harm a terminal, tables, JSON, complaints.
 */
#ifndef TOOLS_OUT_H
#define TOOLS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* Of an array. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The exit codes, as earshot(1) lists them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3,
	EXIT_NOBODY = 4,
	EXIT_TIMEOUT = 5,
	EXIT_TRUST = 6,
	EXIT_PROTOCOL = 7,
};

/*
 * A copy in which control characters (C0 but for the newlines and tabs that keep asks for, DEL,
 * C1), bidirectional overrides and invalid UTF-8 are written \xNN or \u{NNNN}. The caller frees.
 */
char *out_escape(const char *text, bool keep_lines);

/* "earshot: ..." on standard error, escaped, one line. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints one compact object and a newline, and frees it. */
void out_json(FILE *out, json_t *object);

/* As json_object_set_new, with NULL text as null. */
void json_put_text(json_t *object, const char *key, const char *text);

/* "0.812 ms", "-" for less than 0. */
void out_rtt(char *out, size_t size, int64_t usec);

/* "1:02:03", "4:05", "-" for less than 0. */
void out_time(char *out, size_t size, double seconds);

/* Whether to colour what goes there: a terminal, and NO_COLOR is not set (or empty). */
bool out_has_colour(FILE *out);

#define TABLE_COLUMNS_MAX 12

/* Cells are escaped when put in; columns are as wide as what stands in them on a terminal. */
struct table {
	const char *const *head;
	size_t columns, rows;
	char **cells;
};

void table_init(struct table *table, const char *const *head, size_t columns);
void table_row(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out, bool with_head);
void table_release(struct table *table);

#endif
