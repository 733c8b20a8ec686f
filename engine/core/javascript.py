"""JavaScript that people write: whether it can be read, without running any of it."""

import re
from functools import lru_cache

LONGEST = 256 * 1024
_MEMORY = 64 * 1024 * 1024
_STACK = 256 * 1024
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_LINE = re.compile(r"<input>:(\d+)")
BODY = "(function(data){arguments[1](function(){return data});"
"""What a script's body follows in its first line, here and where it is run."""
MODULE = "(function(module,exports){"
_DEFAULT = re.compile(r"^export[ \t]+default\b", re.MULTILINE)


def wrapped(source: str, *, is_module: bool = False) -> str:
    """Makes one expression of a script, a function, with every line where it was."""
    if not is_module:
        return f"{BODY}{source}\n}})"
    return f"{MODULE}{_DEFAULT.sub('module.exports=', source)}\n}})"


@lru_cache(maxsize=128)  # a file may repeat a script by aliases, a hundred times
def syntax_error(source: str, *, is_module: bool = False) -> str:
    """Says what makes a script unreadable, and in which of its lines; empty if it can be read."""
    # 8 MB of shared library that processes without scripts do not need.
    import quickjs  # noqa: PLC0415

    if len(source) > LONGEST:
        return f"a script has at most {LONGEST} characters, this one has {len(source)}"
    if _UNREADABLE.search(source):
        return "a script can't hold the character NUL or half of a surrogate pair"
    context = quickjs.Context()
    context.set_memory_limit(_MEMORY)
    context.set_max_stack_size(_STACK)
    try:
        # It is read whole before its first statement throws: nothing of the script ever runs.
        context.eval(f"throw 0;{wrapped(source, is_module=is_module)}")
    except quickjs.JSException as error:
        reason, _, rest = str(error).partition("\n")
        if reason == "0":
            return ""
        found = _LINE.search(rest)
        where = f"line {found[1]}: " if found else ""
        return f"{where}{reason.removeprefix('SyntaxError: ')}"
    return ""
