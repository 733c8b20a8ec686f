from dataclasses import replace
from itertools import combinations, pairwise, product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definition.picture.box import Rect
from engine.definition.picture.drawing import (
    Arrangement,
    Drawing,
    Line,
    LineKind,
    Message,
    Picture,
    Shape,
)
from engine.definition.picture.layout import lay_out

TYPES = ["api_call", "condition", "delay", "set_parameter", "reply_to_process", "queue", "foreign"]
NO_HURRY = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))


def box_of(layout, name, drawing=0):
    return next(
        box.rect for box in layout.boxes if (box.drawing, box.face.shape.id) == (drawing, name)
    )


def route_of(layout, source, target):
    return next(
        route
        for route in layout.routes
        if (route.source.face.shape.id, route.target.face.shape.id) == (source, target)
    )


def column_of(rect):
    return round(rect.middle[0], 1)


def row_of(rect):
    return round(rect.middle[1], 1)


def stretches(route):
    for (x, y), (to_x, to_y) in pairwise(route.dots):
        yield Rect(min(x, to_x), min(y, to_y), abs(to_x - x), abs(to_y - y))


def shrink(rect):
    return Rect(rect.x + 0.2, rect.y + 0.2, rect.width - 0.4, rect.height - 0.4)


def widen(rect):
    """A stretch with two pixels of air across it."""
    if rect.width == 0:
        return Rect(rect.x - 2, rect.y + 1, 4, rect.height - 2)
    return Rect(rect.x + 1, rect.y - 2, rect.width - 2, 4)


def check_sound(layout):
    for one, two in combinations([box.rect for box in layout.boxes], 2):
        assert not one.overlaps(two)
    sheet = Rect(0, 0, layout.width, layout.height)
    for box in layout.boxes:
        assert box.rect.is_within(layout.panels[box.drawing].rect)
        assert box.rect.is_within(sheet)
    for route in layout.routes:
        for stretch in stretches(route):
            assert stretch.is_within(sheet)
            assert stretch.width == 0 or stretch.height == 0
            for box in layout.boxes:
                assert not stretch.overlaps(shrink(box.rect))


@st.composite
def drawings(draw, title="Any"):
    count = draw(st.integers(1, 40))
    names = [f"n{number}" for number in range(count)]
    shapes = [Shape("n0", "start")]
    for name in names[1:]:
        node_type = draw(st.sampled_from([*TYPES, "end"]))
        result = draw(st.sampled_from(["success", "error"])) if node_type == "end" else None
        words = draw(st.text("ab W", max_size=40))
        shapes.append(Shape(name, node_type, words, draw(st.booleans()), result))
    kinds = st.sampled_from(LineKind)
    node = st.sampled_from(names)
    lines = st.builds(Line, node, node, kinds, st.sampled_from(["", "else", "after 30s"]))
    return Drawing(title, shapes, draw(st.lists(lines, max_size=70)))


@st.composite
def pictures(draw):
    parts = [draw(drawings(f"Part {number}")) for number in range(draw(st.integers(1, 2)))]
    ends = st.sampled_from(
        [(number, shape.id) for number, part in enumerate(parts) for shape in part.shapes]
    )
    messages = draw(st.lists(st.builds(Message, ends, ends, st.just("ref = ref")), max_size=3))
    return Picture(parts, messages)


@NO_HURRY
@given(pictures())
def test_no_box_overlaps_another_and_no_line_runs_through_one(picture):
    layout = lay_out(picture)

    check_sound(layout)


@NO_HURRY
@given(pictures())
def test_drawings_below_one_another_are_as_sound(picture):
    layout = lay_out(replace(picture, arrangement=Arrangement.BELOW))

    check_sound(layout)


@NO_HURRY
@given(drawings(), st.data())
def test_positions_of_an_author_that_collide_are_pulled_apart(drawing, data):
    spot = st.tuples(st.integers(0, 900), st.integers(0, 900))
    placed = [replace(shape, position=data.draw(spot)) for shape in drawing.shapes]

    layout = lay_out(Picture([replace(drawing, shapes=placed)]))

    check_sound(layout)


@NO_HURRY
@given(pictures())
def test_every_node_and_every_line_has_its_place(picture):
    layout = lay_out(picture)

    nodes = {(n, s.id) for n, d in enumerate(picture.drawings) for s in d.shapes}
    assert {(box.drawing, box.face.shape.id) for box in layout.boxes} == nodes
    lines = {(n, i.source, i.target) for n, d in enumerate(picture.drawings) for i in d.lines}
    drawn = {
        (route.source.drawing, route.source.face.shape.id, route.target.face.shape.id)
        for route in layout.routes
    }
    assert drawn >= lines


@NO_HURRY
@given(pictures())
def test_the_same_picture_is_always_laid_out_the_same(picture):
    assert lay_out(picture) == lay_out(picture)


