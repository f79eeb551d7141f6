/* SPDX-License-Identifier: ISC */
/*
 * pins.h: whom we know: one record for each key, in a file that survives a power cut.
 *
 * The file (dir/pins) has one XML element per line, in our own namespace. It is written whole to a
 * temporary file, synced and renamed, under a lock; what another process of the same user wrote
 * meanwhile is read first. A line that cannot be read stops the start: forgetting a pin silently
 * would open the door that it keeps shut.
 */
#ifndef TRUST_PINS_H
#define TRUST_PINS_H

#include <earshot/trust.h>

#define PINS_MAX          4096 /* the longest unseen one that nobody vouches for goes first */
#define PIN_ADDRESSES_MAX 8
#define PIN_JIDS_MAX      8

struct pin {
	struct ear_key key;
	char *name; /* never NULL */
	enum ear_voucher voucher;
	bool trusted, revoked;
	bool met;                           /* a stream with it has been up */
	char *addresses[PIN_ADDRESSES_MAX]; /* LAN, canonical; the last one first */
	size_t address_count;
	char *jids[PIN_JIDS_MAX]; /* canonical, full where the device has a resource */
	size_t jid_count;
	int64_t seen_at, checked_at; /* seconds since 1970: met; confirmed by the server */
};

struct pins;

/* dir NULL: in memory only. NULL with error filled: names file, line, and what to do. */
struct pins *pins_open(const char *dir, char *error, size_t size);
void pins_free(struct pins *pins);

/* Borrowed until the next change. */
const struct pin *pins_find(const struct pins *pins, const struct ear_key *key);
/* The one that was last seen at that LAN address. */
const struct pin *pins_at(const struct pins *pins, const char *address);
/* All with that JID: a full one exactly; a bare one those of all its resources. out is filled up to
 * max; returns how many. */
size_t pins_of(const struct pins *pins, const char *jid, const struct pin **out, size_t max);

/*
 * Adds or replaces the record of pin->key (copied; addresses and jids over their bounds are
 * dropped from the end), and stores it. -ENOBUFS: full of pins that somebody vouches for; or
 * -errno of the file system: then memory has it and the next change tries to store it again.
 */
int pins_put(struct pins *pins, const struct pin *pin);
int pins_remove(struct pins *pins, const struct ear_key *key);

size_t pins_count(const struct pins *pins);
const struct pin *pins_at_index(const struct pins *pins, size_t i);

/* Helpers on a copy. */
struct pin *pin_copy(const struct pin *pin);
struct pin *pin_new(const struct ear_key *key);
void pin_free(struct pin *pin);
/* Puts it first; the last one goes when there are too many. Canonical already. */
void pin_add_address(struct pin *pin, const char *address);
void pin_remove_address(struct pin *pin, const char *address);
void pin_add_jid(struct pin *pin, const char *jid);
bool pin_has_jid(const struct pin *pin, const char *jid);

#endif
