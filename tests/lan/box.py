# SPDX-License-Identifier: ISC
"""box.py: a LAN in a box, and two homes and a server, out of network namespaces.

    with Lan("pronto", "forza") as lan:
        daemon = lan["pronto"].popen(["build/earshotd", "-f"])
        daemon.wait_for("listening")
        print(lan["forza"].run(["ping", "-c1", lan["pronto"].address]).stdout)
        lan["pronto"].cut()

    with TwoHomes(a=["remote", "box"], delay=80) as net:
        net.server.popen([...]); net.cut_lan(); net.restore_lan(); net.slow_lan(400)

Every host has its own network, /run, host name, home directory, /etc/hosts (which knows the other
hosts by their short names) and no name server. Everything is gone when the block is left, however
it is left: see ns.py. Nothing in here can reach this machine's own network.
"""

import json
import os
import subprocess
import tempfile

from ns import (MARK, PATIENCE, CommandFailed, Guard, Namespace, Proc, Timeout,  # noqa: F401
                wait_until)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("B", "build"))

DBUS_CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
    <allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""


class Link:
    """An emulated cable between two namespaces (delay.c). Way "ab" is from a to b, None both."""

    def __init__(self, box, a, name_a, b, name_b):
        argv = [os.path.join(BUILD, "tests/lan/delay"), "-s", str(box.next_seed()),
                "/proc/%d/ns/net" % a.pid, name_a, "/proc/%d/ns/net" % b.pid, name_b]
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, start_new_session=True)
        self.settings = {}
        if self.proc.stdout.readline() != "ready\n":
            raise CommandFailed("delay: cannot make the interfaces %s and %s" % (name_a, name_b))

    def command(self, text):
        self.proc.stdin.write(text + "\n")
        self.proc.stdin.flush()
        answer = self.proc.stdout.readline().rstrip("\n")
        if not answer.startswith("ok"):
            raise CommandFailed("delay: %s: %s" % (text, answer or "is gone"))
        return answer[3:]

    def set(self, way=None, **values):
        """set("ab", delay=80, jitter=5, loss=1.5, rate=8000): ms, ms, per cent, kbit/s."""
        for key, value in values.items():
            self.command(("%s " % way if way else "") + "%s %s" % (key, value))

    def stats(self):
        """Frames by direction: {"ab": {"in": , "out": , "lost": , "full": }, "ba": …}."""
        return json.loads(self.command("stats"))

    def cut(self, silent=True, way=None):
        """Silent: frames vanish, on one way or both. Otherwise both ends lose their carrier."""
        self.command(("%s " % way if way else "") + "cut" if silent else "unplug")

    def restore(self):
        self.command("restore")

    def close(self):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()


