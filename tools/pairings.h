/* SPDX-License-Identifier: ISC */
/* pairings.h: being paired with: the digits of who asks, or a QR code that does without. */
#ifndef TOOLS_PAIRINGS_H
#define TOOLS_PAIRINGS_H

struct cli;

/* Shows the digits of whoever wants to be paired, until interrupted or --timeout is over. */
int pairings_watch(struct cli *cli);

/* Shows a code that pairs whoever scans it. */
int pairings_qr(struct cli *cli);

/* "livingroom (tv@box.local)", harmless on a terminal; name may be NULL or "". The caller frees. */
char *pairings_who(const char *name, const char *address);

#endif
