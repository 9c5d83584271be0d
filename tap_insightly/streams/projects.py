"""Projects and milestones."""

from __future__ import annotations

from singer_sdk import StreamSchema

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream


class ProjectsStream(SearchStream):
    """Projects."""

    name = "projects"
    path = "/Projects"
    primary_keys = ("PROJECT_ID",)
    schema = StreamSchema(OPENAPI, key="Project")


class ProjectCategoriesStream(ListStream):
    """Categories of projects."""

    name = "project_categories"
    path = "/ProjectCategories"
    primary_keys = ("CATEGORY_ID",)
    schema = StreamSchema(OPENAPI, key="Category")


class MilestonesStream(SearchStream):
    """Milestones of projects."""

    name = "milestones"
    path = "/Milestones"
    primary_keys = ("MILESTONE_ID",)
    schema = StreamSchema(OPENAPI, key="Milestone")
