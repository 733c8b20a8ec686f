"""Funs of `map` and `filter`: the examples of Corezoid's documentation, and Erlang's rules."""

import pytest
from template_scopes import evaluated

from engine.template import TemplateError, TemplateSyntaxFault, compile_expression

PEOPLE = [{"id": 1, "n": "Bo"}, {"id": 2, "n": "Al"}]


def mapped(fun, *items):
    return evaluated("map(fun, items)", fun=fun, items=list(items))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("map('fun(Item) -> Item*2 end', a)", [2, 4, 6]),
        ("map('fun(Item) -> Item div 3 end', [1,3,7])", [0, 1, 2]),
        (
            "filter('fun(Item) when Item rem 2 < 1 -> true; (_) -> false end', b)",
            [2, 4, 6, 8, 10, 12, 14],
        ),
        ("map('fun(E) -> eutils:get_value(<<\"id\">>, E) end', people)", [1, 2]),
        (
            'map(\'fun(V) -> #{<<"f1">> => V, <<"f2">> => V} end\', [1])',
            [{"f1": 1, "f2": 1}],
        ),
        (
            "filter('fun(I) -> T = proplists:get_value(<<\"test\">>, I), is_integer(T) end', t)",
            [{"test": 1}],
        ),
        ("a | map('fun(X) -> X + 0.5 end')", [1.5, 2.5, 3.5]),
        ("a | filter('fun(X) -> X > 1 end')", [2, 3]),
        ("map('fun(X) -> X end', 'text')", []),
        ("map('fun(X) -> X end', nothing)", []),
        ("filter('fun(X) -> X end', {})", []),
        ("people | map(attribute='n')", ["Bo", "Al"]),
        ("people | map(attribute='n.x')", ["", ""]),
        ("['a', 'b'] | map('upper')", ["A", "B"]),
        ("['axa'] | map('replace', 'a', 'b')", ["bxb"]),
        ("a | select('odd')", [1, 3]),
        ("a | reject('odd')", [2]),
        ("[0, 1, '', 'x'] | select", [1, "x"]),
        ("[0, 1, '', 'x'] | reject", [0, ""]),
        ("a | select('gt', 1) | first", 2),
    ],
)
def test_an_array_is_mapped_and_filtered(expression, value):
    data = {
        "a": [1, 2, 3],
        "b": list(range(1, 15)),
        "people": PEOPLE,
        "t": [{"test": 1}, {"test": "x"}, {}],
    }

    assert evaluated(expression, **data) == value


