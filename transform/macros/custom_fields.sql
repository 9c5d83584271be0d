{#
    The custom fields of a stream that are wanted, by name; see the variable insightly_custom_fields.

    Args:
        name: The name of the stream.
#}
{% macro custom_fields_of(name) %}
    {%- set fields = var("insightly_custom_fields").get(name) or [] -%}
    {%- for field in fields if not modules.re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", field) -%}
        {%- do exceptions.raise_compiler_error(
            "insightly_custom_fields: " ~ field ~ " is not the name of a custom field of " ~ name
            ~ ". Write it as Insightly does, such as Competitor__c."
        ) -%}
    {%- endfor -%}
    {{ return(fields) }}
{% endmacro %}

{#
    These custom fields as further columns of a select, each after a comma.

    Args:
        name: The name of the stream.
        table: What the select calls it.
#}
{% macro custom_fields(name, table="loaded") -%}
    {%- for field in insightly.custom_fields_of(name) %},
    {{ table }}.{{ field }}
    {%- endfor -%}
{%- endmacro %}
