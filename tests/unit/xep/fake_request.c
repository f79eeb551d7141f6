/* SPDX-License-Identifier: ISC */
/* fake_request.c: requests that extensions make, and what the test answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake_ear.h"

void
ear_request_by(struct ear *ear, enum ear_link_kind only, xmpp_stanza_t *iq, int64_t usec,
	       ear_answer_fn *fn, void *arg)
{
	assert_true(ear->request_count < FAKE_REQUESTS);
	ear->requests[ear->request_count++] = (struct fake_request){ iq, only, usec, fn, arg };
}

void
ear_request(struct ear *ear, xmpp_stanza_t *iq, int64_t usec, ear_answer_fn *fn, void *arg)
{
	ear_request_by(ear, EAR_LINK_NONE, iq, usec, fn, arg);
}

/* Takes a request out of the list; the caller releases its IQ. */
static struct fake_request
take_request(struct ear *ear, size_t i)
{
	struct fake_request request;

	assert_true(i < ear->request_count);
	request = ear->requests[i];
	ear->request_count--;
	memmove(&ear->requests[i], &ear->requests[i + 1],
		(ear->request_count - i) * sizeof(request));
	return request;
}

void
ear_request_forget(struct ear *ear, const void *arg)
{
	for (size_t i = ear->request_count; i-- > 0;)
		if (ear->requests[i].arg == arg)
			xmpp_stanza_release(take_request(ear, i).iq);
}

xmpp_stanza_t *
fake_request(struct ear *ear, size_t i)
{
	return i < ear->request_count ? ear->requests[i].iq : NULL;
}

static void
answer_request(struct ear *ear, size_t i, const char *type, const char *xml)
{
	struct fake_request request = take_request(ear, i);
	char *text = xasprintf("<iq xmlns='jabber:client' type='%s' id='1' from='%s'>%s</iq>", type,
			       xmpp_stanza_get_to(request.iq), xml);
	struct ear_answer got = { .link = request.only, .level = EAR_PROVED, .rtt_us = 1000 };

	got.stanza = xmpp_stanza_new_from_string(ear->ctx, text);
	assert_non_null(got.stanza);
	got.error = strcmp(type, "error") == 0 ? -EREMOTEIO : 0;
	free(text);
	request.fn(request.arg, &got);
	xmpp_stanza_release(got.stanza);
	xmpp_stanza_release(request.iq);
}

void
fake_answer(struct ear *ear, size_t i, const char *xml)
{
	answer_request(ear, i, "result", xml);
}

void
fake_answer_error(struct ear *ear, size_t i, const char *xml)
{
	answer_request(ear, i, "error", xml);
}

void
fake_answer_none(struct ear *ear, size_t i, int error)
{
	struct fake_request request = take_request(ear, i);
	struct ear_answer got = { .error = error, .rtt_us = -1 };

	request.fn(request.arg, &got);
	xmpp_stanza_release(request.iq);
}
