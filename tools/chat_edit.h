/* SPDX-License-Identifier: ISC */
/* chat_edit.h: the editor of chat's line on a terminal. The one place that knows libedit. */
#ifndef TOOLS_CHAT_EDIT_H
#define TOOLS_CHAT_EDIT_H

#include "chat_line.h"

/* As chat_line_open, on a terminal; path is that of the history. */
void chat_edit_open(struct event_base *base, const char *prompt, const char *path,
		    const struct chat_line_events *events, void *arg);
void chat_edit_print(const char *text);
void chat_edit_close(void);

#endif
