/* SPDX-License-Identifier: ISC */
/* test_answers.c: what is remembered of answers, how much of it, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/timer.h"
#include "core/answers.h"

#define ROMEO  "romeo@pronto.local"
#define JULIET "juliet@example.org/balcony"

static xmpp_ctx_t *ctx;
static struct ear_clock *clock_;
static struct answers *answers;

static int
setup(void **state)
{
	ctx = xmpp_ctx_new(NULL, NULL);
	clock_ = clock_new_fake();
	answers = answers_new(clock_, ctx);
	return 0;
}

static int
teardown(void **state)
{
	answers_free(answers);
	clock_free(clock_);
	xmpp_ctx_free(ctx);
	return 0;
}

/* An answer that holds so many bytes of text. */
static void
end(const char *sender, const char *id, size_t bytes)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "iq", "result", sender, id);
	char *text = malloc(bytes + 1);

	memset(text, 'x', bytes);
	text[bytes] = '\0';
	ear_child_text(stanza, "query", "urn:example:text", text);
	answers_end(answers, sender, id, stanza);
	xmpp_stanza_release(stanza);
	free(text);
}

static void
answer(const char *sender, const char *id, size_t bytes)
{
	answers_begin(answers, sender, id);
	end(sender, id, bytes);
}

static enum answers_state
state_of(const char *sender, const char *id)
{
	xmpp_stanza_t *stanza = (xmpp_stanza_t *)answers;
	enum answers_state state = answers_find(answers, sender, id, &stanza);

	if ((state == ANSWERS_KNOWN) != (stanza != NULL))
		fail_msg("an answer comes with ANSWERS_KNOWN, and with nothing else");
	if (stanza != NULL) {
		assert_string_equal(xmpp_stanza_get_id(stanza), id);
		assert_string_equal(xmpp_stanza_get_to(stanza), sender);
		xmpp_stanza_release(stanza);
	}
	return state;
}

static const char *
numbered(const char *prefix, unsigned n)
{
	static char texts[2][64];
	static unsigned turn;

	turn = !turn;
	snprintf(texts[turn], sizeof(texts[turn]), "%s%u", prefix, n);
	return texts[turn];
}

static void
test_states(void **state)
{
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_UNKNOWN);
	end(ROMEO, "a1", 10);
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_UNKNOWN);
	answers_begin(answers, ROMEO, "a1");
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_PENDING);
	assert_int_equal(state_of(JULIET, "a1"), ANSWERS_UNKNOWN);
	assert_int_equal(state_of(ROMEO, "a2"), ANSWERS_UNKNOWN);
	assert_int_equal(answers_pending(answers), 1);
	end(JULIET, "a1", 10);
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_PENDING);
	end(ROMEO, "a1", 10);
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_KNOWN);
	assert_int_equal(answers_pending(answers), 0);
	/* Begun again, it is not the old answer that comes. */
	answers_begin(answers, ROMEO, "a1");
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_PENDING);
	assert_int_equal(answers_pending(answers), 1);
}

/* The words are the same, whatever is in them, and as often as they are asked for. */
static void
test_same_words(void **state)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "iq", "error", ROMEO, "<&'\"\n>"), *query, *back;
	char *before, *after;
	size_t length;

	xmpp_stanza_set_from(stanza, JULIET);
	query = ear_child(stanza, "query", EAR_NS_DISCO_INFO);
	ear_child_text(query, "x", "urn:example:x", "\xc3\xa4 \xf0\x9f\x8e\xb5 <&>\r\n");
	ear_set(ear_child(query, "feature", NULL), "var", "%s", EAR_NS_PING);
	answers_begin(answers, ROMEO, "<&'\"\n>");
	answers_end(answers, ROMEO, "<&'\"\n>", stanza);
	xmpp_stanza_to_text(stanza, &before, &length);
	xmpp_stanza_release(stanza);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(answers_find(answers, ROMEO, "<&'\"\n>", &back), ANSWERS_KNOWN);
		assert_string_equal(xmpp_stanza_get_id(back), "<&'\"\n>");
		assert_string_equal(xmpp_stanza_get_from(back), JULIET);
		assert_string_equal(ear_text(ear_find(ear_find(back, "query", EAR_NS_DISCO_INFO),
						      "x", "urn:example:x")),
				    "\xc3\xa4 \xf0\x9f\x8e\xb5 <&>\r\n");
		xmpp_stanza_to_text(back, &after, &length);
		assert_int_equal(strlen(after), strlen(before));
		xmpp_free(ctx, after);
		xmpp_stanza_release(back);
	}
	xmpp_free(ctx, before);
}

