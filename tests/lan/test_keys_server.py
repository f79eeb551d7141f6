# SPDX-License-Identifier: ISC
"""Published keys at real servers: earshotd as account and as component, a stock slixmpp reads them.

Nothing leaves the loopback device; no earshotd here is on any LAN.
"""

import asyncio
import json
import os
import subprocess
import threading

import pytest
import slixmpp
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from box import BUILD
from servers import Ejabberd, Prosody, wait_for

ACCOUNTS = {"tv": "pw-tv", "juliet": "pw-juliet"}
COMPONENTS = {"radio.example.test": "pw-radio"}
TV, RADIO = "tv@example.test", "radio.example.test"
KEYS = "urn:earshot:keys:0"
PUBSUB = "http://jabber.org/protocol/pubsub"
EVENT = PUBSUB + "#event"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
ITEMS = "<pubsub xmlns='%s'><items node='%s'/></pubsub>" % (PUBSUB, KEYS)
VCARD = "<vCard xmlns='vcard-temp'/>"


class Slix(slixmpp.ClientXMPP):
    """A user with no plugin of ours, in a thread; shares no presence with anybody."""

    def __init__(self, server, user, resource="slix"):
        self.ready, self.events, self.mine = threading.Event(), [], asyncio.new_event_loop()
        self.host_of = server
        self.thread = threading.Thread(target=self.main, args=(user, resource), daemon=True)
        self.thread.start()
        assert self.ready.wait(60), "slixmpp did not log in"

    def main(self, user, resource):
        asyncio.set_event_loop(self.mine)
        super().__init__("%s@%s/%s" % (user, self.host_of.domain, resource), ACCOUNTS[user])
        self.loop = self.mine
        self.ca_certs = self.host_of.ca_file
        self.ssl_context.check_hostname = False     # we connect to an address
        self.add_event_handler("session_start", self.started)
        self.register_handler(Callback("event", MatchXPath(
            "{jabber:client}message/{%s}event" % EVENT), self.told))
        self.connect((self.host_of.address, self.host_of.c2s_port))
        self.mine.run_forever()
        left = asyncio.all_tasks(self.mine)
        for task in left:
            task.cancel()
        self.mine.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.mine.close()

    def started(self, _event):
        self.send_presence()
        self.ready.set()

    def told(self, message):
        self.events.append((str(message["from"]), message.xml))

    async def request(self, to, kind, payload):
        iq = self.make_iq(ito=to, itype=kind)
        iq.append(ET.fromstring(payload))
        try:
            return (await iq.send(timeout=60)).xml
        except slixmpp.exceptions.IqError as error:
            return error.iq.xml

    def ask(self, to, payload, kind="get"):
        """The answer, an error too."""
        return asyncio.run_coroutine_threadsafe(self.request(to, kind, payload),
                                                self.mine).result(20)

    def condition(self, to, payload, kind="get"):
        error = self.ask(to, payload, kind).find("{jabber:client}error")
        return [e.tag.replace(STANZAS, "") for e in error if e.tag.startswith(STANZAS)][0]

    def devices(self, address):
        """{fingerprint: (name, resource)} as the address publishes them; None: no list."""
        answer, found = self.ask(address, ITEMS), {}
        if answer.get("type") == "error":
            return None
        for item in answer.find("{%s}pubsub/{%s}items" % (PUBSUB, PUBSUB)):
            device = item.find("{%s}device" % KEYS)
            key = device.find("{%s}key" % KEYS)
            assert key.get("hash") == "sha-256" and key.text == item.get("id")
            assert device.get("since").endswith("Z")
            found[key.text] = (device.get("name"), device.get("resource"))
        return found

    def subscribe(self, address):
        answer = self.ask(address, "<pubsub xmlns='%s'><subscribe node='%s' jid='%s'/></pubsub>"
                          % (PUBSUB, KEYS, self.boundjid.bare), "set")
        assert answer.get("type") == "result"

    def heard(self, address, kind, ident):
        """Whether that address said that the item is there ("item") or gone ("retract")."""
        return any(sender == address and
                   xml.find(".//{%s}%s[@id='%s']" % (EVENT, kind, ident)) is not None
                   for sender, xml in list(self.events))

    def close(self):
        async def end():
            await self.disconnect(wait=1)
        try:
            asyncio.run_coroutine_threadsafe(end(), self.mine).result(5)
        finally:
            self.mine.call_soon_threadsafe(self.mine.stop)
            self.thread.join(5)


