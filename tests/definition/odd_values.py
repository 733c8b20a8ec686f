"""What stands in damaged process files: texts, templates, patterns, tokens and bytes."""

ODD_TEXTS = (
    "", " ", "null", "~", "true", "no", "0", "-1", "1e999", "012", "0x1F", "1:30", ".inf",
    ".nan", "2024-01-01", "9" * 400, "9" * 5000, "30s", "-30s", "9" * 30 + "d", "1h 5m", "1.5h",
    "x" * 5000, "\x00", "\x85", "\u2028", "\ufeff", "\ud800", "\U0001f600", "a\u0301", "\u202e",
    "\x7f", "\t", "start", "done", "a/b", "../../etc/passwd", "$(id)", "'; DROP TABLE task; --",
    "{", "[", "%", "@",
)  # fmt: skip
ODD_TEMPLATES = (
    "{{", "}}", "{{}}", "{{ }}", "{{ a", "{% if a %}", "{# a #}", "{{ {{ a }} }}", "{{ a }}}",
    "{{-a-}}", "{{ 9 ** 9 ** 9 }}", "{{ '" + "x" * 4000 + "' }}", "{{ a.b.c.d[0]['e'] }}",
    "{{ ().__class__ }}", "{{ " + "(" * 60 + "1" + ")" * 60 + " }}",
    "{{ " + "a+" * 1500 + "a }}", "{{ a|upper|lower|nofilter }}",
    *("{{ task('p', 'r').x }}", "{{ callback_url('p', 'n') }}", "{{ 'a' is matching '(a+)+$' }}"),
    "{{ " + "not " * 900 + "a }}", "{{ " + "-" * 3000 + "1 }}", "{{ a" + ".b" * 1500 + " }}",
    "{{ a }}" * 600, "{{ [" + "0," * 1900 + "] }}", "{{ root.data[root.ref] }}",
    "{{ env.A ~ env['B'] }}", "{{ 1 if a else }}", "{{ a" + "|upper" * 600 + " }}",
    "{{ a if a else " * 90, "{{ '\\x41\\u0041\\n' }}", "{{ 0b1 + 0o7 + 1_0 }}",
    "{{ now() | date('%Y') }}", "{{ math('1' ~ '+1') }}", "{{ error.tag }}", "{{ a < b < c }}",
    "{{ lambda: 1 }}",
)  # fmt: skip
ODD_PATTERNS = (
    "(a+)+$", "(?<=a)b", "[", "(?P<x>a)(?P=x)", "\\", "a{1000}{1000}", "(" * 300, "(?i)\\p{L}+",
    "(?R)", "x*" * 200, "((a{1,99}){1,99}){1,99}", ".*" * 60 + "b", "(?<!a*)b", "\\1",
    "(?(1)a|b)", "[[:alpha:]]", "(?s:.)" * 99,
)  # fmt: skip
TOKENS = (
    "&a ", "*a", "*nobody", "<<: *a\n", "<<: ", "!!str ", "!!python/object:os.system ", "!x ",
    "!<tag:x> ", "|\n", ">\n", "|9\n", ">-\n", "|+\n", "? ", ": ", "- ", "---\n", "...\n",
    "%YAML 1.2\n", "%TAG ! x\n", "# ", "'", '"', "\\", "`", "@", "%", "{", "}", "[", "]", ",",
    "\t", "\n\n\n", "\r", "\r\n", "\\u0000", '"\\x"', '"\\ud800"', '"\\U0011ffff"', "{? a}",
    "{a: b, a: c}", "[a, [b, [c]]]", "? [a]\n: b\n", "? {a: b}\n", "= ", "~",
)  # fmt: skip
BAD_BYTES = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82", b"\x1b[31m", b"\x08", b"\xc2\x85",
    b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\x7f", b"\r",
)  # fmt: skip

TYPES = (
    "start", "end", "condition", "set_parameter", "delay", "api_call", "copy_task",
    "modify_task", "code", "waiting_for_callback", "call_process", "reply_to_process",
    "git_call", "queue", "get_from_queue", *("set_state",),
)  # fmt: skip
