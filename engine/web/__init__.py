"""What listens on the engine's port."""