class Earshot:
    """One earshotd with a server and nothing else, in a directory of its own."""

    def __init__(self, folder, server, name, kind, jid, secret):
        self.folder, self.name, self.process = str(folder), name, None
        os.makedirs(self.folder, exist_ok=True)
        self.put("secret", secret)
        port = server.c2s_port if kind == "account" else server.component_port
        self.put("conf", "[engine]\nname = %s\nstate = %s\n[lan]\nenabled = no\n"
                 "[local]\nsocket = %s\n[server]\nkind = %s\njid = %s\nhost = %s\nport = %d\n"
                 "secret-file = %s\nca-file = %s\n[player]\nkind = none\n"
                 % (name, self.path("state"), self.path("sock"), kind, jid, server.address, port,
                    self.path("secret"), server.ca_file))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *what):
        self.stop()

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), 0o600)

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "earshotd"), "-f", "-v", "-v", "-c", self.path("conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self.process.poll() is not None or os.path.exists(self.path("sock")), 20,
                 "the socket of " + self.name)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        assert code == 0, self.log()

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def count(self, text):
        return self.log().count(text)

    def wait_log(self, text, times=1):
        wait_for(lambda: self.count(text) >= times, 20, "%r in\n%s" % (text, self.log()))

    def run(self, *args):
        return subprocess.run([os.path.join(BUILD, "earshot"), "--config", self.path("conf"),
                               *args], capture_output=True, text=True, timeout=30, check=False)

    def cli(self, *args):
        done = self.run(*args)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def own(self):
        rows = [json.loads(line) for line in self.cli("trust", "--json").splitlines()]
        return [row for row in rows if row.get("own")][0]

    def key(self):
        return self.own()["key"]

    def published(self):
        """{fingerprint: (name, resource, own)} as this device shows its account's list."""
        return {row["key"]: (row["name"], row["resource"], row["own"])
                for row in self.own()["devices"]}


@pytest.fixture(params=[Ejabberd, Prosody], ids=["ejabberd", "prosody"])
def server(request):
    with request.param(accounts=ACCOUNTS, components=COMPONENTS, pep=True) as made:
        yield made


@pytest.fixture
def juliet(server):
    user = Slix(server, "juliet")
    yield user
    user.close()


def account(tmp_path, server, resource):
    return Earshot(tmp_path / resource, server, resource, "account", TV + "/" + resource,
                   ACCOUNTS["tv"])


@pytest.fixture
def livingroom(tmp_path, server):
    with account(tmp_path, server, "livingroom") as box:
        box.wait_log("is published")
        yield box


@pytest.fixture
def kitchen(tmp_path, server, livingroom):
    with account(tmp_path, server, "kitchen") as box:
        box.wait_log("is published")
        yield box


@pytest.fixture
def radio(tmp_path, server):
    with Earshot(tmp_path / "radio", server, "radio", "component", RADIO, "pw-radio") as box:
        box.wait_log("connected as")
        yield box


def test_two_devices_of_one_account(juliet, livingroom, kitchen):
    """Servers keep one item by default; and Juliet, who shares no presence with them, may read."""
    assert livingroom.key() != kitchen.key()
    assert juliet.devices(TV) == {livingroom.key(): ("livingroom", "livingroom"),
                                  kitchen.key(): ("kitchen", "kitchen")}


