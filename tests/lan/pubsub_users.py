# SPDX-License-Identifier: ISC
"""Two stock slixmpp users of a real server, whose component is our publish-subscribe service."""

import contextlib
import functools
import json
import os
import subprocess
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from box import Lan
from daemon import Daemon

SERVICE = "pubsub.example.test"
BOOK = "{urn:example:book}book"
PS = "{http://jabber.org/protocol/pubsub}"
DATA = "{jabber:x:data}"
EVENT = "{http://jabber.org/protocol/pubsub#event}"

CONF = """
[engine]
name = box
[lan]
enabled = no
[server]
kind = component
jid = pubsub.example.test
host = %(host)s
port = %(port)d
secret-file = /run/earshotd/secret
[player]
kind = none
"""


class Slix:
    """A slixmpp user at slix_pubsub.py."""

    def __init__(self, host, server, user):
        here = os.path.dirname(os.path.abspath(__file__))
        self.proc = host.popen(
            ["/usr/bin/python3", here + "/slix_pubsub.py", "%s@%s" % (user, server.domain),
             server.accounts[user], server.address, str(server.c2s_port), server.ca_file],
            name="slix-" + user, stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.asked = self.heard = self.questions = 0

    def ask(self, method, *arguments, **named):
        """What the method of the plugin answers: an element, or a list."""
        self.asked += 1
        self.proc.send_line(json.dumps([method, arguments, named]))
        answer = json.loads(self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1))
        assert "error" not in answer, answer
        return answer if isinstance(answer, list) else ET.fromstring(answer)

    def refused(self, method, *arguments, **named):
        """The names of the conditions in the error."""
        self.asked += 1
        self.proc.send_line(json.dumps([method, arguments, named]))
        answer = json.loads(self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1))
        assert "error" in answer, answer
        error = next(e for e in ET.fromstring(answer["xml"]).iter() if e.tag.endswith("}error"))
        return [e.tag.split("}")[1] for e in error if not e.tag.endswith("}text")]

    def told(self):
        """What the next event is about: <items/>, <subscription/> ..."""
        self.heard += 1
        message = self.proc.wait_for("^told (.*)$", 20, count=self.heard).group(1)
        return ET.fromstring(message).find("./%sevent" % EVENT)[0]

    def heard_of(self):
        """The name and the node of what the next event is about, and its form."""
        what = self.told()
        return what.tag.split("}")[1], what.get("node"), fields(what)

    def question(self):
        """The next message with a form, and the values in it by their names."""
        self.questions += 1
        message = ET.fromstring(
            self.proc.wait_for("^asked (.*)$", 20, count=self.questions).group(1))
        return message, {field.get("var"): field.findtext(DATA + "value")
                         for field in message.iter(DATA + "field")}

    def list(self, method, *arguments, **named):
        """Each row of a list of subscriptions or affiliations, without the namespaces."""
        answer = self.ask(method, SERVICE, *arguments, **named)
        return [dict(e.items()) for e in answer[0][0]]

    def items(self, *arguments, **named):
        return self.ask("get_items", SERVICE, *arguments, **named).findall(".//%sitem" % PS)

    def fill(self, node, count):
        for i in range(count):
            self.ask("publish", SERVICE, node, id=str(i), payload=book(i))


def fields(element):
    """The values of the form in it."""
    return {field.get("var"): [value.text for value in field.findall(DATA + "value")]
            for field in element.iter(DATA + "field")}


def book(text):
    return "<book xmlns='urn:example:book'>%s</book>" % escape(str(text))


@contextlib.contextmanager
def service(kind, others=(), **more):
    """hamlet, francisco, and the daemon, on a server of that kind; the others have accounts, and
    are functions that let them log in. more: of the server."""
    with Lan("box") as lan:
        host = lan["box"]
        server = kind(
            domain="example.test", address=host.address, prefix=host.ns.enter([]),
            accounts={"hamlet": "secret1", "francisco": "secret2",
                      **{name: "secret3" for name in others}},
            components={SERVICE: "secret"}, **more)
        try:
            box = Daemon(host, CONF % {"host": server.address, "port": server.component_port},
                         start=False)
            box.write("secret", "secret\n")
            box.start()
            box.proc.wait_for("connected as " + SERVICE, 20)
            yield (Slix(host, server, "hamlet"), Slix(host, server, "francisco"), box,
                   *[functools.partial(Slix, host, server, name) for name in others])
            box.stop()
        finally:
            server.close()
