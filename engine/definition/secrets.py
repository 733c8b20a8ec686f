"""What is secret in a process: declared, or read by its credentials."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.core.node import Constant
from engine.core.node import Template as Rendered
from engine.core.value import as_text
from engine.definition.process import Definition
from engine.template import Template
from engine.template.syntax import pieces

WORD = 8
"""Shorter words beside an expression, such as 'Token ', are no secrets of their own."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody is to see of a process."""

    parameters: frozenset[str]
    """Names of parameters."""
    credentials: frozenset[str]
    """Names of variables that credentials are read from."""
    words: frozenset[str]
    """What the file itself says as a credential, or as the default of a secret parameter."""
    variables: frozenset[str]
    """Names of all variables that it reads."""

    @property
    def are_there(self) -> bool:
        """Whether there are any in the process itself; a variable may be declared secret too."""
        return bool(self.parameters or self.credentials or self.words)


def secrets_of(definition: Definition) -> Secrets:
    """Finds what is secret in a process that has no errors."""
    templates = [
        template
        for node in definition.nodes.values()
        if node.node_type is not None and node.settings is not None
        for template in node.node_type.secrets(node.settings)
    ]
    compiled = [template for template in templates if isinstance(template, Template)]
    declared = {name for name, each in definition.params.items() if each.secret}
    return Secrets(
        parameters=frozenset(declared.union(*(each.parameters for each in compiled))),
        credentials=frozenset[str]().union(*(each.env_names for each in compiled)),
        words=frozenset(word for template in templates for word in _words(template)),
        variables=frozenset[str]().union(
            *(
                use.template.env_names
                for node in definition.nodes.values()
                for use in node.templates
            )
        ),
    )


def _words(template: Rendered) -> Iterator[str]:
    if isinstance(template, Constant):
        yield as_text(template.value)
    elif isinstance(template, Template):
        for piece in pieces(template.text):
            if isinstance(piece, str) and len(piece.strip()) >= WORD:
                yield piece.strip()
