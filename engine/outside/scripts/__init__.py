"""Scripts of process authors: run in worker processes that can reach nothing and be killed."""
