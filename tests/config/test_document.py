from hypothesis import given
from hypothesis import strategies as st

from registryhub.config.document import Items, Scalar, Table, child, parse_document


def read(text: str) -> Table:
    tree, problems = parse_document(text)
    assert not problems
    assert isinstance(tree, Table)
    return tree


def complaints(text: str) -> list[tuple[str, int | None]]:
    _, problems = parse_document(text)
    return [(problem.message, problem.line) for problem in problems]


def scalar(tree: Table, *path: str | int) -> Scalar:
    node: Scalar | Table | Items | None = tree
    for part in path:
        node = child(node, part)
    assert isinstance(node, Scalar)
    return node


def test_scalars_keep_text_value_line_and_path() -> None:
    """The reader of a key decides whether it wants the text or the value."""
    found = scalar(read("a:\n  b:\n    - 1\n    - 0x1F\n"), "a", "b", 1)
    assert (found.text, found.value, found.origin.line, found.path) == ("0x1F", 31, 4, ("a", "b", 1))


def test_yaml_1_1_booleans_and_nulls() -> None:
    """yes, no, on and off are booleans as in the reference's parser; quoted they are text."""
    tree = read("{a: yes, b: off, c: ~, d: , e: 'yes', f: 2026-99-99}")
    assert [scalar(tree, key).value for key in "abcdef"] == [True, False, None, None, "yes", "2026-99-99"]


def test_a_key_has_the_line_it_is_written_on() -> None:
    """Also when its value begins further down."""
    tree = read("x: 1\na:\n\n  b: 2\n")
    assert tree["a"].origin.line == 2


def test_aliases_and_merges_are_copies_with_paths_of_their_own() -> None:
    """What is merged gives way to what is written, in any order, and nested merges work."""
    tree = read("a: &a {x: 1, y: 2}\nb: &b\n  y: 3\n  <<: *a\nc:\n  <<: [*b, {z: 4}]\nd: *a\n")
    assert [scalar(tree, "b", key).text for key in "xy"] == ["1", "3"]
    assert [scalar(tree, "c", key).text for key in "xyz"] == ["1", "3", "4"]
    assert scalar(tree, "d", "x").path == ("d", "x")


def test_every_mistake_but_syntax_is_found_at_once() -> None:
    """Duplicates, keys that are no text, foreign tags and wrong merges, each with its line."""
    text = "a: 1\na: 2\n? [x]\n: 3\nb: !secret x\nc:\n  <<: 7\n"
    assert complaints(text) == [
        ("is written twice, first on line 1; keep one", 2),
        ("has a list or mapping as a key; write a plain key", 3),
        ("has the tag !secret; remove it", 5),
        ("merges (<<) something that is no mapping", 7),
    ]


def test_broken_syntax_names_the_line() -> None:
    """Brackets, tabs, unknown aliases, control characters and a second document."""
    for text, line in [
        ("a: [1,\nb: 2\n", 3),
        ("a:\n\t- b\n", 2),
        ("a: *b\n", 1),
        ("a: 1\nb: \x07\n", 2),
        ("a: 1\n--- \nb: 2\n", 2),
    ]:
        tree, [problem] = parse_document(text)
        assert tree is None
        assert problem.message.startswith("is no valid YAML: ")
        assert problem.line == line


def test_broken_syntax_tells_where_the_broken_thing_began() -> None:
    """A bracket left open is found at the end of the file only."""
    assert complaints("a: 1\nb: [1,\nc: 2\n") == [
        ("is no valid YAML: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence of line 2)", 4)
    ]


def test_documents_that_would_never_end_are_refused() -> None:
    """An alias within itself, aliases that multiply, and nesting without end."""
    assert complaints("a: &a\n  b: *a\n") == [("contains itself by an alias; write the value out", 2)]
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
    )
    assert [message for message, _ in complaints(bomb)] == ["holds more than 100000 values; use fewer aliases"]
    assert complaints("[" * 100_000) == [("is nested too deeply", None)]


def test_a_variable_is_named_instead_of_a_line() -> None:
    """Values of the environment are YAML too."""
    tree, problems = parse_document("{a: 1, a: 2}", variable="REGISTRY_X", path=("x",))
    assert tree is not None
    assert str(problems[0]) == "environment REGISTRY_X: x.a: is written twice, first on line 1; keep one"


@given(st.text(max_size=60) | st.text("{}[]:,-#&*!|>'\"%@` \n\tab01~<?", max_size=60))
def test_any_text_is_a_tree_or_a_clear_mistake(text: str) -> None:
    """Nothing but problems ever leaves the parser."""
    tree, problems = parse_document(text)
    assert tree is not None or len(problems) == 1
