# SPDX-License-Identifier: ISC
"""Devices behind one server that change: several of one account, another name, another key, a key
that is revoked, a server that forgets. With the default policy: buttons for the trusted only."""

import os
import shutil
from xml.etree import ElementTree

import pytest

import strangers
from box import Lan
from ns import wait_until
from servers import Ejabberd, Prosody
from strangers import (DOMAIN, full_jid, level, own_key, pins, press, street, wait_level,
                       wait_press)
from test_pair import TV as TV_HERE, Room

TV = "tv@" + DOMAIN
SOFA = "sofa@remote.local"


@pytest.fixture(params=["component", "account"])
def met(request):
    """remote and box that have proved each other."""
    with strangers.strangers(request.param) as home:
        home.meet()
        yield home


# --- several devices of one account, several addresses of one device --------------------------


@pytest.mark.parametrize("server", [Ejabberd, Prosody], ids=["ejabberd", "prosody"])
def test_two_devices_of_one_account(server):
    """They trust each other because the server says that they are one account; nothing names the
    other in their configuration."""
    with street(["den", "attic", "remote"], server=server, accounts=["tv", "juliet"]) as home:
        den = home.device("den", "tv", "account", TV)
        here = full_jid(den)
        juliet = home.device("remote", "sofa", "account", "juliet@" + DOMAIN, {TV: "no"},
                             player="kind = none")
        # The only one in earshot is who is meant by the account alone.
        wait_level(juliet, "tv@den.local", "proved")
        assert juliet.cli("--json", "ping", "-c1", TV).rows[0]["link"] == "lan"

        attic = home.device("attic", "tv", "account", TV)
        there = full_jid(attic)
        assert here != there
        wait_level(den, "tv@attic.local", "trusted")
        wait_level(attic, "tv@den.local", "trusted")
        for presser, address in ((den, there), (attic, here), (den, "tv@attic.local")):
            assert wait_press(presser, address, "lan", 10)

        # Of two, the server decides, and the full addresses are the devices'.
        wait_until(lambda: "lan" in juliet.paths(there), 20, "the attic known by its key")
        for address in (here, there):
            wait_until(lambda a=address: juliet.cli("--json", "ping", "-c1", a).rows[0]["link"]
                       == "lan", 20, "the LAN path to " + address)
        heard = {d: d.follow("stanza", "--listen", name="heard") for d in (den, attic)}
        for d, name in ((den, "tv@den.local"), (attic, "tv@attic.local")):
            wait_until(lambda d=d, name=name: d.cli("send", name, "there?").code == 0 and
                       "there?" in heard[d].output(), 10, "the listener")
        for address, device, text in ((here, den, "for the den"), (there, attic, "to the attic")):
            answer = juliet.cli("send", address, text)
            assert answer.code == 0, answer
            heard[device].wait_for(text)
            assert juliet.chosen(address) == "lan"
        assert "to the attic" not in heard[den].output()
        assert "for the den" not in heard[attic].output()
        assert list(juliet.paths(TV)) == ["server"], juliet.paths(TV)


def ask(daemon, address, payload, kind="get", *options):
    """The answer to an IQ, as XML."""
    answer = daemon.cli("stanza", *options,
                        stdin="<iq type='%s' to='%s'>%s</iq>\n" % (kind, address, payload))
    assert answer.code == 0, answer
    return ElementTree.fromstring(answer.out)


PRESS = "<press xmlns='urn:earshot:buttons:0' button='pause'/>"
PING = "<ping xmlns='urn:xmpp:ping'/>"
ITEMS = ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:earshot:keys:0'/>"
         "</pubsub>")


def published(daemon, address):
    """Fingerprints that the server of the address tells."""
    answer = ask(daemon, address, ITEMS, "get", "--path", "server")
    return {item.get("id") for item in answer.iter("{http://jabber.org/protocol/pubsub}item")}


