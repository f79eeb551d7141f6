/* SPDX-License-Identifier: ISC */
/* event.h: what a program that watches is told of an event (control.c describes it). */
#ifndef XEP_EVENT_H
#define XEP_EVENT_H

#include <earshot/ear.h>

/* A message to that program; the caller's. */
xmpp_stanza_t *event_message(struct ear *ear, const char *to, const struct ear_event *event);

#endif