/* Answered twice: the first one is what the asker may have got. */
static void
test_first_answer_counts(void **state)
{
	xmpp_stanza_t *back;

	answers_begin(answers, ROMEO, "a1");
	end(ROMEO, "a1", 3);
	end(ROMEO, "a1", 9);
	assert_int_equal(answers_pending(answers), 0);
	assert_int_equal(answers_find(answers, ROMEO, "a1", &back), ANSWERS_KNOWN);
	assert_int_equal(strlen(ear_text(ear_first(back))), 3);
	xmpp_stanza_release(back);
}

static void
test_too_long(void **state)
{
	answer(ROMEO, "fits", ANSWERS_ONE_MAX - 200);
	assert_int_equal(state_of(ROMEO, "fits"), ANSWERS_KNOWN);
	answer(ROMEO, "long", ANSWERS_ONE_MAX);
	assert_int_equal(state_of(ROMEO, "long"), ANSWERS_LOST);
	end(ROMEO, "long", 10);
	assert_int_equal(state_of(ROMEO, "long"), ANSWERS_LOST);
	assert_int_equal(answers_pending(answers), 0);
}

/* Within the bytes, but the reader takes no element of so many. */
static void
test_too_wide(void **state)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "iq", "result", ROMEO, "a1");
	xmpp_stanza_t *query = ear_child(stanza, "query", NULL);

	for (int i = 0; i < 2000; i++)
		ear_child(query, "a", NULL);
	answers_begin(answers, ROMEO, "a1");
	answers_end(answers, ROMEO, "a1", stanza);
	xmpp_stanza_release(stanza);
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_LOST);
}

static void
test_long_id(void **state)
{
	char *id = malloc(ANSWERS_ONE_MAX + 1);

	memset(id, 'i', ANSWERS_ONE_MAX);
	id[ANSWERS_ONE_MAX] = '\0';
	answers_begin(answers, ROMEO, id);
	assert_int_equal(state_of(ROMEO, id), ANSWERS_UNKNOWN);
	end(ROMEO, id, 10);
	assert_int_equal(state_of(ROMEO, id), ANSWERS_UNKNOWN);
	assert_int_equal(answers_pending(answers), 0);
	id[ANSWERS_ONE_MAX - strlen(ROMEO) - 1] = '\0';
	/* Short enough to be remembered, but not so its answer, which has both in it. */
	answer(ROMEO, id, 10);
	assert_int_equal(state_of(ROMEO, id), ANSWERS_LOST);
	free(id);
}

static unsigned
count_known(const char *sender, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < to; i++)
		n += state_of(sender, numbered("a", i)) == ANSWERS_KNOWN;
	return n;
}

/* One that asks much makes itself forgotten, and nobody else. */
static void
test_bound_of_one_sender(void **state)
{
	answer(JULIET, "a0", 10);
	for (unsigned i = 0; i < ANSWERS_SENDER_MAX + 10; i++)
		answer(ROMEO, numbered("a", i), 10);
	assert_int_equal(count_known(ROMEO, ANSWERS_SENDER_MAX + 10), ANSWERS_SENDER_MAX);
	assert_int_equal(state_of(ROMEO, "a9"), ANSWERS_UNKNOWN);
	assert_int_equal(state_of(ROMEO, "a10"), ANSWERS_KNOWN);
	assert_int_equal(state_of(JULIET, "a0"), ANSWERS_KNOWN);
	/* What is being handled counts as well. */
	for (unsigned i = 0; i < ANSWERS_SENDER_MAX; i++)
		answers_begin(answers, ROMEO, numbered("b", i));
	assert_int_equal(answers_pending(answers), ANSWERS_SENDER_MAX);
	assert_int_equal(count_known(ROMEO, ANSWERS_SENDER_MAX + 10), 0);
	answers_begin(answers, ROMEO, "b-more");
	assert_int_equal(answers_pending(answers), ANSWERS_SENDER_MAX);
	assert_int_equal(state_of(ROMEO, "b0"), ANSWERS_UNKNOWN);
	end(ROMEO, "b0", 10);
	assert_int_equal(state_of(ROMEO, "b0"), ANSWERS_UNKNOWN);
}

