"""Start: the one entrance of a process."""

from engine.node import Go, NodeType, NoSettings, Outcome, Visit


class Start(NodeType[NoSettings]):
    """Lets a task in and sends it on."""

    type = "start"
    title = "Start"
    can_fail = False
    is_start = True

    def enter(self, settings: NoSettings, visit: Visit) -> Outcome:  # noqa: ARG002 -- nothing to read
        return Go()
