"""The shell around the core: takes messages in, commits batches, carries out calls."""
