"""Process files that were damaged: the examples and those of the documentation, changed at random.

Each has a number, by which it can be made again:

    python -m tests.definition.mutations [--number 100000] [--from 0] [--seed 4] [--workers 2]
    python -m tests.definition.mutations --show 4711

Every file goes through `engine check`. The command says what broke, which answers took longer
than a second of the processor, and which were the slowest.
"""

import argparse
import functools
import json
import random
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import yaml

from tests.definition.checked import Checked, check_file
from tests.definition.odd_values import (
    BAD_BYTES,
    ODD_PATTERNS,
    ODD_TEMPLATES,
    ODD_TEXTS,
    TOKENS,
    TYPES,
)

ROOT = Path(__file__).parents[2]
SEED = "4"
LONGEST_S = 1.0
A_PART = 250

FENCED = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@functools.cache
def seeds() -> tuple[str, ...]:
    """The examples, and every process in the documentation."""
    files = sorted(ROOT.glob("processes/*/*.yaml"))
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    fenced = (text for page in pages for text in FENCED.findall(page.read_text(encoding="utf-8")))
    found = [*(file.read_text(encoding="utf-8") for file in files), *fenced]
    return tuple(text for text in found if "process:" in text and "nodes:" in text)


def mutated(number: int, seed: str = SEED) -> bytes:
    """Makes the file of this number: one to four changes, those of its tree before those of its text."""
    rng = random.Random(f"{seed}/{number}")
    text = rng.choice(seeds())
    for _ in range(rng.choice((0, 1, 1, 2))):
        text = _of_tree(rng, text)
    is_large = rng.random() < 0.08
    if is_large:
        text = rng.choice(LARGE)(rng, text)
    # Most damage to the text ends in a syntax error: what lies behind must be come to as well.
    for _ in range(rng.choice((0, 0, 0, 1) if is_large else (0, 0, 1, 1, 2))):
        text = rng.choice(OF_TEXT)(rng, text)
    content = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        content = rng.choice(OF_BYTES)(rng, content)
    return content


# Bytes.


def _odd_bytes(rng, content):
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(BAD_BYTES) + content[at + rng.choice((0, 1)) :]


def _flipped_bits(rng, content):
    changed = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut_off(rng, content):
    return content[: rng.randint(0, len(content))]


def _other_encoding(rng, content):
    return content.decode("utf-8", "replace").encode(
        rng.choice(("utf-16", "utf-32", "utf-8-sig", "cp1251")), "replace"
    )


def _shuffled_block(rng, content):
    at, length = rng.randint(0, len(content)), rng.randint(1, 64)
    block = bytearray(content[at : at + length])
    rng.shuffle(block)
    return content[:at] + bytes(block) + content[at + length :]


OF_BYTES = (_odd_bytes, _flipped_bits, _cut_off, _other_encoding, _shuffled_block)

# Characters, lines, indentation, tokens.


def _pieces(rng, text):
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(text))
        piece = rng.choice(rng.choice((TOKENS, ODD_TEXTS, ODD_TEMPLATES, ODD_PATTERNS)))
        text = text[:at] + piece + text[at + rng.choice((0, 0, 1, 3, 20)) :]
    return text


def _characters(rng, text):
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(text))
        other = chr(
            rng.choice((rng.randrange(32, 127), rng.randrange(0x2100), rng.randrange(0x110000)))
        )
        text = text[:at] + rng.choice(("", other, text[at : at + 1] * 2)) + text[at + 1 :]
    return text


def _lines(rng, text):
    lines = text.split("\n")
    for _ in range(rng.randint(1, 4)):
        one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
        change = rng.randrange(5)
        if change == 0:
            lines[one], lines[two] = lines[two], lines[one]
        elif change == 1:
            lines.insert(one, lines[two])
        elif change == 2 and len(lines) > 1:
            del lines[one]
        elif change == 3:
            lines[one] += lines[two].strip()
        else:
            lines[one:two] = reversed(lines[one:two])
    return "\n".join(lines)


def _indentation(rng, text):
    lines = text.split("\n")
    begin = rng.randrange(len(lines))
    shift = rng.choice((-8, -4, -2, -1, 1, 2, 3, 4, 8, 70, 2000))
    for at in range(begin, min(begin + rng.choice((1, 1, 3, 10)), len(lines))):
        lines[at] = (
            " " * shift + lines[at] if shift > 0 else lines[at][min(-shift, _margin(lines[at])) :]
        )
        if rng.random() < 0.1:
            lines[at] = "\t" + lines[at].lstrip(" ")
    return "\n".join(lines)


