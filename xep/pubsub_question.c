/* SPDX-License-Identifier: ISC */
/* pubsub_question.c: what owners have been asked lately (XEP-0060 §8.6). */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "pubsub_impl.h"
#include "pubsub_question.h"

/* Addresses and names stand here as hashes, seeded with what nobody else knows. */
struct question {
	int64_t at;
	uint64_t number, owner;
	uint64_t who;   /* whom it is about: his bare address */
	uint64_t about; /* the node and his address */
};

struct pubsub_questions {
	uint64_t next;
	char seed[17];
	struct question *list; /* oldest first */
	size_t count, room;
};

static uint64_t
hash_of(const struct pubsub_questions *questions, const char *text)
{
	return hash_text(hash_text(HASH_BEGIN, questions->seed), text);
}

static struct pubsub_questions *
questions_of(struct pubsub *pubsub)
{
	if (pubsub->questions == NULL) {
		pubsub->questions = xep_alloc(sizeof(*pubsub->questions));
		ear_new_id(pubsub->questions->seed);
	}
	return pubsub->questions;
}

static void
forget_old(struct pubsub_questions *questions, int64_t now)
{
	size_t old = 0;

	while (old < questions->count && now - questions->list[old].at >= PUBSUB_QUESTION_AGE)
		old++;
	if (old == 0)
		return;
	questions->count -= old;
	memmove(questions->list, questions->list + old,
		questions->count * sizeof(*questions->list));
}

/* So many are remembered: what many owners are asked at others' nodes is no reason to refuse. */
static void
make_room(struct pubsub_questions *questions)
{
	if (questions->count < PUBSUB_QUESTIONS_ALL)
		return;
	questions->count--;
	memmove(questions->list, questions->list + 1, questions->count * sizeof(*questions->list));
}

static void
add(struct pubsub_questions *questions, const struct question *question)
{
	make_room(questions);
	if (questions->count == questions->room) {
		questions->room = 2 * questions->room + 16;
		questions->list = xep_check(
			realloc(questions->list, questions->room * sizeof(*questions->list)));
	}
	questions->list[questions->count] = *question;
	questions->list[questions->count++].number = questions->next++;
}

static enum pubsub_question
judge(const struct pubsub_questions *questions, const struct question *question)
{
	size_t his = 0, about_him = 0;

	for (size_t i = 0; i < questions->count; i++) {
		const struct question *other = &questions->list[i];

		if (other->owner != question->owner)
			continue;
		if (other->about == question->about)
			return PUBSUB_ASKED;
		his++;
		about_him += other->who == question->who;
	}
	return his >= PUBSUB_QUESTIONS || about_him >= PUBSUB_QUESTIONS_OF ? PUBSUB_ASKED_OUT
									   : PUBSUB_ASK;
}

enum pubsub_question
pubsub_question(struct pubsub_op *op, const char *owner, const char *jid)
{
	struct pubsub_questions *questions = questions_of(op->pubsub);
	struct question question = { .at = ear_now(ear_clock(op->ear)) };
	char bare[EAR_JID_SIZE];
	enum pubsub_question verdict;

	question.owner = hash_of(questions, owner);
	question.who = hash_of(questions, ear_jid_bare(jid, bare, sizeof(bare)) == 0 ? bare : jid);
	question.about = hash_text(hash_of(questions, op->node), jid);
	forget_old(questions, question.at);
	verdict = judge(questions, &question);
	if (verdict == PUBSUB_ASK)
		add(questions, &question);
	return verdict;
}

uint64_t
pubsub_question_next(struct pubsub *pubsub)
{
	return questions_of(pubsub)->next;
}

void
pubsub_question_undo(struct pubsub *pubsub, uint64_t from, uint64_t to)
{
	struct pubsub_questions *questions = questions_of(pubsub);
	size_t kept = 0;

	for (size_t i = 0; i < questions->count; i++)
		if (questions->list[i].number < from || questions->list[i].number >= to)
			questions->list[kept++] = questions->list[i];
	questions->count = kept;
}

/* It still counts as one that he was asked. */
void
pubsub_question_over(struct pubsub_op *op, const char *jid)
{
	struct pubsub_questions *questions = questions_of(op->pubsub);
	uint64_t about = hash_text(hash_of(questions, op->node), jid);

	for (size_t i = 0; i < questions->count; i++)
		if (questions->list[i].about == about)
			questions->list[i].about = 0;
}

void
pubsub_questions_free(struct pubsub_questions *questions)
{
	if (questions == NULL)
		return;
	free(questions->list);
	free(questions);
}
