/* SPDX-License-Identifier: ISC */
/* reader_fixture.c: a reader, what it said, and ways to feed it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <earshot/ns.h>

#include "base/alloc.h"
#include "tests/unit/wire/reader_fixture.h"

static void
copy(char *out, size_t size, const char *text)
{
	copy_text(out, size, text == NULL ? "-" : text);
}

static int
on_header(void *arg, const struct reader_header *header)
{
	struct seen *seen = arg;

	seen->headers++;
	copy(seen->to, sizeof(seen->to), header->to);
	copy(seen->from, sizeof(seen->from), header->from);
	copy(seen->version, sizeof(seen->version), header->version);
	copy(seen->lang, sizeof(seen->lang), header->lang);
	assert_string_equal(header->ns, EAR_NS_CLIENT);
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->log), n;
	char *text;

	seen->stanzas++;
	assert_int_equal(xmpp_stanza_to_text(stanza, &text, &n), XMPP_EOK);
	copy_text(seen->log + used, sizeof(seen->log) - used, text);
	xmpp_free(xmpp_stanza_get_context(stanza), text);
	if (seen->last != NULL)
		xmpp_stanza_release(seen->last);
	seen->last = xmpp_stanza_clone(stanza);
	return seen->stop;
}

static int
on_end(void *arg)
{
	((struct seen *)arg)->ends++;
	return 0;
}

static const struct reader_events events = { .header = on_header,
					     .stanza = on_stanza,
					     .end = on_end };

static int
set_up_caps(void **state, const struct reader_caps *caps)
{
	struct fixture *f = xalloc(sizeof(*f));

	f->ctx = xmpp_ctx_new(NULL, NULL);
	f->reader = reader_new(f->ctx, caps, &events, &f->seen);
	*state = f;
	return 0;
}

int
reader_set_up(void **state)
{
	return set_up_caps(state, &reader_caps_unknown);
}

int
reader_set_up_known(void **state)
{
	return set_up_caps(state, &reader_caps_known);
}

int
reader_tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->seen.last != NULL)
		xmpp_stanza_release(f->seen.last);
	reader_free(f->reader);
	xmpp_ctx_free(f->ctx);
	free(f);
	return 0;
}

int
trickle_bytes(struct fixture *f, const char *bytes, size_t length)
{
	int result = 0;

	for (size_t i = 0; i < length && result == 0; i++)
		result = reader_feed(f->reader, bytes + i, 1);
	return result;
}

int
trickle(struct fixture *f, const char *text)
{
	return trickle_bytes(f, text, strlen(text));
}

void
expect_bytes(struct fixture *f, const char *bytes, size_t length, int result, const char *condition)
{
	for (int whole = 0; whole < 2; whole++) {
		int stanzas;

		reader_reset(f->reader);
		assert_int_equal(whole ? reader_feed(f->reader, bytes, length)
				       : trickle_bytes(f, bytes, length),
				 result);
		if (condition == NULL)
			assert_null(reader_error(f->reader));
		else
			assert_string_equal(reader_error(f->reader), condition);
		/* A reader that has refused goes on refusing, and holds nothing. */
		stanzas = f->seen.stanzas;
		if (result != 0) {
			assert_int_equal(reader_feed(f->reader, "<a/>", 4), result);
			assert_int_equal(f->seen.stanzas, stanzas);
		}
	}
}

void
expect(struct fixture *f, const char *text, int result, const char *condition)
{
	expect_bytes(f, text, strlen(text), result, condition);
}

int
repeat(struct fixture *f, const char *text, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = reader_feed(f->reader, text, strlen(text));
	return result;
}

void
expect_too_much(struct fixture *f, int result)
{
	assert_int_equal(result, -EMSGSIZE);
	assert_string_equal(reader_error(f->reader), "policy-violation");
	assert_int_equal(f->seen.stanzas, 0);
}
