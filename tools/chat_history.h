/* SPDX-License-Identifier: ISC */
/* chat_history.h: what was typed in earlier chats, in a file of the user's own. */
#ifndef TOOLS_CHAT_HISTORY_H
#define TOOLS_CHAT_HISTORY_H

#include <histedit.h>

#define CHAT_HISTORY_LINES 500
#define CHAT_HISTORY_LINE  4096                    /* bytes; a longer one is not kept */
#define CHAT_HISTORY_BYTES ((long)4 * 1024 * 1024) /* a larger file is not ours: not read */

/* $XDG_STATE_HOME/earshot/chat-history; NULL: there is no such place. The caller frees. */
char *chat_history_path(void);

/* A history with what is there; path NULL: an empty one, kept nowhere. */
History *chat_history_open(const char *path);

void chat_history_add(History *kept, const char *line);

/* Writes it, readable by its owner only, in one step: a chat beside this one loses nothing but what
 * the other wrote first. Frees it. */
void chat_history_close(History *kept, const char *path);

#endif