def test_the_happy_path_runs_straight_down(sms):
    layout = lay_out(sms)

    path = ["start", "calling", "is_received", "copy", "waiting", "return_status", "sent"]
    boxes = [box_of(layout, name) for name in path]
    assert len({column_of(box) for box in boxes}) == 1
    assert [box.y for box in boxes] == sorted(box.y for box in boxes)
    for source, target in pairwise(path):
        assert len(route_of(layout, source, target).dots) == 2


def test_an_error_path_stands_to_the_right_of_the_node_that_failed(sms):
    layout = lay_out(sms)

    failed, caught = box_of(layout, "calling"), box_of(layout, "what_failed")
    assert row_of(caught) == row_of(failed)
    assert caught.x > failed.x + failed.width
    assert len(route_of(layout, "calling", "what_failed").dots) == 2


def test_every_error_path_is_in_the_rail_and_smaller(sms):
    layout = lay_out(sms)

    spine = box_of(layout, "calling")
    aside = [box for box in layout.boxes if box.is_aside]
    assert {box.face.shape.id for box in aside} >= {"later", "refused", "exit_refused", "empty"}
    for box in aside:
        assert box.rect.x > spine.x + spine.width
        assert box.rect.width < spine.width


def test_a_delay_before_a_retry_stands_beside_the_condition(sms):
    layout = lay_out(sms)

    assert row_of(box_of(layout, "later")) == row_of(box_of(layout, "what_failed"))


def test_a_loop_goes_around_the_side(sms):
    layout = lay_out(sms)

    loop = route_of(layout, "status", "callback")
    column = box_of(layout, "callback", drawing=1)
    turn = loop.dots[1]
    assert turn[0] < column.x or turn[0] > column.x + column.width
    assert len(loop.dots) == 4


def test_a_loop_upwards_through_the_gap_between_two_nodes_goes_around_too():
    shapes = [
        Shape("below", "start", position=(0, 100)),
        Shape("above", "api_call", position=(0, 0)),
    ]
    lines = [Line("below", "above"), Line("above", "below", LineKind.ERROR)]

    layout = lay_out(Picture([Drawing("Turned", shapes, lines)]))

    check_sound(layout)
    for route in layout.routes:
        assert len(set(route.dots)) == len(route.dots) == 4


def test_two_cases_to_one_node_are_one_line_with_both_labels(sms):
    layout = lay_out(sms)

    assert route_of(layout, "status", "modify").label.text == "delivered · failed"


def test_labels_cover_neither_nodes_nor_each_other(sms):
    layout = lay_out(sms)

    labels = [route.label.rect for route in layout.routes if route.label]
    assert len(labels) == 12
    for one, two in combinations(labels, 2):
        assert not one.overlaps(two)
    for label in labels:
        assert not any(label.overlaps(box.rect) for box in layout.boxes)


def test_lines_of_different_ends_never_lie_on_one_another(sms):
    layout = lay_out(sms)

    for one, two in combinations(layout.routes, 2):
        if one.dots[0] == two.dots[0] or one.dots[-1] == two.dots[-1]:
            continue
        for part, other in product(stretches(one), stretches(two)):
            if (part.width == 0) == (other.width == 0):
                assert not widen(part).overlaps(other)


def test_the_picture_of_the_example_fits_a_page(sms):
    layout = lay_out(sms)

    assert layout.width <= 1100


def test_branches_that_meet_again_meet_below_all_of_them():
    lines = [
        Line("start", "kind"),
        Line("kind", "a", LineKind.CASE, "a"),
        Line("kind", "b", LineKind.ELSE, "b"),
        Line("a", "join"),
        Line("b", "b2"),
        Line("b2", "b3"),
        Line("b3", "join"),
        Line("join", "end"),
    ]
    names = ["kind", "a", "b", "b2", "b3", "join"]
    shapes = [
        Shape("start", "start"),
        *(Shape(name, "set_parameter") for name in names),
        Shape("end", "end", result="success"),
    ]

    layout = lay_out(Picture([Drawing("Join", shapes, lines)]))

    assert all(box_of(layout, "join").y > box_of(layout, name).y for name in ("a", "b3"))
    assert column_of(box_of(layout, "b")) == column_of(box_of(layout, "b3"))


def test_a_new_branch_moves_nothing_above_it(sending):
    shapes = [*sending.shapes, Shape("ask", "api_call", "Ask", is_escalation=True)]
    lines = [*sending.lines, Line("return_status", "ask", LineKind.ERROR)]
    more = replace(sending, shapes=shapes, lines=lines)

    before, after = lay_out(Picture([sending])), lay_out(Picture([more]))

    for name in ("start", "calling", "what_failed", "refused", "copy", "copy_failed"):
        assert box_of(after, name) == box_of(before, name)


def test_the_arrangement_of_an_author_is_kept():
    shapes = [
        Shape("start", "start", position=(500, 0)),
        Shape("left", "api_call", position=(100, 200)),
        Shape("right", "api_call", position=(900, 210)),
        Shape("end", "end", position=(500, 400)),
    ]
    lines = [Line("start", "left"), Line("start", "right", LineKind.ERROR), Line("left", "end")]

    layout = lay_out(Picture([Drawing("Placed", shapes, lines)]))

    left, right = box_of(layout, "left"), box_of(layout, "right")
    assert row_of(left) == row_of(right)
    assert left.x < box_of(layout, "start").x < right.x
    assert column_of(box_of(layout, "start")) == column_of(box_of(layout, "end"))
    assert box_of(layout, "end").y > left.y


