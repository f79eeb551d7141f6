# SPDX-License-Identifier: ISC
"""Broken set-ups, each of real software: `earshot doctor` names the cause, and what to do."""

import contextlib
import os
import re
import shutil

import pytest

import box
from daemon import Daemon
from ns import wait_until
from purple import Purple
from servers import Ejabberd

TV = "tv@pronto.local"
PHONE = "phone@forza.local"

CONF = """
[engine]
name = %s
state = /run/earshotd/state
[lan]
user = %s
mdns = %s
[player]
kind = %s
%s
"""

SERVER = """
[server]
kind = %s
jid = %s
host = %s
port = %d
secret-file = /run/earshotd/secret
%s
"""

FIREWALL = """
table inet filter {
    chain input { type filter hook input priority 0; policy accept;
        %s
    }
}
"""


def conf(name, user, mdns="embedded", player="demo", more=""):
    return CONF % (name, user, mdns, player, more)


class Room:
    """A box and a phone that see each other, unless a test breaks something first."""

    def __init__(self, lan):
        self.lan, self.pronto, self.forza = lan, lan["pronto"], lan["forza"]
        self.tv = self.phone = None

    def start(self, meet=True, **phone):
        self.tv = Daemon(self.pronto, conf("pronto", "tv"))
        self.phone = Daemon(self.forza, conf("forza", "phone", **phone))
        if meet:
            self.phone.wait_peer(TV)
            self.tv.wait_peer(PHONE)

    def doctor(self, *args):
        return Report(self.phone.cli("doctor", *args))

    def where(self, host, port=5298):
        """Both addresses of a host as the phone writes them, with the port."""
        return {"v4": "%s:%d" % (host.address, port),
                "v6": "[%s%%eth0]:%d" % (host.address6, port)}


class Report:
    """What doctor printed: the line of a check, and which failed."""

    def __init__(self, answer):
        self.answer = answer
        self.lines = answer.out.splitlines()
        self.failed = [re.sub(r"^FAIL ([a-z ]+):.*", r"\1", line) for line in self.lines
                       if line.startswith("FAIL")]

    def line(self, name):
        found = [line for line in self.lines if line[5:].startswith(name + ": ")]
        assert len(found) == 1, "%s\n%s" % (name, self.answer)
        return found[0]

    def names(self):
        return [line[5:].split(":")[0] for line in self.lines]


def firewall(host, rule):
    host.run(["nft", "-f", "-"], stdin=FIREWALL % rule)


@pytest.fixture
def room():
    with box.Lan("pronto", "forza") as lan:
        yield Room(lan)


def until(room, pattern, *args):
    """A report with a line that matches: for what the daemon takes a while to notice."""
    found = []

    def there():
        found[:] = [room.doctor(*args)]
        return re.search(pattern, found[0].answer.out, re.MULTILINE)
    wait_until(there, 40, lambda: "%s in\n%s" % (pattern, found[0].answer), step=0.2)
    return found[0]


# --- nothing is wrong -----------------------------------------------------------------------------

def test_nothing_is_wrong(room):
    room.start()
    report = room.doctor(TV)
    assert report.answer.code == 0 and report.failed == [], report.answer
    assert report.names() == [
        "daemon", "configuration", "interface", "multicast", "avahi", "name", "own address", "port",
        "firewall", "own key", "policy", "server", "address", "announced", "jid", "connection",
        "tls", "key", "by lan", "level", "may here", "may there"], report.answer
    assert report.line("interface") == "ok   interface: eth0 is up"
    assert report.line("multicast") == (
        "ok   multicast: eth0 (our own is heard; others answer, as %s)" % room.pronto.address)
    assert report.line("avahi") == ("ok   avahi: by the stack inside, as [lan] mdns wants it")
    assert report.line("name") == "ok   name: " + PHONE
    assert report.line("own address") == (
        "ok   own address: %s, %s%%eth0" % (room.forza.address, room.forza.address6))
    assert report.line("firewall") == (
        "ok   firewall: %(v4)s takes connections, %(v6)s takes connections"
        % room.where(room.forza))
    assert report.line("tls") == (
        "ok   tls: encrypted (TLS 1.3), both ends have shown their keys")
    assert "refused" not in room.tv.proc.output().replace("refused (not-authorized)", "")
    rows = room.phone.cli("doctor", TV, "--json").rows
    assert all(list(row) == ["name", "state", "text", "remedy"] for row in rows), rows


