# SPDX-License-Identifier: ISC
"""pep_user.py: a stock slixmpp user with contacts, who wants to hear of nodes (XEP-0163) without
subscribing to them.

    pep_user.py JID PASSWORD HOST PORT CA [NODE...]

Lines in: "add ADDR", "remove ADDR" (contacts), "subscribe ADDR NODE" and "publish ADDR NODE ID WORD"
(XEP-0060; the payload is <note xmlns='urn:example:note'>WORD</note>), "quit". Lines out: "ready",
"presence FROM TYPE STATUS", "event FROM NODE XML", "answer TYPE". All of it is slixmpp's own.
"""

import asyncio
import sys

import slixmpp
from slixmpp.xmlstream import ET, tostring
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

EVENT = "{http://jabber.org/protocol/pubsub#event}"


class User(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca, nodes):
        super().__init__(jid, password)
        self.ca_certs, self.nodes, self.task = ca, nodes, None
        self.ssl_context.check_hostname = False     # we connect to an address
        for plugin in ("xep_0030", "xep_0060", "xep_0115", "xep_0163"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.started)
        for kind in ("available", "unavailable", "subscribed", "unsubscribed"):
            self.add_event_handler("presence_" + kind, self.seen)
        self.register_handler(Callback("events", MatchXPath("{jabber:client}message/%sevent" % EVENT),
                                       self.told))

    def say(self, *words):
        print(*words, flush=True)

    async def started(self, _event):
        for node in self.nodes:
            self["xep_0163"].add_interest(node)
        await self.get_roster()
        await self["xep_0115"].update_caps(broadcast=False)
        self.send_presence()
        self.say("ready")
        self.task = asyncio.ensure_future(self.read())      # slixmpp itself forgets its tasks

    async def read(self):
        # Held by us: what waits for it is otherwise nobody's, and collected.
        reader = self.reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().strip():
            if line == "quit":
                break
            await self.do(*line.split())
        self.disconnect()

    async def ask(self, request):
        try:
            answer = await request
        except slixmpp.exceptions.IqError as error:
            answer = error.iq
        self.say("answer", answer["type"])

    async def do(self, verb, address, node=None, ident=None, word=None):
        if verb == "add":
            self.send_presence_subscription(pto=address)
        elif verb == "remove":
            self.del_roster_item(address)
        elif verb == "publish":
            note = ET.Element("{urn:example:note}note")
            note.text = word
            await self.ask(self["xep_0060"].publish(slixmpp.JID(address), node, id=ident,
                                                    payload=note))
        else:
            await self.ask(self["xep_0060"].subscribe(slixmpp.JID(address), node, bare=False))

    def seen(self, presence):
        if presence["from"].bare != self.boundjid.bare:
            self.say("presence", presence["from"], presence["type"], presence["status"])

    def told(self, message):
        items = message.xml.find("%sevent/%sitems" % (EVENT, EVENT))
        self.say("event", message["from"], items.get("node"),
                 tostring(items).replace("\n", " "))


def main():
    jid, password, host, port, ca, *nodes = sys.argv[1:]
    user = User(jid, password, ca, nodes)
    user.connect((host, int(port)))
    user.process(forever=False)


main()
