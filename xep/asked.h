/* SPDX-License-Identifier: ISC */
/* asked.h: a request that is answered once its press, or look, has been done (press.h). */
#ifndef XEP_ASKED_H
#define XEP_ASKED_H

#include <earshot/ear.h>

#include "memory.h"

struct asked {
	struct ear *ear;
	struct ear_hold *hold;
};

/* press_fn frees it. */
static inline struct asked *
asked_new(const struct ear_in *in)
{
	struct asked *asked = xep_alloc(sizeof(*asked));

	asked->ear = in->ear;
	asked->hold = ear_hold(in);
	return asked;
}

#endif