def test_positions_count_only_if_every_node_has_one():
    shapes = [Shape("start", "start", position=(900, 900)), Shape("end", "end")]

    layout = lay_out(Picture([Drawing("Half", shapes, [Line("start", "end")])]))

    assert column_of(box_of(layout, "start")) == column_of(box_of(layout, "end"))
    assert box_of(layout, "start").y < box_of(layout, "end").y


def test_a_node_that_leads_to_itself_has_a_loop_beside_it():
    shapes = [Shape("start", "start"), Shape("wait", "queue")]
    lines = [Line("start", "wait"), Line("wait", "wait", LineKind.LIMIT, "over 100")]

    layout = lay_out(Picture([Drawing("Self", shapes, lines)]))

    loop = route_of(layout, "wait", "wait")
    box = box_of(layout, "wait")
    assert loop.dots[0][0] == box.x + box.width
    assert loop.dots[-1][1] == box.y


def test_a_long_chain_aside_is_laid_out():
    names = [f"n{number}" for number in range(1500)]
    shapes = [Shape("start", "start"), *(Shape(n, "condition", is_escalation=True) for n in names)]
    lines = [Line("start", "n0", LineKind.ERROR), *(Line(a, b) for a, b in pairwise(names))]

    layout = lay_out(Picture([Drawing("Long", shapes, lines)]))

    assert len(layout.boxes) == 1501


def test_a_drawing_without_nodes_is_an_empty_frame():
    layout = lay_out(Picture([Drawing("Nothing", [])]))

    assert [panel.title for panel in layout.panels] == ["Nothing"]
    assert layout.boxes == ()


def test_a_picture_without_drawings_is_a_blank_sheet():
    layout = lay_out(Picture([]))

    assert layout.panels == ()
    assert layout.width > 0


def test_a_message_runs_from_one_drawing_to_the_other(sms):
    layout = lay_out(sms)

    messages = [route for route in layout.routes if route.kind is LineKind.MESSAGE]
    assert [(m.source.drawing, m.target.drawing, m.label.text) for m in messages] == [
        (0, 1, "ref = sid"),
        (1, 0, "ref = ref"),
    ]


def test_messages_between_the_same_nodes_are_one_line(callback):
    ends = ((0, "modify"), (1, "callback"))
    picture = Picture([callback, callback], [Message(*ends, "a"), Message(*ends, "b")])

    layout = lay_out(picture)

    messages = [route for route in layout.routes if route.kind is LineKind.MESSAGE]
    assert [route.label.text for route in messages] == ["a · b"]


def test_an_end_without_room_beside_its_node_stands_below_it():
    tall = ["y1", "y2", "y3", "y4"]
    shapes = [
        Shape("start", "start"),
        *(Shape(name, "api_call") for name in ("a", "b", "d")),
        *(Shape(name, "code", is_escalation=True) for name in ("c", "x", *tall, "reply")),
        Shape("x_end", "end", is_escalation=True),
        Shape("reply_end", "end", is_escalation=True),
        Shape("done", "end", result="success"),
    ]
    lines = [
        *(Line(one, two) for one, two in pairwise(["start", "a", "b", "d", "done"])),
        Line("a", "c", LineKind.ERROR),
        Line("c", "x", LineKind.CASE),
        Line("x", "x_end"),
        Line("c", "y1", LineKind.ELSE),
        *(Line(one, two) for one, two in pairwise(tall)),
        Line("b", "reply", LineKind.ERROR),
        Line("d", "reply", LineKind.ERROR),
        Line("reply", "reply_end"),
    ]

    layout = lay_out(Picture([Drawing("Tight", shapes, lines)]))

    assert column_of(box_of(layout, "reply_end")) == column_of(box_of(layout, "reply"))
    assert box_of(layout, "reply_end").y > box_of(layout, "reply").y


def test_a_choice_of_sixty_is_laid_out():
    names = [f"n{number}" for number in range(60)]
    shapes = [
        Shape("start", "start"),
        Shape("choice", "condition"),
        *(Shape(name, "end", result="success") for name in names),
    ]
    lines = [
        Line("start", "choice"),
        *(Line("choice", name, LineKind.CASE, name) for name in names),
    ]

    check_sound(lay_out(Picture([Drawing("Wide", shapes, lines)])))


def test_a_gap_with_very_many_lines_is_laid_out():
    names = [f"n{number}" for number in range(300)]
    shapes = [Shape(name, "api_call") for name in names]
    skips = [Line(one, two, LineKind.ERROR) for one, two in zip(names, names[9:], strict=False)]
    lines = [*(Line(one, two) for one, two in pairwise(names)), *skips]

    check_sound(lay_out(Picture([Drawing("Many", shapes, lines)])))
