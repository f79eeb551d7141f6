# SPDX-License-Identifier: ISC
"""A stock slixmpp user on a real server presses buttons on the component, and a real mpv obeys."""

import os
import subprocess

import pytest

from box import Lan
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd, Prosody

CONF = """
[engine]
name = box
[lan]
enabled = no
[server]
kind = component
jid = tv.example.test
host = %(host)s
port = %(port)d
secret-file = /run/earshotd/secret
[player]
kind = mpv
socket = /run/mpv.sock
[policy]
state = proved
[peer "romeo"]
jid = romeo@example.test
trusted = yes
"""

ACCOUNT = """
[engine]
name = sofa
[lan]
enabled = no
[server]
kind = account
jid = remote@example.test/sofa
host = %(host)s
port = %(port)d
secret-file = /run/account/secret
ca-file = %(ca)s
[player]
kind = none
"""

PRESS = "<iq to='tv.example.test' type='set'><press xmlns='urn:earshot:buttons:0' button='%s'/></iq>"
STATE = "<iq to='tv.example.test' type='get'><state xmlns='urn:earshot:buttons:0'/></iq>"
DISCO = ("<iq to='tv.example.test' type='get'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>")


class Slix:
    def __init__(self, host, server, user):
        here = os.path.dirname(os.path.abspath(__file__))
        self.proc = host.popen(
            ["/usr/bin/python3", here + "/slix.py", "%s@%s" % (user, server.domain),
             server.accounts[user], server.address, str(server.c2s_port), server.ca_file],
            name="slix-" + user, stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.asked = 0

    def ask(self, text):
        self.asked += 1
        self.proc.send_line(text)
        return self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1)


@pytest.fixture(params=[Ejabberd, Prosody])
def world(request):
    with Lan("box") as lan:
        host = lan["box"]
        server = request.param(
            domain="example.test", address=host.address, prefix=host.ns.enter([]),
            accounts={"romeo": "secret1", "juliet": "secret2", "remote": "secret3"},
            components={"tv.example.test": "secret"})
        try:
            mpv = Mpv(host)
            box = Daemon(host, CONF % {"host": server.address, "port": server.component_port},
                         start=False)
            box.write("secret", "secret\n")
            box.start()
            box.proc.wait_for("connected as tv.example.test", 20)
            yield host, server, mpv, box
            box.stop()
        finally:
            server.close()


def test_press_from_a_stock_client(world):
    host, server, mpv, box = world
    romeo = Slix(host, server, "romeo")
    assert "urn:earshot:buttons:0" in romeo.ask(DISCO)
    answer = romeo.ask(PRESS % "pause")
    assert "type=\"result\"" in answer and "paused" in answer, answer
    assert mpv.get("pause") is True
    assert "playing" in romeo.ask(PRESS % "play")
    assert mpv.get("pause") is False
    # Nobody vouches for juliet's right to press: she may look, as configured, and no more.
    juliet = Slix(host, server, "juliet")
    assert "playing" in juliet.ask(STATE)
    assert "not-authorized" in juliet.ask(PRESS % "pause")
    assert mpv.get("pause") is False
    # What nobody handles gets one error.
    assert "service-unavailable" in juliet.ask(
        "<iq to='tv.example.test' type='get'><x xmlns='urn:example:none'/></iq>")


def test_account_asks_component_and_server_restarts(world):
    host, server, mpv, _box = world
    account = Daemon(host, ACCOUNT % {"host": server.address, "port": server.c2s_port,
                                      "ca": server.ca_file}, name="account", start=False)
    account.write("secret", "secret3\n")
    account.start()
    account.proc.wait_for("connected as remote@example.test/sofa", 20)
    answer = account.cli("--json", "ping", "-c", "2", "-i", "0.1", "tv.example.test")
    assert answer.code == 0, answer
    answer = account.cli("press", "tv.example.test", "pause")
    assert answer.code == 1 and "not-authorized" in answer.err, answer
    # Chat for the account's bare address comes to whoever listens here, and goes back.
    listener = account.follow("stanza", "--listen", name="listen")
    romeo = Slix(host, server, "romeo")
    wait_until(lambda: romeo.proc.send_line(
        "<message to='remote@example.test'><body>hello sofa</body></message>") or
        "hello sofa" in listener.output(), 20, "the message of romeo", step=0.3)
    answer = account.cli("send", "romeo@example.test", "hello romeo")
    assert answer.code == 0, answer
    romeo.proc.wait_for("^message remote@example.test/sofa hello romeo$", 10)
    listener.stop()
    server.restart()
    wait_until(lambda: account.cli("ping", "-c", "1", "tv.example.test").code == 0, 40,
               "both back after the restart", step=0.3)
    assert mpv.get("pause") is False
    account.stop()
