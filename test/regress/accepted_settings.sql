-- Settings of other versions and other ways of execution are accepted; unknown names are not.
SET citus.enable_repartition_joins TO on;
SHOW citus.enable_repartition_joins;
SET citus.local_table_join_policy TO 'prefer-local';
SHOW citus.local_table_join_policy;
SET citus.count_distinct_error_rate TO 0.005;
SHOW citus.count_distinct_error_rate;
SET citus.task_executor_type TO 'adaptive';
SET citus.all_modifications_commutative TO on;
SHOW citus.local_shared_pool_size;
SET citus.limit_clause_row_fetch_count TO 10000;
\set VERBOSITY sqlstate
SET citus.local_table_join_policy TO 'sometimes';
SET citus.count_distinct_error_rate TO 2;
SET citus.no_such_setting TO 1;
ALTER ROLE postgres SET citus.no_such_setting TO 1;