@pytest.mark.parametrize(
    ("body", "item", "value"),
    [
        ("X - -1", 1, 2),
        ("-X * 2 + 10", 3, 4),
        ("X / 2", 4, 2.0),
        ("X div 2", -7, -3),
        ("X rem 3", -7, -1),
        ("(X bsl 3) bor 1", 1, 9),
        ("X bsr 1 band 6 bxor 1", 15, 14),
        ("bnot X", 5, -6),
        ("+X", 5, 5),
        ("X == 1.0", 1, True),
        ("X =:= 1.0", 1, False),
        ("X /= 2", 1, True),
        ("X =/= 1.0", 1, True),
        ("X =< 1 andalso X >= 1", 1, True),
        ("X > 1 orelse X < 1", 1, False),
        ("not (X > 1) and true xor false", 1, True),
        ("X < a", 10**6, True),
        ("X < <<>>", [], True),
        ('<<"a">> < X', "b", True),
        ("X == #{}", {}, True),
        ("X == [1, 2.0]", [1, 2], True),
        ("X =:= [1, 2.0]", [1, 2], False),
        ('X == {<<"a">>}', ["a"], False),
        ("X ++ [3]", [1, 2], [1, 2, 3]),
        ("[1] ++ X -- [2]", [2, 3], [1, 3]),
        ("X -- [1, 9]", [1, 2, 1], [2, 1]),
        ("[0 | X]", [1], [0, 1]),
        ("hd(X)", [5, 6], 5),
        ("erlang:tl(X)", [5, 6], [6]),
        ('hd(X) == {<<"k">>, 1}', {"k": 1, "l": 2}, True),
        ("tl(X)", {"k": 1, "l": 2}, {"l": 2}),
        (
            "{X, atom, 'an atom', true, null, undefined}",
            1,
            [1, "atom", "an atom", True, None, None],
        ),
        ('[{<<"k">>, X}]', 1, {"k": 1}),
        ("[{1, X}]", 1, [[1, 1]]),
        ('"ab"', 1, [97, 98]),
        ('<<"a\\n\\"b">>', 1, 'a\n"b'),
        ("Y = X * 2, Z = Y + 1, {Y, Z}", 5, [10, 11]),
        ("[{_, V} | _] = X, V", {"k": 7}, 7),
        ("1 = X", 1, 1),
        ("case X of 1 -> one; N when N > 5, N < 7; N == 9 -> N; _ -> other end", 9, 9),
        ("case X of 1 -> one; N when N > 5, N < 7; N == 9 -> N; _ -> other end", 7, "other"),
        ("case X of [A, A] -> same; [_, _] -> differ; [] -> none end", [1, 1], "same"),
        ("case X of [A, A] -> same; [_, _] -> differ; [] -> none end", [1, 2], "differ"),
        ("case X of -5 -> yes; _ -> no end", -5, "yes"),
        ("case X of {a} -> 1; true -> 2; <<>> -> 3 end", "", 3),
        ("case X of V when hd(V) > 0 -> 1; _ -> 2 end", 5, 2),
        ("X % the item\n + 1", 1, 2),
        ('proplists:get_value(<<"k">>, X)', {"k": [1]}, [1]),
        ('proplists:get_value(<<"z">>, X)', {"k": 1}, None),
        ('proplists:get_value(<<"z">>, X, 0)', {"k": 1}, 0),
        ("proplists:get_value(b, [a, b, {b, X}])", 1, True),
        ("proplists:get_value(c, [a, {c, X}])", 1, 1),
        ('proplists:get_all_values(<<"k">>, [{<<"k">>, X}, {<<"k">>, 2}])', 1, [1, 2]),
        ("proplists:get_keys(X)", {"k": 1, "l": 2}, ["k", "l"]),
        ('proplists:is_defined(<<"k">>, X)', {"k": 1}, True),
        ('proplists:delete(<<"k">>, X)', {"k": 1, "l": 2}, {"l": 2}),
        ('proplists:lookup(<<"k">>, X)', {"k": 1}, ["k", 1]),
        ('proplists:lookup(<<"z">>, X)', {"k": 1}, "none"),
        ("base64:encode(X)", "hello", "aGVsbG8="),
        ("base64:decode(X)", "aGVsbG8=", "hello"),
        ('binary:split(X, <<",">>)', "a,b,c", ["a", "b,c"]),
        ('binary:split(X, <<",">>, [global])', "a,b,c", ["a", "b", "c"]),
        ('binary:replace(X, <<"a">>, <<"b">>)', "aa", "ba"),
        ('binary:replace(X, <<"a">>, <<"b">>, [global])', "aa", "bb"),
        ("eutils:from_json(X)", '{"a":[1]}', {"a": [1]}),
        ("eutils:to_json(X)", {"a": [1]}, '{"a":[1]}'),
        ("binary_to_integer(X)", "-12", -12),
        ("binary_to_float(X)", "1.5", 1.5),
        ("integer_to_binary(X)", -255, "-255"),
        ("integer_to_binary(X, 16)", 255, "FF"),
        ("integer_to_binary(X)", 0, "0"),
        ("round(X)", 2.5, 3),
        ("round(X)", -2.5, -3),
        ("round(X)", 7, 7),
        ("{is_integer(X), is_float(X), is_number(X)}", 1, [True, False, True]),
        ("{is_binary(X), is_list(X), is_boolean(X)}", {}, [False, True, False]),
    ],
)
def test_a_fun_gives_what_erlang_gives(body, item, value):
    (result,) = mapped(f"fun(X) -> {body} end", item)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("body", "item", "reason"),
    [
        ("X + 1", "a", "expected a number, found a binary"),
        ("X + 1", True, "expected a number, found an atom"),
        ("X div 1", 1.5, "expected a whole number, found a number"),
        ("1 / X", 0, "can't divide by zero"),
        ("X div 0", 1, "can't divide by zero"),
        ("X and true", 1, "expected true or false, found a number"),
        ("X andalso true", 1, "expected true or false, found a number"),
        ("[] < X", [], "can't tell which of two is greater: each is a list"),
        ("X ++ []", 1, "expected a list, found a number"),
        ("hd(X)", [], "an empty list has no first item"),
        ("{1} = X", 1, "does not fit what is left of '='"),
        ("case X of 2 -> 1 end", 1, "no clause of the fun fits"),
        ("Y", 1, "the fun names no value 'Y'"),
        ("#{1 => X}", 1, "the keys of a map are binaries"),
        ("base64:decode(X)", "*", "not base64 of text"),
        ("base64:encode(X)", 1, "expected a binary, found a number"),
        ("binary:split(X, <<>>)", "a", "a separator that is not empty"),
        ("binary:replace(X, <<>>, <<>>)", "a", "is not empty"),
        ("binary:split(X, <<>>, [trim])", "a", "a separator that is not empty"),
        ('binary:split(X, <<"a">>, [trim])', "a", "the only option here is 'global'"),
        ("eutils:from_json(X)", "{", "this is not JSON"),
        ("eutils:from_json(X)", "NaN", "this is not JSON"),
        ("binary_to_integer(X)", "1.5", "not the text of a whole number"),
        ("binary_to_float(X)", "1", "not the text of a fraction"),
        ("binary_to_float(X)", "a.5", "not the text of a fraction"),
        ("binary_to_float(X)", "9" * 390 + ".5", "not the text of a whole number"),
        ("integer_to_binary(X)", "1", "expected a whole number, found a binary"),
        ("integer_to_binary(X, 99)", 1, "a base from 2 to 36"),
        ("round(X)", "1", "expected a number, found a binary"),
        ("1 bsl X", 10**9, "more than 4096 bits"),
        ("1.0e308 * X", 10**9, "too large for a number"),
    ],
)
def test_an_item_that_a_fun_fails_on_fails_the_whole(body, item, reason):
    with pytest.raises(TemplateError) as caught:
        mapped(f"fun(X) -> {body} end", item)

    assert str(caught.value).startswith("Value: ")
    assert str(caught.value).endswith(", Try convert to: array")
    assert reason in caught.value.hint


