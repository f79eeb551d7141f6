/* SPDX-License-Identifier: ISC */
/* qr.h: a QR code on a terminal. */
#ifndef TOOLS_QR_H
#define TOOLS_QR_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Writes text as a QR code of half blocks, two modules in one character, with the quiet zone of 4
 * modules around. colour: black on white whatever the terminal is; otherwise light modules are what
 * is drawn, as a dark terminal needs it. -EMSGSIZE: too long for a code.
 */
int qr_write(const char *text, bool colour, FILE *out);

#endif