def _margin(line):
    return len(line) - len(line.lstrip(" "))


def _line_ends(rng, text):
    return text.replace("\n", rng.choice(("\r\n", "\r", "\n\n", "\x85", "\u2028", " \n", "\n\t")))


def _value(rng, text):
    """Another value after a key or a dash."""
    places = [match.end() for match in re.finditer(r"(?:: |- )", text)]
    if not places:
        return text
    at = rng.choice(places)
    end = (
        min(found for found in (text.find(mark, at) for mark in "\n,}]") if found >= 0)
        if any(text.find(mark, at) >= 0 for mark in "\n,}]")
        else len(text)
    )
    odd = rng.choice(rng.choice((TOKENS, ODD_TEXTS, ODD_TEMPLATES, ODD_PATTERNS)))
    return text[:at] + rng.choice((odd, f"'{odd}'", json.dumps(odd))) + text[end:]


def _anchored(rng, text):
    """Anchors and aliases at random values."""
    for name in "ab"[: rng.randint(1, 2)]:
        places = [match.end() for match in re.finditer(r"(?:: |- )", text)]
        if len(places) > 1:
            first, second = sorted(rng.sample(places, 2))
            text = text[:first] + f"&{name} " + text[first:second] + f" *{name} " + text[second:]
    return text


def _spliced(rng, text):
    other = rng.choice(seeds())
    return text[: rng.randint(0, len(text))] + other[rng.randint(0, len(other)) :]


def _repeated(rng, text):
    at, length = rng.randint(0, len(text)), rng.randint(1, 400)
    return text[:at] + text[at : at + length] * rng.choice((2, 2, 3, 10, 50)) + text[at:]


OF_TEXT = (
    _pieces, _pieces, _characters, _lines, _indentation, _line_ends, _value, _value, _value,
    _anchored, _spliced, _repeated,
)  # fmt: skip

# Large and deep ones.


def _added(text, lines):
    return text + "\n" + lines + "\n"


def _alias_bomb(rng, text):
    width, depth = rng.randint(2, 10), rng.randint(2, 30)
    rows = [f"  a0: &a0 [{', '.join('x' * width)}]"]
    rows += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return _added(text, "bomb:\n" + "\n".join(rows))