def test_just_started(room):
    """What has just begun to start is no failure: it is given its time."""
    room.start(meet=False)
    report = room.doctor()
    assert report.answer.code == 0 and report.line("name") == "ok   name: " + PHONE, report.answer


# --- our side of the LAN --------------------------------------------------------------------------

def test_interface_down(room):
    room.start()
    room.forza.ns.ip("link set eth0 down")
    report = room.doctor(TV)
    assert report.answer.code == 1
    assert report.line("interface") == "FAIL interface: eth0 is down; ip link set eth0 up"
    assert "multicast" not in report.names(), report.answer     # it follows


def test_no_carrier(room):
    room.start()
    room.forza.cut()
    report = room.doctor(TV)
    assert report.line("interface") == (
        "FAIL interface: eth0 has no carrier; plug its cable in, or join the Wi-Fi")


def test_multicast_off(room):
    room.forza.ns.ip("link set eth0 multicast off")
    room.start(meet=False)
    report = room.doctor(TV)
    assert report.line("multicast") == (
        "FAIL multicast: eth0: it is switched off; ip link set eth0 multicast on")
    room.forza.ns.ip("link set eth0 multicast on")
    assert room.doctor().line("multicast").startswith("ok ")


def test_firewall_drops_mdns(room):
    firewall(room.forza, "udp dport 5353 drop")
    room.start(meet=False)
    report = room.doctor(TV)
    assert report.line("multicast") == (
        "FAIL multicast: eth0: what we send to the group is not heard; a firewall of this machine "
        "drops UDP port 5353: look at nft list ruleset, and accept it")
    room.forza.run(["nft", "flush", "ruleset"])
    assert room.doctor().line("multicast").startswith("ok ")


def test_access_point_keeps_clients_apart(room):
    for port in ("p1", "p2"):
        room.lan.bridges["a"].ip("link set dev %s type bridge_slave isolated on" % port)
    room.start(meet=False)
    report = room.doctor(TV)
    assert report.line("multicast") == (
        "ok   multicast: eth0 (our own is heard; no other machine answers)")
    assert report.line("announced") == (
        "FAIL announced: tv@pronto.local is not on this LAN now, nor is anybody else heard by "
        "multicast; does the access point keep its clients apart (client isolation), or a firewall "
        "drop UDP port 5353? A [peer] section with its host does without multicast")


def test_avahi_refuses(room):
    room.forza.start_avahi(publish="disable-user-service-publishing=yes\n")
    room.start(meet=False, mdns="daemon")
    report = until(room, "^FAIL avahi")
    assert report.failed == ["avahi"], report.answer
    assert report.line("avahi") == (
        "FAIL avahi: avahi-daemon refuses to publish what programs want published; "
        "disable-user-service-publishing=no in avahi-daemon.conf, then systemctl restart "
        "avahi-daemon; or [lan] mdns = embedded")


def test_avahi_disallows_other_stacks(room):
    room.forza.start_avahi(disallow_other_stacks="yes")
    room.start(meet=False)
    report = until(room, "^FAIL avahi")
    assert report.failed == ["avahi"], report.answer
    assert report.line("avahi") == (
        "FAIL avahi: another program keeps UDP port 5353 for itself; disallow-other-stacks=no in "
        "avahi-daemon.conf, then systemctl restart avahi-daemon; or [lan] mdns = auto, which uses "
        "it")


