# SPDX-License-Identifier: ISC
"""Real XMPP servers for tests: ejabberd and Prosody as ordinary child processes.

    with Ejabberd(accounts={"romeo": "pass"}, components={"tv.example.test": "secret"}) as server:
        server.c2s_port, server.component_port, server.ca_file, server.domain
        server.restart()

Everything lives in one scratch directory, on free ports of one address (loopback unless
`address` says otherwise), and goes away with the context, also when the test fails. ejabberd
runs without Erlang distribution: no node name that could clash, no epmd to leave behind.

`prefix` is put in front of the command: ["nsenter", "-t", PID, "-n"] runs the server inside a
network namespace; `ready` is then judged by the server's own ports as seen from there. With a
prefix the caller chooses `c2s_port` and `component_port` if it cares; any are free in there.
"""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from ns import PATIENCE, wait_stopped

ERL_LIBS = "/usr/lib/x86_64-linux-gnu"
PROBE = ("import socket,sys\n"
         "socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()\n")


def free_port(address="127.0.0.1", family=None):
    """A TCP port nobody listens on now, and which the kernel lends to no connection before we do."""
    family = family or (socket.AF_INET6 if ":" in address else socket.AF_INET)
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lent = int(file.read().split()[0])
    for _ in range(100):
        with socket.socket(family, socket.SOCK_STREAM) as sock, contextlib.suppress(OSError):
            sock.bind((address, random.randrange(10000, lent) if lent > 11000 else 0))
            return sock.getsockname()[1]
    raise AssertionError("no free port at " + address)


