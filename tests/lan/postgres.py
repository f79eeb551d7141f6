# SPDX-License-Identifier: ISC
"""postgres.py: a PostgreSQL server of a test's own, as the system user postgres when we are root.

    with Postgres() as database:
        database.url, database.sql("SELECT 1"), database.kill(), database.start()

It lives in a scratch directory behind a Unix socket there, without TCP, and goes away with the
context, also when the test fails. What it answers as done is on the disk (fsync is on).
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile

from servers import wait_for

BIN = "/usr/lib/postgresql/15/bin/"


class Postgres:
    """url is what [store] url takes."""

    def __init__(self):
        self.process = None
        self.directory = tempfile.mkdtemp(prefix="earshot-pg-")
        self.url = "host=%s user=postgres dbname=postgres" % self.directory
        try:
            os.chmod(self.directory, 0o755)
            if os.geteuid() == 0:
                entry = pwd.getpwnam("postgres")
                os.chown(self.directory, entry.pw_uid, entry.pw_gid)
            self.run(BIN + "initdb", "-D", self.path("data"), "-A", "trust", "-U", "postgres",
                     "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def as_user(self):
        """It ends with us, whatever becomes of us."""
        if os.geteuid() != 0:
            return ["setpriv", "--pdeathsig", "QUIT"]
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups",
                "--pdeathsig", "QUIT"]

    def run(self, *argv):
        done = subprocess.run(self.as_user() + list(argv), cwd=self.directory, text=True,
                              capture_output=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                self.as_user() + [BIN + "postgres", "-D", self.path("data"), "-k", self.directory,
                                  "-c", "listen_addresses=", "-c", "fsync=on", "-c",
                                  "shared_memory_type=mmap"],
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        wait_for(self.is_ready, 30, "PostgreSQL to start; " + self.log())

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        return subprocess.run([BIN + "pg_isready", "-q", "-h", self.directory],
                              check=False).returncode == 0

    def sql(self, text):
        """What psql prints: rows by line, columns by |."""
        return self.run(BIN + "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                        "-U", "postgres", "postgres", "-c", text).strip()

    def kill(self, number=signal.SIGQUIT):
        """At once: clients are cut off, what was not committed is gone."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(90)
        self.process = None

    def log(self):
        if not os.path.exists(self.path("log")):
            return ""
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def close(self):
        """Ends it and removes the scratch directory; harmless when done before."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
