"""All peers, in the order of the table."""

from benchmarks.peers.conveyor import Conveyor
from benchmarks.peers.dbos import Dbos, DbosPostgres
from benchmarks.peers.n8n import N8n
from benchmarks.peers.node_red import NodeRed
from benchmarks.peers.peer import Peer
from benchmarks.peers.prefect import Prefect
from benchmarks.peers.procrastinate import Procrastinate

PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Conveyor(),
        Dbos(),
        DbosPostgres(),
        NodeRed(),
        N8n(),
        Procrastinate(),
        Prefect(),
    )
}
