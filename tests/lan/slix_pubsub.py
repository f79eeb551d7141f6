# SPDX-License-Identifier: ISC
"""slix_pubsub.py: a stock slixmpp user with its own plugins for publish-subscribe (XEP-0060, 0059).

    slix_pubsub.py JID PASSWORD HOST PORT CA

A line of input is a JSON list: a method of slixmpp's XEP-0060 plugin, its arguments, and those that
have names. A payload is XML as text, a form ("config", "options") an object of its fields. Each is
answered by one line of JSON: the XML of the answer, or {"error", "xml"}. ["pages", JID, NODE, N] asks
by N items at a time until there are no more, and is answered with the ids of each page. ["burst", JID,
NODE, N] publishes N small items, 0, 1 ..., without waiting, and is answered when all are. ["submit",
JID, FIELDS] sends a form of approval (XEP-0060 §8.6). ["presence", TYPE, JID] sends that, to the server
without JID; ["want", NODE...] says by capabilities that these are wanted (XEP-0163); ["bounce"] sends
the last message that was told back, as one who has gone. ["contacts"] is answered with {JID: its subscription} as the server has it. What is told meanwhile is a line "told" with the
XML of the message, or "asked" when it holds a form; a presence of others "presence", its type, its sender.
"""

import asyncio
import json
import ssl
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.plugins.xep_0059 import Set
from slixmpp.plugins.xep_0059.rsm import ResultIterator
from slixmpp.plugins.xep_0060.stanza import Pubsub
from slixmpp.xmlstream import ET, register_stanza_plugin, tostring

PUBSUB = "http://jabber.org/protocol/pubsub"
FORMS = {"config": PUBSUB + "#node_config", "options": PUBSUB + "#publish-options"}


class User(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca):
        super().__init__(jid, password)
        self.ca_certs = ca
        self.ssl_context.check_hostname = False     # we connect to an address
        for plugin in ("xep_0004", "xep_0030", "xep_0059", "xep_0060"):
            self.register_plugin(plugin)
        register_stanza_plugin(Pubsub, Set)
        self.add_event_handler("session_start", self.started)
        for kind in ("publish", "retract", "purge", "delete", "config", "subscription"):
            self.add_event_handler("pubsub_" + kind, self.told)
        self.add_event_handler("message_xform", self.asked)
        self.add_event_handler("presence", self.came)

    def get_ssl_context(self):
        context = super().get_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def started(self, _event):
        self.send_presence()
        print("ready", flush=True)
        # Held by us: what waits for it is otherwise nobody's, and collected.
        reader = self.reader = asyncio.StreamReader(limit=1 << 20)
        await asyncio.get_event_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            print("answer", json.dumps(await self.answer(*json.loads(line))), flush=True)
        self.disconnect()

    async def answer(self, method, arguments, named):
        try:
            if method in ("pages", "burst"):
                return await getattr(self, method)(*arguments)
            if method in ("submit", "presence", "bounce"):
                return getattr(self, method)(*arguments)
            if method in ("contacts", "want"):
                return await getattr(self, method)(*arguments)
            named = {name: self.made(method, name, value) for name, value in named.items()}
            return text(await getattr(self["xep_0060"], method)(*arguments, timeout=60, **named))
        except IqError as error:
            return {"error": error.condition, "xml": text(error.iq)}
        except IqTimeout:
            return {"error": "timeout", "xml": ""}

    def made(self, method, name, value):
        """A value as the plugin takes it."""
        if name == "payload":
            return ET.fromstring(value)
        if name not in FORMS:
            return value
        return self.form(PUBSUB + "#subscribe_options" if method == "subscribe" else FORMS[name],
                         value)

    def form(self, kind, fields):
        form = self["xep_0004"].make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value=kind)
        for var, value in fields.items():
            form.add_field(var=var if var[0] == "{" else "pubsub#" + var, value=value)
        return form

    def submit(self, jid, fields):
        message = self.make_message(mto=jid)
        message.append(self.form(PUBSUB + "#subscribe_authorization", fields))
        message.send()
        return text(message)

    def presence(self, kind, jid=None):
        presence = self.make_presence(pto=jid, ptype=kind)
        presence.send()
        return text(presence)

    async def want(self, *nodes):
        self.register_plugin("xep_0115")
        for node in nodes:
            self["xep_0030"].add_feature(node + "+notify")
        await self["xep_0115"].update_caps()
        return []

    def bounce(self):
        message = self.make_message(mto=self.last["from"], mtype="error")
        message["id"] = self.last["id"]
        message["error"]["type"] = "cancel"
        message["error"]["condition"] = "gone"
        message.send()
        return text(message)

    async def contacts(self):
        iq = self.make_iq_get(queryxmlns="jabber:iq:roster")
        return {item.get("jid"): item.get("subscription")
                for item in (await iq.send(timeout=60)).xml[0]}

    async def pages(self, jid, node, amount):
        iq = self.make_iq_get(ito=jid)
        iq["pubsub"]["items"]["node"] = node
        return [[item["id"] for item in page["pubsub"]["items"]]
                async for page in ResultIterator(iq, "pubsub", amount=amount)]

    async def burst(self, jid, node, count):
        answers = [self["xep_0060"].publish(jid, node, id=str(i), timeout=60,
                                            payload=ET.Element("{urn:example:n}n"))
                   for i in range(count)]
        return [(await answer)["type"] for answer in answers]

    def told(self, message):
        self.last = message
        print("told", text(message), flush=True)

    def came(self, presence):
        if presence["from"].bare != self.boundjid.bare:
            print("presence", presence["type"], presence["from"], flush=True)

    def asked(self, message):
        print("asked", text(message), flush=True)


def text(stanza):
    return tostring(stanza.xml).replace("\n", " ")


def main():
    jid, password, host, port, ca = sys.argv[1:]
    user = User(jid, password, ca)
    user.connect((host, int(port)))
    user.process(forever=False)


main()
