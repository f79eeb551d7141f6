/* SPDX-License-Identifier: ISC */
/* ns.h: XML namespaces, each named once for the whole program. */
#ifndef EARSHOT_NS_H
#define EARSHOT_NS_H

#define EAR_NS_CLIENT       "jabber:client"                       /* RFC 6120 §4.8.3 */
#define EAR_NS_COMPONENT    "jabber:component:accept"             /* XEP-0114 */
#define EAR_NS_STREAM       "http://etherx.jabber.org/streams"    /* RFC 6120 §4.8.2 */
#define EAR_NS_STREAM_ERR   "urn:ietf:params:xml:ns:xmpp-streams" /* RFC 6120 §4.9.2 */
#define EAR_NS_STANZA_ERR   "urn:ietf:params:xml:ns:xmpp-stanzas" /* RFC 6120 §8.3.2 */
#define EAR_NS_XML          "http://www.w3.org/XML/1998/namespace"
#define EAR_NS_DISCO_INFO   "http://jabber.org/protocol/disco#info"  /* XEP-0030 */
#define EAR_NS_DISCO_ITEMS  "http://jabber.org/protocol/disco#items" /* XEP-0030 */
#define EAR_NS_ADDRESS      "http://jabber.org/protocol/address"     /* XEP-0033 */
#define EAR_NS_CAPS         "http://jabber.org/protocol/caps"        /* XEP-0115 */
#define EAR_NS_VERSION      "jabber:iq:version"                      /* XEP-0092 */
#define EAR_NS_PING         "urn:xmpp:ping"                          /* XEP-0199 */
#define EAR_NS_DELAY        "urn:xmpp:delay"                         /* XEP-0203 */
#define EAR_NS_CARBONS      "urn:xmpp:carbons:2"                     /* XEP-0280 */
#define EAR_NS_FORWARD      "urn:xmpp:forward:0"                     /* XEP-0297 */
#define EAR_NS_TLS          "urn:ietf:params:xml:ns:xmpp-tls"        /* RFC 6120 §5.4 */
#define EAR_NS_SASL         "urn:ietf:params:xml:ns:xmpp-sasl"       /* RFC 6120 §6.4 */
#define EAR_NS_PUBSUB       "http://jabber.org/protocol/pubsub"      /* XEP-0060 */
#define EAR_NS_PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event"
#define EAR_NS_COMMANDS     "http://jabber.org/protocol/commands" /* XEP-0050 */
#define EAR_NS_DATA         "jabber:x:data"                       /* XEP-0004 */
#define EAR_NS_TUNE         "http://jabber.org/protocol/tune"     /* XEP-0118 */
#define EAR_NS_PUBSUB_OWNER "http://jabber.org/protocol/pubsub#owner"
#define EAR_NS_VCARD        "vcard-temp"        /* XEP-0054 */
#define EAR_NS_SM           "urn:xmpp:sm:3"     /* XEP-0198 */
#define EAR_NS_RECEIPTS     "urn:xmpp:receipts" /* XEP-0184 */
#define EAR_NS_SID          "urn:xmpp:sid:0"    /* XEP-0359 */
#define EAR_NS_BUTTONS      "urn:earshot:buttons:0"
#define EAR_NS_KEYS         "urn:earshot:keys:0"      /* published device keys; also the node */
#define EAR_NS_PAIRING      "urn:earshot:pairing:0"   /* two devices, one code, no server */
#define EAR_NS_DELIVERY     "urn:earshot:delivery:0"  /* the life of a stanza */
#define EAR_NS_ADDRESSES    "urn:earshot:addresses:0" /* where a trusted engine can be dialled */
#define EAR_NS_ATOM         "http://www.w3.org/2005/Atom" /* RFC 4287, XEP-0472 */
#define EAR_NS_JSON         "urn:xmpp:json:0"             /* XEP-0335 */
/* What `earshot publish --lines` publishes: <text>one line</text>. */
#define EAR_NS_TEXT "urn:earshot:text:0"
/* Between the daemon and programs on the same machine only; never crosses another link. */
#define EAR_NS_CONTROL "urn:earshot:control:0"

#endif