def test_no_avahi(room):
    room.start(meet=False, mdns="daemon")
    report = room.doctor()
    assert report.failed == ["avahi"], report.answer
    assert report.line("avahi") == (
        "FAIL avahi: avahi-daemon does not run, and [lan] mdns = daemon; systemctl start "
        "avahi-daemon; [lan] mdns = auto does without it")


def test_name_is_taken(room):
    room.start()
    second = Daemon(room.forza, conf("pronto", "tv"), name="second")
    # Where the first one is too busy to answer the probe (RFC 6762 §8.1), the conflict is seen later,
    # and either of them may be the one that takes another name (§9).
    loser = wait_until(lambda: [d for d in (second, room.tv) if "on the LAN as tv-1@pronto.local" in
                                d.proc.output()], 40, second.proc.output)[0]
    assert Report(loser.cli("doctor")).line("name") == (
        "warn name: tv-1@pronto.local: tv@pronto is somebody else's on this LAN; two devices want "
        "that name: [engine] name or [lan] user must differ")
    # The first one of this machine has the port.
    report = Report(second.cli("doctor"))
    assert report.line("port").startswith("warn port: "), report.answer
    assert "since 5298 is taken" in report.line("port"), report.answer
    second.stop()


def test_own_firewall(room):
    firewall(room.forza, "tcp dport 5298 drop")
    room.start()
    report = room.doctor()
    assert report.failed == ["firewall"], report.answer
    assert report.line("firewall") == (
        "FAIL firewall: %(v4)s does not answer: dropped, %(v6)s does not answer: dropped; a "
        "firewall of this machine drops it: look at nft list ruleset, and accept that TCP port"
        % room.where(room.forza))


def test_own_key(room):
    """Others may read it; then it is gone."""
    room.start()
    key = room.forza.path("/run/earshotd/state/device.key")
    os.chmod(key, 0o644)
    report = room.doctor()
    assert report.failed == ["own key"], report.answer
    assert report.line("own key") == (
        "FAIL own key: /run/earshotd/state/device.key: others may read it (mode 644); chmod 600 it; "
        "whoever may have read it can be this device: earshot trust --new-key")
    os.unlink(key)
    report = room.doctor()
    assert report.failed == ["own key"], report.answer
    assert report.line("own key") == (
        "FAIL own key: /run/earshotd/state/device.key: No such file or directory; restore it from a "
        "backup, or start again: a new one is made")


def test_no_address(room):
    """No DHCP server answers: none at all, then one that is good on this network only."""
    room.start()
    room.forza.ns.ip("addr flush dev eth0")
    report = room.doctor()
    assert report.line("interface") == (
        "FAIL interface: eth0 has no address; does a DHCP server answer on that network?")
    room.forza.ns.ip("addr add fe80::77/64 dev eth0 scope link")
    report = room.doctor()
    assert report.line("own address") == (
        "warn own address: fe80::77%eth0: good on this network only; does a DHCP server answer on "
        "that network?")


# --- the other side -------------------------------------------------------------------------------

def test_their_firewall(room):
    firewall(room.pronto, "tcp dport 5298 drop")
    room.start()
    report = room.doctor(TV)
    assert "connection" in report.failed and "announced" not in report.failed, report.answer
    assert report.line("connection") == (
        "FAIL connection: %(v4)s does not answer: dropped, %(v6)s does not answer: dropped; a "
        "firewall, of that machine or on the way, drops it: accept that TCP port there; or the "
        "machine is off" % room.where(room.pronto))


def test_their_port_is_closed(room):
    room.start()
    room.tv.proc.kill()     # says no goodbye: it is announced for a while
    room.tv.proc.wait()
    report = room.doctor(TV)
    assert report.line("announced").startswith("ok   announced: " + TV), report.answer
    assert report.line("connection") == (
        "FAIL connection: %(v4)s refuses connections, %(v6)s refuses connections; nothing listens "
        "there: is earshotd running on that machine?" % room.where(room.pronto))
    assert "by lan" in report.failed, report.answer


