"""`engine twilio`."""

import socket
import urllib.request

from command_line import Engine, interrupt, line_with


def test_the_simulator_says_where_it_listens_and_stops_on_ctrl_c(tmp_path):
    simulator = Engine(tmp_path).start("twilio", "--port", "0", "--speed", "10")

    url = line_with(simulator, "http://").split()[-1]
    line_with(simulator, "Ctrl-C")
    with urllib.request.urlopen(f"{url}/_messages") as answer:
        status = answer.status
    stopped = interrupt(simulator)

    assert status == 200
    assert stopped.code == 0
    assert "Traceback" not in stopped.out


def test_a_port_in_use_is_exit_5_in_words(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = Engine(tmp_path)("twilio", "--port", str(taken.getsockname()[1]))

    assert refused.code == 5
    assert "Can't listen on 127.0.0.1 port" in refused.err


def test_a_speed_that_makes_no_sense_is_wrong_usage(tmp_path):
    refused = Engine(tmp_path)("twilio", "--speed", "0")

    assert refused.code == 2