def test_restart_publishes_nothing_again(juliet, livingroom):
    before = juliet.devices(TV)
    juliet.subscribe(TV)
    livingroom.stop()
    livingroom.start()
    livingroom.wait_log("is published already")
    assert juliet.devices(TV) == before
    assert not juliet.heard(TV, "item", livingroom.key())


def test_new_key_replaces_the_old(juliet, livingroom, kitchen):
    old = livingroom.key()
    juliet.subscribe(TV)
    livingroom.cli("trust", "--new-key", "--yes")
    new = livingroom.key()
    assert new != old
    wait_for(lambda: juliet.heard(TV, "retract", old) and juliet.heard(TV, "item", new), 20,
             "the revocation at Juliet")
    assert set(juliet.devices(TV)) == {new, kitchen.key()}


def test_key_lost_while_away(juliet, livingroom, kitchen):
    """The resource tells that the item was this device's."""
    livingroom.stop()
    os.unlink(livingroom.path("state/device.key"))
    livingroom.start()
    livingroom.wait_log("is published\n", 2)
    assert set(juliet.devices(TV)) == {livingroom.key(), kitchen.key()}


def test_revoke(juliet, livingroom, kitchen):
    """One of two devices is lost: the other one takes it off the list, and it stays off it."""
    lost, kept = livingroom.key(), kitchen.key()
    juliet.subscribe(TV)
    assert kitchen.published() == {lost: ("livingroom", "livingroom", False),
                                   kept: ("kitchen", "kitchen", True)}
    table = kitchen.cli("trust")
    assert "Published for %s:" % TV in table and "kitchen (this device)" in table
    groups = [lost[i:i + 4] for i in range(0, 64, 4)]
    assert " ".join(groups) in table
    assert kitchen.cli("trust", "--revoke", *groups) == "%s: revoked\n" % lost
    assert set(juliet.devices(TV)) == {kept}
    wait_for(lambda: juliet.heard(TV, "retract", lost), 20, "the revocation at Juliet")
    assert set(kitchen.published()) == {kept}
    again = kitchen.run("trust", "--revoke", lost)
    assert again.returncode == 4 and "no such key" in again.stderr, again
    own = kitchen.run("trust", "--revoke", kept)
    assert own.returncode == 2 and "--new-key" in own.stderr, own


def test_revoked_stays_away(server, livingroom, kitchen):
    """The lost one runs on, and its link comes back, as it does when its network does."""
    lost, kept = livingroom.key(), kitchen.key()
    kitchen.cli("trust", "--revoke", lost)
    server.restart()
    livingroom.wait_log("another device of this account has revoked it")
    kitchen.wait_log("connected as", 2)
    assert set(kitchen.published()) == {kept}
    livingroom.cli("trust", "--new-key", "--yes")
    wait_for(lambda: set(kitchen.published()) == {kept, livingroom.key()}, 20, "the new key")


def test_old_item_is_visible(juliet, livingroom, kitchen):
    """A device that lost all it knew, its resource too, leaves an item that nobody else claims."""
    old = livingroom.key()
    livingroom.stop()
    os.unlink(livingroom.path("state/device.key"))
    with open(livingroom.path("conf"), encoding="utf-8") as file:
        livingroom.put("conf", file.read().replace(TV + "/livingroom", TV))
    livingroom.start()
    livingroom.wait_log("is published\n", 2)
    shown = livingroom.published()
    assert shown[old] == ("livingroom", "livingroom", False)
    assert set(shown) == {old, livingroom.key(), kitchen.key()}
    livingroom.cli("trust", "--revoke", old)
    assert set(juliet.devices(TV)) == {livingroom.key(), kitchen.key()}


def test_revoke_without_server(server, tmp_path):
    """Said at once, and that nothing is done."""
    with account(tmp_path, server, "livingroom") as box:
        box.wait_log("is published")
        server.stop()
        refused = box.run("trust", "--revoke", "ab" * 32)
        assert refused.returncode == 4 and "server is not there" in refused.stderr, refused
        shown = box.run("trust")
        assert shown.returncode == 0 and "livingroom (this device)" in shown.stdout
        assert "server is not there" in shown.stderr
        assert box.own()["devices"] is None


