/* SPDX-License-Identifier: ISC */
/*
 * lan_acks.c: which stanzas of a stream have been handled at its other end, and whether that still
 * answers.
 *
 * The question costs a write and an answer, so it is put seldom: some time after a stanza that
 * nothing else has proved to be handled, or when much is under way. The answer to a request proves
 * the request, and all before it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"

static int64_t
now_of(const struct lan_stream *ls)
{
	return ear_now(ls->lan->clock);
}

bool
lan_acks_are_silent(const struct lan_stream *ls)
{
	return ls->acks != NULL && ls->acks->silent;
}

bool
lan_acks_are_due(const struct lan_stream *ls)
{
	return ls->acks != NULL && ls->sent.count > 0;
}

/* --- the question ---------------------------------------------------------------------------- */

/* How long an answer may take. */
static int64_t
patience(const struct lan_acks *acks)
{
	int64_t limit = 4 * acks->srtt + 200 * EAR_MSEC;

	if (acks->srtt == 0 || limit < LAN_OVERDUE_MIN)
		return LAN_OVERDUE_MIN;
	return limit > LAN_OVERDUE_MAX ? LAN_OVERDUE_MAX : limit;
}

static void
note_question(struct lan_stream *ls)
{
	struct lan_acks *acks = ls->acks;
	int64_t now = now_of(ls);

	acks->asked = acks->sent;
	acks->bytes = 0;
	if (acks->question_count == LAN_QUESTIONS_MAX)
		return;
	acks->questions[acks->question_count++] =
		(struct lan_question){ .sent = acks->sent, .at = now };
	if (acks->question_count > 1)
		return;
	acks->moved = io_acked(stream_io(ls->stream));
	acks->moved_at = now;
	ear_timer_set(&acks->timer, patience(acks));
}

static void
ask(struct lan_stream *ls)
{
	lan_sm_ask(ls);
	note_question(ls);
}

bool
lan_acks_are_asked(const struct lan_stream *ls)
{
	return ls->acks->question_count > 0;
}

void
lan_acks_probe(struct lan_stream *ls)
{
	if (!lan_acks_are_asked(ls))
		ask(ls);
}

/* When the oldest stanza is old enough to be asked for. */
static void
set_timer(struct lan_stream *ls)
{
	struct lan_acks *acks = ls->acks;
	const struct outbox_item *oldest;
	int64_t at;

	if (lan_acks_are_asked(ls) || ls->sent.count == 0)
		return;
	oldest = container_of(ls->sent.items.next, struct outbox_item, entry);
	at = oldest->at + (acks->urgent > acks->acked ? LAN_ASK_USEC : LAN_ASK_ANSWER_USEC);
	acks->hurried = acks->urgent > acks->acked;
	ear_timer_set(&acks->timer, at - now_of(ls));
}

/* --- no answer ------------------------------------------------------------------------------- */

static void
tell_silent(struct lan_stream *ls, bool silent)
{
	struct link *link = &ls->link->link;

	ls->acks->silent = silent;
	if (link->events->silent != NULL)
		link->events->silent(link->owner, link, silent);
}

/*
 * A slow way is no dead one: while the other end's TCP acknowledges more of what was written, the
 * question has not even got there.
 */
static void
on_overdue(struct lan_stream *ls)
{
	struct lan_acks *acks = ls->acks;
	uint64_t moved = io_acked(stream_io(ls->stream));
	int64_t now = now_of(ls);

	if (moved > acks->moved) {
		acks->moved = moved;
		acks->moved_at = now;
	}
	if (ls->unconfirmed || now - acks->moved_at < patience(acks))
		ear_timer_set(&acks->timer, LAN_OVERDUE_STEP);
	else if (!lan_link_give_up(ls->link, ls) && lan_stream_is_usable(ls) && !acks->silent)
		tell_silent(ls, true);
}

/* Nothing else would: what is silent is not looked at again and again. */
void
lan_acks_look_again(struct lan_stream *ls)
{
	if (ls->acks != NULL && lan_acks_are_asked(ls) && !ear_timer_is_set(&ls->acks->timer))
		ear_timer_set(&ls->acks->timer, 0);
}

static void
on_timer(void *arg)
{
	struct lan_stream *ls = arg;
	const struct lan_acks *acks = ls->acks;
	const struct outbox_item *oldest;
	int64_t age;

	if (ls->refused || ls->link->closing)
		return;
	/* Also one that a newer stream replaces: what waits for its end is not to wait for a dead
	 * cable. */
	if (lan_acks_are_asked(ls)) {
		on_overdue(ls);
		return;
	}
	if (!lan_stream_is_usable(ls) || ls->sent.count == 0)
		return;
	oldest = container_of(ls->sent.items.next, struct outbox_item, entry);
	age = now_of(ls) - oldest->at;
	if (age >= (acks->urgent > acks->acked ? LAN_ASK_USEC : LAN_ASK_ANSWER_USEC))
		ask(ls);
	else
		set_timer(ls);
}

/* --- counting -------------------------------------------------------------------------------- */

void
lan_acks_begin(struct lan_stream *ls)
{
	ls->acks = xalloc(sizeof(*ls->acks));
	ear_timer_init(&ls->acks->timer, ls->lan->clock, on_timer, ls);
	/* The answer to <enable/> is as good as one to a question. */
	if (ls->dialled)
		note_question(ls);
}