def test_what_a_filter_gives_must_be_a_boolean():
    with pytest.raises(TemplateError, match="Value: 7, Try convert to: boolean"):
        evaluated("[7] | filter('fun(X) -> X end')")


@pytest.mark.parametrize(
    ("fun", "message"),
    [
        ("fun(X) -> os:cmd(X) end", "a fun can't call os:cmd/1"),
        ("fun(X) -> apply(X) end", "a fun can't call apply/1"),
        ("fun(X) -> erlang:halt() end", "a fun can't call erlang:halt/0"),
        ("fun(X) -> hd(X, X) end", "a fun can't call hd/2"),
        ("fun(X) -> X + end", "expected an expression in the fun, found 'end' at character 15"),
        ("fun(X) -> X", "expected 'end' in the fun, found its end at character 12"),
        ("fun(X) X end", "expected '->' in the fun, found 'X' at character 8"),
        ("fun(X, Y) -> X end", "expected one parameter in the fun, found ','"),
        ("fun(X) -> X end end", "expected nothing more in the fun"),
        ("fun(X) -> <<X>> end", "expected '>>' in the fun, found 'X'"),
        ("fun(-a) -> 1 end", "expected a number in the fun"),
        ("fun(X) -> X ! 1 end", "unexpected '!' in the fun, at character 13"),
        ("fun(X) -> fun(Y) -> Y end end", "expected an expression in the fun, found 'fun'"),
        ("fun(X) -> [Y || Y <- X] end", "expected ']' in the fun, found '||'"),
        ("fun(X) -> " + "(" * 50 + "X" + ")" * 50 + " end", "more than 40 expressions"),
        ("fun(X) -> " + "9" * 1001 + " end", "more than 1000 digits"),
        ("fun(X) -> X" + " " * 4096 + "end", "a fun has at most 4096 characters"),
    ],
)
def test_what_a_fun_may_not_have_is_refused_as_a_whole(fun, message):
    with pytest.raises(TemplateError) as caught:
        mapped(fun, 1)

    assert message in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("map('fun(X) -> os:cmd(X) end', a)", r"'map': a fun can't call os:cmd/1"),
        ("a | filter('fun(X)')", "'filter': expected '->' in the fun, found its end"),
        ("a | map('uper')", "'map': there is no filter 'uper'; did you mean 'upper'"),
    ],
)
def test_a_constant_fun_is_read_with_its_file(expression, message):
    with pytest.raises(TemplateSyntaxFault, match=message):
        compile_expression(expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[1] | map", "'map' needs a fun, the name of a filter, or 'attribute'"),
        ("[1] | map(5)", "'map' needs a fun"),
        ("[1] | map('map')", "'map' needs a fun"),
        ("[1] | map('replace')", "'map': the filter 'replace' does not take these"),
        ("5 | map('upper')", "'map' needs an array, not a number"),
        ("map(5, [1])", "'map' needs a fun such as"),
        ("filter(f, [1])", "'filter' needs a fun such as"),
        ("[1] | select('nope')", "'select': there is no test 'nope'"),
    ],
)
def test_map_and_select_say_what_they_need(expression, message):
    with pytest.raises(TemplateError, match=message):
        evaluated(expression, f="x")


def test_a_fun_that_works_too_long_is_stopped():
    with pytest.raises(TemplateError) as caught:
        evaluated("map('fun(X) -> X -- X end', a)", a=[list(range(1000))] * 10)

    assert "does too much work" in caught.value.hint
