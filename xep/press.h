/* SPDX-License-Identifier: ISC */
/*
 * press.h: one press, whoever brings it: the press element, an ad-hoc command or a word in a chat
 * all come through here, so that the same rules hold for each.
 *
 *	hearsay     a press in a delayed, forwarded or carbon-copied stanza is refused: who pressed
 *	            and when is then somebody else's word
 *	policy      the sender has to be allowed to press (EAR_VERB_BUTTONS)
 *	repetition  the same id from the same sender never acts twice: the second is answered
 *	            with the state, without acting
 *	bursts      presses that are the same, from the same sender, and were held up on the
 *	            way, act once when they arrive together
 */
#ifndef XEP_PRESS_H
#define XEP_PRESS_H

#include <earshot/ear.h>

/*
 * What became of it. condition EAR_DONE: state is the player's state now (NULL text), and `acted`
 * says whether this press did anything or was one too many. EAR_PASS: the engine stops, and has
 * answered every hold already: only what belongs to arg is still to be freed. Otherwise an error
 * condition, with a text for people; state NULL. state is borrowed for the call.
 */
typedef void press_fn(void *arg, enum ear_verdict condition, const char *text,
		      const struct ear_player_state *state, bool acted);

/*
 * Presses for the sender of that stanza. id names the press among those of its sender (at most
 * PRESS_ID_MAX bytes; NULL: it has none). fn runs exactly once: inside this call when it is
 * refused, later otherwise; also when the engine stops.
 */
#define PRESS_ID_MAX 128
void press_do(const struct ear_in *in, const char *id, const struct ear_press *press, press_fn *fn,
	      void *arg);

/* Asks for the state likewise (EAR_VERB_STATE); acted is false. */
void press_look(const struct ear_in *in, press_fn *fn, void *arg);

#endif
