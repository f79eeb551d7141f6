/* SPDX-License-Identifier: ISC */
/*
 * trust.h: keys, who vouches for them, and pairing.
 *
 * A device has one key. Its fingerprint is published where the server vouches for it (EAR_NS_KEYS),
 * or confirmed by people (EAR_NS_PAIRING). TLS on a direct stream proves which key the other end
 * has, and no more; what that key means is looked up here.
 */
#ifndef EARSHOT_TRUST_H
#define EARSHOT_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ear;
struct ear_in;

/* A fingerprint: SHA-256 of the DER SubjectPublicKeyInfo (RFC 5280 §4.1). */
#define EAR_KEY_BYTES 32
struct ear_key {
	unsigned char sha256[EAR_KEY_BYTES];
};

#define EAR_KEY_SIZE 65 /* 64 lower-case hexadecimal digits and a NUL */

void ear_key_format(const struct ear_key *key, char out[EAR_KEY_SIZE]);

/* Digits of either case; blanks and colons between them are passed over. -EINVAL. */
int ear_key_parse(const char *text, struct ear_key *key);

bool ear_key_equal(const struct ear_key *a, const struct ear_key *b);

/* This device. Never NULL, borrowed; another one after EAR_OWN_KEY_CHANGED. */
const struct ear_key *ear_own_key(struct ear *ear);
const char *ear_device_name(struct ear *ear);

/* A new key from now on; the old one is no longer ours. 0, or -errno of the file system. */
int ear_new_key(struct ear *ear);

/* --- published keys: the engine asks, an extension knows how ------------------------------- */

/* One device in the list of an address. */
struct ear_device {
	struct ear_key key;
	const char *name;     /* for people; "" when none */
	const char *resource; /* of an account: the device's full address; NULL: of the address
				 itself */
};

#define EAR_DEVICES_MAX 32 /* of one address */

/* Asked to fetch the list of that bare address over the server path; ends in ear_devices_told(). */
typedef void ear_fetch_devices_fn(void *arg, const char *bare);
void ear_set_fetcher(struct ear *ear, ear_fetch_devices_fn *fn, void *arg);

/*
 * What became of it. error 0: that is the whole list now (a key that is no longer in it is
 * revoked); -ENOENT: the address publishes none, as an empty list; other: it could not be asked.
 * Copied.
 */
void ear_devices_told(struct ear *ear, const char *bare, int error,
		      const struct ear_device *devices, size_t count);

/* Its list has changed, somebody says: it is fetched again if anything hangs on it. */
void ear_devices_changed(struct ear *ear, const char *bare);

/* --- whom we know --------------------------------------------------------------------------- */

enum ear_voucher {
	EAR_BY_NOBODY,  /* a key that was seen, no more */
	EAR_BY_SERVER,  /* the server of its address publishes it */
	EAR_BY_PAIRING, /* people compared a code */
	EAR_BY_USER,    /* somebody here said so: `earshot trust ADDR KEY` */
};

/* "nobody", "server", "pairing", "user". */
const char *ear_voucher_name(enum ear_voucher voucher);

struct ear_pin_info {
	const struct ear_key *key;
	const char *name;
	enum ear_voucher voucher;
	bool trusted;                 /* on our list by pairing or by the user's word */
	bool revoked;                 /* not accepted any more */
	const char *const *addresses; /* LAN addresses it was seen at, the last one first */
	size_t address_count;
	const char *const *jids; /* that it was proved to belong to */
	size_t jid_count;
	int64_t seen_at; /* seconds since 1970, 0: never met */
};

typedef void ear_pin_fn(void *arg, const struct ear_pin_info *pin);
void ear_each_pin(struct ear *ear, ear_pin_fn *fn, void *arg);

/* A device on our list that a server can reach: its own address there, full where the device is one
 * of an account. */
typedef void ear_trusted_fn(void *arg, const char *jid, const struct ear_key *key);

/* Calls fn for each of them that is known now, none of which is this one; the same key may come
 * twice. Lists that are needed for it are asked for: EAR_TRUST_CHANGED tells when they are there.
 */
void ear_each_trusted(struct ear *ear, ear_trusted_fn *fn, void *arg);

/*
 * Puts who has that address on our list. key NULL: only one whose key is proved already (-EACCES
 * when it is not, -ENOENT when it is not known at all); with a key: the caller vouches that this is
 * its key, which replaces another one.
 */