class Cable:
    """A veth pair from a host to a port of a bridge: no delay, full speed."""

    def __init__(self, box, a, name_a, b, name_b):
        self.bridge, self.port = b, name_b
        # Offloads hand a peer frames without checksum or larger than its MTU; packet sockets of
        # the programs under test would see them.
        a.ip("link add name %s type veth peer name %s netns %d" % (name_a, name_b, b.pid))
        for space, name in ((a, name_a), (b, name_b)):
            subprocess.run(space.enter(["ethtool", "-K", name, "tx", "off", "tso", "off",
                                        "gso", "off", "gro", "off"]),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def cut(self, silent=True):
        if silent:
            subprocess.run(self.bridge.enter(["bridge", "link", "set", "dev", self.port,
                                              "state", "0"]), check=True)
        else:
            self.bridge.ip("link set dev %s down" % self.port)

    def restore(self):
        self.bridge.ip("link set dev %s down" % self.port, "link set dev %s up" % self.port)

    def close(self):
        pass


class Plug:
    """One interface of a host."""

    def __init__(self, host, name, cable, ipv4):
        self.host, self.name, self.cable, self.address = host, name, cable, ipv4

    @property
    def address6(self):
        """The link-local address, without a scope."""
        out = self.host.run(["ip", "-6", "-j", "addr", "show", "dev", self.name,
                             "scope", "link"]).stdout
        infos = [a["local"] for i in json.loads(out) for a in i.get("addr_info", [])]
        return infos[0] if infos else None

    @property
    def index(self):
        out = self.host.run(["ip", "-j", "link", "show", "dev", self.name]).stdout
        return json.loads(out)[0]["ifindex"]


class Host:
    """One machine of the box."""

    def __init__(self, box, name, ipv6=True):
        self.box, self.name, self.plugs, self.procs = box, name, [], []
        self.dir = os.path.join(box.dir, name)
        os.mkdir(self.dir)
        self.ns = Namespace(box.guard, name, box.dir, ipv6)

    @property
    def address(self):
        """The IPv4 address of the first interface."""
        return self.plugs[0].address

    @property
    def address6(self):
        return self.plugs[0].address6

    def path(self, inside):
        """The path by which the test itself reaches a file of this host's own /run."""
        return "/proc/%d/root%s" % (self.ns.pid, inside)

    def env(self, extra=None):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("XDG_", "DBUS_", "LC_")) and k not in ("DISPLAY",)}
        env.update({MARK: self.box.tag, "HOME": self.dir, "XDG_RUNTIME_DIR": "/run/user/0",
                    "LC_ALL": "C.UTF-8"})
        env.update(extra or {})
        return env

    def popen(self, argv, name=None, env=None, cwd=None, stdin=subprocess.DEVNULL, stdout=None,
              stderr=None):
        """Starts a program. Without stdout, its output and errors go to the file proc.log."""
        self.box.counter += 1
        log = os.path.join(self.box.dir, "%s.%s.%d.log" % (
            self.name, name or os.path.basename(str(argv[0])), self.box.counter))
        with open(log, "w", encoding="utf-8") as f:
            proc = Proc(self.ns.enter(argv, cwd), env=self.env(env), stdin=stdin,
                        stdout=stdout or f, stderr=stderr or f, text=True, bufsize=1)
        proc.log = log
        self.procs.append(proc)
        return proc

    def run(self, argv, check=True, timeout=30, stdin=None, env=None, cwd=None):
        """Runs a program to its end, with the text stdin; returns subprocess.CompletedProcess."""
        try:
            done = subprocess.run(self.ns.enter(argv, cwd), env=self.env(env), input=stdin or "",
                                  capture_output=True, text=True, errors="replace",
                                  timeout=timeout * PATIENCE, check=False)
        except subprocess.TimeoutExpired as e:
            raise Timeout("%s: %s: not within %g s\n%s%s" % (
                self.name, argv, timeout * PATIENCE, text_of(e.stdout), text_of(e.stderr))) from None
        if check and done.returncode:
            raise CommandFailed("%s: %s: exit %d\n%s%s" % (
                self.name, argv, done.returncode, done.stdout, done.stderr))
        return done

    def cut(self, silent=False, plug=0):
        """Pulls the cable: no carrier. Silent: something further away died, frames vanish."""
        self.plugs[plug].cable.cut(silent)

    def restore(self, plug=0):
        self.plugs[plug].cable.restore()

    def start_dbus(self):
        """A system bus in this host's own /run, where everybody may do everything."""
        conf = os.path.join(self.dir, "dbus.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(DBUS_CONF)
        proc = self.popen(["dbus-daemon", "--config-file=" + conf, "--nofork", "--nopidfile"])
        sock = self.path("/run/dbus/system_bus_socket")
        wait_until(lambda: os.path.exists(sock) or proc.poll() is not None, 10, "dbus-daemon")
        return proc

    def start_avahi(self, publish="", **server):
        """dbus-daemon where none runs, and avahi-daemon; keywords are keys of [server]. publish:
        more lines of [publish]."""
        if not os.path.exists(self.path("/run/dbus/system_bus_socket")):
            self.start_dbus()
        conf = os.path.join(self.dir, "avahi.conf")
        options = {"use-ipv4": "yes", "use-ipv6": "yes", "enable-dbus": "yes"}
        options.update({k.replace("_", "-"): v for k, v in server.items()})
        with open(conf, "w", encoding="utf-8") as f:
            f.write("[server]\n" + "".join("%s=%s\n" % kv for kv in options.items()) +
                    "[wide-area]\nenable-wide-area=no\n[publish]\npublish-hinfo=no\n"
                    "publish-workstation=no\n" + publish)
        proc = self.popen(["avahi-daemon", "-f", conf, "--no-rlimits", "--no-proc-title"])
        proc.wait_for("Server startup complete")
        return proc

    def close(self):
        for proc in self.procs:
            if proc.poll() is None:
                proc.terminate()
        for proc in self.procs:
            proc.stop(5)


def text_of(output):
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""


class Box:
    """Hosts, bridges and what joins them. Lan and TwoHomes are ready-made ones."""

    made = []       # those that are not closed
    observers = []  # called with a box before its files are removed

    def __init__(self, seed=1):
        self.dir = tempfile.mkdtemp(prefix="earshot-%d-" % os.getpid())
        os.chmod(self.dir, 0o755)   # daemons that drop root still read their files
        self.tag = os.path.basename(self.dir)
        self.hosts, self.bridges, self.links = {}, {}, []
        self.counter, self.seed, self.closed = 0, seed, False
        for name, text in (("hosts", "127.0.0.1 localhost\n"),
                           ("resolv.conf", "nameserver 127.0.0.1\n")):
            with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
                f.write(text)
        self.guard = Guard(self.dir)
        Box.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def __getitem__(self, name):
        return self.hosts[name]

    def next_seed(self):
        self.seed += 1
        return self.seed

    def bridge(self, name):
        space = Namespace(self.guard, "bridge-" + name, self.dir, ipv6=False)
        space.ip("link add name br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0",
                 "link set dev br0 up")
        self.bridges[name] = space
        return space

    def host(self, name, ipv6=True):
        self.hosts[name] = Host(self, name, ipv6)
        return self.hosts[name]

    def plug(self, host, bridge, address=None, name=None, emulated=False):
        """A new interface of host on a bridge. address is "10.1.0.2/24"; none: IPv6 only."""
        self.counter += 1
        port, name = "p%d" % self.counter, name or "eth%d" % len(host.plugs)
        cable = (Link if emulated else Cable)(self, host.ns, name, bridge, port)
        self.links.append(cable)
        bridge.ip("link set dev %s master br0" % port, "link set dev %s up" % port)
        host.ns.ip(*(["addr add %s brd + dev %s" % (address, name)] if address else []),
                   "link set dev %s up" % name)
        ipv4 = address.split("/")[0] if address else None
        if ipv4 and not host.plugs:
            self.name_host(host.name, ipv4)
        host.plugs.append(Plug(host, name, cable, ipv4))
        return host.plugs[-1]

    def name_host(self, name, address):
        with open(os.path.join(self.dir, "hosts"), "a", encoding="utf-8") as f:
            f.write("%s %s\n" % (address, name))

    def logs(self):
        """{file name: text} of everything that the processes wrote."""
        found = {}
        for name in sorted(os.listdir(self.dir)) if not self.closed else []:
            if name.endswith(".log"):
                with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as f:
                    found[name] = f.read()
        return found

    def close(self):
        """Stops every process politely, then lets the guard end what is left and clean up."""
        if self.closed:
            return
        try:
            for host in self.hosts.values():
                host.close()
            for call in Box.observers:
                call(self)
        finally:
            self.closed = True
            Box.made.remove(self)
            self.guard.close()
            for link in self.links:
                link.close()
            for space in [h.ns for h in self.hosts.values()] + list(self.bridges.values()):
                space.close()


class Lan(Box):
    """Hosts on one bridge, or on several.

    nets says which host is on which bridges: nets={"pronto": "ab"}; a host not named is on "a".
    Addresses are 10.77.N.H. With delay (one way, between any two hosts, in ms), jitter, loss (per
    cent) or rate (kbit/s), or with emulated=True, the cables are emulated and can be changed.
    """

    def __init__(self, *names, nets=None, ipv4=True, ipv6=True, emulated=False, seed=1, **link):
        super().__init__(seed)
        try:
            nets = {name: (nets or {}).get(name, "a") for name in names}
            for letter in sorted(set("".join(nets.values()))):
                self.bridge(letter)
            for number, name in enumerate(names, 1):
                host = self.host(name, ipv6)
                for letter in nets[name]:
                    address = "10.77.%d.%d/24" % (ord(letter) - ord("a"), number)
                    self.plug(host, self.bridges[letter], address if ipv4 else None,
                              emulated=bool(emulated or link))
            self.set(**link)
        except BaseException:
            self.close()
            raise

    def set(self, **values):
        """Delay, jitter, loss, rate of every emulated cable, on the way out of its host only, so
        that a frame from any host to any other meets them once."""
        for link in self.links:
            if values:
                link.set("ab", **values)


ROUTER = """
table inet filter {
    chain forward { type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "up*" oifname "wan" accept
    }
    chain input { type filter hook input priority 0; policy drop;
        ct state established,related accept
        iifname != "wan" accept
    }
}
table ip nat {
    chain postrouting { type nat hook postrouting priority 100;
        oifname "wan" masquerade %s
    }
}
"""


class TwoHomes(Box):
    """Two homes and a server.

    Each host has two interfaces: eth0 on its home's LAN, and eth1 to its home's router, which
    neither forwards between its hosts nor lets anything unsolicited in. So LAN and WAN fail and
    slow down independently. delay is one way between a home and the internet, where the server is:
    a request to the server and its answer take twice that.
    """

    def __init__(self, a, b=(), delay=0, symmetric=False, ipv6=True, seed=1):
        super().__init__(seed)
        self.lan, self.wan = {"a": [], "b": []}, {}
        try:
            internet = self.bridge("internet")
            self.server = self.host("server", ipv6=False)
            self.plug(self.server, internet, "203.0.113.10/24")
            for number, (home, names) in enumerate((("a", a), ("b", b)), 1):
                if names:
                    self._home(number, home, names, internet, symmetric, ipv6)
            self.slow_wan(delay)
        except BaseException:
            self.close()
            raise

    def _home(self, number, home, names, internet, symmetric, ipv6):
        router = self.host("router-" + home, ipv6=False)
        self.wan[home] = self.plug(router, internet, "203.0.113.%d/24" % number, "wan", True).cable
        router.run(["nft", "-f", "-"], stdin=ROUTER % ("fully-random" if symmetric else ""))
        router.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        router.ns.ip("route add blackhole 10.0.0.0/8", "route add blackhole 192.168.0.0/16",
                     "route add blackhole 172.16.0.0/12")
        lan = self.bridge("lan-" + home)
        for j, name in enumerate(names, 1):
            host = self.host(name, ipv6)
            plug = self.plug(host, lan, "10.%d.0.%d/24" % (number, j), emulated=True)
            self.lan[home].append(plug.cable)
            self._uplink(host, router, "10.%d.%d" % (number, j), "up%d" % j)

    def _uplink(self, host, router, net, name):
        host.ns.ip("link add eth1 type veth peer name %s netns %d" % (name, router.ns.pid),
                   "addr add %s.2/30 brd + dev eth1" % net, "link set eth1 up")
        router.ns.ip("addr add %s.1/30 brd + dev %s" % (net, name), "link set dev %s up" % name)
        host.ns.ip("route add default via %s.1" % net)
        host.plugs.append(Plug(host, "eth1", None, net + ".2"))

    def _lans(self, home):
        return [link for h in ([home] if home else "ab") for link in self.lan[h]]

    def _wans(self, home):
        return [self.wan[h] for h in ([home] if home else self.wan)]

    def cut_lan(self, home=None, silent=False):
        """The hosts of the home no longer see each other; their way to the server stays."""
        for link in self._lans(home):
            link.cut(silent)

    def restore_lan(self, home=None):
        for link in self._lans(home):
            link.restore()

    def slow_lan(self, delay, home=None, **more):
        """One way between two hosts of the home, ms; also jitter, loss, rate."""
        for link in self._lans(home):
            link.set("ab", delay=delay, **more)

    def cut_wan(self, home=None):
        """Frames between home and internet vanish; the hosts of the home notice no more than that."""
        for link in self._wans(home):
            link.cut()

    def restore_wan(self, home=None):
        for link in self._wans(home):
            link.restore()

    def slow_wan(self, delay, home=None, **more):
        for link in self._wans(home):
            link.set(delay=delay, **more)
