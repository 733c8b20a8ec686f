from dataclasses import replace

import pytest

from engine.core.graph import HistoryMode, ProcessStatus
from engine.core.node import Alert, Constant, Limit, Timeout
from engine.core.parameter import ParameterType
from engine.definition import compile_graph, hex_id

GREET = """\
process: greet
title: Greet
status: paused
history: errors
retention: 2h
unique_ref: false
params:
  phone: {required: true, regex: '^[0-9]+$', regex_error: digits only, max_length: 5}
  token: {secret: true}
  count: {type: number, default: 3, output: true, auto_clear: true, min_length: 1, description: n}
nodes:
  start: {type: start, next: send}
  send:
    type: step
    title: Send it
    next: pause
    error: failed
    timeout: {after: 30s, next: done}
    limit: {tasks: 5, next: done}
    alert: {tasks: 9}
  pause: {type: pause, for: 1s, next: third}
  third: {type: step, next: fourth, error: sorry}
  fourth: {type: choose, cases: [{when: error.attempt < 3, next: send}], else: done}
  failed: {type: choose, cases: [{when: error.attempt < 3, next: send}], else: done}
  sorry: {type: end, result: error, escalation: false}
  done: {type: end, escalation: true}
"""


@pytest.fixture
def graph(load):
    (definition,) = load(GREET).checked()
    return compile_graph(definition, version=4, conv_id=77)


def test_process_keys_are_carried_over(graph):
    assert (graph.process, graph.title, graph.start) == ("greet", "Greet", "start")
    assert (graph.version, graph.conv_id) == (4, 77)
    assert graph.status is ProcessStatus.PAUSED
    assert graph.history is HistoryMode.ERRORS
    assert graph.retention == 7_200_000_000
    assert graph.has_unique_refs is False
    assert graph.secrets == {"token"}


def test_parameters_are_compiled(graph):
    phone, count = graph.parameters["phone"], graph.parameters["count"]

    assert phone.required
    assert phone.regex.search("123")
    assert not phone.regex.search("abc")
    assert (phone.regex_error, phone.max_length) == ("digits only", 5)
    assert (count.type, count.default, count.regex) == (ParameterType.NUMBER, 3, None)
    assert (count.output, count.auto_clear, count.min_length) == (True, True, 1)


def test_node_has_its_links_and_semaphores(graph):
    send = graph.nodes["send"]

    assert (send.id, send.title, send.next, send.error) == ("send", "Send it", "pause", "failed")
    assert send.timeout == Timeout(Constant(30_000_000), "done")
    assert send.limit == Limit(5, "done")
    assert send.alert == Alert(9, None)
    assert graph.nodes["done"].title == "done"
    assert graph.nodes["done"].next == ""


def test_targets_of_error_are_escalations_unless_they_say_otherwise(graph):
    assert [name for name, node in graph.nodes.items() if node.is_escalation] == ["failed", "done"]


def test_short_cycle_has_at_most_three_nodes(graph):
    # send → failed → send is short; send → pause → third → fourth → send is not.
    short = [name for name, node in graph.nodes.items() if node.is_in_short_cycle]

    assert short == ["send", "failed"]


def test_hex_id_is_made_of_process_and_node(graph):
    assert graph.nodes["send"].hex_id == hex_id("greet", "send")
    assert hex_id("greet", "send") == "5470334b5554127d988b7a1d"


def test_title_is_the_alias_if_left_out(load):
    text = "process: p\nnodes: {s: {type: start, next: e}, e: {type: end}}\n"
    (definition,) = load(text).checked()

    assert compile_graph(definition, version=1, conv_id=1).title == "p"


def test_definition_with_faults_is_not_compiled(load):
    (definition,) = load(GREET).definitions
    broken = replace(definition.nodes["send"], settings=None)
    no_settings = replace(definition, nodes={**definition.nodes, "send": broken})
    no_start = replace(definition, nodes={"done": definition.nodes["done"]})

    with pytest.raises(ValueError, match="the node 'send' of the process 'greet' has faults"):
        compile_graph(no_settings, version=1, conv_id=1)
    with pytest.raises(ValueError, match="has 0 start nodes"):
        compile_graph(no_start, version=1, conv_id=1)