int ear_trust(struct ear *ear, const char *address, const struct ear_key *key);

/*
 * Forgets all about an address, or about a fingerprint: its key may be another one next time, or
 * none. Streams with it end. -ENOENT: nothing is known about it.
 */
int ear_untrust(struct ear *ear, const char *who);

/* --- pairing: the arithmetic and who is at the other end; the protocol is an extension's ----- */

/*
 * The responder commits to a nonce, gets the initiator's, and shows six digits that both nonces,
 * both keys and the TLS exporter make. The initiator, whose user reads those digits, commits to
 * them before it sees the responder's nonce: neither somebody in the middle nor somebody who has
 * not seen the screen can search for digits that fit. Texts are base64 but for the digits.
 */
struct ear_pairing;

#define EAR_PAIRING_TEXT 64 /* every text below fits, with its NUL */
#define EAR_CODE_SIZE    7  /* six digits and a NUL */

/*
 * With the peer of that LAN address, over the direct stream that is open now, and only while that
 * stream lives: every function below is -ENOTCONN afterwards. NULL with *error: -ENOTCONN no
 * stream, -EACCES it is not encrypted.
 */
struct ear_pairing *ear_pairing_new(struct ear *ear, const char *address, bool initiator,
				    int *error);
void ear_pairing_free(struct ear_pairing *pairing);

/* Whether that stream is still there; EAR_STREAM_ENDED is the time to ask. */
bool ear_pairing_is_alive(const struct ear_pairing *pairing);

/* The key of the other end, for people to look at; borrowed. */
const struct ear_key *ear_pairing_key(const struct ear_pairing *pairing);

/* Responder: H(its nonce and key), to be sent first. */
int ear_pairing_commit(struct ear_pairing *pairing, char out[EAR_PAIRING_TEXT]);
/* Initiator: takes it (-EBADMSG: that is none), and has the nonce to send. */
int ear_pairing_take_commit(struct ear_pairing *pairing, const char *commit);
/* Either: our nonce. The responder's is -EACCES before it has taken a proof. */
int ear_pairing_nonce(struct ear_pairing *pairing, char out[EAR_PAIRING_TEXT]);
/* Responder: takes the initiator's nonce; the digits to show. -EBADMSG. */
int ear_pairing_code(struct ear_pairing *pairing, const char *nonce, char out[EAR_CODE_SIZE]);
/* Initiator: H(salt, the digits that the user read). -EINVAL: not six digits. */
int ear_pairing_proof(struct ear_pairing *pairing, const char *code, char out[EAR_PAIRING_TEXT]);
/* Responder: takes it, once (-EALREADY), and may give its nonce away. -EBADMSG. */
int ear_pairing_take_proof(struct ear_pairing *pairing, const char *proof);
/*
 * Initiator: takes the responder's nonce. 0: the commit holds and the digits are right, the other
 * end is who shows them; out is the salt that opens our proof. -EKEYREJECTED: they are not:
 * somebody may be in the middle, or the digits were mistyped. -EBADMSG.
 */
int ear_pairing_take_nonce(struct ear_pairing *pairing, const char *nonce,
			   char out[EAR_PAIRING_TEXT]);
/* Responder: opens the proof with that salt. 0: the other end has read the digits; -EKEYREJECTED;
 * -EBADMSG. */
int ear_pairing_take_salt(struct ear_pairing *pairing, const char *salt);

/*
 * By a token that was carried in a QR code with the responder's fingerprint. Initiator: the
 * fingerprint must be that of the stream (-EKEYREJECTED); out: HMAC of the stream's exporter and
 * both keys under the token. Responder: compares. -EINVAL: that is no token.
 */
int ear_pairing_token_proof(struct ear_pairing *pairing, const struct ear_key *key,
			    const char *token, char out[EAR_PAIRING_TEXT]);
int ear_pairing_take_token(struct ear_pairing *pairing, const char *token, const char *proof);
/* A fresh token: 128 random bits, base64url without padding: 22 characters, 23 with the NUL. */
void ear_new_token(char out[EAR_PAIRING_TEXT]);

/* All checks of our side have passed: the other end's key is pinned and trusted. name is for
 * people, may be "". -EACCES: they have not; -ENOBUFS: no room among those that are vouched for. */
int ear_pairing_done(struct ear_pairing *pairing, const char *name);

#endif
