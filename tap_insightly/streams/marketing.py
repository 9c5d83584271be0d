"""Prospects and their visits."""

from __future__ import annotations

from singer_sdk import StreamSchema

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream


class ProspectsStream(SearchStream):
    """People known to marketing."""

    name = "prospects"
    path = "/Prospect"
    primary_keys = ("PROSPECT_ID",)
    schema = StreamSchema(OPENAPI, key="Prospect")


class MarketingVisitsStream(ListStream):
    """Visits of prospects to the website."""

    name = "marketing_visits"
    path = "/MarketingVisits"
    primary_keys = ("VISIT_ID",)
    schema = StreamSchema(OPENAPI, key="MarketingVisit")
