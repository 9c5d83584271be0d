"""Tickets, the knowledge base and the community."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import day

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.life import Life
    from tap_insightly.sandbox.data.maker import Maker


def fill(maker: Maker) -> None:
    """Make tickets, articles and forums."""
    for number, life in enumerate(maker.lives(maker.share(0.15), 200)):
        _ticket(maker, life, number)
    for life, name in zip(maker.lives(3, 800), ("Basics", "Technik", "Billing"), strict=True):
        _articles(maker, life, name)
    for life, name in zip(maker.lives(3, 700), ("Public", "Customers", "Partner"), strict=True):
        maker.add("/ForumCategories", life, CATEGORY_NAME=name)
    for life, name in zip(maker.lives(3, 600), words.FORUMS, strict=True):
        _forum(maker, life, name)


def _ticket(maker: Maker, life: Life, number: int) -> None:
    contact = maker.pick("/Contacts", life)
    choices = ("SOLVED", "CLOSED", "CLOSED") if life.age > 30 else ("OPEN", "WAITING", "SOLVED")
    status = maker.rng.choice(choices)
    solved = life.later(20) if status in {"SOLVED", "CLOSED"} else None
    closed = life.touch(solved + timedelta(days=3)) if status == "CLOSED" and solved else None
    maker.add(
        "/Ticket",
        life,
        ORGANISATION_ID=contact["ORGANISATION_ID"],
        CONTACT_ID=contact["CONTACT_ID"],
        TICKET_TYPE=maker.rng.choice(("Question", "Incident", "Complaint")),
        SUBJECT=maker.rng.choice(words.SUBJECTS),
        TICKET_STATUS=status,
        PRIORITY=maker.rng.choice(("LOW", "NORMAL", "HIGH")),
        TO_EMAIL_ADDRESS="support@sandbox.example",
        TICKET_NUMBER=str(1000 + number),
        SOURCE=maker.rng.choice(("EMAIL", "WEB")),
        DATE_SOLVED_UTC=timestamp(solved) if solved else None,
        DATE_CLOSED_UTC=timestamp(closed) if closed else "",
        TicketCommentBodyHtml=maker.maybe(f"<p>{maker.remark()}</p>", 0.4),
        TAGS=maker.tags(),
    )


def _articles(maker: Maker, life: Life, name: str) -> None:
    category = maker.add(
        "/KnowledgeArticleCategory", life, CATEGORY_NAME=name, DESCRIPTION=f"All about {name}."
    )
    folder = maker.add(
        "/KnowledgeArticleFolder",
        life.child(1),
        FOLDER_NAME=f"{name} A to Z",
        CATEGORY_ID=str(category["CATEGORY_ID"]),  # text here, a number there (spec)
        VISIBILITY="PUBLIC",
        ORDER_ARTICLES="MANUAL",
    )
    for number, title in enumerate(words.ARTICLES, 1):
        own = life.child(60)
        published = own.later(30)
        maker.add(
            "/KnowledgeArticle",
            own,
            CATEGORY_ID=category["CATEGORY_ID"],
            FOLDER_ID=folder["FOLDER_ID"],
            ARTICLE_NO=number,
            ArticleVersion="1",
            Status="PUBLISHED",
            Language="en",
            Title=title,
            Body=f"<h1>{title}</h1><p>{maker.remark()}</p>",
            URL_SLUG=f"{name.lower()}-{number}",
            UPVOTE_COUNT=maker.rng.randint(0, 40),
            DOWNVOTE_COUNT=maker.rng.randint(0, 4),
            PROMOTED=False,
            FIRST_PUBLISHED_DATE_UTC=timestamp(published),
            LAST_PUBLISHED_DATE_UTC=timestamp(max(published, own.updated)),
            ARCHIVED_DATE_UTC=maker.maybe(day(own.updated), 0.2),
            ExternalLinkCount="0",
            TAGS=maker.tags(1),
        )


def _forum(maker: Maker, life: Life, name: str) -> None:
    forum = maker.add(
        "/CommunityForums",
        life,
        FORUM_CATEGORY_ID=maker.pick("/ForumCategories")["FORUM_CATEGORY_ID"],
        FORUM_NAME=name,
        DESCRIPTION=f"{name}, in any language.",
        FORUM_TYPE="QUESTIONS",
        VISIBILITY="EVERYONE",
        FORUM_ORDER="1",
    )
    for _ in range(maker.share(0.01, 2)):
        _post(maker, life.child(600), forum["FORUM_ID"])


def _post(maker: Maker, life: Life, forum_id: int) -> None:
    comment = life.child(14)
    author, other = (maker.pick("/Contacts", one)["CONTACT_ID"] for one in (life, comment))
    is_edited = maker.chance(0.3)
    post = maker.add(
        "/CommunityPosts",
        life,
        FORUM_ID=forum_id,
        POST_NAME=maker.rng.choice(words.SUBJECTS),
        MESSAGE=f"<p>{maker.remark()}</p>",
        PINNED=False,
        FEATURED=maker.chance(0.05),
        CLOSED=False,
        PENDING=False,
        SPAM=False,
        STATUS="NONE",
        COMMENT_COUNT="1",
        VIEW_COUNT=str(maker.rng.randint(1, 900)),
        FOLLOWER_COUNT=str(maker.rng.randint(0, 9)),
        UPVOTE_COUNT=str(maker.rng.randint(0, 30)),
        DOWNVOTE_COUNT="0",
        TICKET_ID=maker.maybe(str(maker.pick("/Ticket")["TICKET_ID"]), 0.1),
        CREATED_CONTACT_ID=author,
        EDITED_CONTACT_ID=author if is_edited else None,
        DATE_EDITED_UTC=timestamp(life.later(5)) if is_edited else None,
    )
    edited = comment.later(2)
    maker.add(
        "/CommunityComments",
        comment,
        POST_ID=post["POST_ID"],
        FORUM_ID=forum_id,
        BODY=maker.remark(),
        ANSWER=maker.chance(0.5),
        SPAM=False,
        PENDING=False,
        OFFICIAL=False,
        UPVOTE_COUNT=str(maker.rng.randint(0, 9)),
        DOWNVOTE_COUNT="0",
        CREATED_CONTACT_ID=other,
        EDITED_CONTACT_ID=other,
        DATE_EDITED_UTC=timestamp(edited),
    )