def _nested(rng, text):
    depth = rng.choice((30, 63, 64, 65, 200, 5000, 100_000))
    opening, closing = rng.choice((("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")))
    if rng.random() < 0.5:
        return _added(text, "deep: " + opening * depth + "1" + closing * depth)
    return _added(text, "deep:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, min(depth, 1200))))


def _huge_scalar(rng, text):
    size = rng.choice((10_000, 65_536, 200_000, 1_000_000, 1_100_000))
    unit = rng.choice(
        ("x", "9", " ", "é", "{{ a }}", "\\n", "a: b, ", "(a+)+", "'", "-", "1.", "😀")
    )
    huge = (unit * (size // len(unit) + 1))[:size]
    key = rng.choice(("title", "description", "process", "on", "x", "params", "nodes", "schedule"))
    quote = rng.choice(("", "'", '"', "|\n  ", ">\n  "))
    return _added(text, f"{key}: {quote}{huge}{quote if quote in ('', *chr(34), *chr(39)) else ''}")


def _many_nodes(rng, text):
    """Thousands of nodes, in a row, in a ring, each to all, or with templates."""
    count = rng.choice((50, 500, 2000, 3300, 6000))
    row = rng.choice((
        "  n{n}: {{type: set_parameter, set: {{a{n}: '{{{{ a{m} }}}}'}}, next: n{m}, error: n0}}",
        "  n{n}: {{type: delay, for: 1s, next: n{m}}}",
        "  n{n}: {{type: condition, cases: [{{when: a{n} > b, next: n{m}}}, {{when: c, next: n0}}], else: n{n}}}",
        "  n{n}: {{type: copy_task, process: q{n}, data: {{a: '{{{{ b }}}}'}}, next: n{m}, error: n{m}}}",
        "  n{n}: {{type: waiting_for_callback, match: {{ref: a}}, timeout: {{after: 1h, next: n{m}}}, next: nn{m}}}",
        "  n{n}: {{type: unknown{n}, next: n{m}}}",
        "  n{n}: {{}}",
        "  n{n}: {{type: end}}",
        "  N{n}: {{type: start, next: n{m}}}",
    ))  # fmt: skip
    begin = re.search(r"^nodes:\n", text, re.MULTILINE)
    rows = "\n".join(row.format(n=n, m=(n * 7 + 1) % count) for n in range(count)) + "\n"
    return text[: begin.end()] + rows + text[begin.end() :] if begin else text + "nodes:\n" + rows


def _many_values(rng, text):
    """Thousands of cases, parameters, keys or templates in one node."""
    count = rng.choice((200, 3000, 9000, 30_000))
    what = rng.choice((
        ("nodes:\n  many:\n    type: condition\n    else: done\n    cases:\n", "      - {{when: a{n} == {n}, next: done}}\n"),
        ("nodes:\n  many:\n    type: set_parameter\n    next: done\n    error: done\n    set:\n", "      a{n}: '{{{{ a{n} }}}}'\n"),
        ("params:\n", "  p{n}: {{type: string, regex: '^(a|b){{{n}}}$'}}\n"),
        ("nodes:\n  many:\n    type: end\n", "    key{n}: {n}\n"),
        ("params:\n", "  p: {{type: strin{n}}}\n"),
        ("schedule:\n", "  - {{cron: '*/{n} * * * *', data: {{a: {n}}}}}\n"),
        ("", "key{n}: {n}\n"),
        ("list:\n", "- *a{n}\n"),
        ("list:\n", "- &a{n} x\n"),
        ("", "# {n}\n"),
        ("", "same: 1\n"),
    ))  # fmt: skip
    rows = what[0] + "".join(what[1].format(n=n) for n in range(count))
    if what[0].startswith("nodes") and rng.random() < 0.7:
        return text.replace("nodes:\n", rows, 1)
    return rng.choice((_added(text, rows), rows + text))


def _long_line(rng, text):
    return " ".join(line.strip() for line in text.split("\n")) * rng.choice((1, 3, 100))


LARGE = (
    _alias_bomb,
    _nested,
    _huge_scalar,
    _many_nodes,
    _many_nodes,
    _many_values,
    _many_values,
    _long_line,
)

# The tree.


def _of_tree(rng, text):
    """Changes the parsed tree and writes it again, as YAML of one kind or another, or as JSON."""
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    if not isinstance(tree, dict):
        return text
    for _ in range(rng.randint(1, 4)):
        containers = list(_containers(tree))
        if containers:
            rng.choice(OF_TREE)(rng, rng.choice(containers), tree)
    try:
        return rng.choice(WRITERS)(tree)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return text


WRITERS = (
    lambda tree: yaml.safe_dump(tree, sort_keys=False, allow_unicode=True),
    lambda tree: yaml.safe_dump(tree, default_flow_style=True, width=10**6),
    lambda tree: yaml.safe_dump(tree, indent=7, default_style='"'),
    lambda tree: json.dumps(tree, indent=1),
    lambda tree: json.dumps(tree, ensure_ascii=False),
)


def _containers(tree):
    """The mappings and lists of a tree; one that an alias repeats once."""
    seen, waiting = set(), [tree]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict | list) and id(found) not in seen:
            seen.add(id(found))
            if found:
                yield found
            waiting.extend(found.values() if isinstance(found, dict) else found)


def _place(rng, container):
    return (
        rng.choice(list(container))
        if isinstance(container, dict)
        else rng.randrange(len(container))
    )


def _odd_value(rng):
    return rng.choice((
        lambda: None, lambda: True, lambda: -1, lambda: 0, lambda: 10**rng.randrange(40), lambda: 1.5e300,
        lambda: "", list, dict, lambda: [[]], lambda: {"": ""}, lambda: [None, 1, "x"],
        lambda: {"type": "end"}, lambda: {"next": "done"}, lambda: float("inf"), lambda: {1: 2, None: 3},
        lambda: rng.choice(ODD_TEXTS), lambda: rng.choice(ODD_TEXTS), lambda: rng.choice(ODD_TEMPLATES),
        lambda: rng.choice(ODD_TEMPLATES), lambda: rng.choice(ODD_PATTERNS), lambda: rng.choice(TOKENS),
        lambda: {"after": rng.choice(("1s", "-1s", "{{ a }}", 5, None)), "next": "done"},
        lambda: [{"when": rng.choice(ODD_TEMPLATES), "next": "done"}],
        lambda: [[[[[[[["x"]]]]]]]], lambda: "x" * rng.choice((254, 256, 4096, 70_000)),
    ))()  # fmt: skip


def _other_value(rng, container, tree):
    container[_place(rng, container)] = _odd_value(rng)


def _missing(rng, container, tree):
    del container[_place(rng, container)]


def _extra(rng, container, tree):
    if isinstance(container, dict):
        keys = (
            "next",
            "error",
            "type",
            "timeout",
            "limit",
            "alert",
            "when",
            "data",
            "ref",
            "x",
            "",
            "nodes",
        )
        container[rng.choice((*keys, *ODD_TEXTS))] = _odd_value(rng)
    else:
        container.insert(rng.randint(0, len(container)), _odd_value(rng))


def _renamed(rng, container, tree):
    if isinstance(container, dict):
        old = _place(rng, container)
        name = str(old)
        at = rng.randint(0, len(name))
        new = rng.choice(
            (
                name[:at] + name[at + 1 :],
                name[:at] + "x" + name[at:],
                name.upper(),
                rng.choice(ODD_TEXTS),
            )
        )
        container[new] = container.pop(old)


def _swapped(rng, container, tree):
    """Two values of the tree in each other's place."""
    other = rng.choice(list(_containers(tree)) or [container])
    if not container or not other:
        return
    here, there = _place(rng, container), _place(rng, other)
    one, two = container[here], other[there]
    if not isinstance(one, dict | list) and not isinstance(two, dict | list):
        container[here], other[there] = two, one
    else:
        container[here] = json.loads(json.dumps(two, default=str))


def _other_type(rng, container, tree):
    """Another type of node, with the keys as they were."""
    nodes = tree.get("nodes")
    if isinstance(nodes, dict) and nodes:
        node = nodes[rng.choice(list(nodes))]
        if isinstance(node, dict):
            node["type"] = rng.choice((*TYPES, "", "End", "ende", None, 5))


def _other_link(rng, container, tree):
    nodes = tree.get("nodes")
    if isinstance(nodes, dict) and isinstance(container, dict):
        targets = [*map(str, nodes), "nobody", "", "start"]
        for key in ("next", "error", "else"):
            if key in container:
                container[key] = rng.choice(targets)


OF_TREE = (
    _other_value, _other_value, _other_value, _missing, _missing, _extra, _renamed, _swapped,
    _other_type, _other_link,
)  # fmt: skip


def _check_part(first: int, number: int, seed: str) -> list[Checked]:
    return [check_file(each, mutated(each, seed)) for each in range(first, first + number)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--seed", default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", type=int)
    return parser.parse_args()


def main() -> int:
    """Checks files of these numbers and prints what was found."""
    given = _arguments()
    if given.show is not None:
        sys.stdout.buffer.write(mutated(given.show, given.seed))
        return 0
    began = perf_counter()
    starts = range(given.first, given.first + given.number, A_PART)
    found: list[Checked] = []
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        parts = [
            pool.submit(_check_part, at, min(A_PART, given.first + given.number - at), given.seed)
            for at in starts
        ]
        for at, part in zip(starts, parts, strict=True):
            try:
                found += part.result()
            except Exception as error:  # noqa: BLE001 -- a worker that dies is looked for
                print(f"the files from {at} ended their process: {error!r}")
                return 1
    return report(found, perf_counter() - began)


def report(found: list[Checked], took_s: float) -> int:
    """Prints what was found; gives the exit code."""
    wrong = [(each.number, problem) for each in found for problem in each.problems]
    slow = [each for each in found if each.cpu_s > LONGEST_S]
    for number, problem in wrong[:50]:
        print(f"{number}: {problem}")
    for each in sorted(found, key=lambda each: -each.cpu_s)[:10]:
        print(
            f"{each.number}: {each.cpu_s:.3f} s, {each.size} bytes, {', '.join(sorted(each.rules))}"
        )
    rules: dict[str, int] = {}
    for each in found:
        for rule in each.rules:
            rules[rule] = rules.get(rule, 0) + 1
    print(
        ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items(), key=lambda i: -i[1]))
    )
    right = sum(not each.rules for each in found)
    middle = sorted(each.cpu_s for each in found)[len(found) // 2]
    print(
        f"{len(found)} files in {took_s:.0f} s: {right} without a fault, {len(wrong)} problems, "
        f"{len(slow)} took over {LONGEST_S} s, half of them less than {middle * 1000:.1f} ms"
    )
    return 1 if wrong or slow else 0


if __name__ == "__main__":
    sys.exit(main())
