"""A broker of three nodes and a database with a standby, on this machine's loopback: private and thrown away.

docs/operations/cluster.md says the same for machines of one's own.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import psycopg

from tests.private_services import LOOPBACK, START_S, PostgreSQL, RabbitMQ, wait_until

NODES = 3


class Node(RabbitMQ):
    """One of several that keep the same queues. They share one name server and one cookie."""

    def __init__(self, first: Node | None = None) -> None:
        super().__init__()
        self._first = first
        if first:
            self._env["ERL_EPMD_PORT"] = first._env["ERL_EPMD_PORT"]
            cookie = self.directory / ".erlang.cookie"
            cookie.unlink()
            shutil.copy(first.directory / ".erlang.cookie", cookie)

    @property
    def name(self) -> str:
        return self._env["RABBITMQ_NODENAME"]

    def configure(self, names: Sequence[str]) -> None:
        """A node that is cut off pauses, so that nobody publishes into a part that will be forgotten."""
        lines = [
            "cluster_partition_handling = pause_minority",
            "cluster_formation.peer_discovery_backend = classic_config",
        ]
        lines += [f"cluster_formation.classic_config.nodes.{n} = {name}" for n, name in enumerate(names, 1)]
        (self.directory / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        self._env["RABBITMQ_CONFIG_FILE"] = str(self.directory / "rabbitmq")

    def cut_off_from(self, others: Sequence[Node]) -> None:
        """The network parts them: each refuses whatever the other says."""
        self._evaluate(others, "erlang:set_cookie(N, cut), erlang:disconnect_node(N)")

    def join_again(self, others: Sequence[Node]) -> None:
        self._evaluate(others, "erlang:set_cookie(N, erlang:get_cookie()), net_kernel:connect_node(N)")

    def _evaluate(self, others: Sequence[Node], said: str) -> None:
        names = ", ".join(f"'{other.name}'" for other in others)
        self.rabbitmqctl("eval", f"[begin {said} end || N <- [{names}]].")

    def _launch(self) -> subprocess.Popen[bytes]:
        if self._first:
            self._epmd = self._epmd or self._first._epmd
        return super()._launch()

    def close(self) -> None:
        if self._first:
            self._epmd = None  # the first one's
        super().close()


class Brokers:
    """Three nodes; a queue lives on while two of them do."""

    def __init__(self) -> None:
        first = Node()
        self.nodes = [first, *(Node(first) for _ in range(NODES - 1))]
        for node in self.nodes:
            node.configure([each.name for each in self.nodes])

    @property
    def url(self) -> str:
        return ";".join(node.url for node in self.nodes)

    def others(self, node: Node) -> list[Node]:
        return [each for each in self.nodes if each is not node]

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        wait_until(lambda: self.running() == NODES, "the nodes do not find each other")

    def running(self) -> int:
        """How many nodes serve, as the first that is asked sees it."""
        node = next(each for each in self.nodes if each.running)
        return int(node.rabbitmqctl("eval", "length(rabbit_nodes:all_running())."))

    def await_registered(self, *queues: str) -> None:
        for node in self.nodes:
            if node.running:
                node.await_registered(*queues)

    def close(self) -> None:
        for node in reversed(self.nodes):
            node.close()


class Standby(PostgreSQL):
    """A copy of another server that follows it; `promote` makes it one of its own."""

    def __init__(self, primary: PostgreSQL) -> None:
        self._primary = primary
        super().__init__(fsync=True)

    def promote(self) -> None:
        self._tool("pg_ctl", "promote", "-w", "-D", str(self._data))

    def _fill(self) -> None:
        self._tool("pg_basebackup", "-D", str(self._data), "-R", "-X", "stream", "-c", "fast", "--no-sync",
                   "-d", f"host={LOOPBACK} port={self._primary.port} user=app")  # fmt: skip
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = ''\n")

    def _tool(self, name: str, *arguments: str) -> None:
        tool = self._spawn([str(self._bin / name), *arguments], self._env, self._user)
        if tool.wait(START_S):
            raise RuntimeError((self.directory / "out").read_text(errors="replace")[-2000:])


class Pair:
    """A primary and a standby that has every commit before the client hears of it."""

    def __init__(self) -> None:
        self.primary: PostgreSQL = PostgreSQL(fsync=True)
        self.primary.start()
        self.standby = self._follower()
        self._ports = (self.primary.port, self.standby.port)

    def new_database(self) -> str:
        """Its address, which leads to whichever of the two takes writes."""
        name = self.primary.new_database().rpartition("/")[2]
        hosts = "&".join(f"host={LOOPBACK}:{port}" for port in self._ports)
        return f"postgresql+psycopg://app@/{name}?{hosts}&target_session_attrs=read-write"

    def lose_primary(self) -> PostgreSQL:
        """The primary dies, and never comes back as one; the standby takes its place."""
        lost, self.primary = self.primary, self.standby
        lost.kill()
        self.standby.promote()
        return lost

    def replace(self, lost: PostgreSQL) -> None:
        """A new standby where the lost primary was, on its port."""
        port = lost.port
        lost.close()
        self.standby = self._follower(port)

    def close(self) -> None:
        for server in {self.primary, self.standby}:
            server.close()

    def _follower(self, port: int | None = None) -> Standby:
        follower = Standby(self.primary)
        follower.port = port or follower.port
        follower.start()
        self._say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self._say("SELECT pg_reload_conf()")
        wait_until(self._is_in_step, "the standby does not follow")
        return follower

    def _is_in_step(self) -> bool:
        return self._say("SELECT sync_state FROM pg_stat_replication") == [("sync",)]

    def _say(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.primary.url.replace("+psycopg", ""), autocommit=True) as connection:
            found = connection.execute(statement)
            return list(found.fetchall()) if found.description else []
