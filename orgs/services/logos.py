"""The picture of an organization."""

import hashlib
from datetime import datetime

from django.db import transaction

from orgs.errors import DomainError
from orgs.models import Logo
from orgs.permissions import Actor, OwnerRef
from orgs.picture_parts import bare_picture
from orgs.pictures import MOST_BYTES, MOST_PIXELS, Picture, read_picture
from orgs.services.organizations import record_change
from orgs.services.settings import locked_organization


@transaction.atomic
def set_logo(*, actor: Actor, owner: OwnerRef, content: bytes, now: datetime) -> bool:
    """Put a checked picture in place of the one before, without its metadata; return whether it is another one."""
    organization = locked_organization(actor=actor, owner=owner)
    picture, content = _checked(content)
    digest = hashlib.sha256(content).hexdigest()
    if Logo.objects.filter(organization=organization, digest=digest).exists():
        return False
    values = {"content": content, "content_type": picture.content_type, "digest": digest, "updated_at": now}
    Logo.objects.update_or_create(organization=organization, defaults=values)
    record_change(actor=actor, organization=organization, fields=["logo"], now=now)
    return True


@transaction.atomic
def remove_logo(*, actor: Actor, owner: OwnerRef, now: datetime) -> bool:
    organization = locked_organization(actor=actor, owner=owner)
    gone, _ = Logo.objects.filter(organization=organization).delete()
    if gone:
        record_change(actor=actor, organization=organization, fields=["logo"], now=now)
    return bool(gone)


def _checked(content: bytes) -> tuple[Picture, bytes]:
    """What it is, and its bytes without what is not the picture."""
    if len(content) > MOST_BYTES:
        raise DomainError(f"The picture has more than {MOST_BYTES // 1024} KiB. Choose a smaller one.", field="logo")
    picture = read_picture(content)
    bare = bare_picture(content, picture.content_type) if picture else None
    if picture is None or bare is None:
        raise DomainError("This is no PNG, JPEG or WebP picture, or it is cut off. Choose another file.", field="logo")
    if not (0 < picture.width <= MOST_PIXELS and 0 < picture.height <= MOST_PIXELS):
        message = f"The picture is {picture.width} × {picture.height}. Each side may have up to {MOST_PIXELS} pixels."  # noqa: RUF001  # the sign for "times"
        raise DomainError(message, field="logo")
    return picture, bare
