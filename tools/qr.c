/* SPDX-License-Identifier: ISC */
/* qr.c: a QR code on a terminal. */
#include <errno.h>

#include <qrencode.h>

#include "qr.h"

#define QUIET 4 /* ISO/IEC 18004 §6.3.8 */

#define BLACK_ON_WHITE "\033[30;107m"
#define USUAL          "\033[0m"

/* Bit 0 of a module: dark. Around the symbol it is light. */
static bool
is_dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return code->data[y * code->width + x] & 1;
}

/* Two modules above each other; drawn: the half that is in the foreground colour. */
static const char *
half_blocks(bool upper_drawn, bool lower_drawn)
{
	if (upper_drawn)
		return lower_drawn ? "\xe2\x96\x88" : "\xe2\x96\x80";
	return lower_drawn ? "\xe2\x96\x84" : " ";
}

static void
write_row(const QRcode *code, int y, bool colour, FILE *out)
{
	fputs(colour ? BLACK_ON_WHITE : "", out);
	for (int x = -QUIET; x < code->width + QUIET; x++)
		fputs(half_blocks(is_dark(code, x, y) == colour, is_dark(code, x, y + 1) == colour),
		      out);
	fputs(colour ? USUAL "\n" : "\n", out);
}

int
qr_write(const char *text, bool colour, FILE *out)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (code == NULL)
		return -EMSGSIZE;
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		write_row(code, y, colour, out);
	QRcode_free(code);
	return 0;
}
