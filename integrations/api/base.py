"""What the shapes of all answers and questions have in common."""

from typing import Any, Self

from ninja import Schema
from pydantic import ConfigDict, ModelWrapValidatorHandler, model_validator
from pydantic_core import PydanticCustomError


class Out(Schema):
    """An answer. A field that is not declared cannot leave; one that was not set is left out (check T13)."""

    model_config = ConfigDict(extra="forbid")


class _Question(Schema):
    """Ninja reads fields off anything that it is given: a list would be an object that sets none of them."""

    @model_validator(mode="wrap")
    @classmethod
    def _is_object(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(getattr(values, "_obj", values), list | str | int | float):
            raise PydanticCustomError("object_type", "Input should be an object")
        return handler(values)


class In(_Question):
    """A question. Fields that we do not know are ignored: newer clients send more than older servers read."""

    model_config = ConfigDict(extra="ignore")


class StrictIn(_Question):
    """A question in our own part of the API: an unknown field is a mistyped one."""

    model_config = ConfigDict(extra="forbid")


class PageOut(Out):
    """What every list has beside its items."""

    next_cursor: str | None
    total_pages: int
    current_page: int
    total_items: int
