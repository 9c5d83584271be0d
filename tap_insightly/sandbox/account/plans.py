"""What the plans leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_OUT: Mapping[str, Mapping[str, int]] = {
    "enterprise": {},
    # What a Professional plan answered (seen live).
    "professional": {
        **dict.fromkeys(
            (
                "/CommunityComments",
                "/CommunityForums",
                "/CommunityPosts",
                "/ForumCategories",
                "/KnowledgeArticle",
                "/KnowledgeArticleCategory",
                "/KnowledgeArticleFolder",
                "/Prospect",
                "/Ticket",
            ),
            403,
        ),
        **dict.fromkeys(
            (
                "/OpportunityLineItem",
                "/Pricebook",
                "/PricebookEntry",
                "/Product",
                "/Quotation",
                "/QuotationLineItem",
            ),
            404,
        ),
    },
}
"""By name of the plan: the status that an object answers with, by path."""
