"""Forms of the pages about organizations."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms

from orgs.address_lists import MOST_CHARACTERS
from orgs.errors import DomainError
from orgs.permissions import ROLE_LABELS, Role
from orgs.pictures import MOST_BYTES
from orgs.queries.audit import ACTION_CHOICES, RESULT_CHOICES, AuditFilters

PERIODS: Final = {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
SHOWN_OF_A_FILTER: Final = 60  # characters
PERIOD_CHOICES: Final = (("24h", "the last 24 hours"), ("7d", "the last 7 days"), ("30d", "the last 30 days"))


def show_error(form: forms.Form, error: DomainError) -> None:
    """At its field when the form has that field, else above them all."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


class OrganizationForm(forms.Form):
    """A new organization. What its address may look like is the service's business."""

    name = forms.CharField(max_length=80, help_text="What people call it, for example Acme.")
    slug = forms.CharField(
        label="Address",
        max_length=48,
        required=False,
        help_text="The end of its address: /orgs/acme. Left empty, it is made from the name.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).strip().lower()


class SettingsForm(forms.Form):
    """Name and address of an organization."""

    name = forms.CharField(max_length=80, help_text="What people call it, here and in invitations.")
    slug = forms.CharField(
        label="Address",
        max_length=48,
        help_text="The end of its address. After a change old links lead nowhere, and others can take the old one.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).strip().lower()


class LogoForm(forms.Form):
    """A picture. What it really is, is the service's business."""

    logo = forms.FileField(
        label="Picture",
        help_text="PNG, JPEG or WebP, up to 200 KiB and 2048 pixels on each side. Best square.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    @property
    def content(self) -> bytes:
        """No more of it than shows that it is too large."""
        return bytes(self.cleaned_data["logo"].read(MOST_BYTES + 1))


class DomainForm(forms.Form):
    """An e-mail domain, and the role of those who join by it."""

    domain = forms.CharField(
        max_length=254,
        help_text="You need a verified address there yourself.",
        widget=forms.TextInput(attrs={"placeholder": "example.com", "autocapitalize": "none", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(
        label="They join as", choices=[(role.value, ROLE_LABELS[role]) for role in (Role.MEMBER, Role.VIEWER)]
    )

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class RulesForm(forms.Form):
    """Who may invite, and how long arguments and results are kept."""

    members_may_invite = forms.ChoiceField(
        label="Who may invite people",
        choices=[("no", "Admins and owners"), ("yes", "Members too, as member or viewer")],
        widget=forms.RadioSelect,
    )
    retention_days = forms.IntegerField(
        label="Days to keep arguments and results",
        required=False,
        widget=forms.NumberInput(attrs={"min": 1}),
    )

    def __init__(self, *args: Any, most_days: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "retention_days"
        ].help_text = (
            f"Older ones are deleted; that a run happened stays on record. Empty: {most_days} days, the most here."
        )

    def clean_members_may_invite(self) -> bool:
        return bool(self.cleaned_data["members_may_invite"] == "yes")


class RoleForm(forms.Form):
    """A role. Who may hand out which is the service's business."""

    role = forms.ChoiceField(choices=[(role.value, label) for role, label in ROLE_LABELS.items()])

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class InviteForm(RoleForm):
    """Many addresses at once, as people paste them."""

    field_order = ("addresses", "role")
    addresses = forms.CharField(
        label="E-mail addresses",
        max_length=MOST_CHARACTERS,
        help_text="One per line, or with commas between them. “Ada Park &lt;ada@example.com&gt;” is understood too.",
        widget=forms.Textarea(attrs={"rows": 6, "autocapitalize": "none", "spellcheck": "false"}),
    )


class FilterForm(forms.Form):
    """What a list is narrowed down by, from its address. A value that is no choice narrows down nothing."""

    @property
    def ignored(self) -> list[tuple[str, str]]:
        """Name and value of each such filter, so that the page can say that it was left out."""
        return [(name, str(self.data.get(name, ""))[:SHOWN_OF_A_FILTER]) for name in self.fields if name in self.errors]


class AuditFilterForm(FilterForm):
    """What the audit log is narrowed down by."""

    target = forms.CharField(required=False, max_length=120)
    actor = forms.ChoiceField(required=False)
    acting_as = forms.ChoiceField(required=False)
    action = forms.ChoiceField(choices=ACTION_CHOICES, required=False)
    result = forms.ChoiceField(choices=RESULT_CHOICES, required=False)
    time = forms.ChoiceField(choices=PERIOD_CHOICES, required=False)

    def __init__(
        self, data: Mapping[str, Any], *, actors: Iterable[tuple[str, str]], acted_for: Iterable[tuple[str, str]]
    ) -> None:
        super().__init__(data)
        self.fields["actor"].choices = list(actors)  # type: ignore[attr-defined]  # a ChoiceField, as declared above
        self.fields["acting_as"].choices = list(acted_for)  # type: ignore[attr-defined]  # the same
        self.is_valid()

    def filters(self, now: datetime) -> AuditFilters:
        chosen = self.cleaned_data
        period = PERIODS.get(chosen.get("time", ""))
        return AuditFilters(
            actor=chosen.get("actor", ""),
            acting_as=chosen.get("acting_as", ""),
            target=chosen.get("target", ""),
            action=chosen.get("action", ""),
            result=chosen.get("result", ""),
            since=now - period if period else None,
        )


class SupportGrantForm(forms.Form):
    """Whom of the support team to let in, for how long, and why."""

    person = forms.ChoiceField(label="Who may look")
    hours = forms.TypedChoiceField(
        label="For how long",
        choices=[(1, "1 hour"), (4, "4 hours"), (8, "8 hours"), (24, "24 hours")],
        coerce=int,
        initial=4,
    )
    reason = forms.CharField(
        min_length=5, max_length=200, help_text="What they are to look into. It stands in your audit log."
    )

    def __init__(self, *args: Any, people: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [("team", "Everybody of the support team"), *people]  # type: ignore[attr-defined]
