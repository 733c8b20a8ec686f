"""From a YAML file to a compiled graph, with every fault found on the way."""