def test_one_device_with_several_addresses():
    """A component is everybody in its domain; who was asked is who answers."""
    with strangers.strangers("component") as home:
        home.meet()
        domain = home.box_jid
        for address in (domain, "tv@" + domain, "radio@" + domain, "tv@" + domain + "/screen",
                        domain):
            row = wait_press(home.remote, address, "lan", 10)
            assert row["address"] == address, row
            assert ask(home.remote, address, PING).get("from") == address
            assert ask(home.remote, address, PRESS, "set").get("from") == address
        # The way back: the box calls the remote by two of its names.
        for address in (home.remote_jid, "sofa@" + home.remote_jid):
            assert ask(home.box, address, PING).get("from") == address
            home.box.wait_chosen(address, "lan")
            assert home.box.cli("--json", "ping", "-c1", address).rows[0]["link"] == "lan"
        assert len(home.remote.cli("--json", "peers").rows) == 1


# --- another name, another key ----------------------------------------------------------------


def rename(home, name):
    """The box is called otherwise from its next start on, with the key that it has."""
    home.box.stop()
    conf = home.box.host.path(home.box.conf)
    with open(conf, encoding="utf-8") as file:
        text = file.read()
    with open(conf, "w", encoding="utf-8") as file:
        file.write(text.replace("name = box\n", "name = %s\n" % name))
    home.box.start()


@pytest.mark.parametrize("server", ["gone", "there"])
def test_renamed_device(met, server):
    """Its hint tells those who know its key where it is; the server is not needed. (With an account
    its resource changes with its name: the same key under another full address.)"""
    key = own_key(met.box)
    if server == "gone":
        met.server.kill()
    rename(met, "cellar")
    wait_level(met.remote, "tv@cellar.local", "proved")
    wait_level(met.box, SOFA, "trusted")
    met.press_by_lan("pause", True)
    # Whoever knows the key may know the resource of before: that ends no stream.
    assert "improper-addressing" not in met.box.proc.output()
    assert own_key(met.box) == key
    pin = pins(met.remote)[key]
    assert not pin["revoked"] and pin["addresses"][0] == "tv@cellar.local", pin


def test_nobody_inherits_an_address():
    """A new device takes the name that another had: what was known of that name is not his."""
    with street(["remote", "box", "new"], components=["remote." + DOMAIN, "box." + DOMAIN]) as home:
        remote = home.device("remote", "sofa", "component", "remote." + DOMAIN,
                             {"box." + DOMAIN: "no"}, player="kind = none")
        box = home.device("box", "tv", "component", "box." + DOMAIN, {"remote." + DOMAIN: "yes"})
        home.box = box
        wait_level(remote, "tv@box.local", "proved")
        rename(home, "cellar")
        wait_level(remote, "tv@cellar.local", "proved")
        home.device("new", "tv", "none", None, name="box", more="[policy]\nbuttons = anyone\n")
        remote.wait_peer("tv@box.local")
        answer = remote.cli("press", "tv@box.local", "pause")
        assert answer.code == 6, answer
        assert "untrust" in answer.err, answer
        wait_press(remote, "box." + DOMAIN, "lan")
        wait_press(remote, "tv@cellar.local", "lan")


def test_new_key_under_an_open_stream(met):
    old = own_key(met.box)
    assert published(met.remote, met.box_jid) == {old}
    answer = met.box.cli("trust", "--new-key", "--yes")
    assert answer.code == 0, answer
    new = own_key(met.box)
    assert new != old
    wait_until(lambda: published(met.remote, met.box_jid) == {new}, 20, "the new key's item")
    wait_until(lambda: new in pins(met.remote), 30, lambda: "the new key at the remote\n%s" %
               met.remote.cli("trust").out, step=0.2)
    wait_level(met.remote, "tv@box.local", "proved")
    wait_level(met.box, SOFA, "trusted")
    met.press_by_lan("pause", True)
    known = pins(met.remote)
    assert old not in known or known[old]["revoked"] is True, known
    assert level(met.remote, "tv@box.local") == "proved"


def test_new_key_of_a_paired_device():
    """Nobody vouches for the new key, so only the user can."""
    with Lan("pronto", "forza") as lan:
        room = Room(lan)
        assert room.pair()[0] == 0
        assert room.press().code == 0
        assert room.tv.cli("trust", "--new-key", "--yes").code == 0
        answer = wait_until(lambda: (a := room.press()).code == 6 and a, 20, "a refused press")
        assert "untrust" in answer.err, answer
        assert room.press().code == 6
        assert room.phone.cli("untrust", TV_HERE).code == 0
        code, out = room.pair()
        assert code == 0, out
        assert room.press().code == 0


