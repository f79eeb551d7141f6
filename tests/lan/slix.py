# SPDX-License-Identifier: ISC
"""slix.py: a stock slixmpp user at a command line: reads stanzas as lines, prints what comes back.

    slix.py JID PASSWORD HOST PORT CA

One line of input is one IQ of XML; "answer …" and "message FROM BODY" lines go out. It adds nothing to
slixmpp: no plugin of ours, so what works here works for any client that can send XML.
"""

import asyncio
import ssl
import sys

import slixmpp
from slixmpp.xmlstream import ET, tostring


class User(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca):
        super().__init__(jid, password)
        self.ca_certs = ca
        self.ssl_context.check_hostname = False     # we connect to an address
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.said)

    def get_ssl_context(self):
        context = super().get_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def started(self, _event):
        self.send_presence()
        print("ready", flush=True)
        # Held by us: what waits for it is otherwise nobody's, and collected.
        reader = self.reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().strip():
            await self.ask(line)
        self.disconnect()

    async def ask(self, text):
        """text is the IQ: <iq to='…' type='…'>payload</iq>."""
        xml = ET.fromstring(text)
        if xml.tag == "message":
            self.send_message(mto=xml.get("to"), mbody=xml.find("body").text, mtype="chat")
            return
        # Its own default id is 0 for each: no press may be taken for another one by that.
        iq = self.make_iq(ito=xml.get("to"), itype=xml.get("type"))
        iq.append(xml[0])
        try:
            answer = await iq.send(timeout=60)
        except slixmpp.exceptions.IqError as error:
            answer = error.iq
        except slixmpp.exceptions.IqTimeout:
            print("answer timeout", flush=True)
            return
        print("answer", tostring(answer.xml).replace("\n", " "), flush=True)

    def said(self, message):
        print("message", message["from"], message["body"], flush=True)


def main():
    jid, password, host, port, ca = sys.argv[1:]
    user = User(jid, password, ca)
    user.connect((host, int(port)))
    user.process(forever=False)


main()
