from engine.definition import drawing_of
from engine.definition.picture.drawing import Drawing, Line, LineKind, Shape

TEXT = """\
process: p
title: A process
nodes:
  start: {type: start, next: work}
  work:
    type: step
    title: Work
    position: [10, 20]
    next: choose
    error: failed
    timeout: {after: 30s, next: failed}
    limit: {tasks: 5, next: done}
    alert: {tasks: 9, next: done}
  choose:
    type: choose
    cases:
      - {when: "age >= 18 and country in ['AT', 'DE', 'UA', 'PL', 'CZ']", next: done}
      - {when: "true", next: start}
    else: odd
  odd:
    type: odd
    doubt: {next: done}
    rules:
      - {all: [{param: code, fun: eq, const: "429", cast: number}, {param: a, fun: less, const: 3}], next: done}
    next: done
  done: {type: end}
  failed: {type: end, result: error}
"""


def test_drawing_has_every_node_and_every_link(load):
    (definition,) = load(TEXT).checked()

    drawing = drawing_of(definition)

    assert drawing == Drawing(
        "A process",
        [
            Shape("start", "start", "start"),
            Shape("work", "step", "Work", position=(10, 20)),
            Shape("choose", "choose", "choose"),
            Shape("odd", "odd", "odd"),
            Shape("done", "end", "done", result="success"),
            Shape("failed", "end", "failed", is_escalation=True, result="error"),
        ],
        [
            Line("start", "work", LineKind.NEXT),
            Line("work", "choose", LineKind.NEXT),
            Line("work", "failed", LineKind.ERROR),
            Line("work", "failed", LineKind.TIMEOUT, "30s"),
            Line("work", "done", LineKind.LIMIT, "5"),
            Line("work", "done", LineKind.MESSAGE, "9"),
            Line(
                "choose", "done", LineKind.CASE, "age >= 18 and country in ['AT', 'DE', 'UA', 'PL…"
            ),
            Line("choose", "start", LineKind.CASE, "true"),
            Line("choose", "odd", LineKind.ELSE),
            Line("odd", "done", LineKind.CASE, "doubt"),
            Line("odd", "done", LineKind.CASE, "code eq 429 and a less 3"),
            Line("odd", "done", LineKind.NEXT),
        ],
    )


def test_tasks_that_stand_in_nodes_are_drawn_if_given(load):
    (definition,) = load(TEXT).checked()

    drawing = drawing_of(definition, {"work": 3})

    assert [shape.standing for shape in drawing.shapes] == [0, 3, 0, 0, 0, 0]


def test_broken_process_is_drawn_as_far_as_it_goes(catalog):
    from engine.definition.reader import read_definition

    text = "process: p\nnodes:\n  s: {type: start, next: x}\n  x: {type: what, next: y}\n  e: {type: end, result: 3}\n"
    definition, _ = read_definition(text, "p.yaml", catalog)

    drawing = drawing_of(definition)

    assert drawing.shapes == [Shape("s", "start", "s"), Shape("x", "", "x"), Shape("e", "end", "e")]
    assert drawing.lines == [Line("s", "x")]
