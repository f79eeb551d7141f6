# SPDX-License-Identifier: ISC
"""slix_commands.py: a stock slixmpp user with its own plugins for commands and forms (XEP-0050, 0004).

    slix_commands.py JID PASSWORD HOST PORT CA

A line of input is a JSON list, a verb and what it needs: ["list", JID], ["info", JID, NODE],
["run", JID, NODE], [ACTION, VALUES], ["say", JID, TEXT]. Each but the last is answered by one line of
JSON; what others say is a line, too.
"""

import asyncio
import json
import ssl
import sys

import slixmpp
from slixmpp.exceptions import IqError


class User(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca):
        super().__init__(jid, password)
        self.ca_certs = ca
        self.ssl_context.check_hostname = False     # we connect to an address
        for plugin in ("xep_0030", "xep_0004", "xep_0050"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.said)
        self.to = self.node = self.session = self.form = None

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
        while line := await reader.readline():
            verb, *words = json.loads(line)
            try:
                answer = await getattr(self, verb, self.act)(verb, *words)
            except IqError as error:
                answer = {"error": error.condition, "text": error.text,
                          "xml": str(error.iq["error"])}
            if answer is not None:
                print("answer", json.dumps(answer), flush=True)
        self.disconnect()

    async def list(self, _verb, jid):
        items = await self["xep_0050"].get_commands(jid)
        return {node: [str(jid), name] for jid, node, name in items["disco_items"]["items"]}

    async def info(self, _verb, jid, node):
        info = await self["xep_0030"].get_info(jid, node)
        return {"identities": [list(i) for i in info["disco_info"]["identities"]],
                "features": sorted(info["disco_info"]["features"])}

    async def run(self, _verb, jid, node):
        self.to, self.node, self.session, self.form = jid, node, None, None
        return await self.act("execute", None)

    async def act(self, action, values):
        """values None: no form; otherwise these for the form that came last."""
        payload = None
        if values is not None:
            payload = self["xep_0004"].make_form(ftype="submit")
            payload.add_field(var="FORM_TYPE", ftype="hidden",
                              value=self.form.get_fields()["FORM_TYPE"]["value"])
            for var, value in values.items():
                assert var in self.form.get_fields(), "not asked for: " + var
                payload.add_field(var=var, value=value)
        answer = await self["xep_0050"].send_command(self.to, self.node, action=action,
                                                     payload=payload, sessionid=self.session)
        return self.told(answer["command"])

    def told(self, command):
        self.session, self.form = command["sessionid"], command["form"]
        fields = self.form.get_fields()
        return {"status": command["status"], "actions": sorted(command["actions"]),
                "notes": [list(note) for note in command["notes"]],
                "words": [f["value"] for f in self.form["substanzas"] if f["type"] == "fixed"],
                "fields": {var: [o["value"] for o in f["options"]] for var, f in fields.items()}}

    async def say(self, _verb, jid, text):
        self.send_message(mto=jid, mbody=text, mtype="chat")

    def said(self, message):
        print("said", json.dumps([str(message["from"]), message["type"], message["body"]]),
              flush=True)


def main():
    jid, password, host, port, ca = sys.argv[1:]
    user = User(jid, password, ca)
    user.connect((host, int(port)))
    user.process(forever=False)


main()
