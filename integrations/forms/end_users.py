"""Forms of the pages about end users."""

from integrations.forms.connections import TypedForm


class DeleteForm(TypedForm):
    """What the application calls the end user must be typed: it cannot be taken back."""

    done = "deleted"
