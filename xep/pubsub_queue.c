/* SPDX-License-Identifier: ISC */
/* pubsub_queue.c: what one sender asks about one node, in its order, and what is known of that node
 * from a moment ago. */
#include <errno.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "pubsub_impl.h"

/* --- what is known ------------------------------------------------------------------------ */

static void
view_clear(struct pubsub_queue *queue)
{
	for (size_t i = 0; i < queue->view.subscription_count; i++) {
		free((char *)queue->subscriptions[i].jid);
		free((char *)queue->subscriptions[i].options);
	}
	free(queue->subscriptions);
	free(queue->creator);
	queue->subscriptions = NULL;
	queue->creator = NULL;
	queue->view = (struct pubsub_view){ .node = queue->node };
	queue->known = false;
}

static char *
copy(const char *text)
{
	return xep_strdup(text == NULL ? "" : text);
}

static void
view_fill(struct pubsub_queue *queue, const struct ear_stored_answer *answer)
{
	const struct ear_stored *node = &answer->rows[0];
	struct pubsub_view *view = &queue->view;

	view->exists = true;
	pubsub_config_read(&view->config, node->config == NULL ? "" : node->config);
	view->creator = queue->creator = copy(node->creator);
	view->epoch = node->epoch;
	view->created_at = node->created_at;
	view->items = node->items;
	view->subscribers = node->subscribers;
	view->pending = node->pending;
	view->affiliation = node->affiliation;
	view->contact = node->contact;
	view->subscription_count = answer->count - 1;
	queue->subscriptions = xep_alloc(answer->count * sizeof(*queue->subscriptions));
	for (size_t i = 1; i < answer->count; i++)
		queue->subscriptions[i - 1] = (struct ear_stored){
			.node = queue->node,
			.jid = copy(answer->rows[i].jid),
			.options = copy(answer->rows[i].options),
			.subscription = answer->rows[i].subscription,
		};
	view->subscriptions = queue->subscriptions;
}

/* Each that waits is told the same. */
static void
fail_all(struct pubsub_queue *queue, const struct ear_stored_answer *answer)
{
	for (struct pubsub_request *r = queue->first; r != NULL; r = r->next)
		if (!r->decided && !r->ended)
			pubsub_fail_store(&r->op, answer->error, answer->text);
}

static void
on_read(void *arg, const struct ear_stored_answer *answer)
{
	struct pubsub_queue *queue = arg;

	queue->reading = false;
	view_clear(queue);
	if (answer->error == 0 && answer->count > 0)
		view_fill(queue, answer);
	queue->known = answer->error == 0 || answer->error == -ENOENT;
	if (!queue->known)
		fail_all(queue, answer);
	pubsub_queue_run(queue);
}

static void
read_node(struct pubsub_queue *queue)
{
	const struct ear_query query = { .kind = EAR_QUERY_NODE,
					 .node = queue->node,
					 .who = queue->who };

	for (struct pubsub_request *r = queue->first; r != NULL; r = r->next)
		r->fresh = true;
	queue->reading = true;
	ear_store_query(queue->pubsub->store, &query, on_read, queue);
}

void
pubsub_queue_forget(struct pubsub *pubsub, const char *node)
{
	for (size_t i = 0; i < pubsub->queue_count; i++)
		if (strcmp(pubsub->queues[i]->node, node) == 0)
			pubsub->queues[i]->known = false;
}

/* --- going on ----------------------------------------------------------------------------- */

/* Whether the epoch of the node says that what he may do with items is still the same. It is not
 * another one for a subscription that has ended, maybe in another engine, nor for a contact. */
static bool
is_lasting(const struct pubsub_queue *queue)
{
	const struct pubsub_view *view = &queue->view;
	enum pubsub_access model = view->config.access_model;

	return view->affiliation >= EAR_PUBLISHER ||
	       (model != PUBSUB_AUTHORIZE &&
		(model != PUBSUB_PRESENCE || !ear_store_is_shared(queue->pubsub->store)) &&
		view->config.publish_model != PUBSUB_BY_SUBSCRIBERS);
}

