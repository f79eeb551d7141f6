/* SPDX-License-Identifier: ISC */
/* delay.h: telling a stanza said here and now from one that is hearsay. */
#ifndef XEP_DELAY_H
#define XEP_DELAY_H

#include <earshot/xep.h>

/*
 * Whether the stanza was delayed on its way (XEP-0203), is a carbon copy (XEP-0280) or forwards
 * another one (XEP-0297): who said it and when is then hearsay, and it commands nothing. Looks at
 * the children of the stanza and of its payload.
 */
bool delay_is_hearsay(const struct ear_in *in);

#endif
