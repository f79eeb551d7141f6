/* SPDX-License-Identifier: ISC */
/*
 * pins.c: whom we know: what has to be stored at once, and what two processes make of one file.
 *
 * A change is made in memory and marked as pending. To store, the file is locked; when it is
 * another version than the one we know, it is read, and what is pending here goes on top of it:
 * everything else is as the file says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/map.h"
#include "trust/pins_impl.h"
#include "wire/pool.h"

#define ERROR_SIZE 512

struct pins {
	xmpp_ctx_t *ctx;
	struct pool *pool;
	struct table *table;
	struct map *removed; /* keys whose removal the file has not got */
	bool waiting;        /* something is pending */
	time_t tried_at;     /* by the monotonic clock: when we last stored; 0: never */
	bool batch, urgent;  /* nothing is stored now; then at once */
	bool on_disk;
	struct pins_file file; /* while on_disk */
};

static bool
has_weight(const struct pin *pin)
{
	return pin->voucher != EAR_BY_NOBODY || pin->trusted || pin->revoked;
}

static const char *
on_pin(void *arg, struct pin *pin, const char *line)
{
	struct table *table = arg;
	const char *why = NULL;

	if (table_find(table, &pin->key) != NULL)
		why = "a key twice";
	else if (table_count(table) == PINS_MAX)
		why = "too many pins";
	if (why != NULL)
		pin_free(pin);
	else
		table_put(table, pin, xasprintf("%s\n", line))->filed = true;
	return why;
}

static int
load(struct pins *pins, const char *dir, char *error, size_t size)
{
	int rc;

	pins->on_disk = true;
	rc = pins_file_open(&pins->file, dir, error, size);
	if (rc == 0)
		rc = pins_file_read(&pins->file, pins->ctx, on_pin, pins->table, error, size);
	return rc;
}

static void
release(struct pins *pins)
{
	if (pins->on_disk)
		pins_file_close(&pins->file);
	table_free(pins->table);
	map_free(pins->removed);
	pool_ctx_free(pins->ctx, pins->pool);
	free(pins);
}

struct pins *
pins_open(const char *dir, char *error, size_t size)
{
	struct pins *pins = xalloc(sizeof(*pins));

	pins->ctx = pool_ctx_new(&pins->pool);
	pins->table = table_new();
	pins->removed = map_new();
	if (dir == NULL || load(pins, dir, error, size) == 0)
		return pins;
	release(pins);
	return NULL;
}

/* --- storing --------------------------------------------------------------------------------- */

static void
note_removed(struct pins *pins, const struct record *record)
{
	char key[EAR_KEY_SIZE];

	if (!record->filed)
		return;
	ear_key_format(&record->pin->key, key);
	map_set(pins->removed, key, pins);
}

static bool
is_removed(const struct pins *pins, const struct ear_key *key)
{
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	return map_get(pins->removed, text) != NULL;
}

static void
forget_removed(struct pins *pins, const struct ear_key *key)
{
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	map_del(pins->removed, text);
}

/* Room for one more. */
static int
make_room(struct pins *pins, struct table *table, const struct pin *pin)
{
	struct record *victim;

	if (table_count(table) < PINS_MAX)
		return 0;
	victim = table_victim(table, pin);
	if (victim == NULL)
		return -ENOBUFS;
	note_removed(pins, victim);
	table_remove(table, victim);
	return 0;
}

static void
drop_removed(struct pins *pins, struct table *table)
{
	for (size_t i = table_count(table); i > 0; i--) {
		struct record *record = table_at(table, i - 1);

		if (is_removed(pins, &record->pin->key))
			table_remove(table, record);
	}
}

static void
carry_over(struct pins *pins, struct table *table, const struct record *record)
{
	const struct record *theirs = table_find(table, &record->pin->key);
	struct record *ours;

	if (theirs != NULL && has_weight(theirs->pin) && !record->urgent)
		return; /* a name or a time of ours is not worth their word */
	if (theirs == NULL && make_room(pins, table, record->pin) != 0) {
		ear_error("%s: full: a key that was put is lost", pins->file.path);
		return;
	}
	ours = table_put(table, pin_copy(record->pin), xstrdup(record->line));
	ours->pending = true;
	ours->urgent = record->urgent;
}

/* What another process has stored, and what is pending here on top. */
static int
merge(struct pins *pins)
{
	struct table *table = table_new();
	char error[ERROR_SIZE] = "";
	int rc = pins_file_read(&pins->file, pins->ctx, on_pin, table, error, sizeof(error));

	if (rc != 0) {
		ear_error("nothing can be stored: %s", error);
		table_free(table);
		return rc;
	}
	drop_removed(pins, table);
	for (size_t i = 0; i < table_count(pins->table); i++)
		if (table_at(pins->table, i)->pending)
			carry_over(pins, table, table_at(pins->table, i));
	table_number(table, pins->table);
	table_free(pins->table);
	pins->table = table;
	return 0;
}

