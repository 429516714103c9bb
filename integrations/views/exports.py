"""Take one's data along: an organization's, for its owners, and one's own."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from integrations.queries.exports import organization_files, own_files
from orgs.decorators import OwnedRequest, for_owner, freshly_signed_in
from orgs.permissions import Permission
from orgs.services.audit import record_data_export
from orgs.zips import zip_download, zipped


@for_owner(Permission.ORGANIZATION_MANAGE)
@require_GET  # not HEAD: an export leaves a record
@freshly_signed_in
def organization(request: OwnedRequest) -> HttpResponse:
    files = organization_files(actor=request.actor, owner=request.owner)
    record_data_export(actor=request.actor, owner=request.owner, now=timezone.now())
    return zip_download(request, zipped(files), name=f"{request.owner.slug}.zip")


@for_owner(Permission.EXECUTIONS_READ_RESULTS)
@require_GET
@freshly_signed_in
def own(request: OwnedRequest) -> HttpResponse:
    files = own_files(actor=request.actor)
    record_data_export(actor=request.actor, owner=request.owner, now=timezone.now())
    return zip_download(request, zipped(files), name="switchboard.zip")