# --- revoked, restarted, forgotten ------------------------------------------------------------


RETRACT = ("<iq type='set' to='%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
           "<retract node='urn:earshot:keys:0' notify='true'><item id='%s'/></retract></pubsub></iq>")


def revoke(home, key):
    """By another client of the box's account: any client can."""
    done = home.net.server.run(
        ["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "slix.py"),
         home.box_jid + "/laptop", "secret", home.server.address, home.server.c2s_port,
         home.server.ca_file], stdin=RETRACT % (home.box_jid, key) + "\n")
    assert "answer" in done.stdout and "type=\"error\"" not in done.stdout, done.stdout


def test_revoked_by_another_client():
    with strangers.strangers("account") as home:
        home.meet()
        home.press_by_lan("pause", True)
        key = own_key(home.box)
        revoke(home, key)
        wait_until(lambda: level(home.remote, "tv@box.local") is None, 20, "the end of the stream",
                   step=0.1)
        # Nobody on the LAN is that JID any more.
        answer = home.remote.cli("--path", "lan", "press", home.box_jid, "play")
        assert answer.code in (4, 6), answer
        assert home.mpv.get("pause") is True
        answer = home.remote.cli("press", "tv@box.local", "play")
        assert answer.code == 6, answer
        assert home.mpv.get("pause") is True
        # The server still has it, under its full address (RFC 6121 §8.5.2.1.3: a server answers
        # what is asked of the account alone by itself).
        full = full_jid(home.box)
        assert press(home.remote, full, "play")["link"] == "server"
        assert home.mpv.get("pause") is False
        assert pins(home.remote)[key]["revoked"] is True

        # The device says again that it is itself, and is believed again.
        home.box.stop()
        home.box.start()
        wait_until(lambda: key in published(home.remote, home.box_jid), 20, "the item")
        wait_press(home.remote, full, "lan", 60)
        assert level(home.remote, "tv@box.local") == "proved"
        revoke(home, key)
        wait_until(lambda: level(home.remote, "tv@box.local") is None, 20, "the end of the stream",
                   step=0.1)


def test_server_restarted(met):
    """Nothing that was proved is lost, and what changes afterwards is heard of."""
    met.server.restart()
    met.press_by_lan("pause", True)
    met.remote.proc.wait_for("connected as", 60, count=2)
    met.box.proc.wait_for("connected as", 60, count=2)
    met.remote.stop()
    met.remote.start()
    wait_level(met.remote, "tv@box.local", "proved")
    met.press_by_lan("play", False)
    assert met.box.cli("trust", "--new-key", "--yes").code == 0
    wait_until(lambda: own_key(met.box) in pins(met.remote), 30, "the new key at the remote",
               step=0.2)
    wait_press(met.remote, met.box_jid, "lan")


@pytest.mark.timeout(240)
def test_server_forgets_everything():
    """The item is gone and comes back with its device: so does the trust, whoever is back first."""
    with strangers.strangers("account") as home:
        home.meet()
        full = full_jid(home.box)
        home.box.stop()
        home.server.stop()
        shutil.rmtree(home.server.path("spool"))
        home.server.start()
        # The remote is told that nobody publishes anything.
        home.remote.proc.wait_for("connected as", 60, count=2)
        wait_until(lambda: all(p["revoked"] is True for p in pins(home.remote).values()), 20,
                   lambda: "revoked keys\n" + home.remote.cli("trust").out, step=0.2)
        home.box.start()
        key = own_key(home.box)
        wait_until(lambda: home.remote.cli("ping", "-c1", full).code == 0, 60, "the box", step=0.5)
        wait_press(home.remote, full, "lan", 90)
        wait_level(home.box, SOFA, "trusted")
        assert pins(home.remote)[key]["revoked"] is False
        revoke(home, key)
        wait_until(lambda: level(home.remote, "tv@box.local") is None, 20,
                   "the end of the stream", step=0.1)