def test_their_machine_is_gone(room):
    room.start()
    room.pronto.cut(silent=True)
    report = room.doctor(TV)
    assert report.line("connection").startswith("FAIL connection: "), report.answer
    assert re.search("dropped|nobody has that address", report.line("connection")), report.answer


def test_configured_where_no_multicast_goes(room):
    """By a name that cannot be found, then by an address."""
    peer = "[peer \"tv\"]\naddress = " + TV + "\nhost = %s\n"
    firewall(room.forza, "udp dport 5353 drop")
    room.tv = Daemon(room.pronto, conf("pronto", "tv"))
    room.phone = Daemon(room.forza, conf("forza", "phone", more=peer % "no-such-host.test"))
    report = room.doctor(TV)
    assert report.line("announced") == (
        "FAIL announced: tv@pronto.local, by the configuration at no-such-host.test, a name that "
        "is not found; the name server in /etc/resolv.conf must answer for it; or [peer] host = "
        "its address")
    room.phone.stop()
    room.phone = Daemon(room.forza, conf("forza", "phone", more=peer % room.pronto.address))
    report = room.doctor(TV)
    assert report.line("announced") == (
        "ok   announced: tv@pronto.local, by the configuration at %s:5298" % room.pronto.address)
    assert report.line("connection") == (
        "ok   connection: %(v4)s takes connections" % room.where(room.pronto))


def test_key_changed(room):
    room.start()
    room.tv.wait_peer(PHONE)
    wait_until(lambda: room.doctor(TV).line("by lan").startswith("ok "), 20, "they met")
    room.tv.stop()
    shutil.rmtree(room.pronto.path("/run/earshotd/state"))
    room.tv.start()
    report = until(room, "^FAIL identity", TV)
    assert report.answer.code == 1
    line = report.line("identity")
    assert line.endswith(
        "; was that device reset or replaced? earshot untrust tv@pronto.local, and pair again; "
        "else somebody is in its place"), line
    assert "not the one" in line and "key" in line, line
    assert "by lan" in report.failed, report.answer


def test_policy_refuses(room):
    room.start()
    report = room.doctor(TV)
    assert report.failed == [], report.answer
    assert report.line("may there") == (
        "warn may there: not press buttons: refused (not-authorized): policy.buttons wants a "
        "trusted sender, this one is keyed; earshot pair tv@pronto.local; or its owner decides: "
        "[policy] buttons there")
    # No button was pressed, nor is one where it is allowed.
    room.tv.stop()
    room.tv.write("conf", conf("pronto", "tv", more="[policy]\nbuttons = anyone\n[local]\n"
                               "socket = %s\n" % room.tv.socket))
    room.tv.start()
    room.phone.wait_peer(TV)
    before = room.phone.cli("status", TV, "--json").rows[0]["playback"]
    report = until(room, "^ok +may there", TV)
    assert report.line("may there") == "ok   may there: press buttons"
    assert room.phone.cli("status", TV, "--json").rows[0]["playback"] == before


def test_plaintext_is_denied(room):
    room.forza.start_avahi()
    room.pronto.start_avahi()
    other = Purple(room.pronto, "alice", port=5300)
    room.phone = Daemon(room.forza, conf("forza", "phone", mdns="daemon",
                                         more="[policy]\nplaintext = deny\n"))
    room.phone.wait_peer("alice@pronto.local")
    report = room.doctor("alice@pronto.local")
    assert report.line("tls") == (
        "FAIL tls: it offers none, and [policy] plaintext = deny refuses what is not encrypted; "
        "let it offer TLS (another program, a newer one); or [policy] plaintext = warn here")
    assert report.line("connection").startswith("ok "), report.answer
    other.terminate()
    other.wait(60)


# --- the server -----------------------------------------------------------------------------------

@contextlib.contextmanager
def server_of(room, **more):
    with Ejabberd(domain="example.test", address=room.pronto.address,
                  components={"phone.example.test": "secret"}, accounts={"juliet": "secret"},
                  prefix=room.pronto.ns.enter([]), **more) as server:
        yield server


