/* SPDX-License-Identifier: ISC */
/* ns.h: XML namespaces, each named once for the whole program. */
#ifndef EARSHOT_NS_H
#define EARSHOT_NS_H

#define EAR_NS_CLIENT      "jabber:client"                       /* RFC 6120 §4.8.3 */
#define EAR_NS_COMPONENT   "jabber:component:accept"             /* XEP-0114 */
#define EAR_NS_STREAM      "http://etherx.jabber.org/streams"    /* RFC 6120 §4.8.2 */
#define EAR_NS_STREAM_ERR  "urn:ietf:params:xml:ns:xmpp-streams" /* RFC 6120 §4.9.2 */
#define EAR_NS_STANZA_ERR  "urn:ietf:params:xml:ns:xmpp-stanzas" /* RFC 6120 §8.3.2 */
#define EAR_NS_XML         "http://www.w3.org/XML/1998/namespace"
#define EAR_NS_DISCO_INFO  "http://jabber.org/protocol/disco#info"  /* XEP-0030 */
#define EAR_NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items" /* XEP-0030 */
#define EAR_NS_CAPS        "http://jabber.org/protocol/caps"        /* XEP-0115 */
#define EAR_NS_VERSION     "jabber:iq:version"                      /* XEP-0092 */
#define EAR_NS_PING        "urn:xmpp:ping"                          /* XEP-0199 */
#define EAR_NS_DELAY       "urn:xmpp:delay"                         /* XEP-0203 */
#define EAR_NS_CARBONS     "urn:xmpp:carbons:2"                     /* XEP-0280 */
#define EAR_NS_FORWARD     "urn:xmpp:forward:0"                     /* XEP-0297 */
#define EAR_NS_BUTTONS     "urn:earshot:buttons:0"
/* Between the daemon and programs on the same machine only; never crosses another link. */
#define EAR_NS_CONTROL "urn:earshot:control:0"

#endif
