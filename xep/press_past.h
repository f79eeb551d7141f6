/* SPDX-License-Identifier: ISC */
/* press_past.h: which presses have been before: the same id again, and bursts. */
#ifndef XEP_PRESS_PAST_H
#define XEP_PRESS_PAST_H

#include <earshot/ear.h>

struct press_past;

struct press_past *press_past_new(struct ear_clock *clock);
void press_past_free(struct press_past *past);

/*
 * Whether this press is one too many, and remembers it otherwise: its id has come before from that
 * sender (bare address; in the last PRESS_PAST_TIME, among the last PRESS_PAST_IDS of it), or it
 * belongs to a burst: the sender's press before it was the same, both were held up on the way, and
 * they came together. A sender who does not say when he pressed: no thumb presses twice within
 * PRESS_PAST_THUMB. id may be NULL.
 */
#define PRESS_PAST_SENDERS 256
#define PRESS_PAST_IDS     1024 /* of each sender, within PRESS_PAST_TIME */
#define PRESS_PAST_TIME    (120 * EAR_SEC)
#define PRESS_PAST_HELD    (300 * EAR_MSEC) /* later than the quickest: held up */
#define PRESS_PAST_BURST   EAR_SEC          /* between two that come together */
#define PRESS_PAST_THUMB   (40 * EAR_MSEC)
bool press_past_repeats(struct press_past *past, const struct ear_in *in, const char *id,
			const struct ear_press *press);

/* The press of that id certainly did nothing: it may come again. */
void press_past_forget(struct press_past *past, const char *from, const char *id);

#endif
