"""What every page of the admin site has in common: fields by allow-list, nothing looked up that is not shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.ids import from_text

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # generic to the type checker only


@dataclass(frozen=True)
class Titled:
    """A row as the headings of its pages call it: by its ID, which says nothing of what is in it."""

    pk: Any
    title: str

    def __str__(self) -> str:
        return self.title


class ShownAdmin(ModelAdmin):
    """Shows `shown` and nothing else: a new column stays hidden until somebody lists it here (check A2).

    Django lets anybody who sees a list filter by any column of the model, which spells out a hidden
    value letter by letter. Here only the filters of the list itself are allowed (check A3).
    """

    shown: ClassVar[Sequence[str]]
    changeable: ClassVar[Sequence[str]] = ()
    for_support: ClassVar[bool] = False  # whether the support team sees it: said of each model that it does
    # Columns that read better in another form, by a method of this class.
    presented: ClassVar[Mapping[str, str]] = {"id": "shown_id"}
    presented_in_lists: ClassVar[Mapping[str, str]] = {}  # where that is too long for a list
    # What an ID in the search box is compared with, by its prefix.
    text_ids: ClassVar[Mapping[str, str]] = {}
    actions = None  # what is done is done to one row, on a page that says what happens
    list_per_page = 50
    change_form_template = "admin/shown.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        del request, obj
        return [self.presented.get(name, name) for name in self.shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        del request, obj
        return [self.presented.get(name, name) for name in self.shown if name not in self.changeable]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        del request
        other = {**self.presented, **self.presented_in_lists}
        return [other.get(str(name), name) for name in self.list_display]

    @admin.display(description="ID", ordering="pk")
    def shown_id(self, row: Any) -> str:
        return str(getattr(row, "text_id", row.pk))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """`ca_…`, `org_…` and the like find exactly that; anything else is searched for in `search_fields`."""
        for prefix, column in self.text_ids.items():
            if found := from_text(prefix, search_term.strip()):
                return queryset.filter(**{column: found}), False
        return super().get_search_results(request, queryset, search_term)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        del value, request
        return lookup.removesuffix("__exact").removesuffix("__isnull") in self.list_filter

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        del request
        return to_field == "id"

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if row := context.get("original"):
            title = self.shown_id(row)
            context |= {"original": Titled(row.pk, title), "subtitle": title}
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        shown = (
            {"title": f"History of {self.shown_id(row)}", "object": Titled(row.pk, self.shown_id(row))} if row else {}
        )
        return super().history_view(request, object_id, {**shown, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.changeable) and super().has_change_permission(request, obj)
