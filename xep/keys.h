/* SPDX-License-Identifier: ISC */
/*
 * keys.h: the parts of the extension that publishes keys: keys.c its rules and its life,
 * keys_publish.c our item in the list of an account, keys_node.c how that list is configured,
 * keys_serve.c our list where we answer for ourselves, keys_fetch.c the lists of others,
 * keys_follow.c hearing of their changes, keys_control.c what programs of the owner see and revoke,
 * keys_item.c what an item holds.
 *
 * The life of a key. An account's list lives at its server: when the server link is up, the node is
 * made readable for everybody, keys of ours that are no more are retracted, and our item is
 * published. A component, and everybody who is asked directly, answers for itself. Others' lists
 * are fetched when core asks, over the server path only, because that path is what vouches for
 * them.
 */
#ifndef XEP_KEYS_H
#define XEP_KEYS_H

#include <earshot/ear.h>

#define KEYS_NAME_MAX 128             /* bytes of a device's name */
#define KEYS_NS_FORM  "jabber:x:data" /* XEP-0004 */

/* An answer of the account's own server takes that long at most. */
#define KEYS_PATIENCE (20 * EAR_SEC)

/* --- keys_item.c --- */

/*
 * The device that an <item/> holds; its texts are borrowed from the item. -EBADMSG: none that can
 * be read. A name that is too long is none.
 */
int keys_item_read(xmpp_stanza_t *item, struct ear_device *device);

/* An <item/> that holds it; the caller owns it. since: as in XEP-0082, NULL: now. */
xmpp_stanza_t *keys_item_new(xmpp_ctx_t *ctx, const struct ear_device *device, const char *since);

/* When the device says that it was published first, NULL when it does not; borrowed. */
const char *keys_item_since(xmpp_stanza_t *item);

/* Whether the node attribute of that element names ours. */
bool keys_is_node(xmpp_stanza_t *element);

/* A <pubsub/> request to `to` with the one child of that name for our node, which is *child. */
xmpp_stanza_t *keys_request(xmpp_ctx_t *ctx, const char *type, const char *to, const char *ns,
			    const char *name, xmpp_stanza_t **child);

/* The same to our own account; one that retracts the item of that key there (XEP-0060 §7.2). */
xmpp_stanza_t *keys_own_request(struct ear *ear, const char *type, const char *ns, const char *name,
				xmpp_stanza_t **child);
xmpp_stanza_t *keys_retract_request(struct ear *ear, const struct ear_key *key);

/* The <items/> of our node in an answer, NULL when there are none; borrowed. */
xmpp_stanza_t *keys_items_of(xmpp_stanza_t *iq);

/*
 * Reads a whole answer; malformed items are passed over, and what is behind EAR_DEVICES_MAX devices
 * too. *skipped: how many. -EBADMSG: it is no list; -EMSGSIZE: it is only a part of one (XEP-0059).
 */
int keys_items_read(xmpp_stanza_t *iq, struct ear_device devices[EAR_DEVICES_MAX], size_t *count,
		    size_t *skipped);

/* Whether we have an account at the server, and the link to it has been up. */
bool keys_is_account(struct ear *ear);

/* This device, as it is published on that link; its texts are the engine's. */
struct ear_device keys_self(struct ear *ear, enum ear_link_kind link);

/* What went wrong with a request, for people. */
void keys_failure(const struct ear_answer *answer, char *out, size_t size);

/* --- keys_node.c --- */

/*
 * What has to change in a node whose configuration (XEP-0060 §8.2.1) is in that answer: a new form
 * to submit, NULL when nothing has to. *max: how many items it will hold, at most that on entry.
 */
xmpp_stanza_t *keys_node_changes(xmpp_ctx_t *ctx, xmpp_stanza_t *iq, unsigned *max);

/* <publish-options/> (XEP-0060 §7.1.5) appended to a <pubsub/>. */
void keys_node_options(xmpp_stanza_t *pubsub);

/* --- keys_publish.c --- */

struct keys_publish;

struct keys_publish *keys_publish_new(struct ear *ear);
void keys_publish_free(struct keys_publish *publish);

/* Begins, or begins again: looks at what is published and changes what is not right. */
void keys_publish_start(struct keys_publish *publish);

/* --- keys_serve.c --- */

struct keys_serve;

struct keys_serve *keys_serve_new(struct ear *ear);
void keys_serve_free(struct keys_serve *serve);

/* An <items/> request; the rule's payload is the <pubsub/>. */
enum ear_verdict keys_serve_items(struct keys_serve *serve, const struct ear_in *in);

/* <subscribe/> and <unsubscribe/>. */
enum ear_verdict keys_serve_subscribe(struct keys_serve *serve, const struct ear_in *in);

/* Our key is another one: tells whoever asked for it. */
void keys_serve_changed(struct keys_serve *serve);

/* --- keys_fetch.c --- */

struct keys_fetch;

struct keys_fetch *keys_fetch_new(struct ear *ear);
void keys_fetch_free(struct keys_fetch *fetch);

/* What is on its way from that address is older than a change: it is asked once more. */
void keys_fetch_outdate(struct keys_fetch *fetch, const char *bare);

/* --- keys_follow.c --- */

struct keys_follow;

struct keys_follow *keys_follow_new(struct ear *ear);
void keys_follow_free(struct keys_follow *follow);

/* The server link is up: whatever we heard by is gone, and what changed meanwhile was missed. */
void keys_follow_again(struct keys_follow *follow);

/* Whom we know may be other ones than before. */
void keys_follow_refresh(struct keys_follow *follow);

/* --- keys_control.c --- */

struct keys_control;

struct keys_control *keys_control_new(struct ear *ear, struct keys_fetch *fetch);
void keys_control_free(struct keys_control *control);

/* <devices/> and <revoke/> of EAR_NS_CONTROL, as keys_control.c describes them. */
enum ear_verdict keys_control_list(struct keys_control *control, const struct ear_in *in);
enum ear_verdict keys_control_revoke(struct keys_control *control, const struct ear_in *in);

#endif