def test_node_of_another_configuration(server, juliet, tmp_path):
    """Somebody made the node as the server makes one: for contacts only, one item, no notice of
    retractions. What is in it stays."""
    owner = Slix(server, "tv", "laptop")
    try:
        ident = "ab" * 32
        answer = owner.ask(TV, "<pubsub xmlns='%s'><publish node='%s'><item id='%s'>"
                           "<device xmlns='%s' name='laptop' since='2026-01-02T03:04:05Z'>"
                           "<key hash='sha-256'>%s</key></device></item></publish></pubsub>"
                           % (PUBSUB, KEYS, ident, KEYS, ident), "set")
        assert answer.get("type") == "result"
        assert juliet.devices(TV) is None
        with account(tmp_path, server, "livingroom") as box:
            box.wait_log("is published")
            assert juliet.devices(TV) == {ident: ("laptop", None),
                                          box.key(): ("livingroom", "livingroom")}
    finally:
        owner.close()


def test_component_answers_for_its_domain(juliet, radio):
    for address in (RADIO, "anybody@" + RADIO):
        assert juliet.devices(address) == {radio.key(): ("radio", None)}
    other = "<pubsub xmlns='%s'><items node='urn:example:other'/></pubsub>" % PUBSUB
    assert juliet.condition(RADIO, other) in ("service-unavailable", "item-not-found")


def test_component_has_nothing_to_revoke(radio):
    refused = radio.run("trust", "--revoke", "ab" * 32)
    assert refused.returncode == 3 and "--new-key" in refused.stderr, refused
    assert radio.own()["account"] is None and radio.own()["devices"] is None
    assert "Published" not in radio.cli("trust")


def test_component_tells_of_a_new_key(juliet, radio):
    juliet.subscribe(RADIO)
    radio.cli("trust", "--new-key", "--yes")
    wait_for(lambda: juliet.heard(RADIO, "item", radio.key()), 20, "the event at Juliet")
    assert list(juliet.devices(RADIO)) == [radio.key()]


def card_keys(xml):
    return [(key.findtext("{vcard-temp}TYPE"), key.findtext("{vcard-temp}CRED"))
            for key in xml.findall("{vcard-temp}vCard/{vcard-temp}KEY")]


def test_component_has_a_card(juliet, radio):
    card = juliet.ask(RADIO, VCARD)
    assert card.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "radio"
    assert card_keys(card) == [(KEYS, radio.key())]


def test_card_of_the_account(server, juliet, tmp_path):
    """The key is put beside what is there, where the server keeps such a thing; a card that the
    server only makes from another one is not touched."""
    owner = Slix(server, "tv", "laptop")
    try:
        owner.ask(TV, "<vCard xmlns='vcard-temp'><FN>Television</FN><NICKNAME>tv</NICKNAME>"
                  "</vCard>", "set")
    finally:
        owner.close()
    with account(tmp_path, server, "livingroom") as box:
        box.wait_log("is published")
        if isinstance(server, Ejabberd):
            wait_for(lambda: card_keys(juliet.ask(TV, VCARD)) == [(KEYS, box.key())], 20,
                     "the KEY in the card")
    card = juliet.ask(TV, VCARD)
    assert card.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Television"
    assert card.findtext("{vcard-temp}vCard/{vcard-temp}NICKNAME") == "tv"


@pytest.mark.parametrize("kind", [Ejabberd, Prosody], ids=["ejabberd", "prosody"])
def test_server_without_pep(tmp_path, kind):
    """Said once, with what to do; everything else goes on."""
    with kind(accounts=ACCOUNTS) as server:
        with account(tmp_path, server, "livingroom") as box:
            box.wait_log("has no PEP (XEP-0163)")
            box.cli("peers")
            assert box.count("has no PEP") == 1
