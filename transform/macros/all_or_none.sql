{# Each row has a value; or none has, where it takes a stream that was not loaded. #}
{% test all_or_none(model, column_name) %}
    select count(*) as rows_in_all, count({{ column_name }}) as rows_with_a_value
    from {{ model }}
    having count({{ column_name }}) not in (0, count(*))
{% endtest %}