static int
write_table(struct pins *pins)
{
	struct evbuffer *out = evbuffer_new();
	int rc;

	for (size_t i = 0; i < table_count(pins->table); i++) {
		const char *line = table_at(pins->table, i)->line;

		evbuffer_add(out, line, strlen(line));
	}
	evbuffer_add(out, PIN_FILE_END, sizeof(PIN_FILE_END) - 1);
	rc = pins_file_write(&pins->file, evbuffer_pullup(out, -1), evbuffer_get_length(out));
	evbuffer_free(out);
	return rc;
}

static void
note_stored(struct pins *pins)
{
	for (size_t i = 0; i < table_count(pins->table); i++) {
		struct record *record = table_at(pins->table, i);

		record->pending = record->urgent = false;
		record->filed = true;
	}
	map_free(pins->removed);
	pins->removed = map_new();
	pins->waiting = false;
}

static time_t
seconds_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + 1; /* never 0 */
}

static int
store(struct pins *pins)
{
	int rc = pins_file_lock(&pins->file);

	pins->tried_at = seconds_up();
	if (rc != 0)
		return rc;
	if (pins_file_is_changed(&pins->file))
		rc = merge(pins);
	if (rc == 0)
		rc = write_table(pins);
	if (rc == 0)
		note_stored(pins);
	pins_file_unlock(&pins->file);
	return rc;
}

/* Something has changed. */
static int
changed(struct pins *pins, bool now)
{
	if (!pins->on_disk)
		return 0;
	pins->waiting = true;
	if (pins->batch) {
		pins->urgent = pins->urgent || now;
		return 0;
	}
	if (!now && pins->tried_at != 0 && seconds_up() - pins->tried_at < PINS_LAZY_SECONDS)
		return 0;
	return store(pins);
}

int
pins_flush(struct pins *pins)
{
	return pins->waiting ? store(pins) : 0;
}

int
pins_batch(struct pins *pins, bool on)
{
	bool urgent = pins->urgent;

	pins->batch = on;
	pins->urgent = false;
	return !on && urgent ? store(pins) : 0;
}

void
pins_free(struct pins *pins)
{
	int rc;

	if (pins == NULL)
		return;
	rc = pins_flush(pins);
	if (rc != 0)
		ear_error("%s: what is new about others' keys is lost: %s", pins->file.path,
			  strerror(-rc));
	release(pins);
}

/* --- changes --------------------------------------------------------------------------------- */

static bool
is_same_list(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

/* But for name and times, which are for people. */
static bool
is_same(const struct pin *a, const struct pin *b)
{
	return a->voucher == b->voucher && a->trusted == b->trusted && a->revoked == b->revoked &&
	       a->met == b->met &&
	       is_same_list(a->addresses, a->address_count, b->addresses, b->address_count) &&
	       is_same_list(a->jids, a->jid_count, b->jids, b->jid_count);
}

/* Whether it may not be lost with the power. */
static bool
is_urgent(const struct record *old, const struct pin *pin)
{
	if (old == NULL)
		return has_weight(pin);
	return (has_weight(pin) || has_weight(old->pin)) && !is_same(old->pin, pin);
}

int
pins_put(struct pins *pins, const struct pin *pin)
{
	struct record *old = table_find(pins->table, &pin->key), *record;
	struct pin *copy = NULL;
	char *line;
	bool urgent;
	int rc = pin_line(pins->ctx, pin, &line, &copy);

	if (rc == 0 && old == NULL)
		rc = make_room(pins, pins->table, pin);
	if (rc != 0) {
		pin_free(copy);
		free(line);
		return rc;
	}
	urgent = is_urgent(old, copy);
	forget_removed(pins, &copy->key);
	record = table_put(pins->table, copy, line);
	record->pending = true;
	record->urgent = record->urgent || urgent;
	return changed(pins, urgent);
}

int
pins_remove(struct pins *pins, const struct ear_key *key)
{
	struct record *record = table_find(pins->table, key);

	if (record == NULL)
		return -ENOENT;
	note_removed(pins, record);
	table_remove(pins->table, record);
	return changed(pins, true);
}

/* --- looking --------------------------------------------------------------------------------- */

static const struct pin *
pin_in(const struct record *record)
{
	return record != NULL ? record->pin : NULL;
}

const struct pin *
pins_find(const struct pins *pins, const struct ear_key *key)
{
	return pin_in(table_find(pins->table, key));
}

const struct pin *
pins_at(const struct pins *pins, const char *address)
{
	return pin_in(table_at_address(pins->table, address));
}

size_t
pins_of(const struct pins *pins, const char *jid, const struct pin **out, size_t max)
{
	return table_of(pins->table, jid, out, max);
}

size_t
pins_count(const struct pins *pins)
{
	return table_count(pins->table);
}

const struct pin *
pins_at_index(const struct pins *pins, size_t i)
{
	return pin_in(table_at(pins->table, i));
}

unsigned long long
pins_serial(const struct pins *pins, size_t i)
{
	const struct record *record = table_at(pins->table, i);

	return record != NULL ? record->serial : 0;
}
