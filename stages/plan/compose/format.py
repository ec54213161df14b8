"""Whether the composed configuration has the form of workflow/schemas/config.schema.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from nassl.settings import SettingsError

SCHEMA = Path(__file__).resolve().parents[3] / "workflow" / "schemas" / "config.schema.yaml"
LONGEST = 200  # characters of a value that an error repeats


def check_format(content: Any, where: str = "", part: str = "") -> None:
    """Raises SettingsError for content that does not match the schema, or one of its `$defs`.

    `where` names the content in errors.
    """
    error = best_match(_validator(part).iter_errors(content))
    if error is not None:
        place = ".".join(map(str, [*([where] if where else []), *error.absolute_path]))
        raise SettingsError(f"{place or 'the configuration'} {_reason(error)}")


@cache
def _validator(part: str) -> Any:
    schema = yaml.safe_load(SCHEMA.read_text())
    if part:
        schema = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    # 2.0 is an integer to JSON Schema, but not a valid count in Python.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, x: type(x) is int)
    return extend(Draft202012Validator, type_checker=types)(schema)


def _reason(error: ValidationError) -> str:
    given = repr(error.instance)
    given = given if len(given) <= LONGEST else f"{given[:LONGEST]}..."
    match error.validator:
        case "additionalProperties":
            allowed = error.schema["properties"]
            unknown = next(key for key in error.instance if key not in allowed)
            return f"has the unknown key {unknown!r}; allowed: {', '.join(allowed)}"
        case "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            return f"lacks the key {missing!r}; needed: {', '.join(error.validator_value)}"
        case "enum":
            return f"is {given}; allowed: {', '.join(error.validator_value)}"
        case "minimum" | "maximum" | "type" if "maximum" in error.schema:
            return f"is {given}; allowed: {error.schema['minimum']} to {error.schema['maximum']}"
        case "type":
            return f"is {given}; expected: {error.validator_value}"
    return f"does not fit: {error.message[:LONGEST]}"
