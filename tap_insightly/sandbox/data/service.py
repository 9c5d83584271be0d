"""Tickets, the knowledge base and the community."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.store import timestamp

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.maker import Maker


def fill(maker: Maker) -> None:
    """Make tickets, articles and forums.

    Args:
        maker: The maker.
    """
    for number in range(maker.share(0.15)):
        _ticket(maker, number)
    _articles(maker)
    _forums(maker)


def _ticket(maker: Maker, number: int) -> None:
    contact = maker.pick("/Contacts")
    status = maker.rng.choice(("OPEN", "WAITING", "SOLVED", "CLOSED"))
    maker.add(
        "/Ticket",
        ORGANISATION_ID=contact["ORGANISATION_ID"],
        CONTACT_ID=contact["CONTACT_ID"],
        TICKET_TYPE="Question",
        SUBJECT=maker.rng.choice(words.SUBJECTS),
        TICKET_STATUS=status,
        PRIORITY=maker.rng.choice(("LOW", "NORMAL", "HIGH")),
        TO_EMAIL_ADDRESS="support@sandbox.example",
        TICKET_NUMBER=str(1000 + number),
        SOURCE=maker.rng.choice(("EMAIL", "WEB")),
        DATE_SOLVED_UTC=timestamp(maker.moment(90)) if status in {"SOLVED", "CLOSED"} else None,
        DATE_CLOSED_UTC=timestamp(maker.moment(60)) if status == "CLOSED" else "",
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Ticket"),
        **maker.stamps(200),
    )


def _articles(maker: Maker) -> None:
    for name in ("Basics", "Technik", "Billing"):
        stamps = maker.stamps()
        del stamps["OWNER_USER_ID"]
        category = maker.add("/KnowledgeArticleCategory", CATEGORY_NAME=name, **stamps)
        folder = maker.add(
            "/KnowledgeArticleFolder",
            FOLDER_NAME=f"{name} A to Z",
            CATEGORY_ID=str(category["CATEGORY_ID"]),  # text here, a number there (spec)
            VISIBILITY="PUBLIC",
            ORDER_ARTICLES="MANUAL",
            **stamps,
        )
        for number, title in enumerate(words.ARTICLES, 1):
            maker.add(
                "/KnowledgeArticle",
                CATEGORY_ID=category["CATEGORY_ID"],
                FOLDER_ID=folder["FOLDER_ID"],
                ARTICLE_NO=number,
                ArticleVersion="1",
                Status="PUBLISHED",
                Language="en",
                Title=title,
                Body=f"<h1>{title}</h1><p>{maker.rng.choice(words.REMARKS)}</p>",
                URL_SLUG=f"{name.lower()}-{number}",
                UPVOTE_COUNT=maker.rng.randint(0, 40),
                DOWNVOTE_COUNT=maker.rng.randint(0, 4),
                PROMOTED=False,
                FIRST_PUBLISHED_DATE_UTC=timestamp(maker.moment(400, 100)),
                ExternalLinkCount="0",
                TAGS=maker.tags(1),
                CUSTOMFIELDS=maker.custom_values("/KnowledgeArticle"),
                **maker.stamps(),
            )


def _forums(maker: Maker) -> None:
    for name in ("Public", "Customers", "Partner"):
        maker.add("/ForumCategories", CATEGORY_NAME=name, **maker.stamps(owner=False))
    for name in words.FORUMS:
        stamps = maker.stamps()
        del stamps["OWNER_USER_ID"]
        forum = maker.add(
            "/CommunityForums",
            FORUM_CATEGORY_ID=maker.pick("/ForumCategories")["FORUM_CATEGORY_ID"],
            FORUM_NAME=name,
            FORUM_TYPE="QUESTIONS",
            VISIBILITY="EVERYONE",
            FORUM_ORDER="1",
            **stamps,
        )
        for _ in range(maker.share(0.01, 2)):
            _post(maker, forum["FORUM_ID"])


def _post(maker: Maker, forum_id: int) -> None:
    post = maker.add(
        "/CommunityPosts",
        FORUM_ID=forum_id,
        POST_NAME=maker.rng.choice(words.SUBJECTS),
        MESSAGE=f"<p>{maker.rng.choice(words.REMARKS)}</p>",
        PINNED=False,
        CLOSED=False,
        PENDING=False,
        SPAM=False,
        STATUS="NONE",
        COMMENT_COUNT="1",
        VIEW_COUNT=str(maker.rng.randint(1, 900)),
        CREATED_CONTACT_ID=maker.pick("/Contacts")["CONTACT_ID"],
        **maker.stamps(owner=False),
    )
    stamps = maker.stamps(owner=False)
    maker.add(
        "/CommunityComments",
        POST_ID=post["POST_ID"],
        FORUM_ID=forum_id,
        BODY=maker.rng.choice(words.REMARKS),
        ANSWER=maker.chance(0.5),
        SPAM=False,
        PENDING=False,
        OFFICIAL=False,
        UPVOTE_COUNT=str(maker.rng.randint(0, 9)),
        CREATED_CONTACT_ID=maker.pick("/Contacts")["CONTACT_ID"],
        DATE_EDITED_UTC=stamps["DATE_UPDATED_UTC"],
        **stamps,
    )
