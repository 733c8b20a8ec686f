"""Rule 4: two hundred templates that try to reach Python, or to stop the engine.

Each is refused when it is read, or ends in a TemplateError, or gives a plain JSON value.
"""

import json
import tracemalloc

import pytest
from template_scopes import GivenScope

from engine.template import TemplateError, TemplateSyntaxFault, compile_template

DATA = {
    "s": "text",
    "n": 5,
    "f": 0.5,
    "l": [1, 2, [3]],
    "o": {"k": {"m": 1}, "__class__": "just a key", "items": "a key"},
    "long": "x" * 100_000,
    "many": list(range(10_000)),
    "braces": "{{ 7 * 7 }}{% if 1 %}",
    "__conveyor_api_return_description__": "described",
}
NAMES = {"root": {"ref": "r", "data": DATA}, "env": {"URL": "http://x"}, "error": {}}
MOST_MEMORY = 16 * 1024 * 1024

UNDERSCORES = [
    "''.__class__",
    "''.__class__.__mro__[1].__subclasses__()",
    "''['__class__']",
    "''['__cla' ~ 'ss__']",
    "s.__class__.__base__",
    "s['__class__']['__mro__']",
    "[].__class__.__bases__[0]",
    "{}.__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "(1).__class__",
    "n.__class__.__init__.__globals__",
    "f.__class__",
    "l.__len__",
    "l.__getitem__(0)",
    "o.__class__",
    "o.__class__.__init__",
    "o['__init__']['__globals__']",
    "o.k.__dict__",
    "none.__class__",
    "true.__class__",
    "missing.__class__.__init__.__globals__",
    "missing._undefined_exception",
    "missing['__class__']['__init__']",
    "__class__",
    "__builtins__",
    "__import__('os')",
    "__import__('os').system('id')",
    "__builtins__.open('/etc/passwd').read()",
    "__globals__",
    "__name__",
    "__conveyor_api_return_description__.__class__",
    "root.__class__",
    "root.data.__class__",
    "root['data']['__class__']",
    "env.__class__",
    "env['__class__']",
    "env['__init__'].__globals__",
    "error.__class__.__mro__",
    "number.__globals__",
    "number.__code__.co_consts",
    "node.__wrapped__",
    "callback_url.__func__",
    "(s | upper).__class__",
    "(s | upper)['__class__']",
    "[s][0].__class__",
    "{'a': s}.a.__class__.__mro__",
    "s[0].__class__",
    "s[:].__class__",
    "l[::]['__class__']",
    "o[['__class__']]",
    "o[{'a': 1}]",
    "o[none]",
    "o[0.1]",
    "s['\\x5f\\x5fclass\\x5f\\x5f']",
    "s['\\u005f\\u005fclass__']",
    "s['\\N{LOW LINE}_class__']",
    "s[('__cl', 'ass__') | join]",
    "s['__ssalc__' | reverse]",
    "s['%c%c' % (95, 95)]",
    "s['X_class__' | replace('X', '_')]",
    "s['X19jbGFzc19f' | base64_decode]",
    "l | sort(attribute='__class__')",
    "l | join(',', attribute='__class__.__name__')",
    "[s] | sum(attribute='__len__')",
    "l | unique(attribute='__class__.__mro__')",
    "l | max(attribute='__doc__')",
]
JINJA = [
    "self",
    "self.__init__",
    "self._TemplateReference__context",
    "self.__dict__",
    "super()",
    "loop.index",
    "caller()",
    "varargs",
    "kwargs",
    "context",
    "context.environment",
    "config",
    "config.items()",
    "request",
    "request.application.__globals__",
    "url_for.__globals__",
    "get_flashed_messages.__globals__",
    "g.pop",
    "session",
    "cycler",
    "cycler('a', 'b')",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner",
    "joiner(',')",
    "joiner.__init__.__globals__",
    "namespace",
    "namespace(a=1)",
    "namespace.__init__.__globals__",
    "lipsum",
    "lipsum(n=100000)",
    "lipsum.__globals__['os']",
    "range",
    "range(10 ** 9)",
    "range(3) | list",
    "dict(a=1)",
    "dict.__base__",
    "debug",
    "debug()",
    "_('text')",
    "gettext('text')",
    "s | attr('__class__')",
    "s | attr('upper')",
    "l | map('attr', '__class__') | list",
    "l | map(attribute='__class__') | list",
    "l | select('string')",
    "l | selectattr('__class__')",
    "l | selectattr('k', '__class__')",
    "l | selectattr('k', 'eq', *many)",
    "l | reject('odd')",
    "l | groupby('__class__')",
    "l | batch(2)",
    "l | slice(10 ** 9)",
    "l | random",
    "s | format('x')",
    "'%s' | format(s)",
    "'%999999999d' | format(1)",
    "'{0.__class__}' | format(s)",
    "s | xmlattr",
    "s | safe",
    "s | escape",
    "s | forceescape",
    "s | pprint",
    "s | filesizeformat",
    "s | center(10 ** 9)",
    "s | indent(10 ** 9)",
    "s | wordwrap(1)",
    "s | urlize",
    "s | striptags",
    "s is callable",
    "number is callable",
    "s is sameas(s)",
    "s is filter",
    "s is escaped",
]
CALLS = [
    "'{0.__class__}'.format(s)",
    "'{0.__class__.__init__.__globals__}'.format(missing)",
    "'%s'.__mod__(s)",
    "s.format_map(o)",
    "s.upper()",
    "s.encode().decode()",
    "'x'.join(l)",
    "'x'.ljust(10 ** 9)",
    "'x'.zfill(10 ** 9)",
    "l.append(1)",
    "l.clear()",
    "l.sort()",
    "o.items()",
    "o.pop('k')",
    "o.update({'x': 1})",
    "o['items']()",
    "root.data.clear()",
    "s()",
    "n()",
    "''()",
    "[]()",
    "(s)()",
    "(s | upper)()",
    "number(1)(2)",
    "open('/etc/passwd')",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "getattr(s, '__class__')",
    "setattr(o, 'a', 1)",
    "type(s)",
    "vars()",
    "globals()",
    "locals()",
    "dir(s)",
    "str(s)",
    "print(s)",
    "input()",
    "breakpoint()",
    "exit()",
    "help()",
    "lambda: 1",
    "now()",
    "random_bits(64)",
    "s | random",
    "s | unixtime",
    "number(*many)",
    "number(**o)",
    "node(*l)",
    "min(*many)",
    "s | replace(*l)",
    "s | join(**o)",
    "number(number=1)",
    "s | upper(s, s, s)",
    "string(value=s, self=s)",
]
EXPENSIVE = [
    "'a' * 10 ** 9",
    "10 ** 9 * 'a'",
    "'a' * 10 ** 6 * 10 ** 6",
    "[0] * 10 ** 9",
    "[[0] * 1000] * 1000",
    "[l] * 10 ** 8",
    "long * 1000000",
    "long ~ long ~ long ~ long ~ long ~ long ~ long ~ long ~ long ~ long ~ long",
    "many * 100000",
    "many + many * 100",
    "2 ** 10 ** 9",
    "2 ** (10 ** 9)",
    "10 ** 10 ** 10 ** 10",
    "(2 ** 4000) ** 4000",
    "(-2) ** 99999999999",
    "2 ** -99999999999",
    "2.0 ** 99999",
    "0 ** -1",
    "(-1) ** 0.5",
    "9" * 4000,
    "0x" + "f" * 4000,
    "1e400",
    "1e308 * 1e308",
    "1e308 * 10 - 1e308 * 10",
    "1 << 9999999",
    "n % 0",
    "1 // 0.0",
    "9007199254740993 * 9007199254740993",
    " * ".join(["9999999999"] * 90),
    " ** ".join(["9"] * 50),
    "(2 ** 4000) | string | replace('1', long)",
    "long | replace('x', long)",
    "long | replace('', long)",
    "long | replace('x', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy')",
    "[long, long, long, long, long, long, long, long, long, long, long] | join(long)",
    "many | join(long)",
    "many | sort | reverse | unique | sum",
    "[" + ", ".join(["many | sort"] * 100) + "]",
    "[" + ", ".join(["long | sha512_hex"] * 150) + "]",
    "[" + ", ".join(["many"] * 600) + "] | tojson",
    "[" + ", ".join(["root.data"] * 300) + "]",
    "long | list | unique",
    "long | split('x')",
    "long | urlencode | urlencode | urlencode | urlencode",
    "long | tojson | tojson | tojson | tojson",
    "long" + " | base64_encode" * 30,
    "s" + " | upper" * 90,
    "s" + " | upper" * 200,
    "s" + ".a" * 1000,
    "s" + "[0]" * 1000,
    "(" * 500 + "1" + ")" * 500,
    "[" * 500 + "]" * 500,
    "{'a': " * 300 + "1" + "}" * 300,
    "not " * 900 + "s",
    "-" * 3000 + "1",
    "+ " * 1500 + "1",
    "1 if 1 else " * 300 + "1",
    "1 if " * 300 + "1",
    " + ".join(["1"] * 900),
    " and ".join(["s"] * 500),
    " < ".join(["1"] * 900),
    " ~ ".join(["long"] * 500),
    "s in " * 500 + "s",
    "[1, 2][" * 300 + "0" + "]" * 300,
    "number(" * 300 + "1" + ")" * 300,
    "1 | round(10 ** 9)",
    "1.5 | round(-(10 ** 9))",
    "long | truncate(-1)",
    "'[' * 1000000 | from_json",
    "('[' * 1000000) | from_json",
    "('[' * 900 ~ ']' * 900) | array",
    "('9' * 100000) | number",
    "('9' * 100000) | int",
    "('9' * 5000) | from_json",
    "('1e' ~ '9' * 5000) | from_json",
    "'NaN' | from_json",
    "'-Infinity' | from_json",
    "('a' * 1000000)[::-1] | reverse",
    "('ab' * 400000) | unique | sort",
    "long | trim(long)",
]
SYNTAX = [
    "a; b",
    "a = 1",
    "a := 1",
    "a.b.",
    "a..b",
    "a[",
    "a]",
    "a[]",
    "a[1, 2]",
    "a[::, 1]",
    "a if",
    "a is",
    "is a",
    "a | ",
    "| a",
    "a |",
    "a || b",
    "a && b",
    "!a",
    "a ? b : c",
    "a -> b",
    "@a",
    "$a",
    "$.math(1+1)",
    "`id`",
    "\\",
    "'\\",
    "'a' 'b' \"c",
    "'\\ud800'",
    "'\\ud800\\udc00'",
    "'\\400'",
    "'\\x'",
    "'\\N{nothing}'",
    "'\\d+'",
    "u'a'",
    "f'{s}'",
    "b'a'",
    "...",
    "*l",
    "**o",
    "for x in l",
    "[x for x in l]",
    "{x: 1 for x in l}",
    "yield s",
    "await s",
    "import os",
    "from os import system",
    "del s",
    "\u0455.__\u0441l\u0430ss__",  # Cyrillic letters
    "\uff53.__class__",  # a wide letter, which Python would take for s
    "s\u200b.upper",
    "s\u202e",
    "\x00",
    "s\x00",
    "\ud800",
    "π",
    "'\U0001d4b3' | upper",
    "o.k\n.m",
    "l[True]",
    "true.real",
    "None",
    "none()",
    "{none: 1}",
    "{[]: 1}",
    "{o: 1}",
    "(,)",
    "()",
    "(1,)",
    "{,}",
    "{s}",
    "# comment",
    "1_000__0",
    "0777",
    "1.2.3",
    "1..2",
    "0x",
    "10e",
]
WHOLE = [
    "{% import os %}",
    "{% set a = 1 %}{{ a }}",
    "{% for i in range(10 ** 9) %}x{% endfor %}",
    "{% while true %}{% endwhile %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include '/etc/passwd' %}",
    "{% extends 'a' %}",
    "{% from 'a' import b %}",
    "{% raw %}{{ a }}{% endraw %}",
    "{% call s() %}{% endcall %}",
    "{% filter upper %}a{% endfilter %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape false %}{% endautoescape %}",
    "{% do l.append(1) %}",
    "{% debug %}",
    "{% print s %}",
    "{%- if 1 -%}a{%- endif -%}",
    "{%+ if 1 %}{% endif %}",
    "{# comment #}",
    "{#",
    "{%",
    "{{",
    "{{}}",
    "{{ }}",
    "{{{ s }}}",
    "{{{{ s }}}}",
    "{{ '{{ s }}' }}",
    "{{ s }",
    "}}{{",
    "{{ {{ s }} }}",
    "{{ '{%' }}",
    "{{ braces }}",
    "{{ braces }} again",
    "{{- s -}}",
    "{{+ s }}",
    "{{ s }}" * 600,
    "{{ long }}" * 30,
    "{{ many }}" * 100,
    "{{ many | tojson | length }}" * 100,
    "{{" * 1000,
    "{{ '" * 1000,
    "{{ [" * 1000,
    "{{ s }}" + "x" * 100_000,
    "{{ " + " " * 100_000 + " }}",
    "{{ '" + "\\\\" * 3000 + "' }}",
    "{{ '" + "a" * 10_000 + "' }}",
]


