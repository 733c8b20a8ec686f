"""The node types that Conveyor comes with: one file each, found by entry point."""
