"""Tickets, the knowledge base and the community."""

from __future__ import annotations

from singer_sdk import StreamSchema

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.search import SearchStream


class TicketsStream(SearchStream):
    """Requests for support."""

    name = "tickets"
    path = "/Ticket"
    primary_keys = ("TICKET_ID",)
    schema = StreamSchema(OPENAPI, key="Ticket")


class KnowledgeArticlesStream(SearchStream):
    """Articles of the knowledge base."""

    name = "knowledge_articles"
    path = "/KnowledgeArticle"
    primary_keys = ("ARTICLE_ID",)
    schema = StreamSchema(OPENAPI, key="KnowledgeArticle")


class KnowledgeArticleCategoriesStream(SearchStream):
    """Categories of the knowledge base."""

    name = "knowledge_article_categories"
    path = "/KnowledgeArticleCategory"
    primary_keys = ("CATEGORY_ID",)
    schema = StreamSchema(OPENAPI, key="KnowledgeArticleCategory")


class KnowledgeArticleFoldersStream(SearchStream):
    """Folders of the knowledge base."""

    name = "knowledge_article_folders"
    path = "/KnowledgeArticleFolder"
    primary_keys = ("FOLDER_ID",)
    schema = StreamSchema(OPENAPI, key="KnowledgeArticleFolder")


class CommunityForumsStream(SearchStream):
    """Forums of the community."""

    name = "community_forums"
    path = "/CommunityForums"
    primary_keys = ("FORUM_ID",)
    schema = StreamSchema(OPENAPI, key="SupportForum")


class CommunityPostsStream(SearchStream):
    """Posts in forums."""

    name = "community_posts"
    path = "/CommunityPosts"
    primary_keys = ("POST_ID",)
    schema = StreamSchema(OPENAPI, key="SupportForumPost")


class CommunityCommentsStream(SearchStream):
    """Comments on posts."""

    name = "community_comments"
    path = "/CommunityComments"
    primary_keys = ("COMMENT_ID",)
    schema = StreamSchema(OPENAPI, key="SupportForumComment")


class ForumCategoriesStream(SearchStream):
    """Categories of forums."""

    name = "forum_categories"
    path = "/ForumCategories"
    primary_keys = ("FORUM_CATEGORY_ID",)
    schema = StreamSchema(OPENAPI, key="SupportForumCategory")