def with_server(room, server, secret="secret", host=None, kind="component",
                jid="phone.example.test"):
    """The phone, beside that server."""
    port = server.component_port if kind == "component" else server.c2s_port
    extra = ""
    room.phone = Daemon(room.forza, start=False)
    if kind == "account":
        with open(server.ca_file, encoding="utf-8") as f:
            extra = "ca-file = " + room.phone.write("ca", f.read(), 0o644)
    room.phone.write("secret", secret + "\n")
    room.phone.write("conf", conf("forza", "phone", more=SERVER % (
        kind, jid, host or server.address, port, extra)) + "[local]\nsocket = %s\n"
        % room.phone.socket)
    room.phone.start()


def test_server_goes_wrong_in_many_ways(room):
    with server_of(room) as server:
        where = "%s:%d" % (server.address, server.component_port)
        with_server(room, server)
        report = until(room, "^ok +server")
        assert report.failed == [], report.answer
        assert report.line("server") == "ok   server: connected as phone.example.test, answers"
        assert report.line("published key").startswith("ok "), report.answer

        server.freeze()
        report = room.doctor()
        assert report.failed == ["server"], report.answer
        assert report.line("server") == (
            "FAIL server: connected as phone.example.test, but it does not answer: frozen or cut "
            "off; look at the server's process: it holds the connection and says nothing "
            "(stopped? its disk full?)")
        assert report.line("published key") == (
            "warn published key: cannot be asked for without the server")
        server.thaw()
        until(room, "^ok +server")

        server.kill()
        report = until(room, "^FAIL server: .*refused")
        assert report.line("server") == (
            "FAIL server: phone.example.test: %s: Connection refused; nothing listens there: start "
            "the server, or correct [server] host and port" % where)
        assert report.line("published key").startswith("warn "), report.answer


def test_server_refuses_the_secret(room):
    with server_of(room) as server:
        with_server(room, server, secret="wrong")
        report = until(room, "^FAIL server: .*secret refused")
        assert report.failed == ["server"], report.answer
        assert report.line("server") == (
            "FAIL server: phone.example.test: component secret refused by %s:%d: check "
            "secret-file; [server] secret-file must hold what the server's configuration has for "
            "it" % (server.address, server.component_port))


def test_server_has_a_bad_certificate(room):
    with server_of(room, certificate_domain="other.test") as server:
        with_server(room, server, kind="account", jid="juliet@example.test")
        report = until(room, "^FAIL server: .*TLS")
        assert report.line("server").endswith(
            "; its certificate must be valid, for that domain, and of an authority in [server] "
            "ca-file"), report.answer


def test_name_server_is_dead(room):
    with server_of(room) as server:
        # A name server that is there and silent: what is sent to it is dropped.
        firewall(room.forza, "udp dport 53 drop; tcp dport 53 drop")
        with_server(room, server, host="xmpp.example.test")
        report = room.doctor()
        assert report.failed == ["server"], report.answer
        assert report.line("server") == (
            "FAIL server: phone.example.test: xmpp.example.test: the name server has not answered "
            "yet; the name server in /etc/resolv.conf must answer for that name; or [server] host "
            "= its address")


def test_time_is_limited(room):
    """Everything is tried at once: the slowest decides, and no more than its five seconds
    pass; one after the other they would take fifteen."""
    firewall(room.forza, "tcp dport 5298 drop; udp dport 53 drop; tcp dport 53 drop")
    firewall(room.pronto, "tcp dport 5298 drop")
    with server_of(room) as server:
        room.tv = Daemon(room.pronto, conf("pronto", "tv"))
        with_server(room, server, host="xmpp.example.test")
        room.phone.wait_peer(TV)
        start = os.times().elapsed
        report = room.doctor(TV)
        assert os.times().elapsed - start < 10, report.answer
        assert {"firewall", "server", "connection"} <= set(report.failed), report.answer
