/* SPDX-License-Identifier: ISC */
/* pubsub_tell_send.c: notifications as messages (XEP-0060 §7.1.2): what they hold, their ids, and
 * whose they were when one comes back (§12.4). */
#include <errno.h>
#include <stdio.h>

#include "hash.h"
#include "memory.h"
#include "pubsub_tell_impl.h"

/* --- ids ---------------------------------------------------------------------------------- */

/* The same for the same event on every engine, and another one for each other event, also for that
 * of a store that was begun anew. */
static uint64_t
seed_of(const struct ear_stored_event *event)
{
	uint64_t sum = hash_bytes(HASH_BEGIN, &event->id, sizeof(event->id));

	sum = hash_bytes(sum, &event->at, sizeof(event->at));
	return hash_text(hash_text(sum, event->node), event->text);
}

void
tale_id(const struct tale *tale, const char *to, char *id)
{
	tale_id_of(tale, to, strlen(to) + 1, id);
}

void
tale_id_of(const struct tale *tale, const char *to, size_t size, char *id)
{
	uint64_t sum = hash_bytes(tale->seed, to, size);

	for (int i = TELL_ID_SIZE - 2; i >= 0; i--, sum >>= 4)
		id[i] = "0123456789abcdef"[sum & 15];
	id[TELL_ID_SIZE - 1] = '\0';
}

static void
on_path(void *arg, const struct ear_path_info *path)
{
	bool *lan = arg;

	*lan = *lan || path->link == EAR_LINK_LAN;
}

/* As such an address is nearly always written; to prepare it costs more than to send to it. */
static bool
is_plainly_lan(const char *to)
{
	static const char suffix[] = ".local";
	size_t length = strlen(to), n = sizeof(suffix) - 1;

	return length > n && memcmp(to + length - n, suffix, n) == 0 && strchr(to, '/') == NULL;
}

/* Whether a server's user may share a message with others; several resources of one device do not:
 * it has one memory. */
static bool
may_share(struct ear *ear, const char *to)
{
	const char *at = strpbrk(to, "@/");
	bool lan = false;

	if (at == NULL || *at == '/' || is_plainly_lan(to) || ear_jid_is_lan(to))
		return false;
	if (ear_jid_resource(to) != NULL)
		ear_each_path(ear, to, on_path, &lan);
	return !lan;
}

const char *
tale_origin(const struct tale *tale, const char *to, const char *id)
{
	return may_share(tale->teller->ear, to) ? tale->origin : id;
}

/* --- tales -------------------------------------------------------------------------------- */

static char *
copy(const char *text)
{
	return text == NULL ? NULL : xep_strdup(text);
}

/* For one, who may have to look into it on its way; for many as it is. What it holds was rendered
 * by us, and so can be read. */
static xmpp_stanza_t *
model_of(struct pubsub_teller *teller, const struct ear_stored_event *event)
{
	static const char begin[] = "<message xmlns='" EAR_NS_CLIENT "'>", end[] = "</message>";
	size_t size = sizeof(begin) + strlen(event->text) + sizeof(end);
	xmpp_stanza_t *message;
	char *text;

	if (event->audience == EAR_TELL_SUBSCRIBERS) {
		message = ear_element(ear_ctx(teller->ear), "message", EAR_NS_CLIENT);
		xmpp_stanza_add_child_ex(message, ear_rendered(ear_ctx(teller->ear), event->text),
					 0);
	} else {
		text = xep_alloc(size);
		snprintf(text, size, "%s%s%s", begin, event->text, end);
		message = ear_parse(ear_ctx(teller->ear), text);
		free(text);
	}
	if (message != NULL && event->type != NULL && strcmp(event->type, "normal") != 0)
		xmpp_stanza_set_type(message, event->type);
	return message;
}

struct tale *
tale_new(struct pubsub_teller *teller, const struct ear_stored_event *event)
{
	struct tale *tale = xep_alloc(sizeof(*tale));
	struct ear_stored_event *own = &tale->event;

	tale->users = 1;
	tale->teller = teller;
	tale->bytes = strlen(event->text);
	tale->event = *event;
	own->node = copy(event->node);
	own->to = copy(event->to);
	own->item = copy(event->item);
	own->text = copy(event->text);
	own->type = copy(event->type);
	own->told = copy(event->told);
	tale->seed = seed_of(event);
	tale_id(tale, "", tale->origin);
	tale->model = model_of(teller, event);
	if (tale->model == NULL)
		ear_error("%s: an event in the store is no XML: not told", event->node);
	return tale;
}

