/* SPDX-License-Identifier: ISC */
/* meet_impl.h: what the files of meeting share. meet.c judges a key that is shown; meeting.c keeps
 * what was shown where; meet_level.c says what a key stands for; meet_again.c looks at everybody
 * again when servers or users say something new; meet_hint.c finds out whom peers announce that
 * they are; trust.c is what the contract offers of it. */
#ifndef CORE_MEET_IMPL_H
#define CORE_MEET_IMPL_H

#include "core/meet.h"

#define MEETING_CLAIMS_MAX 5              /* CERT_JIDS_MAX, and what configuration says */
#define MEETINGS_MAX       1024           /* without a stream; the longest ago goes first */
#define MEETING_KEPT       (60 * EAR_SEC) /* after it was refused, or never came up */
#define MEETING_NAME_SIZE  (EAR_KEY_SIZE + EAR_JID_SIZE)

/* A key that was shown at a LAN address, and the addresses that its certificate claims. */
struct meeting {
	char *address;
	struct ear_key key;
	char *claims[MEETING_CLAIMS_MAX];
	size_t claim_count;
	int64_t since;      /* when it was shown first */
	int64_t refused_at; /* 0: it was not; logged once for so long */
};

struct cert;

/* meeting.c */
/* That key is shown at that address: the meeting there is, or a new one. */
struct meeting *meet_note(struct ear *ear, const char *address, const struct cert *cert);
void meet_forget(struct ear *ear, struct meeting *meeting);

/* meet.c */
int meet_judge_claims(struct ear *ear, const struct meeting *meeting, struct pin *proved);
void meet_apply(struct ear *ear, struct link *link, const struct ear_key *key);
/* Puts the pin; what that comes to is told in the log. */
void meet_store(struct ear *ear, const struct pin *pin);

/* meet_again.c */
/* Its stream, once that carries stanzas; NULL. */
struct link *meet_link(struct ear *ear, const struct meeting *meeting);
/* Looks again at that time. */
void meet_at(struct ear *ear, int64_t at);
void meet_refused(struct ear *ear, struct meeting *meeting, int error, const char *text);
/* The address is another key's from now on. */
void meet_leave_address(struct ear *ear, const struct pin *pin, const char *address);

/* meet_hint.c */
void meet_hints_init(struct ear *ear);
void meet_hints_release(struct ear *ear);
/* Whom the announced peers say that they are. */
void meet_match_all(struct ear *ear);
/*
 * That key is said to be at that LAN address: its destination, reached there only by a stream that
 * shows it. Whether it is one now; not where another has the address, or the key another address.
 */
bool meet_expect(struct ear *ear, const char *address, const struct ear_key *key,
		 const char *const *jids, size_t count);
/* It announces a key that it does not have. */
void meet_note_liar(struct ear *ear, const struct peer *peer);
/* Forgets that, and why the address was refused. */
void meet_pardon(struct ear *ear, const char *address);

/* Whoever watches is told of each address of that pin that it has no more; left NULL: all of them.
 */
void meet_tell_ended(struct ear *ear, const struct pin *pin, const struct pin *left);

#endif
