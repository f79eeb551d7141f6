/* SPDX-License-Identifier: ISC */
/*
 * pins.h: whom we know: one record for each key, in a file that survives a power cut.
 *
 * The file (dir/pins) has one XML element per line, in our own namespace. It is written whole to a
 * temporary file, synced and renamed, under a lock; what another process of the same user wrote
 * meanwhile is read first. A line that cannot be read stops the start: forgetting a pin silently
 * would open the door that it keeps shut; so would a file that was cut, hence its last line is
 * <end/>. No clock of the wall decides anything: what is newest, or longest unseen, is so by the
 * order of the changes, which is also the order of the lines.
 *
 * Anybody may come with as many keys as it likes, and storing one must not cost us a write that
 * waits for the disk. So: what security hangs on (vouched for, trusted, revoked, or a change of
 * such a record but for its name and times) is on the disk before pins_put returns. The rest is
 * stored together with that, or PINS_LAZY_SECONDS after the last time, by the next change or by
 * pins_flush; a power cut may forget it.
 */
#ifndef TRUST_PINS_H
#define TRUST_PINS_H

#include <earshot/trust.h>

/* Of all of them the longest unseen one that nobody vouches for goes first. One that somebody
 * vouches for takes the place of one that only a server vouches for, of the domain with most. */
#define PINS_MAX          4096
#define PINS_LAZY_SECONDS 30
#define PIN_NAME_MAX      128 /* bytes; a longer one is cut */
#define PIN_ADDRESSES_MAX 8
#define PIN_JIDS_MAX      8

struct pin {
	struct ear_key key;
	char *name; /* never NULL */
	enum ear_voucher voucher;
	bool trusted;
	bool revoked;                       /* by all its jids, which it had until then */
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
/* Flushes first. */
void pins_free(struct pins *pins);

/* Borrowed until the next change. */
const struct pin *pins_find(const struct pins *pins, const struct ear_key *key);
/* The one that was last seen at that LAN address: where it is the newest address, otherwise where
 * it is an older one; of several the last one put. */
const struct pin *pins_at(const struct pins *pins, const char *address);
/* All with that JID: a full one exactly; a bare one those of all its resources. out is filled up to
 * max, the last one put first; returns how many. */
size_t pins_of(const struct pins *pins, const char *jid, const struct pin **out, size_t max);

/*
 * Adds or replaces the record of pin->key (copied; addresses and jids over their bounds are
 * dropped from the end), and stores it, see above. -ENOBUFS: full of pins that are
 * worth more; -EINVAL: an address that is not canonical; then nothing has changed. Or -errno of the
 * file system (-EBUSY: another process holds the lock, -EBADMSG: it has left a file that cannot be
 * read): then memory has it and the next change that is stored tries again.
 */
int pins_put(struct pins *pins, const struct pin *pin);
/* -ENOENT; the file system as above. */
int pins_remove(struct pins *pins, const struct ear_key *key);

/* Stores what waits, if anything: for a timer. As every change it may take over what another
 * process has stored. */
int pins_flush(struct pins *pins);

size_t pins_count(const struct pins *pins);
const struct pin *pins_at_index(const struct pins *pins, size_t i); /* in the order of the puts */
/* Of the last change of that record, another one with each change of any. */
unsigned long long pins_serial(const struct pins *pins, size_t i);

/* Many changes at once are stored once: from on until off. Nothing of other processes is taken over
 * in between. off: as pins_put. */
int pins_batch(struct pins *pins, bool on);

/* Helpers on a copy. */
struct pin *pin_copy(const struct pin *pin);
struct pin *pin_new(const struct ear_key *key);
void pin_free(struct pin *pin);
/* Puts it first; the last one goes when there are too many. Canonical already. */
void pin_add_address(struct pin *pin, const char *address);
void pin_remove_address(struct pin *pin, const char *address);
void pin_add_jid(struct pin *pin, const char *jid);
void pin_remove_jid(struct pin *pin, const char *jid);
/* It is good again, but not for the JIDs that it was revoked by. */
void pin_restore(struct pin *pin);
bool pin_has_jid(const struct pin *pin, const char *jid);

#endif
