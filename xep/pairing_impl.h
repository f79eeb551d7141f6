/* SPDX-License-Identifier: ISC */
/*
 * pairing_impl.h: what the files of pairing share.
 *
 * The responder (pairing_visit.c) has at most one visitor; the initiator (pairing_ask.c) has an ask
 * for each device that a program here wants to be paired with; the token (pairing_token.c) is the
 * responder's other way. Programs see all of it through pairing_control.c.
 */
#ifndef XEP_PAIRING_IMPL_H
#define XEP_PAIRING_IMPL_H

#include <earshot/ear.h>

#define PAIRING_NAME_SIZE 64   /* a name for people, with its NUL, from wherever it comes */
#define PAIRING_NAME_MAX  24   /* characters of it */
#define PAIRING_SHOWN_MAX 40   /* characters of an address on the screen */
#define PAIRING_TEXT_SIZE 200  /* an explanation from the other end, with its NUL */
#define PAIRING_URI_MAX   1024 /* bytes of an xmpp: URI that is read */
#define PAIRING_ASKS_MAX  8    /* devices that programs here ask at the same time */
#define PAIRING_POLLS_MAX 16   /* programs that wait for news of pairings */

#define PAIRING_VISIT_TIME       (120 * EAR_SEC) /* from the request to the end */
#define PAIRING_USER_TIME        (60 * EAR_SEC)  /* for reading six digits and typing them */
#define PAIRING_STEP_TIME        (30 * EAR_SEC)  /* for the other end's answer to a step */
#define PAIRING_POLL_TIME        (20 * EAR_SEC)
#define PAIRING_TOKEN_TIME       (600 * EAR_SEC)
#define PAIRING_TOKEN_WRONG      3 /* proofs that are looked at in ... */
#define PAIRING_TOKEN_WRONG_TIME (60 * EAR_SEC)
#define PAIRING_FAILURES_MAX     3 /* attempts that came to nothing, over all peers, in ... */
#define PAIRING_FAILURE_TIME     (600 * EAR_SEC)

extern const struct ear_xep ear_xep_pairing;

enum visit_step {
	VISIT_NONE,      /* nobody is here */
	VISIT_COMMITTED, /* our commit is out; next: their nonce */
	VISIT_SHOWN,     /* the digits are on the screen; next: their proof */
	VISIT_OPENED,    /* our nonce is out; next: their salt */
};

/* Who asks us to be paired. */
struct visit {
	enum visit_step step;
	struct ear_pairing *pairing;
	char *peer; /* LAN address */
	unsigned long long link_serial;
	char name[PAIRING_NAME_SIZE];
	char code[EAR_CODE_SIZE];
	int64_t ends_at;
	struct ear_timer expiry;
};

struct token {
	char text[EAR_PAIRING_TEXT]; /* "": none */
	int64_t ends_at;
	unsigned wrong; /* proofs of the last ones, over all peers */
	int64_t wrong_since;
};

/* A ring in which asks and polls hang. */
struct ring {
	struct ring *next, *prev;
};

struct pair_state {
	struct ear *ear;
	struct visit visit;
	int64_t failures[PAIRING_FAILURES_MAX]; /* when, oldest first */
	size_t failure_count;
	struct token token;
	unsigned long serial; /* of what get <pairings/> tells */
	struct ring asks, polls;
	size_t ask_count, poll_count;
};

static inline struct pair_state *
pair_state(struct ear *ear)
{
	return ear_state(ear, &ear_xep_pairing);
}

static inline void
ring_init(struct ring *ring)
{
	ring->next = ring->prev = ring;
}

static inline void
ring_add(struct ring *head, struct ring *item)
{
	item->next = head;
	item->prev = head->prev;
	head->prev->next = item;
	head->prev = item;
}

static inline void
ring_del(struct ring *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
}

/* --- pairing.c ------------------------------------------------------------------------------ */

/* A new element of the protocol; name (the attribute) and text may be NULL. */
xmpp_stanza_t *pair_element(struct ear *ear, const char *element, const char *name,
			    const char *text);

/* The text of a step, "" when there is none; borrowed. */
const char *pair_text(xmpp_stanza_t *element);

/* Tells the other end that it is over; nobody waits for the answer. */
void pair_cancel(struct ear *ear, const char *address);

/* --- pairing_name.c: text of strangers ------------------------------------------------------ */

/*
 * What is left of a stranger's text when it can neither steer a terminal or a screen nor turn the
 * line around: at most max characters, no format or control characters, blanks for their like,
 * none at either end. NULL is "".
 */
void pair_clean(const char *text, size_t max, char *out, size_t size);

/* The line for the screen: "Earshot: phone@sofa wants to pair: 123 456". */
void pair_screen_line(const char *peer, const char *code, char *out, size_t size);

/* --- pairing_visit.c: the responder --------------------------------------------------------- */

void visit_init(struct pair_state *state);
void visit_release(struct pair_state *state);

enum ear_verdict visit_on_pair(const struct ear_in *in);
enum ear_verdict visit_on_nonce(const struct ear_in *in);
enum ear_verdict visit_on_proof(const struct ear_in *in);
enum ear_verdict visit_on_salt(const struct ear_in *in);

/* The visitor gives up. Whether it was the visitor who said so. */
bool visit_take_cancel(const struct ear_in *in);

/* Somebody here sends the visitor of that address away. Whether there is one. */
bool visit_send_away(struct pair_state *state, const char *address);

/* Somebody is at the box: what strangers did before does not lock it any longer. */
void visit_forgive(struct pair_state *state);

/* --- pairing_token.c: the responder's other way --------------------------------------------- */

void token_make(struct pair_state *state);
void token_wipe(struct pair_state *state);
enum ear_verdict token_on_proof(const struct ear_in *in);

/* --- pairing_ask.c: the initiator ----------------------------------------------------------- */

void ask_release_all(struct pair_state *state);

/* Each keeps the program's request and answers it when it is known what became of it. */
enum ear_verdict ask_begin(const struct ear_in *in, const char *address);
enum ear_verdict ask_code(const struct ear_in *in, const char *address, const char *code);
enum ear_verdict ask_token(const struct ear_in *in, const char *address, const struct ear_key *key,
			   const char *token);

/* Somebody here gives up asking that address. Whether anybody was. */
bool ask_give_up(struct pair_state *state, const char *address);

/* The other end does. Whether it was asked. */
bool ask_take_cancel(const struct ear_in *in);

/* --- pairing_control.c: programs of this machine -------------------------------------------- */

enum ear_verdict control_on_pair(const struct ear_in *in);
enum ear_verdict control_on_pairings(const struct ear_in *in);
enum ear_verdict control_on_reset(const struct ear_in *in);
enum ear_verdict control_on_token(const struct ear_in *in);

/* What get <pairings/> tells is another thing now: whoever waits for that is told. */
void control_news(struct pair_state *state);
void control_release(struct pair_state *state);

/* --- pairing_uri.c -------------------------------------------------------------------------- */

struct pair_uri {
	char address[EAR_JID_SIZE]; /* canonical, bare, of the LAN */
	struct ear_key key;
	char token[EAR_PAIRING_TEXT];
};

/*
 * Reads "xmpp:tv@box.local?pair;key=FP;token=T" (RFC 5122). -EINVAL: it is not such a URI;
 * -EMSGSIZE: longer than PAIRING_URI_MAX.
 */
int pair_uri_parse(const char *text, struct pair_uri *uri);

/* Writes one. -ENOSPC. */
int pair_uri_format(const char *address, const struct ear_key *key, const char *token, char *out,
		    size_t size);

#endif