static void
test_bound_of_all(void **state)
{
	for (unsigned i = 0; i < ANSWERS_MAX + 10; i++)
		answer(numbered("s", i), "a0", 10);
	for (unsigned i = 0; i < ANSWERS_MAX + 10; i++)
		assert_int_equal(state_of(numbered("s", i), "a0"),
				 i < 10 ? ANSWERS_UNKNOWN : ANSWERS_KNOWN);
	/* Which one is oldest is a matter of when it was answered. */
	answers_begin(answers, "s10", "a1");
	answers_begin(answers, "s11", "a1");
	end("s10", "a1", 10);
	for (unsigned i = 0; i < ANSWERS_MAX - 1; i++)
		answer(numbered("t", i), "a0", 10);
	assert_int_equal(state_of("s11", "a1"), ANSWERS_UNKNOWN);
	assert_int_equal(state_of("s10", "a1"), ANSWERS_KNOWN);
	assert_int_equal(answers_pending(answers), 0);
}

static void
test_bound_of_bytes(void **state)
{
	unsigned many = ANSWERS_BYTES_MAX / ANSWERS_ONE_MAX, known = 0;

	for (unsigned i = 0; i < 2 * many; i++)
		answer(numbered("s", i % 100), numbered("a", i), ANSWERS_ONE_MAX - 256);
	for (unsigned i = 0; i < 2 * many; i++)
		known += state_of(numbered("s", i % 100), numbered("a", i)) == ANSWERS_KNOWN;
	assert_in_range(known, many - 1, many + many / 32);
	assert_int_equal(state_of(numbered("s", (2 * many - 1) % 100), numbered("a", 2 * many - 1)),
			 ANSWERS_KNOWN);
}

/* Names count too: a heap of them is no way around the bound. */
static void
test_bound_of_names(void **state)
{
	char *id = malloc(ANSWERS_ONE_MAX);
	size_t before = mallinfo2().uordblks;

	memset(id, 'i', ANSWERS_ONE_MAX);
	id[ANSWERS_ONE_MAX - 100] = '\0';
	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		memcpy(id, numbered("000", i), 4);
		answers_begin(answers, numbered("s", i % 100), id);
	}
	/* Three of each: its own, the table's, and what surrounds them. */
	assert_in_range(mallinfo2().uordblks - before, 0, 3 * ANSWERS_BYTES_MAX);
	assert_in_range(answers_pending(answers), 200, 300);
	free(id);
}

static void
test_age(void **state)
{
	answer(ROMEO, "a1", 10);
	clock_advance(clock_, ANSWERS_AGE / 2);
	answer(ROMEO, "a2", 10);
	answers_begin(answers, JULIET, "b1");
	clock_advance(clock_, ANSWERS_AGE / 2 - 1);
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_KNOWN);
	clock_advance(clock_, 1);
	assert_int_equal(state_of(ROMEO, "a1"), ANSWERS_UNKNOWN);
	assert_int_equal(state_of(ROMEO, "a2"), ANSWERS_KNOWN);
	/* It is remembered from when it was answered. */
	end(JULIET, "b1", 10);
	clock_advance(clock_, ANSWERS_AGE / 2);
	assert_int_equal(state_of(ROMEO, "a2"), ANSWERS_UNKNOWN);
	assert_int_equal(state_of(JULIET, "b1"), ANSWERS_KNOWN);
	clock_advance(clock_, ANSWERS_AGE / 2);
	assert_int_equal(state_of(JULIET, "b1"), ANSWERS_UNKNOWN);
	/* One that nobody answers goes as well, and the clock goes on for the next one. */
	answers_begin(answers, ROMEO, "a3");
	clock_advance(clock_, ANSWERS_AGE);
	assert_int_equal(answers_pending(answers), 0);
	end(ROMEO, "a3", 10);
	assert_int_equal(state_of(ROMEO, "a3"), ANSWERS_UNKNOWN);
}

/* Nothing is left of a burst when its time is over. */
static void
test_memory_comes_back(void **state)
{
	size_t before = mallinfo2().uordblks;

	for (unsigned i = 0; i < 256; i++)
		answer(numbered("s", i), "a", ANSWERS_ONE_MAX - 256);
	clock_advance(clock_, ANSWERS_AGE);
	assert_in_range(mallinfo2().uordblks, 0, before + 256 * 1024);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_answer_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_wide, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_one_sender, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_comes_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
