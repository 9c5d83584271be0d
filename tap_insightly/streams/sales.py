"""Opportunities, their products and their pipelines."""

from __future__ import annotations

from singer_sdk import StreamSchema

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream


class OpportunitiesStream(SearchStream):
    """Deals."""

    name = "opportunities"
    path = "/Opportunities"
    primary_keys = ("OPPORTUNITY_ID",)
    schema = StreamSchema(OPENAPI, key="Opportunity")


class OpportunityCategoriesStream(ListStream):
    """Categories of opportunities."""

    name = "opportunity_categories"
    path = "/OpportunityCategories"
    primary_keys = ("CATEGORY_ID",)
    schema = StreamSchema(OPENAPI, key="Category")


class OpportunityStateReasonsStream(ListStream):
    """Reasons for which opportunities are won, lost and so on."""

    name = "opportunity_state_reasons"
    path = "/OpportunityStateReasons"
    primary_keys = ("STATE_REASON_ID",)
    schema = StreamSchema(OPENAPI, key="OpportunityStateReason")


class OpportunityProductsStream(SearchStream):
    """Products on opportunities."""

    name = "opportunity_products"
    path = "/OpportunityLineItem"
    primary_keys = ("OPPORTUNITY_ITEM_ID",)
    schema = StreamSchema(OPENAPI, key="OpportunityLineItem")


class PipelinesStream(ListStream):
    """Pipelines of opportunities and projects."""

    name = "pipelines"
    path = "/Pipelines"
    primary_keys = ("PIPELINE_ID",)
    schema = StreamSchema(OPENAPI, key="Pipeline")


class PipelineStagesStream(ListStream):
    """Stages of pipelines."""

    name = "pipeline_stages"
    path = "/PipelineStages"
    primary_keys = ("STAGE_ID",)
    schema = StreamSchema(OPENAPI, key="PipelineStage")


class ActivitySetsStream(ListStream):
    """Sets of activities that a pipeline stage can start."""

    name = "activity_sets"
    path = "/ActivitySets"
    primary_keys = ("ACTIVITYSET_ID",)
    schema = StreamSchema(OPENAPI, key="ActivitySet")
