# SPDX-License-Identifier: ISC
"""stock.py: a chat client of slixmpp's own plugins, which knows nothing of players but the standard
ones: a roster, User Tune by presence, a subscription, ad-hoc commands. For tests at a command line:

    stock.py JID PASSWORD HOST PORT CA BOX

Lines of input are names of commands of the box ("playpause"), or its words in a chat ("say vol 40").
Lines of output: ready; friends; tune TITLE; state PLAYBACK VOLUME; done COMMAND STATUS; said TEXT.
"""

import asyncio
import ssl
import sys

import slixmpp

BUTTONS = "urn:earshot:buttons:0"


class Stock(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca, box):
        super().__init__(jid, password)
        self.ca_certs, self.box = ca, box
        self.ssl_context.check_hostname = False     # we connect to an address
        for plugin in ("xep_0030", "xep_0050", "xep_0060", "xep_0115", "xep_0118", "xep_0163"):
            self.register_plugin(plugin)
        self.plugin["xep_0163"].add_interest("http://jabber.org/protocol/tune")
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.said)
        self.add_event_handler("user_tune_publish", self.tuned)
        self.add_event_handler("pubsub_publish", self.published)
        self.add_event_handler("presence_subscribed", lambda _: print("friends", flush=True))

    def get_ssl_context(self):
        context = super().get_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def started(self, _event):
        await self.plugin["xep_0115"].update_caps()
        self.send_presence()
        await self.get_roster()
        self.send_presence_subscription(self.box)
        await self.plugin["xep_0060"].subscribe(self.box, BUTTONS, subscribee=self.boundjid.full,
                                                bare=False)
        print("ready", flush=True)
        # Held by us: what waits for it is otherwise nobody's, and collected.
        reader = self.reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().strip():
            if line.startswith("say "):
                self.send_message(self.box, line[4:], mtype="chat")
            else:
                await self.press(line)
        self.disconnect()

    async def press(self, name):
        answer = await self.plugin["xep_0050"].send_command(
            self.box, BUTTONS + "#" + name, action="execute")
        print("done", name, answer["command"]["status"], flush=True)

    def said(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            print("said", message["body"].replace("\n", " / "), flush=True)

    def tuned(self, message):
        tune = message["pubsub_event"]["items"]["item"]["tune"]
        print("tune", tune["title"] or "-", flush=True)

    def published(self, message):
        state = message.xml.find(".//{%s}state" % BUTTONS)
        if state is not None:
            print("state", state.get("playback"), state.get("volume"), flush=True)


def main():
    jid, password, host, port, ca, box = sys.argv[1:]
    user = Stock(jid, password, ca, box)
    user.connect((host, int(port)))
    user.process(forever=False)


main()
