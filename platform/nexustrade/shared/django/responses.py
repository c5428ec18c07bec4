"""Problem documents as Django answers."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse

from shared.http.problems import CONTENT_TYPE


def problem_response(body: dict[str, Any]) -> JsonResponse:
    """The problem as an answer, with `Retry-After` where it says when to come back."""
    response = JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)
    if "retry_after" in body:
        response["Retry-After"] = str(body["retry_after"])
    return response
