{# No two rows have the same values in all of these columns. #}
{% test unique_together(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as how_often
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1
{% endtest %}
