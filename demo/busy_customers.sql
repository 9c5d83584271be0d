-- Which companies have the most open tasks, their contacts' and deals' included?
select organisation_name as company, open_tasks, overdue_tasks as overdue, open_value as open_deals
from insightly_marts.customer_360
where open_tasks > 0
order by open_tasks desc, company
limit 5
