"""Tags and texts of failures, in Corezoid's words."""

from engine.core.graph import GraphNode


def size_text(size: int, limit: int) -> str:
    """Says that a task is too large, in Corezoid's words."""
    return (
        f"Your task size: {size} bytes, Max available task size: {limit} bytes, "
        "Try to change your data or try to split your task"
    )


def conversion_tag(node: GraphNode) -> str:
    """Gives the tag with which a node of this type fails when a value can't be converted."""
    prefixes = node.type.prefixes
    named = f"{prefixes[0]}_wrong_convert_param" if prefixes else "template_error"
    return node.type.conversion_tag or named


def fatal_tag(node: GraphNode) -> str:
    """Gives the tag with which a node of this type fails by a fault of the engine."""
    prefixes = node.type.prefixes
    return node.type.fatal_tag or f"{prefixes[0] if prefixes else node.type.type}_fatal_error"


def size_tag(node: GraphNode) -> str:
    """Gives the tag with which a node of this type fails when a task grows too large."""
    prefixes = node.type.prefixes
    return node.type.size_tag or f"{prefixes[0] if prefixes else 'task'}_size_overflow_limit"