void
lan_acks_turn_on(struct lan_stream *ls)
{
	ls->acks->on = true;
	io_watch_life(stream_io(ls->stream), LAN_KEEPALIVE_MS, LAN_DEAD_ACKS_MS);
}

void
lan_acks_free(struct lan_stream *ls)
{
	if (ls->acks == NULL)
		return;
	ear_timer_stop(&ls->acks->timer);
	free(ls->acks);
	ls->acks = NULL;
}

/* FNV-1a. A peer that finds another id of that hash deceives nobody but itself. */
static uint64_t
hash(const char *text)
{
	uint64_t sum = 14695981039346656037u;

	for (; *text != '\0'; text++)
		sum = (sum ^ (unsigned char)*text) * 1099511628211u;
	return sum;
}

static void
note_request(struct lan_acks *acks, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	if (id == NULL)
		return;
	acks->request = acks->sent;
	acks->request_hash = hash(id);
}

uint64_t
lan_acks_count(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct lan_acks *acks = ls->acks;

	bool iq = strcmp(xmpp_stanza_get_name(stanza), "iq") == 0;

	acks->sent++;
	if (!iq || !ear_is_answer(stanza))
		acks->urgent = acks->sent;
	if (iq && acks->urgent == acks->sent)
		note_request(acks, stanza);
	return acks->sent;
}

/* A timer that is set already is mostly good enough: it looks at what is the oldest by then. */
void
lan_acks_watch(struct lan_stream *ls, size_t bytes)
{
	struct lan_acks *acks = ls->acks;
	bool hurry = acks->urgent > acks->acked;

	acks->bytes += bytes;
	if (acks->on &&
	    (acks->sent - acks->asked >= LAN_ASK_STANZAS || acks->bytes >= LAN_ASK_BYTES)) {
		ask(ls);
	} else if (!lan_acks_are_asked(ls) &&
		   (!ear_timer_is_set(&acks->timer) || (hurry && !acks->hurried))) {
		acks->hurried = hurry;
		ear_timer_set(&acks->timer, hurry ? LAN_ASK_USEC : LAN_ASK_ANSWER_USEC);
	}
}

static void
forget(struct lan_stream *ls, uint64_t acked)
{
	struct lan_acks *acks = ls->acks;

	if (acks->acked < acked)
		acks->acked = acked;
	outbox_acknowledge(&ls->sent, acked);
	if (acks->asked < acked)
		acks->asked = acked;
	if (acks->bytes > ls->sent.bytes)
		acks->bytes = ls->sent.bytes;
}

/* The round trip of the last question that is answered by now; -1: none is. */
static int64_t
take_answers(struct lan_stream *ls)
{
	struct lan_acks *acks = ls->acks;
	size_t n = 0;
	int64_t rtt = -1, now = now_of(ls);

	while (n < acks->question_count && acks->questions[n].sent <= acks->acked)
		rtt = now - acks->questions[n++].at;
	if (n == 0)
		return -1;
	acks->question_count -= n;
	memmove(acks->questions, acks->questions + n,
		acks->question_count * sizeof(acks->questions[0]));
	acks->srtt = acks->srtt == 0 ? rtt : acks->srtt + (rtt - acks->srtt) / 8;
	acks->moved_at = now;
	return rtt;
}

static void
go_on(struct lan_stream *ls)
{
	ear_timer_stop(&ls->acks->timer);
	if (lan_acks_are_asked(ls))
		ear_timer_set(&ls->acks->timer, patience(ls->acks));
	else
		set_timer(ls);
	if (!ls->link->closing)
		lan_queue_flush(ls->link);
	if (ls->acks->silent)
		tell_silent(ls, false);
}

/* How long <enabled/> took says little of the way: a handshake may have been before it. */
void
lan_acks_confirm(struct lan_stream *ls)
{
	lan_acks_turn_on(ls);
	forget(ls, 0);
	ls->acks->question_count = 0;
	go_on(ls);
}

/* One that says nothing new answers nothing, and gives no more time. */
void
lan_acks_take(struct lan_stream *ls, uint64_t more)
{
	struct link *link = &ls->link->link;
	size_t kept = ls->sent.count;
	int64_t rtt;

	ls->acks->said += more;
	forget(ls, ls->acks->said);
	rtt = take_answers(ls);
	if (more == 0 && rtt < 0 && ls->sent.count == kept)
		return;
	go_on(ls);
	if (rtt >= 0 && link->events->acked != NULL)
		link->events->acked(link->owner, link, rtt);
}

/* An answer to our last request: it has been handled, and all before it. */
static void
take_proof(struct lan_stream *ls, xmpp_stanza_t *answer)
{
	const char *id = xmpp_stanza_get_id(answer);

	if (id != NULL && hash(id) == ls->acks->request_hash)
		forget(ls, ls->acks->request);
}

void
lan_acks_got(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct lan_acks *acks = ls->acks;

	if (acks->on && ++acks->got - acks->told >= LAN_TELL_STANZAS)
		lan_sm_answer(ls);
	if (acks->request > acks->acked && ear_is_answer(stanza))
		take_proof(ls, stanza);
}