/* What is about items alone may be decided on what was read before it came. */
static bool
is_known(const struct pubsub_queue *queue, const struct pubsub_request *request)
{
	return queue->known && (request->fresh || (request->by_items && is_lasting(queue)));
}

/* The first that can be decided now. */
static struct pubsub_request *
next_of(struct pubsub_queue *queue)
{
	for (struct pubsub_request *r = queue->first; r != NULL; r = r->next) {
		if (r->ended)
			continue;
		if (!r->decided)
			return r;
		if (r->alone)
			return NULL;
	}
	return NULL;
}

void
pubsub_queue_run(struct pubsub_queue *queue)
{
	struct pubsub_request *request;

	if (queue->running)
		return;
	queue->running = true;
	while (!queue->reading && (request = next_of(queue)) != NULL) {
		if (is_known(queue, request))
			pubsub_decide(request, &queue->view);
		else
			read_node(queue);
	}
	queue->running = false;
	pubsub_sweep(&queue->first);
}

void
pubsub_queue_add(struct pubsub_queue *queue, struct pubsub_request *request)
{
	struct pubsub_request **end = &queue->first;

	while (*end != NULL)
		end = &(*end)->next;
	*end = request;
	request->queue = queue;
}

/* --- which there are ---------------------------------------------------------------------- */

void
pubsub_queue_free(struct pubsub_queue *queue)
{
	ear_store_forget(queue->pubsub->store, queue);
	view_clear(queue);
	free(queue->node);
	free(queue->who);
	free(queue);
}

static void
take_out(struct pubsub *pubsub, size_t i)
{
	pubsub->queue_count--;
	memmove(&pubsub->queues[i], &pubsub->queues[i + 1],
		(pubsub->queue_count - i) * sizeof(pubsub->queues[0]));
}

static bool
is_idle(const struct pubsub_queue *queue)
{
	return queue->first == NULL && !queue->reading && !queue->running;
}

/* Room for one more: those that nobody has used for longest go. */
static void
make_room(struct pubsub *pubsub)
{
	size_t i = 0;

	while (i < pubsub->queue_count && pubsub->queue_count >= PUBSUB_VIEWS_MAX) {
		if (is_idle(pubsub->queues[i])) {
			pubsub_queue_free(pubsub->queues[i]);
			take_out(pubsub, i);
		} else {
			i++;
		}
	}
	if (pubsub->queue_count < pubsub->queue_room)
		return;
	pubsub->queue_room = 2 * pubsub->queue_room + 16;
	pubsub->queues =
		xep_check(realloc(pubsub->queues, pubsub->queue_room * sizeof(pubsub->queues[0])));
}

/* So that thousands are told apart without looking at their texts. */
static uint64_t
hash_of(const char *node, const char *who)
{
	return hash_text(hash_text(HASH_BEGIN, node), who);
}

static struct pubsub_queue *
queue_new(struct pubsub *pubsub, const char *node, const char *who)
{
	struct pubsub_queue *queue = xep_alloc(sizeof(*queue));

	queue->pubsub = pubsub;
	queue->node = xep_strdup(node);
	queue->who = xep_strdup(who);
	queue->hash = hash_of(node, who);
	view_clear(queue);
	return queue;
}

static size_t
index_of(const struct pubsub *pubsub, const char *node, const char *who)
{
	uint64_t hash = hash_of(node, who);
	size_t i = pubsub->queue_count;

	while (i-- > 0)
		if (pubsub->queues[i]->hash == hash && strcmp(pubsub->queues[i]->node, node) == 0 &&
		    strcmp(pubsub->queues[i]->who, who) == 0)
			break;
	return i;
}

struct pubsub_queue *
pubsub_queue_get(struct pubsub *pubsub, const char *node, const char *who)
{
	size_t i = index_of(pubsub, node, who);
	struct pubsub_queue *queue;

	if (i < pubsub->queue_count) {
		queue = pubsub->queues[i];
		take_out(pubsub, i);
	} else {
		make_room(pubsub);
		queue = queue_new(pubsub, node, who);
	}
	pubsub->queues[pubsub->queue_count++] = queue;
	return queue;
}
