/* SPDX-License-Identifier: ISC */
/* several.h: stanzas for one of several engines that came to another one. */
#ifndef CORE_SEVERAL_H
#define CORE_SEVERAL_H

#include "core/core.h"

/* The store is open. */
void several_begin(struct ear *ear);

/* Somebody is there, or not any more: all of us may want to know. */
void several_pass_presence(const struct ear_in *in);

/* An answer, or an error, that nobody here waits for: whether one of the others may. */
bool several_pass_answer(const struct ear_in *in);

/* As another engine has passed it. */
void several_hear(struct ear *ear, const char *text);

#endif
