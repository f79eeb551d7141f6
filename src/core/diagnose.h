/* SPDX-License-Identifier: ISC */
/*
 * diagnose.h: what the parts of ear_diagnose() and ear_examine() share. Examining tries, and puts
 * what came of it into findings; diagnosing looks, also at those, and tells.
 */
#ifndef CORE_DIAGNOSE_H
#define CORE_DIAGNOSE_H

#include "core/core.h"
#include "discover/echo.h"
#include "discover/nets.h"
#include "link/knock.h"

#define FINDINGS_KNOCKS 16
#define FINDINGS_TEXT   200

/* One question to the other side. */
struct asked {
	bool asked, done;
	int error; /* as in struct ear_answer */
	enum ear_verdict condition;
	char text[FINDINGS_TEXT]; /* of an error stanza, or why there was none */
	int64_t rtt;
	enum ear_link_kind link;
};

/* What was tried. */
struct findings {
	char net_names[NETS_MAX][IF_NAMESIZE];
	struct echo *echoes[NETS_MAX];
	size_t echo_count;
	struct knock *own[FINDINGS_KNOCKS]; /* at our own addresses */
	size_t own_count;
	struct knock *theirs[FINDINGS_KNOCKS]; /* where the other one is announced */
	size_t their_count;
	struct asked by_lan, by_server, press;
	bool server_asked;
};

struct diagnosis {
	struct ear *ear;
	ear_check_fn *fn;
	void *arg;
	const struct findings *found; /* NULL: nothing was tried */
	struct core_facts facts;
	struct net nets[NETS_MAX]; /* that the configuration names */
	size_t net_count;
	bool cut_off; /* no interface works: what needs one is not looked at */
};

/* Room for a list of words. */
struct words {
	char text[400];
};

/* Appends with a comma. What does not fit is left out. */
void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tells one check; remedy NULL: nothing is to be done. */
void diagnosis_tell(const struct diagnosis *diagnosis, const char *name, enum ear_check_state state,
		    const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Fills in what can be looked at. */
void diagnosis_init(struct diagnosis *diagnosis, struct ear *ear, ear_check_fn *fn, void *arg);

/* This engine; its way to the LAN; that address. */
void diagnose_engine(struct diagnosis *diagnosis);
void diagnose_lan(struct diagnosis *diagnosis);
void diagnose_address(const struct diagnosis *diagnosis, const char *address);

/* Whether we and the other side take connections, for what was tried. */
void diagnose_knocks(const struct diagnosis *diagnosis, const char *name,
		     struct knock *const *knocks, size_t count, bool own);

/* Of that address: what it answers, by each path; and what it lets us do. */
void diagnose_answers(const struct diagnosis *diagnosis, const struct link *lan, bool on_lan);
void diagnose_may_there(const struct diagnosis *diagnosis, const char *address);

/* Whether an error stanza of the other side is an answer all the same: it went there and back. */
bool asked_is_answered(const struct asked *asked);

#endif