def braced(expressions):
    return [f"{{{{ {expression} }}}}" for expression in expressions]


HOSTILE = [
    *braced([*UNDERSCORES, *JINJA, *CALLS, *EXPENSIVE, *SYNTAX]),
    *WHOLE,
]


def outcome(text, data=DATA):
    """Says how a template ends; what it gives must be writable as JSON and stay the same."""
    try:
        template = compile_template(text)
    except TemplateSyntaxFault:
        return "refused"
    try:
        value = template.render(GivenScope(data, NAMES))
    except TemplateError:
        return "failed"
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    return "json"


def test_there_are_two_hundred():
    assert len(set(HOSTILE)) == len(HOSTILE) > 200


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_template_reaches_nothing(text):
    before = json.dumps(DATA)

    assert outcome(text) in {"refused", "failed", "json"}
    assert json.dumps(DATA) == before


@pytest.mark.parametrize("text", braced(EXPENSIVE) + WHOLE, ids=range(len(EXPENSIVE + WHOLE)))
def test_a_hostile_template_stays_small(text):
    tracemalloc.start()

    try:
        outcome(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MOST_MEMORY


@pytest.mark.parametrize("expression", CALLS)
def test_no_call_but_of_listed_functions_is_read(expression):
    with pytest.raises(TemplateSyntaxFault):
        compile_template(f"{{{{ {expression} }}}}")


@pytest.mark.parametrize("expression", ["s.__class__", "n['__class__']", "root.__class__"])
def test_attributes_of_python_are_missing(expression):
    template = compile_template(f"{{{{ {expression} is defined }}}}")

    assert template.render(GivenScope(DATA, NAMES)) is False


def test_keys_with_underscores_are_keys():
    template = compile_template("{{ __conveyor_api_return_description__ }} {{ o.__class__ }}")

    assert template.render(GivenScope(DATA, NAMES)) == "described just a key"


@pytest.mark.parametrize("text", [text for text in WHOLE if text.startswith(("{%", "{#"))])
def test_statements_and_comments_are_refused(text):
    with pytest.raises(TemplateSyntaxFault, match="only expressions are allowed"):
        compile_template(text)


def test_braces_in_the_data_are_never_read():
    template = compile_template("{{ braces }} and {{ braces | upper }}")

    assert template.render(GivenScope(DATA, NAMES)) == (
        "{{ 7 * 7 }}{% if 1 %} and {{ 7 * 7 }}{% IF 1 %}"
    )
