"""Templates: Jinja2 expressions, checked and compiled once to plain functions that keep types."""

from engine.errors import TemplateError
from engine.template.compiler import (
    RESERVED,
    Template,
    compile_expression,
    compile_template,
    compile_value,
)
from engine.template.fault import TemplateSyntaxFault
from engine.template.scope import Scope

__all__ = [
    "RESERVED",
    "Scope",
    "Template",
    "TemplateError",
    "TemplateSyntaxFault",
    "compile_expression",
    "compile_template",
    "compile_value",
]
