"""Products, prices and quotes."""

from __future__ import annotations

from singer_sdk import StreamSchema

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.base import ListStream
from tap_insightly.streams.search import SearchStream


class ProductsStream(SearchStream):
    """Products for sale."""

    name = "products"
    path = "/Product"
    primary_keys = ("PRODUCT_ID",)
    schema = StreamSchema(OPENAPI, key="Product")


class PricebooksStream(SearchStream):
    """Price lists."""

    name = "pricebooks"
    path = "/Pricebook"
    primary_keys = ("PRICEBOOK_ID",)
    schema = StreamSchema(OPENAPI, key="Pricebook")


class PricebookEntriesStream(SearchStream):
    """Prices of products in price lists."""

    name = "pricebook_entries"
    path = "/PricebookEntry"
    primary_keys = ("PRICEBOOK_ENTRY_ID",)
    schema = StreamSchema(OPENAPI, key="PricebookEntry")


class QuotesStream(SearchStream):
    """Quotes given for opportunities."""

    name = "quotes"
    path = "/Quotation"
    primary_keys = ("QUOTE_ID",)
    schema = StreamSchema(OPENAPI, key="Quotation")


class QuoteProductsStream(SearchStream):
    """Products on quotes."""

    name = "quote_products"
    path = "/QuotationLineItem"
    primary_keys = ("QUOTATION_ITEM_ID",)
    schema = StreamSchema(OPENAPI, key="QuotationLineItem")


class CurrenciesStream(ListStream):
    """Currencies as Insightly names them."""

    name = "currencies"
    path = "/Currencies"
    primary_keys = ("CURRENCY_CODE",)
    schema = StreamSchema(OPENAPI, key="Currency")