struct tale *
tale_hold(struct tale *tale)
{
	tale->users++;
	return tale;
}

void
tale_drop(struct tale *tale)
{
	if (--tale->users > 0)
		return;
	if (tale->model != NULL)
		xmpp_stanza_release(tale->model);
	free((char *)tale->event.node);
	free((char *)tale->event.to);
	free((char *)tale->event.item);
	free((char *)tale->event.text);
	free((char *)tale->event.type);
	free((char *)tale->event.told);
	for (size_t i = tale->to_at; i < tale->to_count; i++)
		free(tale->to[i]);
	free(tale->to);
	free(tale->upto);
	free(tale);
}

/* --- messages ----------------------------------------------------------------------------- */

void
sent_forget(struct sent *sent)
{
	if (sent->tale == NULL)
		return;
	if (--sent->tale->notes == 0)
		sent->tale->teller->sent_bytes -= sent->tale->bytes;
	sent->tale->teller->sent_bytes -= sent->size;
	tale_drop(sent->tale);
	free(sent->to);
	free(sent->service);
	*sent = (struct sent){ 0 };
}

/* Large events leave room for fewer messages. */
static void
forget_some(struct pubsub_teller *teller)
{
	while (teller->sent_bytes > TELL_SENT_BYTES && teller->sent_tail != teller->sent_at)
		sent_forget(&teller->sent[teller->sent_tail++ % TELL_SENT_MAX]);
}

struct sent *
sent_remember(struct pubsub_teller *teller, struct tale *tale, const char *to, size_t size,
	      const char *id, int64_t stamp)
{
	struct sent *sent = &teller->sent[teller->sent_at++ % TELL_SENT_MAX];

	if (teller->sent_at - teller->sent_tail > TELL_SENT_MAX)
		teller->sent_tail++;
	sent_forget(sent);
	memcpy(sent->id, id, sizeof(sent->id));
	sent->to = size == 0 ? xep_strdup(to) : memcpy(xep_alloc(size), to, size);
	sent->size = size;
	sent->stamp = stamp;
	sent->tale = tale_hold(tale);
	if (tale->notes++ == 0)
		teller->sent_bytes += tale->bytes;
	teller->sent_bytes += size;
	forget_some(teller);
	return sent;
}

void
tell_forget_sent(struct pubsub_teller *teller)
{
	for (size_t i = 0; i < TELL_SENT_MAX; i++)
		sent_forget(&teller->sent[i]);
}

/* XEP-0082. */
void
tale_stamp(xmpp_stanza_t *message, int64_t stamp)
{
	char text[EAR_STAMP_SIZE];

	if (ear_stamp(stamp, text))
		ear_set(ear_child(message, "delay", EAR_NS_DELAY), "stamp", "%s", text);
}

/* What it holds is copied; its own attributes are set anew, which costs less. */
static xmpp_stanza_t *
message_of(const struct tale *tale, const char *to, const char *id)
{
	xmpp_stanza_t *message = ear_stanza(ear_ctx(tale->teller->ear), "message",
					    xmpp_stanza_get_type(tale->model), to, id);
	xmpp_stanza_t *child = xmpp_stanza_get_children(tale->model);

	for (; child != NULL; child = xmpp_stanza_get_next(child))
		xmpp_stanza_add_child_ex(message, xmpp_stanza_copy(child), 0);
	return message;
}

int
tale_single(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp)
{
	xmpp_stanza_t *message;
	struct sent *sent;
	char id[TELL_ID_SIZE];
	int error;

	if (tale->model == NULL)
		return 0;
	tale_id(tale, to, id);
	message = message_of(tale, to, id);
	xmpp_stanza_set_attribute(ear_child(message, "origin-id", EAR_NS_SID), "id",
				  tale_origin(tale, to, id));
	if (stamp != 0)
		tale_stamp(message, stamp);
	sent = sent_remember(teller, tale, to, 0, id, stamp);
	error = ear_send(teller->ear, message);
	if (error != 0)
		sent_forget(sent); /* nothing of it comes back */
	return error;
}

int
tale_send(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp)
{
	int error = multi_tell(teller, tale, to, stamp, false);

	return error == -ENOTSUP ? tale_single(teller, tale, to, stamp) : error;
}

int
tale_gather(struct pubsub_teller *teller, struct tale *tale, const char *to)
{
	int error = multi_tell(teller, tale, to, 0, true);

	return error == -ENOTSUP ? tale_single(teller, tale, to, 0) : error;
}