def wait_for(condition, seconds, what):
    """Polls until condition() is true; AssertionError naming `what` otherwise."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited %g s in vain for %s" % (seconds, what))
        time.sleep(0.02)


def make_ca(directory):
    """A throw-away authority: (certificate path, key path)."""
    crt, key = os.path.join(directory, "ca.crt"), os.path.join(directory, "ca.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "30", "-subj", "/CN=Earshot test authority", "-addext",
            "basicConstraints=critical,CA:TRUE", "-keyout", key, "-out", crt)
    return crt, key


def make_certificate(directory, ca, domain, name="server", days=30):
    """A certificate for domain signed by ca (of make_ca): (certificate path, key path). days may
    be negative: expired."""
    base = os.path.join(directory, name)
    with open(base + ".ext", "w", encoding="utf-8") as file:
        file.write("subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n" % domain)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=" + domain, "-keyout", base + ".key", "-out", base + ".csr")
    if days > 0:
        openssl("x509", "-req", "-in", base + ".csr", "-CA", ca[0], "-CAkey", ca[1], "-days",
                str(days), "-set_serial", str(time.time_ns()), "-extfile", base + ".ext", "-out",
                base + ".crt")
    else:
        make_expired(base, ca, days)
    return base + ".crt", base + ".key"


def make_expired(base, ca, days):
    """`openssl x509` cannot date back, `openssl ca` can."""
    directory = tempfile.mkdtemp(dir=os.path.dirname(base))
    open(os.path.join(directory, "index.txt"), "w", encoding="utf-8").close()
    stamp = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + d * 86400))
             for d in (days - 30, days)]
    with open(os.path.join(directory, "ca.cnf"), "w", encoding="utf-8") as file:
        file.write("[ca]\ndefault_ca=x\n[x]\nnew_certs_dir=%s\ndatabase=%s/index.txt\n"
                   "rand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
                   % (directory, directory))
    openssl("ca", "-batch", "-config", os.path.join(directory, "ca.cnf"), "-in", base + ".csr",
            "-cert", ca[0], "-keyfile", ca[1], "-startdate", stamp[0], "-enddate", stamp[1],
            "-extfile", base + ".ext", "-notext", "-out", base + ".crt")


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError("openssl %s: %s" % (arguments[0], done.stderr))


class Server:
    """What both servers share. Attributes after the constructor:

    domain          the XMPP domain it serves
    address         where it listens
    c2s_port        STARTTLS client port
    component_port  XEP-0114 port
    ca_file         PEM of the authority that signed its certificate
    accounts        {"user": "password"}, registered when it first starts
    components      {"domain": "secret"}
    directory       scratch directory; the log of the server is in log()
    """

    user = None  # system user to run as when we are root

    def __init__(self, domain="example.test", accounts=None, components=None,
                 address="127.0.0.1", prefix=(), c2s_port=0, component_port=0,
                 certificate_domain=None, certificate_days=30, tls="required", pep=False,
                 anonymous=False, multicast=None, start=True):
        """tls: "required", "optional" (plain log-in allowed) or "none" (never offered).
        pep: with XEP-0163 and XEP-0054, as a server comes out of the box, and its own service of
        XEP-0060 at pubsub.DOMAIN, where components may make nodes (ejabberd's: accounts as well).
        anonymous: whoever wants may log in (RFC 4505), ten thousand of them; ejabberd only.
        multicast: with XEP-0033 at multicast.DOMAIN: so many addresses a message from a component;
        0: as it comes out of the box; ejabberd only.
        certificate_domain: a name other than the domain makes a certificate that must be refused;
        certificate_days < 0 one that has expired."""
        self.domain, self.address, self.prefix = domain, address, list(prefix)
        self.accounts, self.components = dict(accounts or {}), dict(components or {})
        self.tls, self.pep = tls, pep
        self.anonymous, self.multicast = anonymous, multicast
        self.process = None
        self.frozen = False
        self.c2s_port = c2s_port or free_port()
        self.component_port = component_port or free_port()
        self.directory = tempfile.mkdtemp(prefix="earshot-server-")
        try:
            os.chmod(self.directory, 0o755)
            self.ca = make_ca(self.directory)
            self.ca_file = self.ca[0]
            self.certificate = make_certificate(self.directory, self.ca,
                                                certificate_domain or domain,
                                                days=certificate_days)
            self.configure()
            self.own()
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def own(self):
        """Gives the scratch directory to the system user the server runs as."""
        if os.geteuid() != 0:
            return
        entry = pwd.getpwnam(self.user)
        for top, folders, files in os.walk(self.directory):
            for name in [top] + [os.path.join(top, f) for f in folders + files]:
                os.chown(name, entry.pw_uid, entry.pw_gid)

    def as_user(self):
        if os.geteuid() != 0:
            return []
        entry = pwd.getpwnam(self.user)
        return ["setpriv", "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid),
                "--clear-groups", "--no-new-privs"]

    def start(self):
        """Starts it and waits until it accepts connections (and knows its accounts)."""
        assert self.process is None
        out = open(self.path("output.log"), "ab")
        with out:
            self.process = subprocess.Popen(
                self.prefix + self.as_user() + self.command(), cwd=self.directory,
                env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        wait_for(self.is_ready, 30, "%s to start; its log:\n%s" % (type(self).__name__, self.log()))

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError("%s ended with status %d:\n%s" % (
                type(self).__name__, self.process.returncode, self.log()))
        return self.accepts(self.c2s_port) and (
            not self.components or self.accepts(self.component_port))

    def accepts(self, port):
        if not self.prefix:
            try:
                socket.create_connection((self.address, port), 5).close()
                return True
            except OSError:
                return False
        return subprocess.run(self.prefix + [sys.executable, "-c", PROBE, self.address, str(port)],
                              capture_output=True, check=False).returncode == 0

    def signal(self, number):
        """To the server and what it started: they are one process group."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def freeze(self):
        """The kernel still accepts connections and data; nobody reads them."""
        self.signal(signal.SIGSTOP)
        self.frozen = True
        wait_stopped(self.process.pid)

    def thaw(self):
        self.signal(signal.SIGCONT)
        self.frozen = False

    def kill(self):
        """Without a goodbye."""
        self.end(signal.SIGKILL)

    def stop(self):
        """Cleanly, as an init system does it."""
        self.end(signal.SIGTERM)

    def end(self, number):
        if self.process is None:
            return
        if self.frozen:
            self.thaw()
        self.signal(number)
        try:
            self.process.wait(10 * PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            try:  # whatever is left of the group
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Ends it and removes the scratch directory; harmless when done before."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        """Everything it wrote, for messages of failed tests."""
        text = ""
        for name in ("output.log", "server.log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text[-4000:]

    def environment(self):
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.directory,
                "LANG": "C.UTF-8"}

    def configure(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError


class Ejabberd(Server):
    """ejabberd 23.01."""

    user = "ejabberd"

    def configure(self):
        with open(self.path("server.pem"), "w", encoding="utf-8") as pem:
            for part in self.certificate:
                with open(part, encoding="utf-8") as file:
                    pem.write(file.read())
        starttls = {"required": "    starttls_required: true\n", "optional": "    starttls: true\n",
                    "none": ""}[self.tls]
        text = ("loglevel: info\nlog_rotate_count: 0\nhosts:\n  - \"%s\"\n" % self.domain
                + "certfiles:\n  - \"%s\"\n" % self.path("server.pem")
                + "ca_file: \"%s\"\n" % self.ca_file
                + "listen:\n  -\n    port: %d\n    ip: \"%s\"\n    module: ejabberd_c2s\n"
                % (self.c2s_port, self.address) + starttls
                + ("    backlog: 1024\n" if self.anonymous else ""))
        if self.components:
            # check_from: the server vouches for senders. global_routes false: each component
            # gets its own domain, not every domain of the listener.
            text += ("  -\n    port: %d\n    ip: \"%s\"\n    module: ejabberd_service\n"
                     "    check_from: true\n    global_routes: false\n    hosts:\n"
                     % (self.component_port, self.address))
            for domain, secret in self.components.items():
                text += "      \"%s\":\n        password: \"%s\"\n" % (domain, secret)
        if self.anonymous:
            text += ("auth_method: anonymous\nanonymous_protocol: sasl_anon\n"
                     "allow_multiple_connections: true\n")
        text += ("auth_password_format: scram\nacme:\n  auto: false\nmodules:\n  mod_disco: {}\n"
                 "  mod_ping: {}\n  mod_roster: {}\n  mod_stream_mgmt: {}\n  mod_version: {}\n")
        if self.pep:
            text += ("  mod_caps: {}\n  mod_vcard:\n    search: false\n"
                     "  mod_pubsub:\n    plugins:\n      - flat\n      - pep\n")
        if self.multicast is not None:
            text += "  mod_multicast:%s\n" % (
                "\n    limits:\n      remote:\n        message: %d" % self.multicast
                if self.multicast else " {}")
        self.write("ejabberd.yml", text)
        self.write("inetrc", "{file, hosts, \"/etc/hosts\"}.\n{lookup, [file, native]}.\n")
        names = ", ".join("{<<\"%s\">>, <<\"%s\">>}" % pair for pair in self.accounts.items())
        # The accounts are made inside the server, so that no second node has to talk to it.
        self.write("start.erl", "-module(start).\n-export([main/0]).\nmain() ->\n"
                   "    {ok, _} = application:ensure_all_started(ejabberd),\n"
                   "    [ejabberd_auth:try_register(U, <<\"%s\">>, P) || {U, P} <- [%s]],\n"
                   "    file:write_file(\"%s\", <<>>).\n"
                   % (self.domain, names, self.path("ready")))
        subprocess.run(["erlc", "-o", self.directory, self.path("start.erl")], check=True,
                       capture_output=True, env=self.environment())

    def environment(self):
        return dict(super().environment(), EJABBERD_CONFIG_PATH=self.path("ejabberd.yml"),
                    EJABBERD_LOG_PATH=self.path("server.log"), ERL_LIBS=ERL_LIBS,
                    ERL_INETRC=self.path("inetrc"), ERL_CRASH_DUMP="/dev/null",
                    ERL_MAX_PORTS="32768" if self.anonymous else "8192")

    def command(self):
        return ["erl", "-noinput", "+K", "true", "+sbwt", "none", "-mnesia", "dir",
                "\"%s\"" % self.path("spool"), "-pa", self.directory, "-run", "start", "main"]

    def start(self):
        if os.path.exists(self.path("ready")):
            os.unlink(self.path("ready"))
        super().start()

    def is_ready(self):
        return os.path.exists(self.path("ready")) and super().is_ready()


class Prosody(Server):
    """Prosody 0.12.3."""

    user = "prosody"

    def configure(self):
        os.mkdir(self.path("data"))
        modules = ["roster", "saslauth", "disco", "ping", "smacks", "posix", "version"]
        if self.tls != "none":
            modules.append("tls")
        if self.pep:
            modules += ["pep", "vcard_legacy"]
        text = ("pidfile = \"%s\"\ndata_path = \"%s\"\nlog = { info = \"%s\" }\n"
                % (self.path("pid"), self.path("data"), self.path("server.log"))
                + "interfaces = { \"%s\" }\nc2s_ports = { %d }\ns2s_ports = {}\n"
                % (self.address, self.c2s_port)
                + "component_ports = { %d }\ncomponent_interfaces = { \"%s\" }\n"
                % (self.component_port, self.address)
                + "modules_enabled = { %s }\n" % ", ".join("\"%s\"" % m for m in modules)
                + "modules_disabled = { \"s2s\" }\nauthentication = \"internal_hashed\"\n"
                + "c2s_require_encryption = %s\nallow_unencrypted_plain_auth = false\n"
                % ("true" if self.tls == "required" else "false")
                + "network_backend = \"epoll\"\n"
                + "ssl = { certificate = \"%s\"; key = \"%s\" }\n" % self.certificate
                + "VirtualHost \"%s\"\n" % self.domain)
        for domain, secret in self.components.items():
            text += "Component \"%s\"\n  component_secret = \"%s\"\n" % (domain, secret)
        if self.pep:
            text += "Component \"pubsub.%s\" \"pubsub\"\n  admins = { %s }\n" % (
                self.domain, ", ".join("\"%s\"" % who for who in self.components))
        self.write("prosody.cfg.lua", text)
        self.write("accounts.lua", "")
        for user, password in self.accounts.items():
            self.register(user, password)

    def register(self, user, password):
        """Writes the account the way internal_plain stores it; hashed at first log-in."""
        folder = self.path("data", "".join(c if c.isalnum() else "%%%02x" % ord(c)
                                           for c in self.domain), "accounts")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, user + ".dat"), "w", encoding="utf-8") as file:
            file.write("return { [\"password\"] = \"%s\"; };\n" % password)

    def command(self):
        return ["prosody", "--config", self.path("prosody.cfg.lua"), "-F"]


def main():
    """`servers.py ejabberd|prosody` runs one with user romeo/secret and component
    tv.example.test/secret until interrupted: for trying things by hand."""
    kind = {"ejabberd": Ejabberd, "prosody": Prosody}[sys.argv[1]]
    started = time.monotonic()
    with kind(accounts={"romeo": "secret", "juliet": "secret"},
              components={"tv.example.test": "secret"}, pep=True) as server:
        print("%s: ready after %.1f s, c2s %d, component %d, CA %s" % (
            server.domain, time.monotonic() - started, server.c2s_port, server.component_port,
            server.ca_file), flush=True)
        try:
            server.process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
