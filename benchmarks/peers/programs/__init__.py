"""What runs in a peer's own environment: it may import the peer, and of ours only `jobs`."""
