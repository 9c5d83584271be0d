"""Tasks, events, notes, emails."""

from __future__ import annotations

from singer_sdk import StreamSchema

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream


class TasksStream(SearchStream):
    """Tasks."""

    name = "tasks"
    path = "/Tasks"
    primary_keys = ("TASK_ID",)
    schema = StreamSchema(OPENAPI, key="Task")


class TaskCategoriesStream(ListStream):
    """Categories of tasks."""

    name = "task_categories"
    path = "/TaskCategories"
    primary_keys = ("CATEGORY_ID",)
    schema = StreamSchema(OPENAPI, key="Category")


class EventsStream(SearchStream):
    """Calendar events."""

    name = "events"
    path = "/Events"
    primary_keys = ("EVENT_ID",)
    schema = StreamSchema(OPENAPI, key="Event")


class NotesStream(SearchStream):
    """Notes on records."""

    name = "notes"
    path = "/Notes"
    primary_keys = ("NOTE_ID",)
    schema = StreamSchema(OPENAPI, key="Note")


class EmailsStream(SearchStream):
    """Emails linked to records."""

    name = "emails"
    path = "/Emails"
    primary_keys = ("EMAIL_ID",)
    schema = StreamSchema(OPENAPI, key="Email")


class FileCategoriesStream(ListStream):
    """Categories of files."""

    name = "file_categories"
    path = "/FileCategories"
    primary_keys = ("CATEGORY_ID",)
    schema = StreamSchema(OPENAPI, key="Category")
