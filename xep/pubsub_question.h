/* SPDX-License-Identifier: ISC */
/*
 * pubsub_question.h: what owners have been asked lately (XEP-0060 §8.6): of one owner so many, so
 * that no stranger fills his screen, fewer of them about one who asks, and about the same
 * subscription once, however often that is asked for again.
 *
 * Kept in memory: several daemons of one service count on their own.
 */
#ifndef XEP_PUBSUB_QUESTION_H
#define XEP_PUBSUB_QUESTION_H

#include "pubsub.h"

#define PUBSUB_QUESTION_AGE  (600 * INT64_C(1000000)) /* for so long, microseconds: */
#define PUBSUB_QUESTIONS     20                       /* to one owner */
#define PUBSUB_QUESTIONS_OF  5                        /* to one owner about one bare address */
#define PUBSUB_QUESTIONS_ALL 4096

enum pubsub_question {
	PUBSUB_ASK,       /* noted as asked */
	PUBSUB_ASKED,     /* he has been asked that already */
	PUBSUB_ASKED_OUT, /* he has been asked so much that he is not asked that */
};

/* Whether that owner is asked about a subscription of that address, which may be full, to op->node.
 */
enum pubsub_question pubsub_question(struct pubsub_op *op, const char *owner, const char *jid);

/* What is noted from here on has a number that is not below. */
uint64_t pubsub_question_next(struct pubsub *pubsub);

/* Those from that number on, but before the other one, were not asked after all. */
void pubsub_question_undo(struct pubsub *pubsub, uint64_t from, uint64_t to);

/* An owner has decided: who asks again asks anew. */
void pubsub_question_over(struct pubsub_op *op, const char *jid);

struct pubsub_questions;
void pubsub_questions_free(struct pubsub_questions *questions);

#endif
